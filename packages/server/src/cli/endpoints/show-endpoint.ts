import { defineCommand } from '../program/command-spec.ts';
import { type EndpointView, endpointPath, renderEndpoint } from './endpoint-view.ts';

export const showEndpoint = defineCommand<object>({
  name: 'endpoints show',
  summary: 'Show an endpoint and how it is.',
  args: ['<id>'],
  json: 'with all of its settings, as JSON',
  examples: ['posthorn endpoints show orders'],
  async run({ args: [id], client, print }) {
    const endpoint = await client.get<EndpointView>(endpointPath(id));
    print.thing(endpoint, () => renderEndpoint(endpoint));
    return 0;
  },
});
