import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import test from 'node:test';
import fc from 'fast-check';
import type { LiveEndpoint } from './endpoint-directory.ts';
import {
  createLane,
  hasRoomForFresh,
  heldBy,
  LANE_CAPACITY,
  type Lane,
  noteStored,
  type ReadyDelivery,
  roomForPaged,
  takeNext,
} from './lane.ts';
import { parseTarget } from './post/post-target.ts';

const endpoint: LiveEndpoint = {
  record: {
    projectId: 'prj_1',
    id: 'ep_1',
    url: 'https://app.example.com/',
    description: '',
    eventTypes: ['*'],
    secretSealed: '',
    status: 'enabled',
    disabledReason: null,
    createdAtMs: 0,
    updatedAtMs: 0,
  },
  types: new Set(),
  keys: [createSecretKey(Buffer.alloc(32))],
  target: parseTarget('https://app.example.com/'),
};

function delivery(eventId: string): ReadyDelivery {
  return {
    projectId: 'prj_1',
    endpointId: 'ep_1',
    eventId,
    type: 'email.delivered',
    body: '{}',
    attempts: 0,
    failures: 0,
  };
}

function laneWith(fresh: number, paged: number): Lane {
  const lane = createLane(endpoint);
  lane.fresh = Array.from({ length: fresh }, (_, i) => delivery(`fresh${i}`));
  lane.paged = Array.from({ length: paged }, (_, i) => delivery(`paged${i}`));
  return lane;
}

test('while both wait, every fourth turn is for what was read back', () => {
  const lane = laneWith(40, 40);
  const taken = Array.from({ length: 40 }, () => takeNext(lane)?.eventId ?? '');
  assert.equal(taken.filter((id) => id.startsWith('paged')).length, 10);
});

test('a turn goes to the other kind where one is empty, so nothing waits without need', () => {
  assert.equal(takeNext(laneWith(0, 1))?.eventId, 'paged0');
  const lane = laneWith(8, 0);
  for (let i = 0; i < 8; i++) assert.equal(takeNext(lane)?.eventId, `fresh${i}`);
  assert.equal(takeNext(lane), undefined);
});

test('a lane notes the earliest of what waits in the store', () => {
  const lane = laneWith(0, 0);
  for (const dueAtMs of [50, 20, 70]) noteStored(lane, dueAtMs);
  assert.equal(lane.storedDueAtMs, 20);
});

/** What a dispatcher can do to a lane. `count` is how much it would like to. */
type Step = {
  kind: 'reserve' | 'commit' | 'drop' | 'page' | 'take' | 'end' | 'record';
  count: number;
};

test('no sequence of steps loses or doubles a delivery, or holds more than the lane may', () => {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom('reserve', 'commit', 'drop', 'page', 'take', 'end', 'record'),
    count: fc.integer({ min: 1, max: 700 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const lane = createLane(endpoint);
      const seen: string[] = [];
      let next = 0;
      let given = 0;
      const apply: Record<Step['kind'], () => boolean> = {
        reserve() {
          if (!hasRoomForFresh(lane)) return false;
          lane.reserved += 1;
          return true;
        },
        commit() {
          if (lane.reserved === 0) return false;
          lane.reserved -= 1;
          given += lane.fresh.push(delivery(`e${next++}`)) > 0 ? 1 : 0;
          return true;
        },
        drop() {
          if (lane.reserved === 0) return false;
          lane.reserved -= 1;
          return true;
        },
        page() {
          if (roomForPaged(lane) === 0) return false;
          lane.paged.push(delivery(`e${next++}`));
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
          return true;
        },
      };
      for (const { kind, count } of steps) {
        for (let i = 0; i < count && apply[kind](); i++);
        assert.ok(heldBy(lane) <= LANE_CAPACITY, `${heldBy(lane)} held`);
        assert.ok(lane.fresh.length + lane.reserved <= LANE_CAPACITY / 2);
        assert.ok(lane.paged.length <= LANE_CAPACITY / 2);
      }
      while (apply.take());
      assert.equal(seen.length, given);
      assert.equal(new Set(seen).size, given);
    }),
  );
});
