import type { LiveEndpoint } from '../endpoints/live-endpoint.ts';
import type { PostClient } from '../post/post-client.ts';
import { type PostResult, unsent } from '../post/post-result.ts';
import { type RenderUnit, renderPost } from '../render.ts';
import { createHandshake } from './handshake.ts';

/** Renders, signs and posts: here (below), or on threads of their own (threaded-poster.ts). */
export interface Poster {
  /** Never rejects: whatever the network does is a result. */
  post(endpoint: LiveEndpoint, unit: RenderUnit, startedAtMs: number): Promise<EndedAttempt>;
  /** This version of the endpoint is over. `closeConnections`: see PostClient.forget. */
  forget(endpoint: LiveEndpoint, closeConnections: boolean): void;
  /** Ends connections; what is under way becomes `aborted`. */
  close(): Promise<void>;
}

export interface EndedAttempt {
  /** The `webhook-id` under which it went; empty when nothing was posted. */
  id: string;
  /** The signature header of Standard Webhooks as it was sent. */
  signature: string;
  /** Those of another dialect: name, value, name, value ... */
  dialectHeaders: readonly string[] | null;
  /** Requests a minute that the receiver allows, `null` for any number; absent where it was not asked. */
  allowedPerMinute?: number | null;
  result: PostResult;
  /** Events that were not in the post after all, with what became of them; absent where all were. */
  unsent?: ReadonlyMap<string, PostResult>;
  /** The version of the endpoint whose transformation made the body; absent where none did. */
  transformedBy?: number;
}

export function createPoster(client: PostClient): Poster {
  const handshake = createHandshake(client);
  return {
    async post(endpoint, unit, startedAtMs) {
      const rendered = renderPost(unit, endpoint, startedAtMs);
      if ('unsendable' in rendered) return notPosted(unsent('not_in_dialect', rendered.unsendable));
      const { target, timeoutMs } = endpoint;
      const asked = endpoint.asksFirst ? await handshake.ask(endpoint, startedAtMs) : null;
      if (asked !== null && 'refusal' in asked) return notPosted(asked.refusal);
      const { id, headers, body, signature, dialectHeaders } = rendered;
      const result = await client.post({ target, headers, body, timeoutMs, startedAtMs });
      return { id, signature, dialectHeaders, ...asked, result };
    },
    forget({ target }, closeConnections) {
      if (closeConnections) client.forget(target);
    },
    close: () => client.close(),
  };
}

/** The result of an attempt that came to no post. */
export function notPosted(result: PostResult): EndedAttempt {
  return { id: '', signature: '', dialectHeaders: null, result };
}
