import assert from 'node:assert/strict';
import test from 'node:test';
import type { EventData, EventType } from '@posthorn/sdk';
import fc from 'fast-check';
import { compileEventFilter } from '../core/events/event-filter.ts';
import { type Urgency, urgencyOf } from '../core/events/urgency.ts';
import { type EndpointFields, makeDelivery, makeLiveEndpoint } from './fixtures/make-endpoint.ts';
import { createLane, isWaiting, type Lane, putPaged, type ReadyDelivery } from './lane.ts';
import { noteFresh, type PostUnit, takeUnit, type UnitWait } from './post-unit.ts';

type Settings = NonNullable<EndpointFields['settings']>;

const laneFor = async (settings: Settings): Promise<Lane> =>
  createLane(await makeLiveEndpoint({ settings }));

interface Wanted {
  type?: EventType;
  data?: EventData;
  readyAtMs?: number;
  kind?: 'fresh' | 'paged';
}

function put(lane: Lane, eventId: string, wanted: Wanted = {}): ReadyDelivery {
  const { type = 'email.delivered', data = {}, readyAtMs = 0, kind = 'fresh' } = wanted;
  const body = JSON.stringify({ id: eventId, type, timestamp: '', data: { tags: [], ...data } });
  const urgency: Urgency = urgencyOf(type);
  const delivery = makeDelivery(eventId, { type, body, urgency, readyAtMs });
  if (kind === 'paged') putPaged(lane, delivery);
  else {
    lane.shelves[urgency].fresh.push(delivery);
    noteFresh(lane, delivery);
  }
  return delivery;
}

const open = (message: string, recipient: string, more: Partial<Wanted> = {}): Wanted => ({
  type: 'email.opened',
  data: { message: { id: message }, recipient },
  ...more,
});

const click = (message: string, recipient: string, url: string): Wanted => ({
  type: 'email.clicked',
  data: { message: { id: message }, recipient, engagement: { url } },
});

/** The ids that go in one post, group by group; or how long to wait. */
function take(lane: Lane, nowMs: number): string[][] | number | null {
  const unit = takeUnit(lane, nowMs);
  if ('waitUntilMs' in unit) return unit.waitUntilMs;
  const ids = (list: readonly ReadyDelivery[]) => list.map(({ eventId }) => eventId);
  const groups = unit.groups?.map(ids) ?? [ids(unit.deliveries)];
  assert.deepEqual(groups.flat(), ids(unit.deliveries));
  assert.equal(unit.isBatch, unit.isBatch && unit.groups !== null);
  return groups;
}

const BATCH = { maxEvents: 3, maxWaitMs: 1_000, eventTypes: null };

test('without settings of its own an endpoint gets each event in a post of its own', async () => {
  const lane = await laneFor({});
  put(lane, 'a');
  const one = put(lane, 'b', open('m', 'x@example.com'));
  assert.deepEqual(take(lane, 0), [['a']]);
  assert.deepEqual(takeUnit(lane, 0), { deliveries: [one], groups: null, isBatch: false });
  assert.equal(take(lane, 0), null);
});

test('a batch goes when it is full, or when its first event has waited', async () => {
  const lane = await laneFor({ batch: BATCH });
  put(lane, 'a', { readyAtMs: 100 });
  put(lane, 'b', { readyAtMs: 400 });
  assert.equal(take(lane, 400), 1_100);
  assert.equal(take(lane, 1_099), 1_100);
  assert.deepEqual(take(lane, 1_100), [['a'], ['b']]);
  for (const id of ['c', 'd', 'e', 'f']) put(lane, id, { readyAtMs: 2_000 });
  assert.deepEqual(take(lane, 2_000), [['c'], ['d'], ['e']]);
  assert.equal(take(lane, 2_000), 3_000);
});

test('a batch of one is still an array, so that a receiver sees one form', async () => {
  const lane = await laneFor({ batch: BATCH });
  const one = put(lane, 'a');
  const unit = { deliveries: [one], groups: [[one]], isBatch: true };
  assert.deepEqual(takeUnit(lane, 1_000), unit);
});

test('what was read back has waited long enough', async () => {
  const lane = await laneFor({ batch: BATCH });
  put(lane, 'b', { readyAtMs: 5_000 });
  put(lane, 'a', { kind: 'paged' });
  assert.deepEqual(take(lane, 5_000), [['a'], ['b']]);
});

