import { ConfigError } from '../../config.ts';
import { defineCommand, option } from '../program/command-spec.ts';
import { given } from '../program/values.ts';
import {
  type EndpointFieldOptions,
  endpointFieldOptions,
  readEndpointFields,
} from './endpoint-field-options.ts';
import { type EndpointView, endpointPath, renderEndpoint } from './endpoint-view.ts';

interface Options extends EndpointFieldOptions {
  to?: string;
}

export const updateEndpoint = defineCommand<Options>({
  name: 'endpoints update',
  summary: 'Change an endpoint; what is not named stays as it is.',
  args: ['<id>'],
  options: [option('--to <url>', 'the new URL'), ...endpointFieldOptions()],
  json: 'the endpoint as JSON',
  examples: [
    'posthorn endpoints update orders --type email.bounced --rate-limit 20',
    `echo '{"retry_ladder": ["5s", "1m"]}' | posthorn endpoints update orders --fields -`,
  ],
  async run(call) {
    const { client, options, print } = call;
    const body = { ...(await readEndpointFields(call)), ...given({ url: options.to }) };
    if (Object.keys(body).length === 0) {
      throw new ConfigError('Nothing to change: give --to, --type, --fields or another option.');
    }
    const changed = await client.patch<EndpointView>(endpointPath(call.args[0]), body);
    print.thing(changed, () => renderEndpoint(changed));
    return 0;
  },
});
