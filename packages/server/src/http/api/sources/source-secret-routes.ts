import { z } from 'zod';
import {
  type ExpiringText,
  livingTexts,
  MAX_SOURCE_SECRETS,
  rotateTexts,
  type SourceRecord,
  type SourceSecrets,
} from '../../../core/source.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { PosthornError } from '../../../lib/errors.ts';
import { checkVersion } from '../../entity-tag.ts';
import { defineRoute, type Route } from '../../route.ts';
import { timestampSchema } from '../schemas.ts';
import { checkSecret } from './apply-source-fields.ts';
import { makeToken, type SourceAccess } from './source-access.ts';
import { DEFAULT_OVERLAP_MS, overlapField, secretField, sourceParam } from './source-fields.ts';
import { timeOrNull, urlShape } from './source-json.ts';

const lifeShape = {
  created_at: timestampSchema,
  expires_at: timestampSchema.nullable().describe('When it stops to count; null: it stays.'),
};

const secretsSchema = z.object({
  source_id: z.string(),
  ...urlShape,
  urls: z.array(z.object({ ...urlShape, ...lifeShape })).describe('All that count.'),
  secrets: z.array(z.object(lifeShape)).describe('All that count; what they are is not shown.'),
  version: z.int(),
});

/** The URL of a source and what its webhooks are signed with, and how both are replaced. */
export function createSourceSecretRoutes(deps: {
  access: SourceAccess;
  now: () => number;
}): Route[] {
  const { access, now } = deps;

  function toJson(
    record: Pick<SourceRecord, 'id' | 'version'>,
    secrets: SourceSecrets,
    nowMs: number,
  ): z.input<typeof secretsSchema> {
    const tokens = livingTexts(secrets.tokens, nowMs);
    return {
      source_id: record.id,
      ...access.urlOf(tokens[0]?.text ?? ''),
      urls: tokens.map((one) => ({ ...access.urlOf(one.text), ...toLifeJson(one) })),
      secrets: livingTexts(secrets.secrets, nowMs).map(toLifeJson),
      version: record.version,
    };
  }

  const shared = {
    auth: 'manage',
    group: 'Sources',
    params: sourceParam,
    versioned: true,
  } as const;
  const responses = { 200: { description: 'What counts now.', schema: secretsSchema } };

  return [
    defineRoute({
      ...shared,
      method: 'GET',
      path: '/v1/sources/{id}/secret',
      summary: 'The URL of a source, and which secrets count',
      responses,
      async handle({ projectId, params }) {
        const { record, secrets } = access.find(projectId, params.id);
        return { status: 200, body: toJson(record, secrets, now()) };
      },
    }),
    defineRoute({
      ...shared,
      method: 'POST',
      path: '/v1/sources/{id}/secret/rotate',
      summary: 'Replace what the provider signs with',
      description:
        'Give the new secret first, then change it at the provider: both count until the overlap is over. One that counts already becomes the current one.',
      body: z.strictObject({ secret: secretField, overlap: overlapField }),
      responses,
      async handle({ projectId, params, body, ifMatch, remember }) {
        const { record: before, secrets: kept } = access.find(projectId, params.id);
        checkVersion(ifMatch, before.version);
        checkSecret(before.provider, body.secret, '/secret');
        const nowMs = now();
        const overlapMs = body.overlap ?? DEFAULT_OVERLAP_MS;
        const secrets = rotateTexts(kept.secrets, body.secret, { overlapMs, nowMs });
        checkCount(secrets, 'secrets');
        const changed = { ...before, version: before.version + 1, updatedAtMs: nowMs };
        const all = { ...kept, secrets };
        const answer = { status: 200, body: toJson(changed, all, nowMs) };
        await access.save(before, changed, { secrets: all, ifMatch, beside: remember(answer) });
        return answer;
      },
    }),
    defineRoute({
      ...shared,
      method: 'POST',
      path: '/v1/sources/{id}/url/rotate',
      summary: 'Replace the URL of a source',
      description: 'The old URL works until the overlap is over.',
      body: z.strictObject({ overlap: overlapField }).prefault({}),
      responses,
      async handle({ projectId, params, body, ifMatch, remember }) {
        const { record: before, secrets: kept } = access.find(projectId, params.id);
        checkVersion(ifMatch, before.version);
        const nowMs = now();
        const overlapMs = body.overlap ?? DEFAULT_OVERLAP_MS;
        const tokens = rotateTexts(kept.tokens, makeToken(), { overlapMs, nowMs });
        checkCount(tokens, 'URLs');
        const changed = { ...before, version: before.version + 1, updatedAtMs: nowMs };
        const all = { ...kept, tokens };
        const answer = { status: 200, body: toJson(changed, all, nowMs) };
        await access.save(before, changed, { secrets: all, ifMatch, beside: remember(answer) });
        return answer;
      },
    }),
  ];
}

function checkCount(texts: readonly ExpiringText[], what: string): void {
  if (texts.length <= MAX_SOURCE_SECRETS) return;
  throw new PosthornError(
    'conflict',
    `${MAX_SOURCE_SECRETS} ${what} count at once at most. Wait until an old one has expired, or rotate with "overlap": "0s", which ends all of them.`,
  );
}

function toLifeJson({ createdAtMs, expiresAtMs }: ExpiringText) {
  return { created_at: toTimestamp(createdAtMs), expires_at: timeOrNull(expiresAtMs) };
}
