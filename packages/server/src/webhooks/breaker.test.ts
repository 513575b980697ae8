import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  type Breaker,
  createBreaker,
  type Failure,
  nextStart,
  noteFailure,
  noteGone,
  noteNothing,
  noteStart,
  noteSuccess,
  OPEN_AFTER,
  RATE_SLACK_MS,
  RECOVERY_MS,
  recoveryRate,
} from './breaker.ts';

const failure = (fields: Partial<Failure> = {}): Failure => ({
  startedAtMs: 0,
  nowMs: 0,
  wasProbe: false,
  random: 0.5,
  ...fields,
});

function fail(breaker: Breaker, count: number, fields: Partial<Failure> = {}): void {
  for (let i = 0; i < count; i++) noteFailure(breaker, failure(fields));
}

function openBreaker(nowMs = 0): Breaker {
  const breaker = createBreaker();
  fail(breaker, OPEN_AFTER, { nowMs });
  return breaker;
}

/** Sends the probe when it may go; returns when that was. */
function probe(breaker: Breaker): number {
  const atMs = nextStart(breaker, breaker.probeAtMs);
  assert.ok(atMs !== null);
  noteStart(breaker, 1, atMs);
  return atMs;
}

test('it opens with the tenth failure in a row and not before, and a success starts the count anew', () => {
  const breaker = createBreaker();
  fail(breaker, OPEN_AFTER - 1, { nowMs: 70 });
  assert.equal(breaker.state, 'closed');
  assert.equal(nextStart(breaker, 70), 70);
  noteSuccess(breaker, 80);
  assert.equal(breaker.state, 'closed');
  fail(breaker, OPEN_AFTER - 1, { nowMs: 90 });
  assert.equal(breaker.state, 'closed');
  fail(breaker, 1, { nowMs: 100 });
  assert.equal(breaker.state, 'open');
  assert.equal(nextStart(breaker, 100), 10_100);
  assert.equal(OPEN_AFTER, 10);
});

test('it remembers when the first failure of the row began', () => {
  const breaker = createBreaker();
  fail(breaker, 1, { startedAtMs: 40, nowMs: 60 });
  fail(breaker, 3, { startedAtMs: 50, nowMs: 60 });
  assert.equal(breaker.failingSinceMs, 40);
  noteSuccess(breaker, 70);
  assert.equal(breaker.failingSinceMs, null);
});

test('while it is open one probe goes at a time, at growing intervals up to five minutes', () => {
  const breaker = openBreaker();
  const waits: number[] = [];
  let sinceMs = 0;
  for (let i = 0; i < 9; i++) {
    const atMs = probe(breaker);
    waits.push(atMs - sinceMs);
    assert.equal(nextStart(breaker, atMs), null);
    assert.equal(nextStart(breaker, atMs + 3_600_000), null);
    sinceMs = atMs + 1_000;
    fail(breaker, 1, { startedAtMs: atMs, nowMs: sinceMs, wasProbe: true });
  }
  const steps = [10, 20, 40, 80, 160, 300, 300, 300, 300].map((seconds) => seconds * 1_000);
  assert.deepEqual(waits, steps);
});

test('probes are spread by a fifth either way, so that endpoints of one host are not probed together', () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.array(random, { minLength: 1, maxLength: 20 }), (chances) => {
      const breaker = openBreaker();
      let sinceMs = 0;
      let plainMs = 10_000;
      for (const chance of chances) {
        const atMs = probe(breaker);
        const waitMs = atMs - sinceMs;
        assert.ok(waitMs >= plainMs * 0.8 - 1 && waitMs <= plainMs * 1.2 + 1, `${waitMs}`);
        sinceMs = atMs;
        fail(breaker, 1, { nowMs: atMs, wasProbe: true, random: chance });
        plainMs = Math.min(plainMs * 2, 300_000);
        // The first interval was drawn when it opened, with 0.5.
        assert.ok(breaker.probeAtMs >= atMs + Math.floor(plainMs * 0.8));
      }
    }),
  );
});

test('posts that were under way when it opened neither delay the probe nor end it', () => {
  const breaker = openBreaker(1_000);
  fail(breaker, 20, { nowMs: 5_000 });
  assert.equal(nextStart(breaker, 5_000), 11_000);
  assert.equal(probe(breaker), 11_000);
  fail(breaker, 5, { nowMs: 12_000 });
  noteNothing(breaker, failure({ nowMs: 12_000 }));
  assert.equal(nextStart(breaker, 12_000), null);
  fail(breaker, 1, { nowMs: 13_000, wasProbe: true });
  assert.equal(nextStart(breaker, 13_000), 33_000);
});

