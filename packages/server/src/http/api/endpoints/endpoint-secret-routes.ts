import { publicKeyOf } from '@posthorn/sdk';
import { z } from 'zod';
import {
  type EndpointSecrets,
  SIGNATURE_KINDS,
  type SigningKeyRecord,
} from '../../../core/endpoint-settings.ts';
import type { Ids } from '../../../core/ids.ts';
import {
  DEFAULT_OVERLAP_MS,
  livingKeys,
  MAX_OLD_KEYS,
  MAX_OVERLAP_MS,
  rotateKeys,
} from '../../../core/signing-keys.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { EndpointRecord } from '../../../store/endpoints.ts';
import { checkVersion } from '../../entity-tag.ts';
import { defineRoute, type Route } from '../../route.ts';
import { timestampSchema } from '../schemas.ts';
import { refuse } from './apply-fields.ts';
import type { EndpointAccess } from './endpoint-access.ts';
import { durationFrom, endpointParam, oneOf, secretField } from './endpoint-fields.ts';
import { makeKey } from './make-key.ts';

const rotateBody = z
  .strictObject({
    overlap: durationFrom(0, MAX_OVERLAP_MS)
      .optional()
      .describe(
        'How long the old secret signs beside the new one, 24h by default; 0s: not at all.',
      ),
    secret: secretField.optional(),
    signature: oneOf(SIGNATURE_KINDS)
      .optional()
      .describe('The kind from now on; without it, as before or as the given secret is.'),
  })
  .prefault({});

const keySchema = z.object({
  id: z.string().describe('Also the kid of its public key.'),
  signature: z.enum(SIGNATURE_KINDS),
  public_key: z.string().nullable().describe('whpk_..., of v1a.'),
  created_at: timestampSchema,
  expires_at: timestampSchema.nullable().describe('When it stops to sign; null: the current one.'),
});

const secretsSchema = z.object({
  endpoint_id: z.string(),
  signature: z.enum(SIGNATURE_KINDS),
  keys: z.array(keySchema).describe('Those that sign: the current one first.'),
  version: z.int(),
});

/** The secrets that sign the posts of an endpoint, and their rotation. */
export function createEndpointSecretRoutes(deps: {
  access: EndpointAccess;
  ids: Ids;
  now: () => number;
}): Route[] {
  const { access, ids, now } = deps;
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/endpoints/{id}/secret',
      auth: 'manage',
      group: 'Endpoints',
      summary: 'Which secrets sign',
      description:
        'When each was made and when it stops to sign. The secrets themselves are shown only by the request that makes them; whoever has lost one rotates.',
      params: endpointParam,
      versioned: true,
      responses: { 200: { description: 'The keys.', schema: secretsSchema } },
      async handle({ projectId, params }) {
        const { record, secrets } = access.find(projectId, params.id);
        return { status: 200, body: toSecretsJson(record, secrets, now()) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/endpoints/{id}/secret/rotate',
      auth: 'manage',
      group: 'Endpoints',
      summary: 'Replace the secret',
      description:
        'The new secret signs from now on, and the old one beside it until the overlap is over: a handler that knows either of them accepts every post.',
      params: endpointParam,
      body: rotateBody,
      versioned: true,
      responses: {
        200: {
          description: 'The new secret, shown this once, and all that sign.',
          schema: secretsSchema.extend({ secret: z.string() }),
        },
      },
      async handle({ projectId, params, body, ifMatch, remember }) {
        const { record: before, secrets: kept } = access.find(projectId, params.id);
        checkVersion(ifMatch, before.version);
        const nowMs = now();
        const kind =
          body.signature ?? (body.secret === undefined ? before.settings.signature : null);
        const next = makeKey({ ids, nowMs, kind, secret: body.secret });
        const keys = rotate(kept.keys, next, body.overlap ?? DEFAULT_OVERLAP_MS, nowMs);
        const secrets = { ...kept, keys };
        const changed: EndpointRecord = {
          ...before,
          settings: { ...before.settings, signature: next.kind },
          version: before.version + 1,
          updatedAtMs: nowMs,
        };
        const shown = { ...toSecretsJson(changed, secrets, nowMs), secret: next.secret };
        const answer = { status: 200, body: shown };
        await access.save(before, changed, { secrets, ifMatch, beside: remember(answer) });
        return answer;
      },
    }),
  ];
}

function rotate(
  keys: readonly SigningKeyRecord[],
  next: SigningKeyRecord,
  overlapMs: number,
  nowMs: number,
): SigningKeyRecord[] {
  if (livingKeys(keys, nowMs).some(({ secret }) => secret === next.secret)) {
    refuse('/secret', 'This secret signs already. Give a new one, or leave it out to get one.');
  }
  const rotated = rotateKeys(keys, next, { overlapMs, nowMs });
  if (rotated !== null) return rotated;
  throw new PosthornError(
    'conflict',
    `${MAX_OLD_KEYS} old secrets sign beside the current one already. Wait until one of them has expired, or rotate with "overlap": "0s", which ends all of them.`,
  );
}

function toSecretsJson(
  record: EndpointRecord,
  { keys }: EndpointSecrets,
  nowMs: number,
): z.input<typeof secretsSchema> {
  return {
    endpoint_id: record.id,
    signature: record.settings.signature,
    keys: livingKeys(keys, nowMs).map((key) => ({
      id: key.id,
      signature: key.kind,
      public_key: key.kind === 'v1a' ? publicKeyOf(key.secret) : null,
      created_at: toTimestamp(key.createdAtMs),
      expires_at: key.expiresAtMs === null ? null : toTimestamp(key.expiresAtMs),
    })),
    version: record.version,
  };
}
