import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { URGENCIES, type Urgency } from '../core/events/urgency.ts';
import { makeDelivery, makeLiveEndpoint } from './fixtures/make-endpoint.ts';
import {
  createLane,
  hasRoomForFresh,
  isWaiting,
  LANE_CAPACITY,
  type Lane,
  nextByRate,
  noteAnyStored,
  noteRate,
  noteStored,
  roomForPaged,
  takeAll,
  takeNext,
} from './lane.ts';

const endpoint = await makeLiveEndpoint();

/** So many of each urgency: fresh ones, and ones that were read back. */
function laneWith(fresh: readonly number[], paged: readonly number[] = []): Lane {
  const lane = createLane(endpoint);
  for (const urgency of URGENCIES) {
    const many = (kind: string, count = 0) =>
      Array.from({ length: count }, (_, i) => makeDelivery(`${kind}${urgency}-${i}`, { urgency }));
    lane.shelves[urgency].fresh = many('fresh', fresh[urgency]);
    lane.shelves[urgency].paged = many('paged', paged[urgency]);
  }
  return lane;
}

function take(lane: Lane, count: number): string[] {
  return Array.from({ length: count }, () => takeNext(lane)?.eventId ?? '');
}

const countOf = (ids: readonly string[], start: string): number =>
  ids.filter((id) => id.startsWith(start)).length;

test('while both wait, every fourth turn is for what was read back', () => {
  for (const urgency of URGENCIES) {
    const counts = URGENCIES.map((one) => (one === urgency ? 40 : 0));
    const taken = take(laneWith(counts, counts), 40);
    assert.equal(countOf(taken, 'paged'), 10);
  }
});

test('a turn goes to the other kind where one is empty, so nothing waits without need', () => {
  assert.deepEqual(take(laneWith([], [0, 1]), 2), ['paged1-0', '']);
  const lane = laneWith([0, 8]);
  assert.deepEqual(
    take(lane, 8),
    Array.from({ length: 8 }, (_, i) => `fresh1-${i}`),
  );
  assert.equal(takeNext(lane), undefined);
});

test('what is urgent overtakes everything that waits', () => {
  const lane = laneWith([3, 100, 100], [0, 100, 100]);
  assert.deepEqual(take(lane, 3), ['fresh0-0', 'fresh0-1', 'fresh0-2']);
  assert.equal(countOf(take(lane, 4), 'fresh1'), 3);
});

test('a flood of urgent ones leaves turns to bulk, to what is in the middle, and to both kinds', () => {
  const taken = take(laneWith([2_000, 100, 100], [2_000, 100, 100]), 320);
  for (const urgency of [1, 2]) {
    assert.equal(countOf(taken, `fresh${urgency}`), 15);
    assert.equal(countOf(taken, `paged${urgency}`), 5);
  }
});

test('a shelf notes the earliest of what waits in the store', () => {
  const lane = laneWith([]);
  for (const dueAtMs of [50, 20, 70]) noteStored(lane, 1, dueAtMs);
  noteAnyStored(lane, 40);
  assert.deepEqual(
    lane.shelves.map(({ storedDueAtMs }) => storedDueAtMs),
    [40, 20, 40],
  );
});

test('everything that waits is taken out at once, each with its line', () => {
  const lane = laneWith([1, 1, 1], [1, 1, 1]);
  const line = [makeDelivery('behind')];
  lane.shelves[1].paged.push(makeDelivery('head', { line }));
  const taken = takeAll(lane);
  assert.equal(taken.length, 7);
  assert.equal(taken.find(({ eventId }) => eventId === 'head')?.line, line);
  assert.equal(isWaiting(lane), false);
});

test('a rate limit spaces posts by the events in them, and does not save up', async () => {
  const lane = createLane(await makeLiveEndpoint({ settings: { ratePerSecond: 3 } }));
  const starts: number[] = [];
  let nowMs = 0;
  const startAll = (posts: readonly number[]): void => {
    for (const events of posts) {
      nowMs = Math.max(nowMs, nextByRate(lane));
      assert.ok(Number.isInteger(nowMs));
      starts.push(nowMs);
      noteRate(lane, events, 1, nowMs);
    }
  };
  startAll([1, 1, 6, 1]);
  assert.deepEqual(starts, [0, 284, 617, 2_617]);
  nowMs = 60_000;
  startAll([1, 1, 1]);
  assert.deepEqual(starts.slice(4), [60_000, 60_284, 60_617]);
});

