import { z } from 'zod';
import { HOLD_REASONS } from '../../../core/mail/hold-rules.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import type { HeldRecord } from '../../../store/mail/held-messages.ts';
import { timestampSchema } from '../schemas.ts';

const reasonSchema = z
  .enum(HOLD_REASONS)
  .describe('key: it came with a key of the mode hold. rule, limit: of its project.');
const ruleSchema = z.string().nullable().describe('The name of the rule, where one held it.');

/** In the answer to who sends. */
export const holdSchema = z
  .object({ reason: reasonSchema, rule: ruleSchema })
  .nullable()
  .describe('Why it waits for somebody to let it go; null: it is on its way.');

export const heldSchema = z
  .object({
    reason: reasonSchema,
    rule: ruleSchema,
    held_at: timestampSchema,
    expires_at: timestampSchema.describe('Then it is dropped.'),
  })
  .nullable()
  .describe('While it waits for somebody to let it go.');

export function toHeldJson(held: HeldRecord | null) {
  if (held === null) return null;
  return {
    reason: held.reason,
    rule: held.rule,
    held_at: toTimestamp(held.heldAtMs),
    expires_at: toTimestamp(held.expiresAtMs),
  };
}
