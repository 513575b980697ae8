import assert from 'node:assert/strict';
import test from 'node:test';
import { systemClock, toTimestamp } from './clock.ts';

const DAY_MS = 86_400_000;

test('a wait that is too long for a timer ends when it should, not at once', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let ran = 0;
  systemClock.after(60 * DAY_MS, () => {
    ran += 1;
  });
  // Turned to where each stretch ends: the mock starts what a timer sets at the end of its turn.
  const stretches = [2 ** 31 - 1, 2 ** 31 - 1, 60 * DAY_MS - 2 * (2 ** 31 - 1) - 1];
  for (const ms of stretches) t.mock.timers.tick(ms);
  assert.equal(ran, 0);
  t.mock.timers.tick(1);
  assert.equal(ran, 1);
  t.mock.timers.tick(365 * DAY_MS);
  assert.equal(ran, 1);
});

test('a long wait can be canceled after its first stretch', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let ran = false;
  const cancel = systemClock.after(60 * DAY_MS, () => {
    ran = true;
  });
  for (let day = 0; day < 30; day++) t.mock.timers.tick(DAY_MS);
  cancel();
  for (let day = 0; day < 60; day++) t.mock.timers.tick(DAY_MS);
  assert.equal(ran, false);
});

test('a wait of nothing, or less, ends in a turn of its own', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const ran: number[] = [];
  systemClock.after(0, () => ran.push(0));
  systemClock.after(-5, () => ran.push(-5));
  assert.deepEqual(ran, []);
  t.mock.timers.tick(1);
  assert.deepEqual(ran, [0, -5]);
});

test('a timestamp is RFC 3339 in UTC with milliseconds', () => {
  assert.equal(toTimestamp(0), '1970-01-01T00:00:00.000Z');
  assert.equal(Date.parse(toTimestamp(1_767_225_600_123)), 1_767_225_600_123);
});
