import { type ActivityDelta, NO_DELTA } from '../core/source.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Refusal } from './refusals.ts';
import type { LiveSource } from './source-directory.ts';

type SourceKey = { projectId: string; id: string };

/** What became of a webhook, for metrics. */
export interface WebhookOutcome {
  provider: string;
  outcome: 'taken' | 'refused' | 'postponed';
  /** The code of a refusal; empty otherwise. */
  reason: string;
}

/**
 * Counts what comes in. The counters of a source are one row for all nodes, so they are added to every
 * few seconds and not with each webhook; a crash loses the counts of those seconds, and no event.
 */
export interface SourceRecorder {
  taken(source: LiveSource, counted: { events: number; duplicates: number }, nowMs: number): void;
  refused(source: LiveSource, refusal: Refusal, nowMs: number): void;
  postponed(source: LiveSource): void;
  /** Stores what has been counted. While the store refuses, it waits. */
  flush(): Promise<void>;
  /** Flushes a last time. */
  stop(): Promise<void>;
}

const FLUSH_MS = 3_000;
/** A stranger who knows the URL must not fill the log. */
const LOG_EVERY_MS = 60_000;
const MAX_LOGGED = 10_000;

export function createSourceRecorder(options: {
  activities: { add(notes: readonly (SourceKey & { delta: ActivityDelta })[]): Promise<void> };
  onOutcome(outcome: WebhookOutcome): void;
  clock: Clock;
  log: Log;
}): SourceRecorder {
  const { activities, onOutcome, clock, log } = options;
  let noted = new Map<string, SourceKey & { delta: ActivityDelta }>();
  let flushing: Promise<void> | null = null;
  let cancelTimer: (() => void) | null = null;
  let stopped = false;
  const logged = new Map<string, { atMs: number; since: number }>();

  function note({ record }: LiveSource, delta: ActivityDelta): void {
    put({ projectId: record.projectId, id: record.id, delta });
    schedule();
  }

  function schedule(): void {
    if (cancelTimer !== null || stopped) return;
    cancelTimer = clock.after(FLUSH_MS, () => {
      cancelTimer = null;
      void flush();
    });
  }

  function put(one: SourceKey & { delta: ActivityDelta }): void {
    const before = noted.get(one.id)?.delta;
    noted.set(one.id, before === undefined ? one : { ...one, delta: sum(before, one.delta) });
  }

  function flush(): Promise<void> {
    flushing ??= write().finally(() => {
      flushing = null;
    });
    return flushing;
  }

  async function write(): Promise<void> {
    if (noted.size === 0) return;
    const notes = [...noted.values()];
    noted = new Map();
    try {
      await activities.add(notes);
    } catch (error) {
      for (const one of notes) put(one);
      log.debug({ error: messageOf(error) }, 'What sources were sent could not be counted yet');
      schedule();
    }
  }

  function warn({ record }: LiveSource, { code, detail }: Refusal, nowMs: number): void {
    const key = `${record.id} ${code}`;
    const last = logged.get(key);
    if (last !== undefined && nowMs - last.atMs < LOG_EVERY_MS) {
      last.since += 1;
      return;
    }
    if (logged.size >= MAX_LOGGED) logged.clear();
    logged.set(key, { atMs: nowMs, since: 0 });
    const { id, provider } = record;
    const fields = { source: id, provider, code, detail, unlogged: last?.since ?? 0 };
    log.warn(fields, 'A webhook was refused');
  }

  return {
    taken(source, { events, duplicates }, nowMs) {
      note(source, {
        ...NO_DELTA,
        requests: 1,
        events,
        duplicates,
        lastRequestAtMs: nowMs,
        // A duplicate shows as well that the provider talks.
        lastEventAtMs: events + duplicates > 0 ? nowMs : null,
      });
      onOutcome({ provider: source.record.provider, outcome: 'taken', reason: '' });
    },
    refused(source, refusal, nowMs) {
      note(source, { ...NO_DELTA, refused: 1, lastRefusal: { atMs: nowMs, ...refusal } });
      warn(source, refusal, nowMs);
      const { provider } = source.record;
      onOutcome({ provider, outcome: 'refused', reason: refusal.code });
    },
    postponed(source) {
      onOutcome({ provider: source.record.provider, outcome: 'postponed', reason: '' });
    },
    flush,
    async stop() {
      stopped = true;
      cancelTimer?.();
      await flushing;
      await flush();
    },
  };
}

function sum(a: ActivityDelta, b: ActivityDelta): ActivityDelta {
  return {
    requests: a.requests + b.requests,
    events: a.events + b.events,
    duplicates: a.duplicates + b.duplicates,
    refused: a.refused + b.refused,
    lastRequestAtMs: b.lastRequestAtMs ?? a.lastRequestAtMs,
    lastEventAtMs: b.lastEventAtMs ?? a.lastEventAtMs,
    lastRefusal: b.lastRefusal ?? a.lastRefusal,
  };
}
