import { z } from 'zod';
import { defineSink } from '../contract.ts';
import { postOneByOne } from './chat.ts';
import { dedupKeyOf } from './pagerduty.ts';

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
/** A message may be this long. */
const MAX_MESSAGE = 130;

/** The Alert API. Atlassian ends Opsgenie on 5 April 2027. */
export const opsgenie = defineSink<z.output<typeof settings>>({
  kind: 'opsgenie',
  title: 'Opsgenie',
  summary: 'An alert for each event.',
  repeats: 'It is the same alert: alias is the object that failed, or the id of the event.',
  settings,
  secrets: ['api_key'],
  batch: 10,
  open: async ({ api_key, region, url }, surroundings) =>
    postOneByOne(surroundings, {
      url: `${url ?? HOSTS[region]}/v2/alerts`,
      headers: { authorization: `GenieKey ${api_key}` },
      bodyOf: ({ headline, facts, severity }, { event }) => ({
        message: headline.slice(0, MAX_MESSAGE),
        alias: dedupKeyOf(event),
        description: facts.map(([name, value]) => `${name}: ${value}`).join('\n'),
        details: Object.fromEntries(facts),
        source: 'Posthorn',
        tags: [event.type],
        priority: PRIORITIES[severity],
      }),
      wrap: (body) =>
        'text' in body && !('message' in body)
          ? { message: String(body.text).slice(0, MAX_MESSAGE) }
          : body,
    }),
});
