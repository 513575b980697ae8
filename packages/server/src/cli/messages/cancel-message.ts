import { plain } from '../output/columns.ts';
import { defineCommand } from '../program/command-spec.ts';

interface Canceled {
  recipients: { address: string; outcome: string }[];
}

export const cancelMessage = defineCommand<object>({
  name: 'messages cancel',
  summary: 'Do not send a message, or stop trying.',
  args: ['<id>'],
  json: "the server's answer as JSON",
  examples: ['posthorn messages cancel msg_01M7ZNQR13AAW614AN6HHMJV5M'],
  async run({ args: [id = ''], client, print }) {
    const path = `/v1/messages/${encodeURIComponent(id)}/cancel`;
    const answer = await client.post<Canceled>(path, undefined);
    print.thing(answer, () =>
      answer.recipients.map(({ address, outcome }) => `${plain(address)}: ${outcome}`),
    );
    return 0;
  },
});
