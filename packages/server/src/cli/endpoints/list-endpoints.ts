import { type PageOptions, pageOptions, printList } from '../client/list-pages.ts';
import { defineCommand } from '../program/command-spec.ts';
import { ENDPOINT_COLUMNS, type EndpointView } from './endpoint-view.ts';

export const listEndpoints = defineCommand<PageOptions>({
  name: 'endpoints list',
  summary: 'List the endpoints that events are posted to.',
  options: pageOptions(),
  examples: ['posthorn endpoints list', "posthorn endpoints list --all --json | jq -r '.url'"],
  run: (call) =>
    printList<EndpointView>(call, '/v1/endpoints', {
      columns: ENDPOINT_COLUMNS,
      empty: 'There is no endpoint yet. "posthorn endpoints create URL" makes one.',
    }),
});