test('a fault of ours opens nothing, and ends no row of failures', () => {
  const breaker = createBreaker();
  for (let i = 0; i < 100; i++) noteNothing(breaker, failure());
  assert.equal(breaker.state, 'closed');
  assert.equal(breaker.failingSinceMs, null);
  fail(breaker, OPEN_AFTER - 1);
  noteNothing(breaker, failure());
  assert.equal(breaker.state, 'closed');
  fail(breaker, 1);
  assert.equal(breaker.state, 'open');
});

test('a probe that came to nothing by a fault of ours is followed by another one', () => {
  const breaker = openBreaker();
  const atMs = probe(breaker);
  noteNothing(breaker, failure({ nowMs: atMs, wasProbe: true }));
  assert.equal(breaker.state, 'open');
  assert.equal(nextStart(breaker, atMs), atMs + 20_000);
});

test('410 opens it at once, and counts as one failure', () => {
  const breaker = createBreaker();
  noteGone(breaker, failure({ nowMs: 500 }));
  assert.equal(breaker.failuresInRow, 1);
  assert.equal(nextStart(breaker, 500), 10_500);
  const atMs = probe(breaker);
  noteGone(breaker, failure({ nowMs: atMs, wasProbe: true }));
  assert.equal(nextStart(breaker, atMs), atMs + 20_000);
});

test('after a success it recovers, and closes when nothing has opened it again', () => {
  const breaker = openBreaker();
  const atMs = probe(breaker);
  noteSuccess(breaker, atMs);
  assert.equal(breaker.state, 'recovering');
  assert.ok((nextStart(breaker, atMs) ?? Infinity) <= atMs);
  assert.ok((nextStart(breaker, atMs + RECOVERY_MS) ?? 0) >= atMs + RECOVERY_MS);
  assert.equal(breaker.state, 'closed');
});

test('what fails while it recovers opens it again, and probes begin anew', () => {
  const breaker = openBreaker();
  for (let i = 0; i < 5; i++) fail(breaker, 1, { nowMs: probe(breaker), wasProbe: true });
  const atMs = probe(breaker);
  noteSuccess(breaker, atMs);
  fail(breaker, OPEN_AFTER - 1, { nowMs: atMs });
  assert.equal(breaker.state, 'recovering');
  fail(breaker, 1, { nowMs: atMs });
  assert.equal(nextStart(breaker, atMs), atMs + 10_000);
});

test('a batch that is larger than the rate allows is paid for afterwards, and not beyond the end', () => {
  const breaker = openBreaker();
  noteSuccess(breaker, 0);
  noteStart(breaker, 30, 0);
  assert.equal(nextStart(breaker, 0), 3_000 - RATE_SLACK_MS);
  noteStart(breaker, 10_000, 3_000);
  assert.equal(nextStart(breaker, 3_000), RECOVERY_MS);
});

/** How many events the documented rate gives between two times after the recovery began. */
function allowedBetween(fromMs: number, toMs: number): number {
  let allowed = 0;
  for (let ms = fromMs; ms < toMs; ms++) allowed += recoveryRate(ms) / 1_000;
  return allowed;
}

test('in no window of a recovery do more start than its rate allows, whoever asks when', () => {
  assert.deepEqual(
    [0, 4_999, 5_000, 35_000].map((ms) => recoveryRate(ms)),
    [10, 10, 20, 1_280],
  );
  // Pauses between attempts to start, as an eager dispatcher and a quiet endpoint would make them.
  const pauses = fc.array(
    fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 9_000 })),
    { minLength: 20, maxLength: 400 },
  );
  const shift = fc.integer({ min: -20, max: 0 });
  fc.assert(
    fc.property(pauses, shift, fc.nat(), fc.nat(), (all, shiftMs, one, other) => {
      const breaker = openBreaker();
      // The clock may be a little behind what the result of the probe said.
      noteSuccess(breaker, 0);
      const starts: number[] = [];
      let nowMs = shiftMs;
      for (const pauseMs of all) {
        nowMs += pauseMs;
        for (let more = true; more && nowMs < RECOVERY_MS; ) {
          const startMs = nextStart(breaker, nowMs) ?? Infinity;
          more = startMs <= nowMs;
          if (!more) continue;
          noteStart(breaker, 1, nowMs);
          starts.push(nowMs);
        }
      }
      const [a, b] = [one % starts.length, other % starts.length].sort((x, y) => x - y);
      const [fromMs, toMs] = [starts[a ?? 0] ?? 0, starts[b ?? 0] ?? 0];
      const count = (b ?? 0) - (a ?? 0) + 1;
      const allowed = allowedBetween(fromMs, toMs) + recoveryRate(toMs) * (RATE_SLACK_MS / 1_000);
      assert.ok(count <= allowed + 1, `${count} from ${fromMs} to ${toMs}, not ${allowed}`);
    }),
  );
});
