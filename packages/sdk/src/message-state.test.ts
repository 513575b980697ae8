import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { EVENT_TYPES, type EventData, type EventType } from './event.ts';
import { type FoldedEvent, messageState } from './message-state.ts';

const START_MS = Date.UTC(2026, 10, 21, 16);

const event = (
  type: EventType,
  second: number,
  data: EventData = {},
  id?: string,
): FoldedEvent => ({
  id: id ?? `evt_${type}_${second}`,
  type,
  timestamp: new Date(START_MS + second * 1_000).toISOString(),
  data,
});
const at = (second: number): string => new Date(START_MS + second * 1_000).toISOString();
const bounce = { type: 'hard', category: 'invalid_address', scope: 'recipient' } as const;

describe('the state of a message', () => {
  test('is empty while no event says anything', () => {
    const empty = messageState([]);
    assert.deepEqual([empty.state, empty.stateAt, empty.isFinal], [null, null, false]);
    assert.equal(messageState([event('email.overdue', 1)]).state, null);
  });

  test('tells when things happened first, and counts people, not machines', () => {
    const state = messageState([
      event('email.clicked', 9),
      event('email.opened', 7),
      event('email.opened', 6, { engagement: { machine: true } }),
      event('email.opened', 8),
      event('email.delivered', 5),
      event('email.accepted', 1),
    ]);
    assert.equal(state.state, 'delivered');
    assert.deepEqual([state.deliveredAt, state.openedAt, state.clickedAt], [at(5), at(7), at(9)]);
    assert.deepEqual([state.opens, state.clicks], [2, 1]);
  });

  test('has the bounce that decided it, and none when a delivery came after', () => {
    const late = { ...bounce, category: 'mailbox_full', type: 'soft' } as const;
    const bounces = [
      event('email.bounced', 9, { bounce: late }),
      event('email.bounced', 4, { bounce }),
      event('email.delivered', 5),
    ];
    const { state, stateAt, isFinal } = messageState(bounces);
    assert.deepEqual([state, stateAt, isFinal], ['bounced', at(9), true]);
    assert.deepEqual(messageState(bounces).bounce, late);
    assert.equal(messageState(bounces.slice(1)).bounce, null);
  });

  test('forgets an opting out after which the recipient opted in', () => {
    const out = [event('email.unsubscribed', 3), event('email.unsubscribed', 6)];
    assert.equal(messageState(out).unsubscribedAt, at(6));
    assert.equal(messageState([event('email.resubscribed', 5), ...out]).unsubscribedAt, at(6));
    assert.equal(messageState([event('email.resubscribed', 7), ...out]).unsubscribedAt, null);
  });

  test('is the same in any order and with any repetition', () => {
    const anyEvent = fc
      .record({
        type: fc.constantFrom(...EVENT_TYPES),
        second: fc.integer({ min: 0, max: 4 }),
        machine: fc.boolean(),
        category: fc.constantFrom('mailbox_full', 'invalid_address', 'policy'),
      })
      .map(({ type, second, machine, category }) =>
        event(
          type,
          second,
          { engagement: { machine }, bounce: { ...bounce, category } },
          `evt_${type}_${second}_${machine}_${category}`,
        ),
      );
    fc.assert(
      fc.property(
        fc.array(anyEvent, { maxLength: 14 }),
        fc.infiniteStream(fc.nat()),
        (all, chance) => {
          const shuffled = [...all, ...all.slice(0, 5)]
            .map((value) => ({ value, key: Number(chance.next().value) }))
            .sort((a, b) => a.key - b.key)
            .map(({ value }) => value);
          assert.deepEqual(messageState(shuffled), messageState(all));
        },
      ),
    );
  });
});
