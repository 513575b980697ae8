import { WebhookError } from '@posthorn/sdk';
import { messageOf } from '../lib/errors.ts';

/** A certificate or public key has a few kB. */
const MAX_BYTES = 65_536;
const TIMEOUT_MS = 10_000;

/**
 * Gets a provider's certificate or public key. The provider's file has judged the URL; redirects are
 * not followed, since they would lead past that. Throws `key_unavailable`.
 */
export async function fetchKey(url: string): Promise<string> {
  try {
    const response = await fetch(url, {
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
    }
    return Buffer.concat(chunks).toString('utf8');
  } catch (cause) {
    throw new WebhookError('key_unavailable', `${url} cannot be fetched: ${messageOf(cause)}`, {
      cause,
    });
  }
}