/** What a dispatcher can do to a lane. `count` is how much it would like to. */
type Step = {
  kind: 'reserve' | 'commit' | 'drop' | 'page' | 'take' | 'end' | 'record';
  urgency: Urgency;
  count: number;
};

test('no sequence of steps loses or doubles a delivery, or holds more than the lane may', () => {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom('reserve', 'commit', 'drop', 'page', 'take', 'end', 'record'),
    urgency: fc.constantFrom(...URGENCIES),
    count: fc.integer({ min: 1, max: 700 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const lane = createLane(endpoint);
      const seen: string[] = [];
      let next = 0;
      let given = 0;
      const apply: Record<Step['kind'], (urgency: Urgency) => boolean> = {
        reserve(urgency) {
          if (!hasRoomForFresh(lane, urgency)) return false;
          lane.shelves[urgency].reserved += 1;
          lane.held += 1;
          return true;
        },
        commit(urgency) {
          const shelf = lane.shelves[urgency];
          if (shelf.reserved === 0) return false;
          shelf.reserved -= 1;
          shelf.fresh.push(makeDelivery(`e${next++}`, { urgency }));
          given += 1;
          return true;
        },
        drop(urgency) {
          const shelf = lane.shelves[urgency];
          if (shelf.reserved === 0) return false;
          shelf.reserved -= 1;
          lane.held -= 1;
          return true;
        },
        page(urgency) {
          if (roomForPaged(lane, urgency) === 0) return false;
          lane.shelves[urgency].paged.push(makeDelivery(`e${next++}`, { urgency }));
          lane.held += 1;
          given += 1;
          return true;
        },
        take() {
          const taken = takeNext(lane);
          if (taken === undefined) return false;
          seen.push(taken.eventId);
          lane.inFlight += 1;
          return true;
        },
        end() {
          if (lane.inFlight === 0) return false;
          lane.inFlight -= 1;
          lane.unrecorded += 1;
          return true;
        },
        record() {
          if (lane.unrecorded === 0) return false;
          lane.unrecorded -= 1;
          lane.held -= 1;
          return true;
        },
      };
      for (const { kind, urgency, count } of steps) {
        for (let i = 0; i < count && apply[kind](urgency); i++);
        assert.ok(lane.held <= LANE_CAPACITY, `${lane.held} held`);
        const [, normal, bulk] = lane.shelves;
        const fresh = normal.fresh.length + normal.reserved + bulk.fresh.length + bulk.reserved;
        assert.ok(fresh <= LANE_CAPACITY / 2, `${fresh} fresh ones that are not urgent`);
        for (const { paged } of lane.shelves) assert.ok(paged.length <= LANE_CAPACITY / 4);
      }
      while (apply.take(0));
      assert.equal(seen.length, given);
      assert.equal(new Set(seen).size, given);
    }),
  );
});

test('a lane that is full of bulk still takes what is urgent', () => {
  const lane = createLane(endpoint);
  const fill = (urgency: Urgency): number => {
    let count = 0;
    for (; hasRoomForFresh(lane, urgency); count++) {
      lane.shelves[urgency].fresh.push(makeDelivery(`e${urgency}-${count}`, { urgency }));
      lane.held += 1;
    }
    for (let room = roomForPaged(lane, urgency); room > 0; room = roomForPaged(lane, urgency)) {
      lane.held += room;
      for (; room > 0; room--) lane.shelves[urgency].paged.push(makeDelivery('e', { urgency }));
    }
    return count;
  };
  fill(2);
  fill(1);
  assert.equal(hasRoomForFresh(lane, 2), false);
  assert.ok(fill(0) >= 512);
  assert.equal(lane.held, LANE_CAPACITY);
});
