import type { CanonicalEvent } from '@posthorn/sdk';
import type { PreviewLine } from '../core/preview-line.ts';
import type { SinkRecord, SinkRefusal, SinkTroubleNote } from '../core/sink.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { SecretBox } from '../lib/secrets/secret-box.ts';
import {
  type SinkConnection,
  type SinkKind,
  type SinkSurroundings,
  SinkTrouble,
} from './contract.ts';
import { type LiveSink, makeLive } from './lane/live-sink.ts';
import { prepare, type Transform } from './lane/prepare.ts';
import { shareFeed } from './lane/shared-feed.ts';
import { createLaneRunner, type LaneFeed, type LanePlaces } from './lane/sink-lane.ts';
import { createSinkWorker, type SinkWorker } from './lane/sink-worker.ts';
import { sendSplitting } from './sending/send-splitting.ts';
import { findSinkKind } from './sink-kinds.ts';

/** Work that one node does for all: see nodes/duties.ts. */
export type HoldDuty = (name: string, duty: { begin(): void; end(): void }) => () => void;

/** Everything that brings events to queues, streams, warehouses, chats and incident systems. */
export interface SinkRoom {
  /** Begins with the sinks that there are; this node takes its share of them. */
  start(hold: HoldDuty): Promise<void>;
  /** Ends what is under way. */
  stop(): Promise<void>;
  /** Sinks were made, changed or removed, here or elsewhere. */
  refresh(): Promise<void>;
  /** There are new events of these projects. */
  announce(projectIds: Iterable<string>): void;
  seal(sink: Pick<SinkRecord, 'projectId' | 'id'>, secrets: Record<string, unknown>): string;
  open(sink: SinkRecord): Record<string, unknown>;
  /** Sends one event right now, past the log. */
  test(sink: SinkRecord, event: CanonicalEvent): Promise<TestResult>;
  /** What would be sent of these events; nothing is. */
  preview(sink: SinkRecord, events: readonly CanonicalEvent[]): Promise<PreviewLine[]>;
  /** Sends these events once more. Resolves with those that are refused again. */
  resend(sink: SinkRecord, events: readonly CanonicalEvent[]): Promise<SinkRefusal[]>;
}

export interface TestResult {
  ok: boolean;
  trouble: Omit<SinkTroubleNote, 'atMs'> | null;
  durationMs: number;
}

interface Held {
  record: SinkRecord;
  worker: SinkWorker;
  giveUp: () => void;
}

const NOTHING_MADE =
  'Nothing was sent: the transformation makes nothing of this sample. Try another type, or see what it makes of your own events with a preview.';
/** How long a test may take, ms: a person waits for it. */
const TEST_MS = 20_000;

