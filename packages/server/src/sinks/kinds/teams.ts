import { defineSink } from '../contract.ts';
import { postOneByOne, webhookSettings } from './chat.ts';

const COLORS = { info: 'default', warning: 'warning', error: 'attention' } as const;

/** "When a Teams webhook request is received" of Workflows, with an Adaptive Card. */
export const teams = defineSink({
  kind: 'teams',
  title: 'Microsoft Teams',
  summary: 'An Adaptive Card in a channel or chat for each event, by a workflow.',
  repeats: 'It stands there twice: Teams does not know that it is the same.',
  settings: webhookSettings,
  secrets: ['url'],
  batch: 10,
  open: async ({ url }, surroundings) =>
    postOneByOne(surroundings, {
      url,
      bodyOf: ({ headline, facts, severity }) => ({
        type: 'AdaptiveCard',
        $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
        version: '1.4',
        body: [
          {
            type: 'TextBlock',
            text: headline,
            wrap: true,
            weight: 'bolder',
            color: COLORS[severity],
          },
          { type: 'FactSet', facts: facts.map(([title, value]) => ({ title, value })) },
        ],
      }),
      // A transformation makes the card, or a text.
      wrap: (card) => ({
        type: 'message',
        attachments: [
          {
            contentType: 'application/vnd.microsoft.card.adaptive',
            content: 'text' in card && !('type' in card) ? textCard(card.text) : card,
          },
        ],
      }),
    }),
});

function textCard(text: unknown): object {
  return {
    type: 'AdaptiveCard',
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    version: '1.4',
    body: [{ type: 'TextBlock', text: String(text), wrap: true }],
  };
}
