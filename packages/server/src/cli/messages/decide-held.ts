import { plain } from '../output/columns.ts';
import { defineCommand, type ServerCommandSpec } from '../program/command-spec.ts';

interface Decided {
  recipients: { address: string; outcome: string }[];
}

/** `messages release` and `messages drop`: what a person does with a message that is held. */
function decide(verb: 'release' | 'drop', summary: string): ServerCommandSpec {
  return defineCommand<object>({
    name: `messages ${verb}`,
    summary,
    args: ['<id>'],
    json: "the server's answer as JSON",
    examples: [`posthorn messages ${verb} msg_01M7ZNQR13AAW614AN6HHMJV5M`],
    async run({ args: [id = ''], client, print }) {
      const path = `/v1/messages/${encodeURIComponent(id)}/${verb}`;
      const answer = await client.post<Decided>(path, undefined);
      print.thing(answer, () =>
        answer.recipients.map(({ address, outcome }) => `${plain(address)}: ${outcome}`),
      );
      return 0;
    },
  });
}

export const releaseMessage = decide('release', 'Let a message go that is held for review.');
export const dropMessage = decide('drop', 'Never send a message that is held for review.');
