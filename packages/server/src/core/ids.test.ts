import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import fc from 'fast-check';
import {
  createIds,
  deliveryId,
  ID_PREFIXES,
  type IdKind,
  isId,
  lowestIdAt,
  parseDeliveryId,
  timeOfId,
} from './ids.ts';

const kinds = Object.keys(ID_PREFIXES) as IdKind[];
const kind = fc.constantFrom(...kinds);

test('ids sort in the order in which they were made, whatever the clock does', () => {
  // A clock that stands still, goes on, and steps back.
  const steps = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 10_000, max: 2 ** 47 }), (moves, startMs) => {
      let nowMs = startMs;
      const ids = createIds({ now: () => nowMs, randomBytes });
      const made = moves.map((move) => {
        nowMs += move;
        return ids.next('event');
      });
      assert.deepEqual([...made].sort(), made);
      assert.equal(new Set(made).size, made.length);
    }),
  );
});

test('an id made in a later millisecond sorts after, from whichever process', () => {
  const ms = fc.integer({ min: 0, max: 2 ** 47 });
  fc.assert(
    fc.property(ms, ms, (a, b) => {
      fc.pre(a !== b);
      const [first, second] = [a, b].map((at) =>
        createIds({ now: () => at, randomBytes }).next('event'),
      );
      assert.equal(String(first) < String(second), a < b);
    }),
  );
});

test('a random part that starts at its very end moves on into the next millisecond', () => {
  const nowMs = Date.UTC(2026, 0, 1);
  const ids = createIds({
    now: () => nowMs,
    randomBytes: (size) => new Uint8Array(size).fill(255),
  });
  const made = [ids.next('event'), ids.next('event'), ids.next('event')];
  assert.deepEqual([...made].sort(), made);
  assert.equal(new Set(made).size, 3);
  for (const id of made) assert.ok(isId('event', id));
});

test('the same millisecond in two processes gives different ids', () => {
  const make = () => createIds({ now: () => 5, randomBytes }).next('message');
  assert.equal(new Set(Array.from({ length: 100 }, make)).size, 100);
});

test('each millisecond takes fresh chance, so that no id tells the next', () => {
  let nowMs = 0;
  const ids = createIds({ now: () => nowMs, randomBytes });
  const tails = new Set<string>();
  for (; nowMs < 1_000; nowMs++) tails.add(ids.next('event').slice(-16));
  assert.equal(tails.size, 1_000);
});

test('an id is of its kind and of no other, and holds no dot', () => {
  const ids = createIds({ now: Date.now, randomBytes });
  fc.assert(
    fc.property(kind, (one) => {
      const id = ids.next(one);
      assert.deepEqual(
        kinds.filter((other) => isId(other, id)),
        [one],
      );
      assert.ok(!id.includes('.'));
    }),
  );
});

test('no other text passes for an id', () => {
  const id = createIds({ now: Date.now, randomBytes }).next('event');
  const wrong = ['', 'evt_', id.slice(0, -1), `${id}0`, `${id}\n`, id.toLowerCase(), ` ${id}`];
  for (const text of [...wrong, id.replace('evt', 'msg'), 'evt_81JD0000000000000000000000']) {
    assert.equal(isId('event', text), false, JSON.stringify(text));
  }
  fc.assert(fc.property(fc.string(), (text) => assert.equal(isId('event', text), false)));
});

test("a delivery's id gives back its event and endpoint", () => {
  const ids = createIds({ now: Date.now, randomBytes });
  const [eventId, endpointId] = [ids.next('event'), ids.next('endpoint')];
  const id = deliveryId(eventId, endpointId);
  assert.deepEqual(parseDeliveryId(id), { eventId, endpointId });
  assert.ok(!id.includes('.'));
  for (const text of [eventId, id.slice(4), `${id}_x`, id.slice(0, -1), 'dlv__', '']) {
    assert.equal(parseDeliveryId(text), null, text);
  }
  fc.assert(fc.property(fc.string(), (text) => assert.equal(parseDeliveryId(text), null)));
});

test('a time bounds the ids made before it and from it on, and is read back out of them', () => {
  const ms = fc.integer({ min: 0, max: 2 ** 47 });
  fc.assert(
    fc.property(kind, ms, ms, (one, madeAt, bound) => {
      const id = createIds({ now: () => madeAt, randomBytes }).next(one);
      assert.equal(id >= lowestIdAt(one, bound), madeAt >= bound);
      assert.equal(timeOfId(id), madeAt);
      assert.ok(isId(one, lowestIdAt(one, bound)));
    }),
  );
});
