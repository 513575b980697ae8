import { z } from 'zod';
import { KEY_MODES } from '../../../core/key-mode.ts';
import { explainUnknownScope, SCOPE_DESCRIPTIONS, SCOPES } from '../../../core/scopes.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import type { ApiKeyRecord } from '../../../store/access/api-keys.ts';
import { lineOf, nextCursorSchema, timestampSchema } from '../schemas.ts';

const scopesSchema = z
  .array(z.enum(SCOPES, { error: ({ input }) => explainUnknownScope(input) }))
  .describe(SCOPES.map((scope) => `${scope}: ${SCOPE_DESCRIPTIONS[scope]}`).join('; '));

const modeSchema = z
  .enum(KEY_MODES)
  .describe(
    'What becomes of messages that are sent with it. live: they are sent; hold: each waits until somebody lets it go; sandbox: what happens to it is made up, and nothing is sent.',
  );

export const newKeyBody = z.strictObject({
  name: lineOf(100).min(1).describe('For people: who has the key, or what for.'),
  scopes: scopesSchema
    .min(1, 'Name at least one scope.')
    .transform((scopes) => SCOPES.filter((scope) => scopes.includes(scope))),
  mode: modeSchema.default('live'),
  expires_at: timestampSchema
    .nullish()
    .describe('From then on the key is refused. Without it, the key stays.'),
});

export type NewKeyBody = z.output<typeof newKeyBody>;

export const keySchema = z.object({
  id: z.string(),
  name: z.string(),
  hint: z.string().describe('The last characters of the key.'),
  scopes: scopesSchema,
  mode: modeSchema,
  created_at: timestampSchema,
  expires_at: timestampSchema.nullable(),
  last_used_at: timestampSchema.nullable().describe('Up to a minute late.'),
});

export const newKeySchema = keySchema.extend({
  key: z.string().describe('The key itself. It is shown this once.'),
});

export const keyList = z.object({ data: z.array(keySchema), next_cursor: nextCursorSchema });

export function toKeyJson(key: ApiKeyRecord) {
  return {
    id: key.id,
    name: key.name,
    hint: key.hint,
    scopes: [...key.scopes],
    mode: key.mode,
    created_at: toTimestamp(key.createdAtMs),
    expires_at: key.expiresAtMs === null ? null : toTimestamp(key.expiresAtMs),
    last_used_at: key.lastUsedAtMs === null ? null : toTimestamp(key.lastUsedAtMs),
  };
}
