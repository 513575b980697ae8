import { z } from 'zod';
import type { Ids } from '../../../core/ids.ts';
import { dialectOf } from '../../../core/webhooks/dialects.ts';
import {
  DIALECTS,
  type EndpointSecrets,
  SIGNATURE_KINDS,
  type SigningKeyRecord,
} from '../../../core/webhooks/endpoint-settings.ts';
import {
  DEFAULT_OVERLAP_MS,
  isSharedSecret,
  livingKeys,
  MAX_OLD_KEYS,
  MAX_OVERLAP_MS,
  publicTextOf,
  rotateKeys,
} from '../../../core/webhooks/signing-keys.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { EndpointRecord } from '../../../store/webhooks/endpoints.ts';
import { checkVersion } from '../../entity-tag.ts';
import { defineRoute, type Route } from '../../route.ts';
import { timestampSchema } from '../schemas.ts';
import { applyFields, refuse } from './apply-fields.ts';
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
    dialect: oneOf(DIALECTS)
      .optional()
      .describe(
        'Another dialect, for one that signs otherwise. Its options are the defaults then; old secrets that it cannot use end at once.',
      ),
  })
  .prefault({});

const keySchema = z.object({
  id: z.string().describe('Also the kid of its public key.'),
  signature: z.enum(SIGNATURE_KINDS),
  public_key: z
    .string()
    .nullable()
    .describe('whpk_... of v1a, base64 of SPKI of other key pairs; null of shared secrets.'),
  created_at: timestampSchema,
  expires_at: timestampSchema.nullable().describe('When it stops to sign; null: the current one.'),
});

const secretsSchema = z.object({
  endpoint_id: z.string(),
  signature: z.enum(SIGNATURE_KINDS),
  keys: z.array(keySchema).describe('Those that sign: the current one first.'),
  version: z.int(),
});

export const secretShown = z
  .string()
  .nullable()
  .describe('Shown this once; null of rsa, ecdsa and ed25519, where nobody else needs it.');

/** A key pair that Posthorn made stays with it: receivers take the public key. */
export function secretToShow({ kind, secret }: SigningKeyRecord): string | null {
  return isSharedSecret(kind) || kind === 'v1a' ? secret : null;
}

/** The secrets that sign the posts of an endpoint, and their rotation. */
export function createEndpointSecretRoutes(deps: {
  access: EndpointAccess;
  ids: Ids;
  now: () => number;
}): Route[] {
  const { access, ids, now } = deps;

  function makeNext(
    { settings }: EndpointRecord,
    body: z.output<typeof rotateBody>,
    nowMs: number,
  ): Promise<SigningKeyRecord> {
    const dialect = body.dialect ?? settings.dialect;
    const isUsable = dialectOf(dialect).signs.includes(settings.signature);
    const asBefore = body.secret === undefined && isUsable ? settings.signature : null;
    return makeKey({ ids, nowMs, dialect, kind: body.signature ?? asBefore, secret: body.secret });
  }

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
          schema: secretsSchema.extend({ secret: secretShown }),
        },
      },
      async handle({ projectId, params, body, ifMatch, remember }) {
        const nowMs = now();
        const next = await makeNext(access.find(projectId, params.id).record, body, nowMs);
        // Read again: making a key takes its time, and nothing is awaited from here to the save.
        const { record: before, secrets: kept } = access.find(projectId, params.id);
        checkVersion(ifMatch, before.version);
        const dialect = body.dialect ?? before.settings.dialect;
        const usable = kept.keys.filter(({ kind }) => dialectOf(dialect).signs.includes(kind));
        const keys = rotate(usable, next, body.overlap ?? DEFAULT_OVERLAP_MS, nowMs);
        const draft = { ...before, secrets: { ...kept, keys } };
        const change = body.dialect === undefined ? {} : { dialect: body.dialect };
        const { hasPublicUrl } = access;
        const { secrets, ...decided } = applyFields(draft, change, { nowMs, hasPublicUrl });
        const changed: EndpointRecord = {
          ...before,
          settings: { ...decided.settings, signature: next.kind },
          version: before.version + 1,
          updatedAtMs: nowMs,
        };
        const shown = { ...toSecretsJson(changed, secrets, nowMs), secret: secretToShow(next) };
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
      public_key: publicTextOf(key),
      created_at: toTimestamp(key.createdAtMs),
      expires_at: key.expiresAtMs === null ? null : toTimestamp(key.expiresAtMs),
    })),
    version: record.version,
  };
}
