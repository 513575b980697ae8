import { createHmac, sign } from 'node:crypto';
import { signStandardWebhook } from '../../../standard-webhooks/standard-webhooks.ts';
import type { DialectKey, SigningContext, UnsignedPost } from '../../dialects/dialect.ts';

/** How the formats sign. */

/**
 * The key of a format that has room for one signature. While a secret is being replaced this is the
 * older one: receivers know it, and get to know the new one before it alone is left.
 */
export function keyOf({ keys }: SigningContext): DialectKey {
  const key = keys.at(-1);
  if (key === undefined) throw new RangeError('There is no key to sign with.');
  return key;
}

/** HMAC-SHA256 in hex. */
export function hmacHex(context: SigningContext, ...parts: readonly string[]): string {
  const mac = createHmac('sha256', keyOf(context).key);
  for (const part of parts) mac.update(part);
  return mac.digest('hex');
}

/** Base64; `algorithm` null for Ed25519, which has its own. */
export function signBase64(
  { key }: DialectKey,
  algorithm: 'sha1' | 'sha256' | null,
  content: string,
): string {
  return sign(algorithm, Buffer.from(content), key).toString('base64');
}

/** Adds the id of the post, by which a handler of any format can tell what it has seen already. */
export function withId({ body, headers }: UnsignedPost, { id }: SigningContext): UnsignedPost {
  return { body, headers: [...headers, 'webhook-id', id] };
}

/** Signs as Standard Webhooks do, with every key, under headers of that prefix. */
export function signStandard(
  { body, headers }: UnsignedPost,
  context: SigningContext,
  prefix: 'webhook' | 'svix' = 'webhook',
): UnsignedPost {
  const { id, nowMs, keys } = context;
  const timestamp = Math.floor(nowMs / 1_000);
  const signatures = keys.map(({ key }) => signStandardWebhook({ key, id, timestamp, body }));
  return {
    body,
    headers: [
      ...headers,
      ...[`${prefix}-id`, id],
      ...[`${prefix}-timestamp`, String(timestamp)],
      ...[`${prefix}-signature`, signatures.join(' ')],
    ],
  };
}
