import { defineSink } from '../contract.ts';
import { postOneByOne, webhookSettings } from './chat.ts';

const COLORS = { info: 0x4b7bec, warning: 0xf7b731, error: 0xd63031 } as const;
/** Limits of an embed: title, fields, and the value of a field. */
const [MAX_TITLE, MAX_FIELDS, MAX_VALUE] = [256, 25, 1_024];

/** "Execute Webhook" with an embed; nobody is mentioned, whatever an event has in it. */
export const discord = defineSink({
  kind: 'discord',
  title: 'Discord',
  summary: 'A message in a channel for each event.',
  repeats: 'It stands there twice: Discord does not know that it is the same.',
  settings: webhookSettings,
  secrets: ['url'],
  batch: 10,
  open: async ({ url }, surroundings) =>
    postOneByOne(surroundings, {
      url: waiting(url),
      bodyOf: ({ headline, facts, severity }, { event }) => ({
        embeds: [
          {
            title: headline.slice(0, MAX_TITLE),
            color: COLORS[severity],
            timestamp: event.timestamp,
            fields: facts
              .slice(0, MAX_FIELDS)
              .map(([name, value]) => ({ name, value: value.slice(0, MAX_VALUE), inline: true })),
          },
        ],
      }),
      wrap: (body) => ({
        ...('text' in body && !('content' in body) ? { content: body.text } : body),
        allowed_mentions: { parse: [] },
      }),
    }),
});

/** With `wait` the answer comes when the message is there. */
function waiting(url: string): string {
  const whole = new URL(url);
  whole.searchParams.set('wait', 'true');
  return whole.href;
}
