import { createSecretKey, type KeyObject } from 'node:crypto';
import { verifyStandardSignature } from '../../../standard-webhooks/standard-webhooks.ts';
import type { ProviderRequest, VerifyContext, VerifyResult } from '../../provider.ts';
import { headerOf } from '../read/request-body.ts';
import { DEFAULT_TOLERANCE_MS, requireSecrets } from './signatures.ts';

/** The headers of Standard Webhooks and of Svix, which it grew out of. */

const HEADERS = [
  'webhook-id',
  'webhook-timestamp',
  'webhook-signature',
  'svix-id',
  'svix-timestamp',
  'svix-signature',
];

/**
 * Checks a signature of Standard Webhooks. `toKey` makes the key of a secret where it is not that of
 * the specification. Throws WebhookError.
 */
export function verifySvix(
  request: ProviderRequest,
  context: VerifyContext,
  secrets: readonly string[],
  toKey: (secret: string) => string | KeyObject = (secret) => secret,
): VerifyResult {
  const given = requireSecrets(secrets, 'the signing secret of the webhook (whsec_...)');
  const toleranceMs = context.toleranceMs ?? DEFAULT_TOLERANCE_MS;
  verifyStandardSignature({
    secret: given.map(toKey),
    body: request.body,
    headers: Object.fromEntries(
      HEADERS.map((name) => [name, headerOf(request, name) ?? undefined]),
    ),
    nowMs: context.nowMs,
    toleranceSeconds: toleranceMs / 1_000,
  });
  return { covers: 'body', replayKey: null };
}

/** The text of the secret as it stands is the key, whatever it begins with. */
export function literalKey(secret: string): KeyObject {
  return createSecretKey(Buffer.from(secret, 'utf8'));
}