test('only the types that were asked for go in batches; the others go singly and at once', async () => {
  const batch = { ...BATCH, eventTypes: ['email.opened', 'suppression.*'] };
  const lane = await laneFor({ batch });
  put(lane, 'o', { type: 'email.opened', readyAtMs: 10 });
  put(lane, 's', { type: 'suppression.added', readyAtMs: 10 });
  put(lane, 'd', { type: 'email.delivered', readyAtMs: 10 });
  const single = takeUnit(lane, 10) as PostUnit;
  assert.deepEqual(
    [single.deliveries[0]?.eventId, single.groups, single.isBatch],
    ['d', null, false],
  );
  assert.equal(take(lane, 10), 1_010);
  assert.deepEqual(take(lane, 1_010), [['o'], ['s']]);
});

test('the urgent ones are in the first batch, and what has no room waits for the next', async () => {
  const lane = await laneFor({ batch: { ...BATCH, maxEvents: 2 } });
  for (const id of ['o1', 'o2', 'o3']) put(lane, id, { type: 'email.opened' });
  for (const id of ['d1', 'd2']) put(lane, id);
  put(lane, 'b1', { type: 'email.bounced' });
  assert.deepEqual(take(lane, 0), [['b1'], ['d1']]);
  assert.deepEqual(take(lane, 0), [['d2'], ['o1']]);
  assert.deepEqual(take(lane, 0), [['o2'], ['o3']]);
});

test('the same events stand in the same order when their batch is made again', async () => {
  const lane = await laneFor({ batch: BATCH });
  put(lane, 'a', { type: 'email.opened' });
  put(lane, 'b', { type: 'email.bounced' });
  put(lane, 'c');
  const first = take(lane, 0);
  put(lane, 'b', { type: 'email.bounced', kind: 'paged' });
  put(lane, 'c', { kind: 'paged' });
  put(lane, 'a', { type: 'email.opened', kind: 'paged' });
  assert.deepEqual(take(lane, 0), first);
});

test('a flood of single events leaves turns to batches and to what repeats', async () => {
  const batch = { ...BATCH, eventTypes: ['email.clicked'] };
  const lane = await laneFor({ batch, coalesceMs: 1_000 });
  put(lane, 'o', open('m', 'x@example.com'));
  for (const id of ['c1', 'c2', 'c3']) put(lane, id, { type: 'email.clicked' });
  for (let i = 0; i < 100; i++) put(lane, `d${i}`);
  const seen = Array.from({ length: 40 }, () => take(lane, 1_000));
  assert.equal(seen.filter((groups) => String(groups).startsWith('d')).length, 38);
  assert.ok(seen.some((groups) => String(groups) === 'o'));
  assert.ok(seen.some((groups) => String(groups) === 'c1,c2,c3'));
});

test('opens and clicks that repeat within the time go as one', async () => {
  const lane = await laneFor({ coalesceMs: 60_000 });
  put(lane, 'a', open('m1', 'x@example.com', { readyAtMs: 0 }));
  put(lane, 'b', open('m1', 'x@example.com', { readyAtMs: 59_000 }));
  put(lane, 'c', open('m2', 'x@example.com', { readyAtMs: 30_000 }));
  assert.equal(take(lane, 59_999), 60_000);
  assert.deepEqual(take(lane, 60_000), [['a', 'b']]);
  assert.equal(take(lane, 60_000), 90_000);
  const last = takeUnit(lane, 90_000) as PostUnit;
  assert.deepEqual([last.deliveries.length, last.groups, last.isBatch], [1, null, false]);
});

test('only what is alike in message, recipient and link is one; and nothing but opens and clicks', async () => {
  const lane = await laneFor({ coalesceMs: 1_000 });
  const x = 'x@example.com';
  put(lane, 'a', open('m1', x));
  put(lane, 'b', open('m1', 'y@example.com'));
  put(lane, 'c', open('m2', x));
  put(lane, 'd', click('m1', x, 'https://example.com/1'));
  put(lane, 'e', click('m1', x, 'https://example.com/2'));
  put(lane, 'f', click('m1', x, 'https://example.com/1'));
  const machine = { message: { id: 'm1' }, recipient: x, engagement: { machine: true } };
  put(lane, 'g', { type: 'email.opened', data: machine });
  // Without a message nothing says that they belong together.
  put(lane, 'h', { type: 'email.opened', data: { recipient: x } });
  put(lane, 'i', { type: 'email.opened', data: { recipient: x } });
  put(lane, 'j', { type: 'email.bounced', data: { message: { id: 'm1' }, recipient: x } });
  put(lane, 'k', { type: 'email.bounced', data: { message: { id: 'm1' }, recipient: x } });
  const seen: string[] = [];
  for (let one = take(lane, 1_000); Array.isArray(one); one = take(lane, 1_000)) {
    seen.push(one.map((group) => group.join('+')).join(' '));
  }
  assert.deepEqual(seen.sort(), ['a', 'b', 'c', 'd+f', 'e', 'g', 'h', 'i', 'j', 'k']);
});

