import type { LiveEndpoint } from '../endpoints/live-endpoint.ts';
import type { PostClient } from '../post/post-client.ts';
import type { PostResult } from '../post/post-result.ts';

/**
 * The abuse protection of CloudEvents webhooks (cloudevents/http-webhook.md, section 4): before the
 * first post the receiver is asked with OPTIONS, and it has to name us, or everybody, in its answer. It
 * may say how many requests a minute it takes. Asked once for each version of an endpoint and thread;
 * a refusal is not kept, so the next attempt asks again.
 */
export interface Handshake {
  /** Never rejects. */
  ask(endpoint: LiveEndpoint, startedAtMs: number): Promise<Permission | { refusal: PostResult }>;
}

export interface Permission {
  /** Requests a minute; null for as many as we like. */
  allowedPerMinute: number | null;
}

export function createHandshake(client: Pick<PostClient, 'post'>): Handshake {
  const granted = new WeakMap<LiveEndpoint, Permission>();
  return {
    async ask(endpoint, startedAtMs) {
      const known = granted.get(endpoint);
      if (known !== undefined) return known;
      const { target, timeoutMs, sender } = endpoint;
      const headers = ['WebHook-Request-Origin', sender.host, ...endpoint.headers];
      const body = new Uint8Array();
      const request = { method: 'OPTIONS', target, headers, body, timeoutMs, startedAtMs } as const;
      const permission = readPermission(await client.post(request), sender.host);
      if (!('refusal' in permission)) granted.set(endpoint, permission);
      return permission;
    },
  };
}

/** What the answer to the question says. */
export function readPermission(
  result: PostResult,
  host: string,
): Permission | { refusal: PostResult } {
  // Without an answer there is nothing to read; 410 means the same as after a post.
  if (result.status === null || result.errorCode === 'gone') return { refusal: result };
  const origin = headerOf(result, 'webhook-allowed-origin');
  if (
    result.errorCode === null &&
    (origin === '*' || origin?.toLowerCase() === host.toLowerCase())
  ) {
    return { allowedPerMinute: readRate(headerOf(result, 'webhook-allowed-rate')) };
  }
  const said = origin === null ? 'without WebHook-Allowed-Origin' : `for ${origin.slice(0, 100)}`;
  const errorDetail = `OPTIONS was answered ${result.status} ${said}. It has to answer 2xx with WebHook-Allowed-Origin: ${host} (or *), or the endpoint chooses dialect_options {"handshake": "none"}.`;
  return { refusal: { ...result, errorCode: 'handshake_refused', errorDetail } };
}

/** `*` stands for no limit, and so does what is no number. */
function readRate(value: string | null): number | null {
  const rate = /^\d{1,9}$/.test(value ?? '') ? Number(value) : 0;
  return rate > 0 ? rate : null;
}

function headerOf({ responseHeaders }: PostResult, name: string): string | null {
  const headers = responseHeaders ?? [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === name) return headers[i + 1]?.trim() ?? null;
  }
  return null;
}
