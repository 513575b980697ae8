import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { URGENCIES, type Urgency } from '../../../../core/events/urgency.ts';
import type { AttemptRecord } from '../../../engine.ts';
import {
  DAY_MS,
  NODE,
  NOW_MS,
  type OpenEngine,
  OTHER_NODE,
  type Sandbox,
  withOwnStore,
} from '../../sandbox.ts';
import { createLineModel, type LineModel, type ModelDelivery } from './line-model.ts';

type Step =
  | { do: 'append'; key: string | null; urgency: Urgency; skipped: boolean }
  | { do: 'claim'; urgency: Urgency; limit: number; node: string }
  | { do: 'send'; pick: number; outcome: 'delivered' | 'dead' | 'retry' }
  | { do: 'failTogether'; pick: number; firstIsDead: boolean; restIsTold: boolean }
  | { do: 'giveBack'; pick: number; from: number; saysDue: boolean }
  | { do: 'die'; node: string }
  | { do: 'requeue'; pick: number }
  | { do: 'replay'; pick: number; count: number }
  | { do: 'cancel' }
  | { do: 'wait'; ms: number };

// Most of one urgency, of one key and for one node, so that lines grow long and things meet.
const urgency: fc.Arbitrary<Urgency> = fc.constantFrom(1, 1, 1, 1, 1, 1, 0, 2);
const key = fc.constantFrom('a', 'a', 'a', 'a', 'b', 'b', null);
const node = fc.constantFrom(NODE, NODE, NODE, OTHER_NODE);
const pick = fc.nat(20);
const is = <T extends string>(name: T) => fc.constant(name);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: is('append'),
      key,
      urgency,
      skipped: fc.nat(9).map((n) => n === 0),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: is('claim'), urgency, limit: fc.integer({ min: 1, max: 4 }), node }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: is('send'),
      pick,
      outcome: fc.constantFrom('delivered', 'dead', 'retry'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: is('failTogether'),
      pick,
      firstIsDead: fc.boolean(),
      restIsTold: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: is('giveBack'), pick, from: fc.nat(2), saysDue: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: is('die'), node }) },
  { weight: 2, arbitrary: fc.record({ do: is('requeue'), pick }) },
  { weight: 2, arbitrary: fc.record({ do: is('replay'), pick, count: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: is('cancel') }) },
  { weight: 4, arbitrary: fc.record({ do: is('wait'), ms: fc.nat(4) }) },
);

/** What a node has in memory of one key, in order; only the first of it is ever sent. */
interface Run {
  node: string;
  ids: string[];
  /** The first failed and waits in the store: the rest may not be sent, only given back. */
  blocked: boolean;
}

const RETRY_MS = 2;

