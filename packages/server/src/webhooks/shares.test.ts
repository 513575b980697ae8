import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { LiveEndpoint } from './endpoints/live-endpoint.ts';
import { makeLiveEndpoint } from './fixtures/make-endpoint.ts';
import { createLane, type Lane } from './lane.ts';
import { createShares, type Shares } from './shares.ts';

const endpoints = new Map<string, LiveEndpoint>();
for (const projectId of ['prj_a', 'prj_b', 'prj_c']) {
  for (let i = 0; i < 20; i++) {
    const id = `ep_${projectId.slice(4)}${i}`;
    endpoints.set(id, await makeLiveEndpoint({ projectId, id }));
  }
}

/** Lanes named by project and number: a0, a1, b0 ... */
function laneOf(name: string): Lane {
  const endpoint = endpoints.get(`ep_${name}`);
  if (endpoint === undefined) throw new Error(`There is no ${name}.`);
  return createLane(endpoint);
}

const lanesOf = (project: string, count: number): Lane[] =>
  Array.from({ length: count }, (_, i) => laneOf(`${project}${i}`));

/** Starts as many as may start, all of which hang. */
function startAll(shares: Shares, lane: Lane): number {
  let started = 0;
  for (; shares.canStart(lane); started++) shares.noteStarted(lane);
  return started;
}

/** What they settle to when each now and then ends a post and begins another one. */
function churn(shares: Shares, lanes: readonly Lane[]): void {
  for (const lane of [...lanes, ...lanes, ...lanes]) {
    for (let ending = lane.inFlight; ending > 0; ending--) shares.noteEnded(lane);
    for (const other of [...lanes.filter((one) => one !== lane), lane]) startAll(shares, other);
  }
}

test('a single lane takes a good part and not everything', () => {
  for (const concurrency of [2, 8, 100, 512]) {
    const shares = createShares({ concurrency, memory: 8_192 });
    const taken = startAll(shares, laneOf('a0'));
    assert.ok(taken >= concurrency / 4, `${taken} of ${concurrency}`);
    assert.ok(taken <= concurrency / 2, `${taken} of ${concurrency}`);
    assert.ok(shares.canStart(laneOf('a1')));
    assert.ok(shares.canStart(laneOf('b0')));
  }
});

test('where there is but one place, whoever comes takes it', () => {
  const shares = createShares({ concurrency: 1, memory: 8_192 });
  const [lane, other] = [laneOf('a0'), laneOf('b0')];
  assert.equal(startAll(shares, lane), 1);
  assert.equal(shares.canStart(other), false);
  shares.noteEnded(lane);
  assert.equal(startAll(shares, other), 1);
});

test('many hanging endpoints leave a place for one that answers, of their project or another', () => {
  for (const count of [1, 2, 5, 10, 14]) {
    const shares = createShares({ concurrency: 20, memory: 8_192 });
    churn(shares, lanesOf('a', count));
    assert.ok(shares.canStart(laneOf('a19')), `${count} hang`);
    assert.ok(startAll(shares, laneOf('b0')) >= 2, `${count} hang`);
  }
});

test('a project whose every endpoint hangs leaves room for the next two projects to begin', () => {
  const shares = createShares({ concurrency: 100, memory: 8_192 });
  const taken = lanesOf('a', 20).reduce((sum, lane) => sum + startAll(shares, lane), 0);
  assert.ok(taken > 60 && taken <= 75, `${taken}`);
  assert.ok(startAll(shares, laneOf('b0')) >= 8);
  assert.ok(startAll(shares, laneOf('c0')) >= 5);
});

test('memory is shared as posts are', () => {
  const shares = createShares({ concurrency: 100, memory: 8_000 });
  const fill = (lane: Lane): number => {
    const before = lane.held;
    while (shares.roomFor(lane) > 0) shares.hold(lane, 1);
    return lane.held - before;
  };
  assert.equal(fill(laneOf('a0')), 3_000);
  for (const lane of lanesOf('a', 20)) fill(lane);
  assert.ok(shares.inMemory <= 6_000, `${shares.inMemory}`);
  assert.ok(fill(laneOf('b0')) >= 700);
  assert.ok(fill(laneOf('c0')) >= 400);
});

