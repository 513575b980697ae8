import { timeOfId } from '../../core/ids.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { StoreUnavailable } from '../../store/engine.ts';
import type { Queue, QueueDepth } from '../../store/webhooks/queue.ts';
import type { EndpointDirectory } from '../endpoints/endpoint-directory.ts';
import type { Report } from '../endpoints/endpoint-health.ts';
import type { LiveEndpoint } from '../endpoints/live-endpoint.ts';
import { type BacklogThreshold, isBacklog } from './decide-backlog.ts';

/** Looks after what waits, and tells once when it is too much or waits too long. */
export interface BacklogMonitor {
  /** Also again after a stop. */
  start(): void;
  stop(): void;
  /** For /metrics, as of the last look. */
  stats(): { endpoints: number; lagSeconds: number };
}

/** How often it looks, ms. */
const LOOK_MS = 30_000;

export function createBacklogMonitor(options: {
  queue: Queue;
  directory: Pick<EndpointDirectory, 'find'>;
  report: (report: Report) => void;
  clock: Clock;
  log: Log;
  threshold: BacklogThreshold;
}): BacklogMonitor {
  const { queue, directory, clock, log, threshold } = options;
  /** Endpoints whose backlog has been told. */
  let told = new Set<string>();
  let lagMs = 0;
  /** Counts starts and stops: a look that began before one sets no timer after it. */
  let term = 0;
  let cancelTimer = (): void => {};

  async function look(): Promise<void> {
    const nowMs = clock.now();
    // Counting further than to the threshold would change nothing.
    const depths = await queue.depths(null, nowMs, threshold.depth);
    const still = new Set<string>();
    lagMs = 0;
    for (const depth of depths) {
      const endpoint = directory.find(depth.projectId, depth.endpointId);
      // What waits for one that is disabled waits for a person, who knows.
      if (endpoint === null || endpoint.record.status === 'disabled') continue;
      lagMs = Math.max(lagMs, lagOf(depth, nowMs));
      const was = told.has(depth.endpointId);
      if (!isBacklog(was, { depth: totalOf(depth), lagMs: lagOf(depth, nowMs) }, threshold))
        continue;
      still.add(depth.endpointId);
      if (!was) await tell(endpoint, depth, nowMs);
    }
    told = still;
  }

  async function tell(endpoint: LiveEndpoint, seen: QueueDepth, nowMs: number): Promise<void> {
    const { record } = endpoint;
    const all = await queue.depths(record.projectId, nowMs);
    const depth = all.find(({ endpointId }) => endpointId === record.id) ?? seen;
    const backlog = {
      depth: totalOf(depth),
      at_least: depth.isAtLeast,
      oldest_age_seconds: toSeconds(nowMs - timeOfId(depth.oldestEventId)),
      lag_seconds: toSeconds(lagOf(depth, nowMs)),
      threshold: { depth: threshold.depth, lag_seconds: toSeconds(threshold.lagMs) },
    };
    log.warn(
      { endpoint: record.id, url: record.url, ...backlog },
      'A backlog waits for an endpoint',
    );
    const { id, uid, url, description } = record;
    options.report({
      endpoint: record,
      type: 'endpoint.backlog',
      data: { endpoint: { id, uid, url, description }, backlog },
      dedupKey: `backlog:${id}:${nowMs}`,
    });
  }

  function schedule(mine: number): void {
    if (mine === term) cancelTimer = clock.after(LOOK_MS, () => void run(mine));
  }

  async function run(mine: number): Promise<void> {
    try {
      await look();
    } catch (error) {
      // While the store is down everything else says so.
      if (!(error instanceof StoreUnavailable)) {
        log.error({ error: messageOf(error) }, 'The queue could not be looked at');
      }
    }
    schedule(mine);
  }

  return {
    start() {
      term += 1;
      schedule(term);
    },
    stop() {
      term += 1;
      cancelTimer();
      // Somebody else looks after them from now on.
      told = new Set();
      lagMs = 0;
    },
    stats: () => ({ endpoints: told.size, lagSeconds: lagMs / 1_000 }),
  };
}

export function totalOf({ due, scheduled, inLine, inMemory }: QueueDepth): number {
  return due + scheduled + inLine + inMemory;
}

export function lagOf({ dueSinceMs }: QueueDepth, nowMs: number): number {
  return dueSinceMs === null ? 0 : Math.max(0, nowMs - dueSinceMs);
}

function toSeconds(ms: number): number {
  return Math.max(0, Math.round(ms / 1_000));
}
