import { defineSink } from '../contract.ts';
import { postOneByOne, webhookSettings } from './chat.ts';

/** Incoming webhooks with Block Kit (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). */
export const slack = defineSink({
  kind: 'slack',
  title: 'Slack',
  summary: 'A message in a channel for each event.',
  repeats: 'It stands there twice: Slack does not know that it is the same.',
  settings: webhookSettings,
  secrets: ['url'],
  batch: 10,
  open: async ({ url }, surroundings) =>
    postOneByOne(surroundings, {
      url,
      bodyOf: ({ headline, facts }) => ({
        text: toMrkdwn(headline),
        blocks: [
          { type: 'section', text: { type: 'mrkdwn', text: `*${toMrkdwn(headline)}*` } },
          {
            type: 'context',
            elements: facts
              .slice(0, 10)
              .map(([name, value]) => ({ type: 'mrkdwn', text: `*${name}* ${toMrkdwn(value)}` })),
          },
        ],
      }),
    }),
});

/** The three characters that mean something in Slack's mrkdwn everywhere. */
function toMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