test('free places go to projects in turn, and to the lanes of each in turn', () => {
  const shares = createShares({ concurrency: 8, memory: 100 });
  const lanes = ['a0', 'a1', 'a2', 'b0', 'c0', 'c1'].map(laneOf);
  for (const lane of lanes) shares.wait(lane);
  for (const lane of lanes) shares.wait(lane);
  assert.equal(shares.waiting, 6);
  const turns: string[] = [];
  for (let i = 0; i < 9; i++) {
    const lane = shares.nextInTurn();
    if (lane === undefined) break;
    turns.push(lane.endpoint.record.id);
    // It has more to do than it could start.
    if (i < 3) shares.wait(lane);
  }
  assert.deepEqual(turns, [
    ...['ep_a0', 'ep_b0', 'ep_c0'],
    ...['ep_a1', 'ep_b0', 'ep_c1'],
    ...['ep_a2', 'ep_c0', 'ep_a0'],
  ]);
  assert.equal(shares.waiting, 0);
  assert.equal(shares.nextInTurn(), undefined);
});

test('nobody gets a turn while nothing is free, nor a lane that waits no more', () => {
  const shares = createShares({ concurrency: 1, memory: 100 });
  const [busy, gone, next] = [laneOf('a0'), laneOf('a1'), laneOf('a2')];
  shares.noteStarted(busy);
  shares.wait(gone);
  shares.wait(next);
  assert.equal(shares.nextInTurn(), undefined);
  shares.stopWaiting(gone);
  shares.stopWaiting(gone);
  shares.noteEnded(busy);
  assert.equal(shares.nextInTurn(), next);
  assert.equal(shares.waiting, 0);
});

test('who may not start yet is passed over, and keeps the turn', () => {
  const shares = createShares({ concurrency: 8, memory: 100 });
  const [full, next, other] = [laneOf('a0'), laneOf('a1'), laneOf('b0')];
  startAll(shares, full);
  for (const lane of [full, next]) shares.wait(lane);
  assert.equal(shares.nextInTurn(), next);
  assert.equal(shares.nextInTurn(), undefined);
  shares.wait(other);
  assert.equal(shares.nextInTurn(), other);
  shares.noteEnded(full);
  assert.equal(shares.nextInTurn(), full);
  assert.equal(shares.waiting, 0);
});

test('whatever comes and goes, no limit is passed, and in the end everything is zero', () => {
  const step = fc.record({
    lane: fc.nat(11),
    kind: fc.constantFrom('start', 'end', 'hold', 'free', 'wait', 'stop', 'turn'),
    count: fc.integer({ min: 1, max: 50 }),
  });
  const limits = fc.record({
    concurrency: fc.integer({ min: 1, max: 40 }),
    memory: fc.integer({ min: 1, max: 200 }),
  });
  fc.assert(
    fc.property(limits, fc.array(step, { maxLength: 100 }), (limit, steps) => {
      const shares = createShares(limit);
      const lanes = ['a', 'b', 'c'].flatMap((project) => lanesOf(project, 4));
      const apply = {
        start: (lane: Lane) => shares.canStart(lane) && shares.noteStarted(lane),
        end: (lane: Lane) => lane.inFlight > 0 && shares.noteEnded(lane),
        hold: (lane: Lane) => shares.roomFor(lane) > 0 && shares.hold(lane, 1),
        free: (lane: Lane) => lane.held > 0 && shares.hold(lane, -1),
        wait: (lane: Lane) => shares.wait(lane),
        stop: (lane: Lane) => shares.stopWaiting(lane),
        turn: () => shares.nextInTurn(),
      };
      for (const { lane, kind, count } of steps) {
        const one = lanes[lane];
        for (let i = 0; i < count && one !== undefined; i++) apply[kind](one);
        assert.ok(shares.inFlight <= limit.concurrency && shares.inMemory <= limit.memory);
        for (const project of ['prj_a', 'prj_b', 'prj_c']) {
          const own = lanes.filter((some) => some.endpoint.record.projectId === project);
          const inFlight = own.reduce((sum, some) => sum + some.inFlight, 0);
          assert.ok(inFlight <= Math.max(1, Math.ceil(limit.concurrency * 0.75)));
        }
      }
      for (const lane of lanes) {
        while (lane.inFlight > 0) apply.end(lane);
        while (lane.held > 0) apply.free(lane);
        apply.stop(lane);
      }
      const { inFlight, inMemory, waiting } = shares;
      assert.deepEqual({ inFlight, inMemory, waiting }, { inFlight: 0, inMemory: 0, waiting: 0 });
    }),
  );
});
