import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { EVENT_TYPES, type EventType } from './event.ts';
import { higherStanding, type Standing, standingOf } from './recipient-state.ts';

function fold(events: readonly (readonly [EventType, number])[]): string | null {
  let standing: Standing | null = null;
  for (const [type, atMs] of events) standing = higherStanding(standing, standingOf(type, atMs));
  return standing?.state ?? null;
}

test('a message that goes through is delivered', () => {
  const events = [
    ['email.accepted', 1],
    ['email.sent', 2],
    ['email.deferred', 2],
    ['email.delivered', 3],
  ] as const;
  assert.deepEqual(
    events.map((_, i) => fold(events.slice(0, i + 1))),
    ['accepted', 'sent', 'deferred', 'delivered'],
  );
});

test('a bounce that comes later beats the delivery, an earlier one does not', () => {
  assert.equal(
    fold([
      ['email.delivered', 5],
      ['email.bounced', 9],
    ]),
    'bounced',
  );
  assert.equal(
    fold([
      ['email.delivered', 9],
      ['email.bounced', 5],
    ]),
    'delivered',
  );
});

test('an open proves delivery, but does not lower a bounce', () => {
  assert.equal(
    fold([
      ['email.deferred', 1],
      ['email.opened', 2],
    ]),
    'delivered',
  );
  assert.equal(
    fold([
      ['email.bounced', 1],
      ['email.opened', 2],
    ]),
    'bounced',
  );
});

test('the state is the same in any order and however often an event is repeated', () => {
  const event = fc.tuple(fc.constantFrom(...EVENT_TYPES), fc.integer({ min: 0, max: 5 }));
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 12 }),
      fc.infiniteStream(fc.nat()),
      (events, chance) => {
        const shuffled = [...events, ...events.slice(0, 3)]
          .map((value) => ({ value, key: Number(chance.next().value) }))
          .sort((a, b) => a.key - b.key)
          .map(({ value }) => value);
        assert.equal(fold(shuffled), fold(events));
      },
    ),
  );
});
