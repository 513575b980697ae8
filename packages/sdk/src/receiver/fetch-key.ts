import { messageOf, WebhookError } from '../errors.ts';

/** A certificate or public key has a few kB. */
const MAX_BYTES = 65_536;
/** Providers wait 3 to 30 s for an answer; a key that takes longer comes with their next try. */
const TIMEOUT_MS = 5_000;
/** Keys are replaced within days; a new one has a new URL with those who do it well. */
const KEPT_MS = 3_600_000;
/** Senders choose the URL, so memory for them is bounded. */
const MAX_KEPT = 50;

export interface KeyFetcherOptions {
  fetch?: typeof fetch;
  now?: () => number;
}

/**
 * Gets a provider's certificate or public key, once an hour. The provider's file has judged the URL;
 * redirects are not followed, since they would lead past that. Throws `key_unavailable`.
 */
export function createKeyFetcher(
  options: KeyFetcherOptions = {},
): (url: string) => Promise<string> {
  const { fetch: get = fetch, now = Date.now } = options;
  const kept = new Map<string, { text: Promise<string>; untilMs: number }>();
  return async (url) => {
    const found = kept.get(url);
    if (found !== undefined && found.untilMs > now()) return found.text;
    const text = fetchText(url, get);
    kept.delete(url);
    kept.set(url, { text, untilMs: now() + KEPT_MS });
    const [oldest] = kept.keys();
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
    // What failed is asked for again the next time.
    text.catch(() => kept.delete(url));
    return text;
  };
}

async function fetchText(url: string, get: typeof fetch): Promise<string> {
  try {
    const response = await get(url, {
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
