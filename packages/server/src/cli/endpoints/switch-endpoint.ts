import { defineCommand, type ServerCommandSpec } from '../program/command-spec.ts';
import { type EndpointView, endpointPath, renderEndpoint } from './endpoint-view.ts';

const define = (verb: string, status: string, summary: string): ServerCommandSpec =>
  defineCommand<object>({
    name: `endpoints ${verb}`,
    summary,
    args: ['<id>'],
    json: 'the endpoint as JSON',
    examples: [`posthorn endpoints ${verb} orders`],
    async run({ args: [id], client, print }) {
      const changed = await client.patch<EndpointView>(endpointPath(id), { status });
      print.thing(changed, () => renderEndpoint(changed));
      return 0;
    },
  });

export const enableEndpoint = define(
  'enable',
  'enabled',
  'Post to an endpoint again; "posthorn replay" sends what it missed.',
);
export const disableEndpoint = define(
  'disable',
  'disabled',
  'Post nothing to an endpoint; what it misses is kept as skipped.',
);