test('no more go as one than their ids have room in the body', async () => {
  const lane = await laneFor({ coalesceMs: 1_000 });
  for (let i = 0; i < 250; i++) put(lane, `e${i}`, open('m', 'x@example.com'));
  const sizes = [0, 0, 0].map(() => (takeUnit(lane, 1_000) as PostUnit).deliveries.length);
  assert.deepEqual(sizes, [100, 100, 50]);
});

test('with both, what repeats is one of its batch', async () => {
  const lane = await laneFor({ batch: { ...BATCH, maxWaitMs: 5_000 }, coalesceMs: 2_000 });
  put(lane, 'a', open('m1', 'x@example.com', { readyAtMs: 0 }));
  put(lane, 'b', { readyAtMs: 0 });
  put(lane, 'c', open('m1', 'x@example.com', { readyAtMs: 1_000 }));
  assert.equal(take(lane, 1_000), 5_000);
  assert.deepEqual(take(lane, 5_000), [['a', 'c'], ['b']]);
  // Full, and still the open waits for others like it: the batch goes without it.
  put(lane, 'd', open('m1', 'x@example.com', { readyAtMs: 6_000 }));
  for (const id of ['e', 'f', 'g']) put(lane, id, { readyAtMs: 6_000 });
  assert.deepEqual(take(lane, 6_000), [['e'], ['f'], ['g']]);
  assert.equal(take(lane, 6_000), 11_000);
});

/** A head that waits in memory with these behind it. */
function putLine(lane: Lane, ids: readonly string[], types: readonly EventType[] = []): void {
  const [head, ...line] = ids.map((id, i) => {
    const type = types[i] ?? 'email.delivered';
    return makeDelivery(id, { orderKey: ids[0] ?? '', type });
  });
  if (head === undefined) return;
  head.line = line;
  lane.shelves[1].paged.push(head);
}

test('what stands in line comes along in order, as far as there is room', async () => {
  const lane = await laneFor({ batch: { ...BATCH, maxEvents: 5 }, order: 'per-message' });
  putLine(lane, ['a1', 'a2', 'a3']);
  putLine(lane, ['b1', 'b2', 'b3']);
  const unit = takeUnit(lane, 1_000) as PostUnit;
  const ids = unit.deliveries.map(({ eventId }) => eventId);
  assert.deepEqual(ids, ['a1', 'b1', 'a2', 'a3', 'b2']);
  assert.deepEqual(
    unit.deliveries.map(({ line }) => line.map(({ eventId }) => eventId)),
    [[], [], [], [], ['b3']],
  );
});

test('a type that goes singly ends what comes along from a line', async () => {
  const batch = { ...BATCH, maxEvents: 10, eventTypes: ['email.delivered'] };
  const lane = await laneFor({ batch, order: 'per-endpoint' });
  putLine(lane, ['a', 'b', 'c', 'd'], ['email.delivered', 'email.delivered', 'email.bounced']);
  const unit = takeUnit(lane, 1_000) as PostUnit;
  assert.deepEqual(
    unit.deliveries.map(({ eventId }) => eventId),
    ['a', 'b'],
  );
  assert.deepEqual(
    unit.deliveries.at(-1)?.line.map(({ eventId }) => eventId),
    ['c', 'd'],
  );
});

const SOME_TYPES: string[] = ['email.opened', 'email.delivered'];
const TYPES: EventType[] = ['email.bounced', 'email.delivered', 'email.opened', 'email.clicked'];