export function createSinkRoom(options: {
  sinks: { all(): Promise<SinkRecord[]> };
  places: LanePlaces;
  feed: LaneFeed;
  surroundings: Omit<SinkSurroundings, 'projectId' | 'sinkId'>;
  compile: (expression: string) => Transform;
  secretBox: Pick<SecretBox, 'seal' | 'open'>;
  /** What a sealed text belongs to. */
  contextOf(sink: Pick<SinkRecord, 'projectId' | 'id'>): string;
  projectExists(projectId: string): boolean;
  retentionMs(projectId: string): number;
  /** The process has no time to spare. */
  isPressed(): boolean;
  clock: Clock;
  random: () => number;
  log: Log;
}): SinkRoom {
  const { clock, log, secretBox, contextOf } = options;
  const workers = new Map<string, Held>();
  const feed = shareFeed(options.feed);
  let holdDuty: HoldDuty | null = null;

  function open(sink: SinkRecord): Record<string, unknown> {
    return JSON.parse(secretBox.open(sink.secretsSealed, contextOf(sink)));
  }

  function live(record: SinkRecord, kind: SinkKind): LiveSink {
    const { surroundings, compile } = options;
    return makeLive(record, kind, { secrets: open(record), surroundings, compile });
  }

  function begin(record: SinkRecord, hold: HoldDuty): void {
    const kind = findSinkKind(record.kind);
    // Made by a newer version, which has a kind that this one does not have.
    if (kind === null) return;
    const sink = live(record, kind);
    const runnerOf = (lane: 'live' | 'backfill') =>
      createLaneRunner({
        ...options,
        ...sink,
        feed,
        sink: { projectId: record.projectId, id: record.id, lane },
        batch: kind.batch,
        retentionMs: () => options.retentionMs(record.projectId),
      });
    const worker = createSinkWorker({
      sinkId: record.id,
      lanes: [runnerOf('live'), runnerOf('backfill')],
      isPressed: options.isPressed,
      clock,
      log,
    });
    const giveUp = hold(`sink:${record.id}`, worker);
    workers.set(record.id, { record, worker, giveUp });
  }

  async function end(id: string): Promise<void> {
    const found = workers.get(id);
    workers.delete(id);
    found?.giveUp();
    await found?.worker.close();
  }

  async function refresh(): Promise<void> {
    const hold = holdDuty;
    if (hold === null) return;
    const wanted = new Map(
      (await options.sinks.all())
        .filter(({ isPaused, projectId }) => !isPaused && options.projectExists(projectId))
        .map((sink) => [sink.id, sink]),
    );
    const old = [...workers].filter(
      ([id, { record }]) => wanted.get(id)?.version !== record.version,
    );
    await Promise.all(old.map(([id]) => end(id)));
    for (const sink of wanted.values()) {
      if (workers.has(sink.id) || holdDuty === null) continue;
      try {
        begin(sink, hold);
      } catch (error) {
        log.error({ sink: sink.id, error: messageOf(error) }, 'A sink cannot be begun');
      }
    }
  }

  /** With a connection of its own, so that it is no matter what the lanes are doing. */
  async function sendNow(sink: SinkRecord, events: readonly CanonicalEvent[]) {
    const kind = findSinkKind(sink.kind);
    if (kind === null) throw new SinkTrouble('internal', `There is no kind of sink ${sink.kind}.`);
    const { transform, open: connect } = live(sink, kind);
    const found = events.map((event, position) => {
      return { position, event, json: JSON.stringify(event) };
    });
    const { items, broken } = await prepare(found, () => true, transform);
    if (items.length === 0) return { items, broken, refused: [] };
    const late = new AbortController();
    const cancel = clock.after(TEST_MS, () => late.abort());
    let connection: SinkConnection | null = null;
    try {
      connection = await connect();
      return { items, broken, refused: await sendSplitting(connection, items, late.signal) };
    } finally {
      cancel();
      await connection?.close().catch(() => {});
    }
  }

  return {
    refresh,
    open,
    seal: (sink, secrets) => secretBox.seal(JSON.stringify(secrets), contextOf(sink)),
    async start(hold) {
      holdDuty = hold;
      await refresh();
    },
    async stop() {
      holdDuty = null;
      await Promise.all([...workers.keys()].map(end));
    },
    announce(projectIds) {
      if (workers.size === 0) return;
      const wanted = new Set(projectIds);
      for (const { worker, record } of workers.values()) {
        if (wanted.has(record.projectId)) worker.wake();
      }
    },
    async test(sink, event) {
      const startedAtMs = clock.now();
      const done = (trouble: TestResult['trouble']): TestResult => {
        return { ok: trouble === null, trouble, durationMs: clock.now() - startedAtMs };
      };
      try {
        const { items, broken, refused } = await sendNow(sink, [event]);
        // Nothing was sent then, and so nothing was found out.
        const isEmpty = items.length + broken.length === 0;
        const detail =
          broken[0]?.refusal.detail ?? refused[0]?.detail ?? (isEmpty ? NOTHING_MADE : undefined);
        return done(detail === undefined ? null : { code: 'refused', detail });
      } catch (error) {
        if (!(error instanceof SinkTrouble)) throw error;
        return done({ code: error.code, detail: error.message });
      }
    },
    async preview(sink, events) {
      const kind = findSinkKind(sink.kind);
      if (kind === null) return [];
      const { wants, types, transform } = live(sink, kind);
      const lines: PreviewLine[] = [];
      for (const event of events) {
        const found = [{ position: 0, event, json: JSON.stringify(event) }];
        const isWanted = types.includes(event.type) && wants(event);
        const { items, broken } = await prepare(found, () => isWanted, transform);
        const [item] = items;
        const error = broken[0]?.refusal.detail ?? null;
        const outcome = error !== null ? 'failed' : item === undefined ? 'left_out' : 'sent';
        const ofEvent = { eventId: event.id, eventType: event.type };
        lines.push({
          ...ofEvent,
          outcome,
          body: item === undefined ? null : JSON.parse(item.json),
          error,
        });
      }
      return lines;
    },
    async resend(sink, events) {
      const { items, broken, refused } = await sendNow(sink, events);
      return [
        ...broken.map(({ refusal }) => refusal),
        ...refused.map(({ index, detail }) => {
          return { eventId: items[index]?.event.id ?? '', code: 'refused' as const, detail };
        }),
      ];
    },
  };
}
