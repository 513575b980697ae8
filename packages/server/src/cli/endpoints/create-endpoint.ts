import { defineCommand, option } from '../program/command-spec.ts';
import { given } from '../program/values.ts';
import {
  type EndpointFieldOptions,
  endpointFieldOptions,
  readEndpointFields,
} from './endpoint-field-options.ts';
import { type EndpointView, renderEndpoint, renderSecret } from './endpoint-view.ts';

interface Options extends EndpointFieldOptions {
  signature?: string;
}

export const createEndpoint = defineCommand<Options>({
  name: 'endpoints create',
  summary: 'Create an endpoint, and show the secret that it verifies with.',
  args: ['<url>'],
  options: [
    ...endpointFieldOptions(),
    option('--signature <kind>', 'v1 (HMAC), or v1a (Ed25519), where the dialect leaves a choice'),
  ],
  json: "the server's answer as JSON, with the secret",
  examples: [
    'posthorn endpoints create https://app.example.com/hook',
    'posthorn endpoints create https://app.example.com/hook --type email.bounced,email.complained --uid orders',
  ],
  async run(call) {
    const { client, options, print } = call;
    const body = { url: call.args[0], ...(await readEndpointFields(call)) };
    const created = await client.post<EndpointView & { secret: string | null }>('/v1/endpoints', {
      ...body,
      ...given({ signature: options.signature }),
    });
    print.thing(created, () => [
      ...renderEndpoint(created),
      ...renderSecret(created.secret),
      `Try it: posthorn endpoints test ${created.uid ?? created.id}`,
    ]);
    return 0;
  },
});