test('whatever waits and comes: nothing is lost, doubled or late, and limits and lines are kept', async () => {
  const endpoint = await makeLiveEndpoint();
  const settings = fc.record({
    coalesceMs: fc.option(fc.integer({ min: 1, max: 2_000 })),
    batch: fc.option(
      fc.record({
        maxEvents: fc.integer({ min: 1, max: 6 }),
        maxWaitMs: fc.integer({ min: 0, max: 2_000 }),
        eventTypes: fc.option(fc.constant(SOME_TYPES)),
      }),
    ),
  });
  const arrival = fc.record({
    type: fc.constantFrom(...TYPES),
    message: fc.constantFrom('m1', 'm2'),
    afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1_500 })),
    kind: fc.constantFrom('fresh' as const, 'paged' as const),
    behind: fc.nat(3),
  });
  fc.assert(
    fc.property(settings, fc.array(arrival, { maxLength: 60 }), (chosen, arrivals) => {
      const { batch, coalesceMs } = chosen;
      const record = { ...endpoint.record, settings: { ...endpoint.record.settings, ...chosen } };
      const types = batch === null ? null : compileEventFilter(batch.eventTypes ?? ['*']);
      const lane = createLane({ ...endpoint, record, batch, batchedTypes: types });
      const arrived: string[] = [];
      const seen: string[] = [];
      let nowMs = 10_000;

      const check = (unit: PostUnit): void => {
        seen.push(...unit.deliveries.map(({ eventId }) => eventId));
        const bodies = unit.groups?.length ?? 1;
        assert.ok(bodies <= (unit.isBatch ? (batch?.maxEvents ?? 0) : 1));
        for (const { type } of unit.deliveries) {
          assert.equal(unit.isBatch, types?.has(type) ?? false);
        }
        for (const group of unit.groups ?? []) {
          assert.equal(new Set(group.map(({ type }) => type)).size, 1);
          if (group.length > 1) assert.ok(coalesceMs !== null);
        }
        // Whose turn it is not yet stays behind the last of its line that goes.
        for (const one of unit.deliveries) {
          const { line } = one;
          if (line.length > 0)
            lane.shelves[1].paged.push({ ...line[0], line: line.slice(1) } as ReadyDelivery);
        }
      };
      const takeAll = (): UnitWait => {
        for (;;) {
          const unit = takeUnit(lane, nowMs);
          if ('waitUntilMs' in unit) return unit;
          check(unit);
        }
      };

      for (const [i, { type, message, afterMs, kind, behind }] of arrivals.entries()) {
        nowMs += afterMs;
        const readyAtMs = kind === 'fresh' ? nowMs : 0;
        const one = put(lane, `e${i}`, {
          ...open(message, 'x@example.com'),
          type,
          readyAtMs,
          kind,
        });
        const names = Array.from({ length: kind === 'paged' ? behind : 0 }, (_, n) => `e${i}-${n}`);
        one.line = names.map((name) => makeDelivery(name, { orderKey: one.eventId }));
        arrived.push(one.eventId, ...names);
        const { waitUntilMs } = takeAll();
        assert.equal(waitUntilMs === null, !isWaiting(lane));
        assert.ok(waitUntilMs === null || waitUntilMs > nowMs);
        // What waits, waits for company: it came a moment ago, and its batch is not full.
        const left = lane.shelves.flatMap(({ fresh, paged }) => [...paged, ...fresh]);
        for (const { type, readyAtMs } of left) {
          const batchWaitMs = types?.has(type) === true ? (batch?.maxWaitMs ?? 0) : 0;
          const isRepeatable = type === 'email.opened' || type === 'email.clicked';
          const coalesceWaitMs = isRepeatable ? (coalesceMs ?? 0) : 0;
          const longestMs = readyAtMs + Math.max(batchWaitMs, coalesceWaitMs);
          assert.ok(nowMs < longestMs && (waitUntilMs ?? 0) <= longestMs);
        }
        const full = left.filter(({ type }) => types?.has(type) === true);
        assert.ok(coalesceMs !== null || full.length < (batch?.maxEvents ?? 1));
      }
      for (let wait = takeAll(); wait.waitUntilMs !== null; wait = takeAll())
        nowMs = wait.waitUntilMs;
      assert.equal(isWaiting(lane), false);
      assert.deepEqual([...seen].sort(), [...arrived].sort());
      for (const id of arrived) {
        const behind = seen.filter((other) => other.startsWith(`${id}-`));
        assert.deepEqual(behind, [...behind].sort());
        if (behind[0] !== undefined) assert.ok(seen.indexOf(id) < seen.indexOf(behind[0]));
      }
    }),
  );
});
