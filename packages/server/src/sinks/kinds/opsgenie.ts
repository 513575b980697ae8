import { z } from 'zod';
import { defineSink } from '../contract.ts';
import { checkAnswer } from '../dialing/http-answer.ts';
import { postOneByOne } from './chat.ts';
import { dedupKeyOf, isOver } from './pagerduty.ts';

const HOSTS = { us: 'https://api.opsgenie.com', eu: 'https://api.eu.opsgenie.com' } as const;

const settings = z.strictObject({
  api_key: z
    .string()
    .min(1, 'The key is empty.')
    .max(200)
    .describe('The key of an API integration. Kept sealed and never shown.'),
  region: z.enum(['us', 'eu']).default('us').describe('Where the account is.'),
  url: z
    .string()
    .refine((text) => URL.canParse(text), 'Write a whole URL.')
    .optional()
    .describe('In place of the region, for what speaks the same API.'),
});

const PRIORITIES = { info: 'P5', warning: 'P3', error: 'P2' } as const;
const SOURCE = 'Posthorn';
/** A message may be this long. */
const MAX_MESSAGE = 130;

/** The Alert API (docs.opsgenie.com/docs/alert-api). Atlassian ends Opsgenie on 5 April 2027. */
export const opsgenie = defineSink<z.output<typeof settings>>({
  kind: 'opsgenie',
  title: 'Opsgenie',
  summary: 'An alert for each event; what recovers closes what was failing.',
  repeats: 'It is the same alert: alias is the object that failed, or the id of the event.',
  settings,
  secrets: ['api_key'],
  batch: 10,
  open: async ({ api_key, region, url }, surroundings) => {
    const alerts = `${url ?? HOSTS[region]}/v2/alerts`;
    return postOneByOne(surroundings, {
      url: ({ event }) =>
        isOver(event)
          ? `${alerts}/${encodeURIComponent(dedupKeyOf(event))}/close?identifierType=alias`
          : alerts,
      headers: { authorization: `GenieKey ${api_key}` },
      bodyOf: ({ headline, facts, severity }, { event }) =>
        isOver(event)
          ? { note: headline, source: SOURCE }
          : {
              message: headline.slice(0, MAX_MESSAGE),
              description: facts.map(([name, value]) => `${name}: ${value}`).join('\n'),
              details: Object.fromEntries(facts),
              source: SOURCE,
              tags: [event.type],
              priority: PRIORITIES[severity],
            },
      wrap: (body, { event }) => {
        if (isOver(event)) return body;
        const alert =
          'text' in body && !('message' in body)
            ? { message: String(body.text).slice(0, MAX_MESSAGE) }
            : body;
        return { alias: dedupKeyOf(event), ...alert };
      },
      check: (answer, { event }) => {
        // Closed by hand, or never opened: there is nothing left to do.
        if (!(isOver(event) && answer.status === 404)) checkAnswer(answer);
      },
    });
  },
});
