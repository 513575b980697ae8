import { randomBytes, randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dedupKeyOf } from 'posthorn/src/core/events/dedup-key.ts';
import { urgencyOf } from 'posthorn/src/core/events/urgency.ts';
import { createIds, type Ids } from 'posthorn/src/core/ids.ts';
import { systemClock } from 'posthorn/src/lib/clock.ts';
import type { Engine } from 'posthorn/src/store/engine.ts';
import {
  createEventLog,
  type NewEvent,
  type Subscribers,
} from 'posthorn/src/store/log/event-log.ts';
import { openSqliteEngine } from 'posthorn/src/store/sqlite/engine.ts';
import { sampleEvent } from './engine.ts';
import { type Backlog, fillBacklog } from './fill-backlog.ts';
import { type BenchResult, median } from './result.ts';
import { createAttempt } from './sample-attempt.ts';

/**
 * What 100 events cost the store while more and more deliveries wait: to insert them with a delivery
 * each (one commit, fsynced), to claim 100 due deliveries of an endpoint, and to record their results.
 * Through the contract (store/engine.ts), on one file for each size, all open at once, in turns. The
 * files are filled by SQL (fill-backlog.ts), since five million events by the front door take half an
 * hour; what is measured is the engine itself.
 *
 * Figures are the medians of the largest against those of the smallest; `ratio` is that of inserting or
 * of claiming, whichever is worse. Beside them stands the same for deliveries that become due in another
 * order than they came in, as after retries with jitter: scattered over the whole backlog, which is worse
 * than retries can do.
 */
const TARGET = 1.5;
const SIZES = [10_000, 100_000, 1_000_000, 5_000_000];
const AT_ONCE = 100;
const WARM_UP = 40;
const ROUNDS = 200;
const RETENTION_MS = 30 * 86_400_000;
const NODE = 'node_bench';

interface Subject {
  pending: number;
  engine: Engine;
  backlog: Backlog;
  ids: Ids;
  timesMs: Times;
}

type Times = Record<Kind, Record<Step, number[]>>;
/** In which order deliveries become due: that in which they came, or another. */
type Kind = 'inOrder' | 'scattered';
type Step = 'insert' | 'claim' | 'record';

export async function benchGrowth(): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
  const subjects: Subject[] = [];
  try {
    for (const pending of SIZES) subjects.push(await prepare(join(folder, `${pending}`), pending));
    for (let round = 0; round < WARM_UP + ROUNDS; round++) {
      if (round === WARM_UP) for (const subject of subjects) subject.timesMs = newTimes();
      for (const subject of subjects) await runRound(subject, round);
    }
    subjects.forEach(printFigures);
    return judge(subjects);
  } finally {
    for (const { engine } of subjects) await engine.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function prepare(folder: string, pending: number): Promise<Subject> {
  const startedAt = performance.now();
  const ids = createIds({ now: systemClock.now, randomBytes });
  // The first start makes the schema.
  await (await openSqliteEngine({ folder, clock: systemClock })).close();
  const backlog = fillBacklog(folder, pending);
  const engine = await openSqliteEngine({ folder, clock: systemClock });
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.log(`filled with ${pending} pending deliveries in ${seconds} s`);
  return { pending, engine, backlog, ids, timesMs: newTimes() };
}

function newTimes(): Times {
  return {
    inOrder: { insert: [], claim: [], record: [] },
    scattered: { insert: [], claim: [], record: [] },
  };
}

function printFigures({ pending, timesMs }: Subject): void {
  for (const [kind, steps] of Object.entries(timesMs)) {
    const figures = Object.entries(steps).map(([step, times]) => {
      const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
      return `${step} ${median(times).toFixed(2)} (mean ${mean.toFixed(2)})`;
    });
    console.log(`${pending} pending, ${kind}, ms for ${AT_ONCE}: ${figures.join(', ')}`);
  }
}

/** As much is inserted as claimed, so the backlog keeps its size. */
async function runRound({ engine, backlog, ids, timesMs }: Subject, round: number): Promise<void> {
  const { projectId, dueFromMs, dueUntilMs } = backlog;
  for (const kind of ['inOrder', 'scattered'] as const) {
    const endpoints = backlog[kind];
    const endpointId = endpoints[round % endpoints.length] ?? '';
    const dueAtMs = (nowMs: number): number =>
      kind === 'inOrder' ? nowMs : randomInt(dueFromMs, dueUntilMs);
    const log = createEventLog({
      engine,
      subscribers: owedTo(endpointId, dueAtMs),
      now: Date.now,
      retentionMs: () => RETENTION_MS,
    });
    const events = Array.from({ length: AT_ONCE }, () => newEvent(projectId, ids));
    await measure(timesMs[kind].insert, () => log.append(events));
    const claim = { projectId, endpointId, urgency: 1, limit: AT_ONCE, node: NODE } as const;
    const { deliveries } = await measure(timesMs[kind].claim, () =>
      engine.claimDeliveries({ ...claim, nowMs: Date.now() }),
    );
    if (deliveries.length !== AT_ONCE) throw new Error(`Only ${deliveries.length} were claimed.`);
    const attempts = deliveries.map(({ eventId }) =>
      createAttempt({ projectId, endpointId, eventId, node: NODE }, ids),
    );
    await measure(timesMs[kind].record, () => Promise.all(attempts.map(engine.recordAttempt)));
  }
}

async function measure<T>(timesMs: number[], work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  timesMs.push(performance.now() - startedAt);
  return result;
}

/** The endpoint is down: what comes for it waits in the store. */
function owedTo(endpointId: string, dueAtMs: (nowMs: number) => number): Subscribers {
  return {
    owedFor: (_projectId, event, nowMs) => [
      {
        endpointId,
        state: 'pending',
        urgency: urgencyOf(event.type),
        dueAtMs: dueAtMs(nowMs),
        node: null,
        orderKey: null,
      },
    ],
    committed() {},
    dropped() {},
    stored() {},
  };
}

function newEvent(projectId: string, ids: Ids): NewEvent {
  const event = sampleEvent(ids);
  const recipient = `user${randomInt(1_000_000)}@example.com`;
  const { id, type, timestamp, data } = { ...event, data: { ...event.data, recipient } };
  const dedupKey = dedupKeyOf({ id: null, type, timestamp, data });
  return { projectId, event: { id, type, timestamp, data }, dedupKey };
}

function judge(subjects: readonly Subject[]): BenchResult {
  const [least, most] = [subjects[0], subjects.at(-1)];
  if (least === undefined || most === undefined) throw new Error('Nothing was measured.');
  const growth = (kind: Kind, step: Step): number =>
    Number((median(most.timesMs[kind][step]) / median(least.timesMs[kind][step])).toFixed(3));
  const ratio = Math.max(growth('inOrder', 'insert'), growth('inOrder', 'claim'));
  return {
    bench: 'growth',
    ratio,
    target: TARGET,
    pass: ratio <= TARGET,
    insert: growth('inOrder', 'insert'),
    claim: growth('inOrder', 'claim'),
    record: growth('inOrder', 'record'),
    scattered_insert: growth('scattered', 'insert'),
    scattered_claim: growth('scattered', 'claim'),
    scattered_record: growth('scattered', 'record'),
  };
}
