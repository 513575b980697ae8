import type { LiveEndpoint } from '../endpoint-directory.ts';
import type { PostClient } from '../post/post-client.ts';
import type { PostResult } from '../post/post-result.ts';
import { type RenderUnit, renderPost } from '../render.ts';

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
  /** The `webhook-id` under which it went. */
  id: string;
  /** The signature header as it was sent. */
  signature: string;
  result: PostResult;
}

export function createPoster(client: PostClient): Poster {
  return {
    async post(endpoint, unit, startedAtMs) {
      const { id, headers, body, signature } = renderPost(unit, endpoint, startedAtMs);
      const { target, timeoutMs } = endpoint;
      const result = await client.post({ target, headers, body, timeoutMs, startedAtMs });
      return { id, signature, result };
    },
    forget({ target }, closeConnections) {
      if (closeConnections) client.forget(target);
    },
    close: () => client.close(),
  };
}