/** A dispatcher that knows only what it claimed, on the store and on the model at once. */
function createWalk(box: Sandbox) {
  const { engine, store, projectId } = box;
  const endpointId = box.ids.next('endpoint');
  const model: LineModel = createLineModel();
  let runs: Run[] = [];
  let nowMs = NOW_MS;
  /** Events whose delivery ended in its line, by key, in the order in which they did. */
  const ended = new Map<string, string[]>();
  /** Those that were made due again: when they end does not count. */
  const again = new Set<string>();
  const stateOf = (id = ''): ModelDelivery => {
    const found = model.all.find((one) => one.id === id);
    assert.ok(found);
    return found;
  };

  async function claim(urgency: Urgency, limit: number, node: string): Promise<number> {
    const fields = { endpointId, urgency, nowMs, limit, node };
    const { deliveries, nextDueAtMs } = await engine.claimDeliveries(box.claim(fields));
    const ids = deliveries.map(({ eventId }) => eventId);
    assert.deepEqual({ ids, nextDueAtMs }, model.claim(fields));
    let last: string | null = null;
    for (const { eventId, orderKey, attempts } of deliveries) {
      assert.deepEqual([orderKey, attempts], [stateOf(eventId).key, stateOf(eventId).attempts]);
      if (orderKey !== null && orderKey === last) runs.at(-1)?.ids.push(eventId);
      else runs.push({ node, ids: [eventId], blocked: false });
      last = orderKey;
    }
    return ids.length;
  }

  async function record(run: Run, id: string, next: AttemptRecord['next']): Promise<void> {
    const { key, attempts } = stateOf(id);
    const fields = { endpointId, node: run.node, number: attempts + 1, orderKey: key };
    await engine.recordAttempt(box.attempt(id, { ...fields, startedAtMs: nowMs, next }));
    const dueAtMs = next.state === 'pending' ? next.dueAtMs : null;
    model.record(id, next.state, dueAtMs, nowMs);
    run.ids = run.ids.filter((one) => one !== id);
    if (next.state === 'pending') run.blocked = true;
    else if (key !== null && !again.has(id)) ended.set(key, [...(ended.get(key) ?? []), id]);
  }

  async function send(run: Run, outcome: 'delivered' | 'dead' | 'retry'): Promise<void> {
    const retry = { state: 'pending', dueAtMs: nowMs + RETRY_MS, failures: 1 } as const;
    const end = outcome === 'retry' ? retry : ({ state: outcome, endedAtMs: nowMs } as const);
    if (!run.blocked) await record(run, run.ids[0] ?? '', end);
  }

  async function failTogether(
    run: Run,
    { firstIsDead, restIsTold }: Extract<Step, { do: 'failTogether' }>,
  ): Promise<void> {
    if (run.blocked) return;
    const [, ...rest] = run.ids;
    await send(run, firstIsDead ? 'dead' : 'retry');
    // A node that does not know better gives each of them a time.
    const dueAtMs = restIsTold ? nowMs + RETRY_MS : null;
    for (const id of rest) await record(run, id, { state: 'pending', dueAtMs, failures: 1 });
  }

  async function giveBack(run: Run, from: number, saysDue: boolean): Promise<void> {
    const ids = run.ids.slice(from);
    const given = saysDue ? { due: ids, inLine: [] } : { due: [], inLine: ids };
    await store.deliveries.release({ projectId, endpointId, node: run.node, nowMs }, given);
    model.release(ids, nowMs);
    run.ids = run.ids.slice(0, from);
  }

  async function die(node: string): Promise<void> {
    const exceptNode = node === NODE ? OTHER_NODE : NODE;
    const held = model.heldBy(node);
    const { released } = await engine.releaseLeases({ exceptNode, nowMs });
    assert.equal(released, held.length);
    model.release(held, nowMs);
    runs = runs.filter((run) => run.node !== node);
  }

  async function requeue(id: string): Promise<void> {
    if (stateOf(id).state !== 'pending') again.add(id);
    await store.deliveries.requeue({ projectId, eventId: id, endpointId }, nowMs, []);
    model.requeue(id, nowMs);
  }

  async function replay(ids: string[]): Promise<void> {
    for (const id of ids) if (stateOf(id).state !== 'pending') again.add(id);
    const rows = await store.deliveries.ofEvents(projectId, ids);
    const input = { again: rows.toReversed(), missing: [], nowMs };
    const statements = store.deliveries.requeueStatements(input);
    await engine.commit({ events: [], statements });
    model.replay(ids, nowMs);
  }

  async function append(step: Extract<Step, { do: 'append' }>): Promise<void> {
    const state = step.skipped ? 'skipped' : 'pending';
    box.owes({ endpointId, state, urgency: step.urgency, orderKey: step.key, dueAtMs: nowMs });
    const one = box.event();
    await box.log.append([one]);
    const delivery = { id: one.event.id, key: step.key, urgency: step.urgency };
    if (step.skipped) model.appendSkipped(delivery);
    else model.append(delivery, nowMs);
  }

  async function take(step: Step): Promise<void> {
    const run = 'pick' in step ? runs[step.pick % runs.length] : undefined;
    const free = model.all.filter((one) => one.node === null).map(({ id }) => id);
    const from = 'pick' in step ? step.pick % free.length : 0;
    if (step.do === 'append') await append(step);
    else if (step.do === 'claim') await claim(step.urgency, step.limit, step.node);
    else if (step.do === 'send' && run) await send(run, step.outcome);
    else if (step.do === 'failTogether' && run) await failTogether(run, step);
    else if (step.do === 'giveBack' && run) await giveBack(run, step.from, step.saysDue);
    else if (step.do === 'die') await die(step.node);
    else if (step.do === 'requeue' && free.length > 0) await requeue(free[from] ?? '');
    else if (step.do === 'replay') await replay(free.slice(from, from + step.count));
    else if (step.do === 'cancel') {
      await store.deliveries.cancelWaiting(projectId, endpointId, nowMs, 1_000);
      model.cancelWaiting();
    } else if (step.do === 'wait') nowMs += step.ms;
    runs = runs.filter(({ ids }) => ids.length > 0);
  }

  /** The store agrees with the model on every delivery. */
  async function compare(): Promise<void> {
    const rows = await store.deliveries.ofEvents(
      projectId,
      model.all.map(({ id }) => id),
    );
    assert.deepEqual(
      rows.map((row) => [row.event_id, row.state, row.order_key, row.due_at, row.node]),
      model.all.map((one) => [one.id, one.state, one.key, one.dueAtMs, one.node]),
    );
  }

  /** All nodes are gone; one delivers whatever is left. */
  async function finish(): Promise<void> {
    await die(NODE);
    await die(OTHER_NODE);
    nowMs += DAY_MS;
    for (let found = 1; found > 0; ) {
      found = 0;
      for (const one of URGENCIES) found += await claim(one, 3, NODE);
      for (const run of runs) {
        while (run.ids.length > 0) await send(run, 'delivered');
      }
      runs = [];
    }
    await compare();
    assert.ok(!model.all.some(({ state }) => state === 'pending'));
    for (const [key, ids] of ended) {
      const inLog = model.all.map(({ id }) => id).filter((id) => ids.includes(id));
      assert.deepEqual(ids, inLog, `key ${key}`);
    }
  }

  return { take, compare, finish };
}

export function describeLineProperty(open: OpenEngine): void {
  describe('lines of deliveries', () => {
    test('come to their end in order, whatever is done to them in whatever order', () =>
      withOwnStore(open, (box) =>
        fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
            // A walk that failed leaves what it held behind.
            await box.engine.releaseLeases({ exceptNode: 'node_none', nowMs: NOW_MS });
            const walk = createWalk(box);
            for (const one of steps) {
              await walk.take(one);
              await walk.compare();
            }
            await walk.finish();
          }),
          { numRuns: 80 },
        ),
      ));
  });
}
