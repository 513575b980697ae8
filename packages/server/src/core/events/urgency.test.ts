import assert from 'node:assert/strict';
import test from 'node:test';
import { EVENT_TYPES } from '@posthorn/sdk';
import { URGENCIES, urgencyOf } from './urgency.ts';

const typesOf = (urgency: number) => EVENT_TYPES.filter((type) => urgencyOf(type) === urgency);

test('what costs reputation or breaks the law when it is late goes first', () => {
  assert.deepEqual(
    typesOf(0).filter((type) => type.startsWith('email.')),
    ['email.bounced', 'email.rejected', 'email.failed', 'email.complained', 'email.unsubscribed'],
  );
});

test('so does everything that is not about an email', () => {
  const others = EVENT_TYPES.filter((type) => !type.startsWith('email.'));
  assert.ok(others.length > 0);
  for (const type of others) assert.equal(urgencyOf(type), 0, type);
});

test('opens and clicks go last, and the rest of a message between them', () => {
  assert.deepEqual(typesOf(2), ['email.opened', 'email.clicked']);
  for (const type of ['email.accepted', 'email.delivered', 'email.deferred'] as const) {
    assert.equal(urgencyOf(type), 1, type);
  }
});

test('every type has an urgency, and they are listed from the most urgent', () => {
  assert.deepEqual(URGENCIES.flatMap(typesOf).toSorted(), EVENT_TYPES.toSorted());
  assert.deepEqual(URGENCIES, [...URGENCIES].sort());
});
