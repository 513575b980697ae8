import type { EventData, EventEndpoint, EventType } from '@posthorn/sdk';
import { type Clock, toTimestamp } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { EndpointRecord } from '../../store/webhooks/endpoints.ts';
import type { EndpointDirectory } from './endpoint-directory.ts';
import type { LiveEndpoint } from './live-endpoint.ts';

/** Something that we have to say about an endpoint or a delivery, for the log and for its owner. */
export interface Report {
  endpoint: EndpointRecord;
  type: EventType;
  data: EventData;
  /** The same report made twice, as after a crash, is one event. */
  dedupKey: string;
}

/** What is said of how an endpoint does, and when it has been given up. */
export interface EndpointHealth {
  /** An attempt failed; `failuresInRow` since `failingSinceMs`. */
  failed(
    endpoint: LiveEndpoint,
    streak: { failuresInRow: number; failingSinceMs: number; reason: string },
  ): void;
  succeeded(endpoint: LiveEndpoint): void;
  /** What was noticed is of an endpoint that is no more: its URL is another, or it was enabled again. */
  forget(endpoint: LiveEndpoint): void;
  disable(endpoint: LiveEndpoint, reason: string): void;
}

/** Below this, a streak is what happens to everybody, and not worth a write. */
const NOTED_STREAK = 5;

/** Of an endpoint's patience: when its owner hears of it. At 100 it is disabled. */
const STEPS_PERCENT = [50, 70, 90, 100] as const;

export function createEndpointHealth(options: {
  directory: Pick<EndpointDirectory, 'find' | 'noteHealth' | 'update'>;
  report: (report: Report) => void;
  clock: Clock;
  log: Log;
}): EndpointHealth {
  const { directory, report, clock, log } = options;
  /** Those that are being disabled: what else fails meanwhile is no news. */
  const disabling = new WeakSet<EndpointRecord>();

  async function keep(endpoint: LiveEndpoint, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const fields = { endpoint: endpoint.record.id, error: messageOf(error) };
      log.error(fields, 'What was noticed of an endpoint was not stored');
    }
  }

  function say(endpoint: LiveEndpoint, type: EventType, about: Partial<EventEndpoint>): void {
    const { record } = endpoint;
    const notice: EventEndpoint = {
      id: record.id,
      uid: record.uid,
      url: record.url,
      description: record.description,
      failing_since: record.failingSinceMs === null ? null : toTimestamp(record.failingSinceMs),
      patience_used_percent: null,
      reason: null,
      ...about,
    };
    const since = record.failingSinceMs ?? clock.now();
    const percent = about.patience_used_percent ?? '';
    const dedupKey = `${type}:${record.id}:${since}:${percent}`;
    report({ endpoint: record, type, data: { endpoint: notice }, dedupKey });
  }

  function disable(endpoint: LiveEndpoint, reason: string): void {
    const { record } = endpoint;
    const current = directory.find(record.projectId, record.id);
    // Somebody has changed it meanwhile: what we know is of the endpoint as it was.
    if (current?.record.version !== record.version || record.status === 'disabled') return;
    if (disabling.has(record)) return;
    disabling.add(record);
    void keep(endpoint, async () => {
      const status = { status: 'disabled', disabledReason: reason } as const;
      const version = record.version + 1;
      try {
        await directory.update(record, { ...record, ...status, version, updatedAtMs: clock.now() });
      } finally {
        disabling.delete(record);
      }
      log.warn({ endpoint: record.id, url: record.url, reason }, 'An endpoint is disabled');
      say(endpoint, 'endpoint.disabled', { reason });
    });
  }

  function forget(endpoint: LiveEndpoint): void {
    if (endpoint.record.failingSinceMs === null) return;
    const health = { failingSinceMs: null, warnedPercent: 0 };
    void keep(endpoint, () => directory.noteHealth(endpoint, health));
  }

  return {
    disable,
    failed(endpoint, { failuresInRow, failingSinceMs, reason }) {
      const { record } = endpoint;
      if (record.status === 'disabled') return;
      const sinceMs = record.failingSinceMs ?? failingSinceMs;
      if (record.failingSinceMs === null && failuresInRow < NOTED_STREAK) return;
      const used = ((clock.now() - sinceMs) * 100) / endpoint.patienceMs;
      const step = STEPS_PERCENT.findLast((percent) => used >= percent) ?? 0;
      const isNews = step > record.warnedPercent;
      if (isNews || record.failingSinceMs === null) {
        const warnedPercent = Math.max(step, record.warnedPercent);
        void keep(endpoint, () =>
          directory.noteHealth(endpoint, { failingSinceMs: sinceMs, warnedPercent }),
        );
      }
      if (step !== 0 && isNews) {
        say(endpoint, 'endpoint.failing', { patience_used_percent: step, reason });
      }
      // Each time: the store may have refused it, or the process ended before it was stored.
      if (step === 100) {
        disable(endpoint, `Every attempt has failed since ${toTimestamp(sinceMs)}: ${reason}`);
      }
    },
    succeeded(endpoint) {
      const { record } = endpoint;
      if (record.failingSinceMs === null) return;
      if (record.warnedPercent > 0) say(endpoint, 'endpoint.recovered', {});
      forget(endpoint);
    },
    forget,
  };
}
