import { z } from 'zod';
import { createContentFilterSchema } from '../../../core/events/content-filter-fields.ts';
import { parseContentFilter } from '../../../core/events/parse-content-filter.ts';
import type { HoldRule } from '../../../core/mail/hold-rules.ts';
import { refuseField } from '../filters.ts';
import { lineOf } from '../schemas.ts';

/** All of a project's rules are asked about each of its messages. */
const MAX_RULES = 50;
const MAX_HEADERS = 20;
const MAX_VALUES = 100;

/** What a filter can ask of an event, and not of a message that nobody has sent yet. */
const NOT_OF_MESSAGES = [
  ...['bounce_type', 'bounce_category', 'bounce_scope', 'enhanced_code', 'engagement'],
  ...['provider', 'source', 'test'],
];

const ruleSchema = z
  .strictObject({
    name: lineOf(100).min(1).describe('For people: events and lists name it.'),
    filter: z
      .unknown()
      .meta(createContentFilterSchema(NOT_OF_MESSAGES))
      .optional()
      .describe('As of endpoints. One recipient that meets it is enough.'),
    headers: z
      .record(
        z.string().regex(/^[!-9;-~]{1,100}$/, 'The name of a header, without a colon.'),
        z.array(lineOf(500).min(1)).min(1).max(MAX_VALUES),
      )
      .refine(
        (given) => Object.keys(given).length <= MAX_HEADERS,
        `At most ${MAX_HEADERS} headers.`,
      )
      .optional()
      .describe('Names with the values that count: * is any, spring* what begins so.'),
    larger_than: z.int().min(0).optional().describe('Messages of more bytes.'),
    spam_flagged: z
      .literal(true)
      .optional()
      .describe('X-Spam-Flag, X-Spam-Status or X-Spam says yes: a spam filter marked it.'),
  })
  .refine(
    ({ name: _, ...conditions }) => Object.values(conditions).some((one) => one !== undefined),
    'A rule needs a condition: filter, headers, larger_than or spam_flagged.',
  );

export const holdRulesSchema = z
  .array(ruleSchema)
  .max(MAX_RULES, `At most ${MAX_RULES} rules.`)
  .refine(
    (rules) => new Set(rules.map(({ name }) => name)).size === rules.length,
    'Each rule has a name of its own.',
  )
  .describe(
    'Messages that meet all conditions of one of them are held until somebody lets them go.',
  );

type HoldRulesBody = z.output<typeof holdRulesSchema>;

/** Throws `invalid_field` with a pointer to what is wrong with a filter. */
export function readHoldRules(given: HoldRulesBody): HoldRule[] {
  return given.map(({ name, filter, headers, larger_than, spam_flagged }, i) => ({
    name,
    ...(filter === undefined
      ? {}
      : { filter: readFilter(filter, `/sending/hold_rules/${i}/filter`) }),
    ...(headers === undefined ? {} : { headers }),
    ...(larger_than === undefined ? {} : { largerThanBytes: larger_than }),
    ...(spam_flagged === undefined ? {} : { spamFlagged: spam_flagged }),
  }));
}

function readFilter(given: unknown, pointer: string) {
  const filter = parseContentFilter(given, pointer);
  for (const [where, conditions] of [['', filter] as const, ['/not', filter.not ?? {}] as const]) {
    const wrong = Object.keys(conditions).find((name) => NOT_OF_MESSAGES.includes(name));
    if (wrong === undefined) continue;
    const detail = `A rule is asked before the message is sent, when nothing is known of ${wrong}.`;
    refuseField(`${pointer}${where}/${wrong}`, detail);
  }
  return filter;
}

export function toHoldRulesJson(rules: readonly HoldRule[]) {
  return rules.map(({ name, filter, headers, largerThanBytes, spamFlagged }) => ({
    name,
    ...(filter === undefined ? {} : { filter }),
    ...(headers === undefined ? {} : { headers }),
    ...(largerThanBytes === undefined ? {} : { larger_than: largerThanBytes }),
    ...(spamFlagged === undefined ? {} : { spam_flagged: spamFlagged }),
  }));
}
