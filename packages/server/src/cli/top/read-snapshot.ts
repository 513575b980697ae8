import { type ApiClient, ApiError } from '../client/api-client.ts';
import type { EndpointView } from '../endpoints/endpoint-view.ts';
import type { NodeView } from '../server/nodes.ts';

/** A look at a server. What the key may not see, or a proxy keeps back, is null. */
export interface Snapshot {
  atMs: number;
  queue: QueueView;
  /** Those that are failing or disabled, at most 100 are looked at. */
  troubled: EndpointView[];
  nodes: NodeView[] | null;
  counters: Counters | null;
}

/** As `GET /v1/queue` says it. */
export interface QueueView {
  depth: number;
  at_least: boolean;
  lag_seconds: number;
  data: {
    endpoint_id: string;
    endpoint_uid: string | null;
    endpoint_url: string | null;
    depth: number;
    at_least: boolean;
    lag_seconds: number;
    due: number;
    scheduled: number;
  }[];
}

/** Since the start of the node that answered (`GET /metrics`). */
export interface Counters {
  messages: number;
  events: number;
  posts: number;
  failedPosts: number;
}

export async function readSnapshot(client: ApiClient, nowMs: () => number): Promise<Snapshot> {
  const [queue, endpoints, nodes, counters] = await Promise.all([
    client.get<QueueView>('/v1/queue'),
    client.get<{ data: EndpointView[] }>('/v1/endpoints?limit=100'),
    unlessRefused(client.get<{ data: NodeView[] }>('/v1/nodes').then(({ data }) => data)),
    readCounters(client),
  ]);
  const troubled = endpoints.data.filter(
    ({ status, health }) => status === 'disabled' || health.failing_since !== null,
  );
  return { atMs: nowMs(), queue, troubled, nodes, counters };
}

async function unlessRefused<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'missing_scope') return null;
    throw error;
  }
}

const METRICS_TIMEOUT_MS = 5_000;

async function readCounters(client: ApiClient): Promise<Counters | null> {
  try {
    const answer = await client.open('/metrics', {
      signal: AbortSignal.timeout(METRICS_TIMEOUT_MS),
    });
    return parseCounters(await answer.text());
  } catch {
    // The other answers say what is wrong when the server is gone; a proxy may keep this one back.
    return null;
  }
}

/** Adds up the series of each metric (Prometheus text format 0.0.4). */
export function parseCounters(text: string): Counters | null {
  const counters: Counters = { messages: 0, events: 0, posts: 0, failedPosts: 0 };
  let found = 0;
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = /^(posthorn_\w+)(\{.*\})? (\S+)$/.exec(line) ?? [];
    const number = Number(value);
    if (name === undefined || !Number.isFinite(number)) continue;
    found += 1;
    if (name === 'posthorn_messages_accepted_total') counters.messages += number;
    if (name === 'posthorn_events_appended_total') counters.events += number;
    if (name !== 'posthorn_webhook_attempts_total') continue;
    counters.posts += number;
    if (labels.includes('outcome="failed"')) counters.failedPosts += number;
  }
  return found === 0 ? null : counters;
}
