import { defineCommand, repeated } from '../program/command-spec.ts';
import { given } from '../program/values.ts';
import { type Accepted, describeAccepted } from './describe-accepted.ts';

export const resendMessage = defineCommand<{ to: string[] }>({
  name: 'messages resend',
  summary: 'Send a message once more, as a new one with the same content.',
  args: ['<id>'],
  options: [repeated('--to <address>', 'who gets it (default: everybody of the first time)')],
  json: "the server's answer as JSON",
  examples: ['posthorn messages resend msg_... --to you@example.com'],
  async run({ args: [id = ''], client, options, print }) {
    const path = `/v1/messages/${encodeURIComponent(id)}/resend`;
    const accepted = await client.post<Accepted>(path, given({ to: options.to }));
    print.thing(accepted, () => describeAccepted(accepted));
    return 0;
  },
});
