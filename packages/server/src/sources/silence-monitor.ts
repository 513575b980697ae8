import type { CanonicalEvent, EventType } from '@posthorn/sdk';
import type { Ids } from '../core/ids.ts';
import type { DailySilence, SourceActivity } from '../core/source.ts';
import { expectedWithin, noteSilence, silentFor } from '../core/source-silence.ts';
import { type Clock, toTimestamp } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { LiveSource } from './source-directory.ts';

type SourceKey = { projectId: string; id: string };

/** The part of the store that knows when sources were heard. `B` goes into the same commit. */
export interface SilenceStore<B> {
  all(): Promise<(SourceKey & { activity: SourceActivity })[]>;
  noteSilences(source: SourceKey, silences: readonly DailySilence[]): Promise<void>;
  stalling(source: SourceKey, sinceMs: number): B;
  recovering(source: SourceKey): B;
}

/** Tells once when a source falls silent that should talk, and once when it talks again. */
export interface SilenceMonitor {
  /** Also again after a stop. */
  start(): void;
  stop(): void;
  /** For /metrics, as of the last look. */
  stalled(): number;
}

/** How often it looks, ms. */
const LOOK_MS = 30_000;
/** Nobody may have listened before: providers get this long to come again, ms. */
const GRACE_MS = 600_000;

export function createSilenceMonitor<B>(options: {
  activities: SilenceStore<B>;
  directory: { find(projectId: string, id: string): LiveSource | null };
  append(
    events: { projectId: string; event: CanonicalEvent; dedupKey: string }[],
    beside: B[],
  ): Promise<unknown>;
  ids: Ids;
  clock: Clock;
  log: Log;
}): SilenceMonitor {
  const { activities, directory, append, ids, clock, log } = options;
  /** When each source was last heard, as this monitor has seen it. */
  let heard = new Map<string, number>();
  let startedAtMs = 0;
  let stalledCount = 0;
  /** Counts starts and stops: a look that began before one sets no timer after it. */
  let term = 0;
  let cancelTimer = (): void => {};

  async function look(): Promise<void> {
    const nowMs = clock.now();
    let count = 0;
    for (const { activity, ...key } of await activities.all()) {
      const source = directory.find(key.projectId, key.id);
      if (source === null) continue;
      await learn(key, activity, nowMs);
      if (await judge(source, activity, nowMs)) count += 1;
    }
    stalledCount = count;
  }

  /** Silence while nobody listened is not the source's, and one that was told of is none to expect. */
  async function learn(key: SourceKey, activity: SourceActivity, nowMs: number): Promise<void> {
    const { lastEventAtMs, silences, stalledSinceMs } = activity;
    const before = heard.get(key.id);
    heard.set(key.id, Math.max(before ?? nowMs, lastEventAtMs ?? 0));
    if (before === undefined || lastEventAtMs === null || lastEventAtMs <= before) return;
    if (stalledSinceMs !== null) return;
    const noted = noteSilence(silences, lastEventAtMs - before, nowMs);
    if (noted !== silences) await activities.noteSilences(key, noted);
  }

  /** Whether it is silent and should not be. */
  async function judge(
    source: LiveSource,
    activity: SourceActivity,
    nowMs: number,
  ): Promise<boolean> {
    const { createdAtMs, settings } = source.record;
    const watched = { createdAtMs, expectEveryMs: settings.expectEveryMs, activity };
    const withinMs = expectedWithin(watched, nowMs);
    const { lastEventAtMs, stalledSinceMs } = activity;
    if (stalledSinceMs !== null) {
      if (lastEventAtMs === null || lastEventAtMs <= stalledSinceMs) return true;
      const silentMs = lastEventAtMs - stalledSinceMs;
      await tell(source, 'source.recovered', { activity, silentMs, withinMs });
      return false;
    }
    const silentMs = silentFor(watched, nowMs);
    if (withinMs === null || silentMs <= withinMs) return false;
    if (nowMs - startedAtMs < Math.min(withinMs, GRACE_MS)) return false;
    await tell(source, 'source.stalled', { activity, silentMs, withinMs });
    return true;
  }

  async function tell(
    { record }: LiveSource,
    type: EventType & `source.${string}`,
    seen: { activity: SourceActivity; silentMs: number; withinMs: number | null },
  ): Promise<void> {
    const { projectId, id, name, createdAtMs } = record;
    const { lastEventAtMs, stalledSinceMs } = seen.activity;
    const sinceMs = stalledSinceMs ?? lastEventAtMs ?? createdAtMs;
    const timestamp = toTimestamp(clock.now());
    const stalled = {
      source_id: id,
      name,
      last_event_at: lastEventAtMs === null ? null : toTimestamp(lastEventAtMs),
      silent_seconds: Math.round(seen.silentMs / 1_000),
      expected_within_seconds: seen.withinMs === null ? null : Math.round(seen.withinMs / 1_000),
    };
    const data = { provider: 'posthorn', source: id, received_at: timestamp, stalled };
    const event = { id: ids.next('event'), type, timestamp, data };
    const isStalled = type === 'source.stalled';
    const beside = isStalled ? activities.stalling(record, sinceMs) : activities.recovering(record);
    // Two nodes that look at the same time tell the same.
    await append([{ projectId, event, dedupKey: `${type}:${id}:${sinceMs}` }], [beside]);
    const message = isStalled ? 'A source has gone silent' : 'A source talks again';
    const { source_id: source, ...fields } = stalled;
    log.warn({ source, provider: record.provider, ...fields }, message);
  }

  function schedule(mine: number): void {
    if (mine === term) cancelTimer = clock.after(LOOK_MS, () => void run(mine));
  }

  async function run(mine: number): Promise<void> {
    try {
      await look();
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'The silence of sources could not be looked at');
    }
    schedule(mine);
  }

  return {
    start() {
      term += 1;
      startedAtMs = clock.now();
      schedule(term);
    },
    stop() {
      term += 1;
      cancelTimer();
      // Somebody else looks after them from now on.
      heard = new Map();
      stalledCount = 0;
    },
    stalled: () => stalledCount,
  };
}
