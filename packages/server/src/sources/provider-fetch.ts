import { Agent, get } from 'node:https';
import type { LookupFunction } from 'node:net';
import { WebhookError } from '@posthorn/sdk';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';

/** What is asked of providers themselves. Their files have judged each URL. */
export interface ProviderFetch {
  /** A certificate or public key; kept for a day. Throws WebhookError `key_unavailable`. */
  key(url: string): Promise<string>;
  /** GETs it once. Throws an Error that says what happened. */
  confirm(url: string): Promise<void>;
}

/** A certificate or public key has a few kB. */
const MAX_BYTES = 65_536;
/** The most patient provider waits 15 s for our answer, most of them less. */
const TIMEOUT_MS = 4_000;
const KEPT_MS = 86_400_000;
/** So that a stranger cannot have the same failure tried at each request. */
const FAILURE_KEPT_MS = 30_000;
const MAX_KEPT = 200;

/**
 * HTTPS only, redirects are not followed (they would lead past the judgement), and `lookup` drops
 * addresses that must not be dialled.
 */
export function createProviderFetch(options: {
  lookup: LookupFunction;
  clock: Clock;
  /** PEM certificates to trust beside the system's. */
  ca?: string | null;
}): ProviderFetch {
  const { lookup, clock, ca = null } = options;
  const agent = new Agent({ keepAlive: false, maxSockets: 4, ...(ca === null ? {} : { ca }) });
  const kept = new Map<string, { text: Promise<string>; untilMs: number }>();

  function fetchText(url: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const request = get(url, { agent, lookup }, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_BYTES) request.destroy(new Error(`it has more than ${MAX_BYTES} bytes`));
          else chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          if (status === 200) resolve(Buffer.concat(chunks).toString('utf8'));
          else reject(new Error(`it answered ${status}`));
        });
      });
      const stop = clock.after(TIMEOUT_MS, () =>
        request.destroy(new Error(`it did not answer within ${TIMEOUT_MS / 1_000} s`)),
      );
      request.on('close', stop);
      request.on('error', reject);
    });
  }

  function remember(url: string, text: Promise<string>): void {
    const entry = { text, untilMs: clock.now() + KEPT_MS };
    kept.set(url, entry);
    text.catch(() => {
      entry.untilMs = clock.now() + FAILURE_KEPT_MS;
    });
    const oldest = kept.keys().next().value;
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
  }

  return {
    async key(url) {
      const known = kept.get(url);
      if (known === undefined || known.untilMs <= clock.now()) remember(url, fetchText(url));
      try {
        return await (kept.get(url)?.text ?? fetchText(url));
      } catch (cause) {
        const detail = `${url} cannot be fetched: ${messageOf(cause)}`;
        throw new WebhookError('key_unavailable', detail, { cause });
      }
    },
    async confirm(url) {
      await fetchText(url);
    },
  };
}
