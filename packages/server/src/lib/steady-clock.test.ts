import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSteadyClock } from './steady-clock.ts';

const START_MS = 1_795_168_800_000;

function setUp() {
  const machine = { wallMs: START_MS, monotonicMs: 77.5 };
  const clock = createSteadyClock({
    wallMs: () => machine.wallMs,
    monotonicMs: () => machine.monotonicMs,
    after: () => () => {},
  });
  return { clock, machine };
}

test('goes on steadily from where it began, however the machine is set', () => {
  const { clock, machine } = setUp();
  assert.equal(clock.now(), START_MS);
  machine.wallMs += 3_600_000;
  machine.monotonicMs += 1_000.4;
  assert.equal(clock.now(), START_MS + 1_000);
  machine.wallMs -= 7_200_000;
  machine.monotonicMs += 1_000;
  assert.equal(clock.now(), START_MS + 2_000);
});

test('is moved as far as it has to be, and no further', () => {
  const { clock, machine } = setUp();
  const around = (fromMs: number, toMs: number) =>
    clock.correct({ fromMs: START_MS + fromMs, toMs: START_MS + toMs });
  assert.equal(around(-5, 5), 0);
  assert.equal(around(500, 600), 500);
  assert.equal(clock.now(), START_MS + 500);
  machine.monotonicMs += 100;
  assert.equal(around(0, 50), -550);
  assert.equal(clock.now(), START_MS + 50);
});
