import type { EndpointSecrets } from '../../core/webhooks/endpoint-settings.ts';
import type { EndpointRecord } from '../../store/webhooks/endpoints.ts';
import type { EndpointDefaults } from '../endpoints/live-endpoint.ts';
import type { PostErrorCode } from '../post/post-errors.ts';
import type { PostResult } from '../post/post-result.ts';
import type { RenderUnit } from '../render.ts';

/**
 * What the main thread and a posting thread say to each other. Everything that comes up in one turn of
 * the loop crosses in one message, and a post or a result is a flat array: a message costs 10 us, an
 * object's keys are written and read for each one.
 */
export type PosterRequest =
  /** An endpoint as it is from now on. `key` is new for each version of it. */
  | { kind: 'endpoint'; key: number; endpoint: PortableEndpoint }
  | { kind: 'posts'; posts: PostRow[] }
  /** No more posts to this version; its connections go when their work has ended. */
  | { kind: 'forget'; key: number; closeConnections: boolean }
  | { kind: 'close' };

/** A LiveEndpoint before it is compiled: functions do not cross threads. */
export interface PortableEndpoint {
  record: EndpointRecord;
  secrets: EndpointSecrets;
  defaults: EndpointDefaults;
  redactKey: Uint8Array;
}

/** Number of the post, key of the endpoint, start, the event's id and body; or a unit of several. */
export type PostRow =
  | [number, number, number, string, string]
  | [number, number, number, RenderUnit];

export type ResultRow = [
  post: number,
  id: string,
  signature: string,
  status: number | null,
  errorCode: PostErrorCode | null,
  errorDetail: string | null,
  retryAfter: string | null,
  responseExcerpt: string | null,
  responseHeaders: string[] | null,
  timing: PostResult['timing'],
  latencyMs: number,
  dialectHeaders: readonly string[] | null,
  allowedPerMinute: number | null | undefined,
];

export type PosterReply = { kind: 'results'; results: ResultRow[] } | { kind: 'closed' };
