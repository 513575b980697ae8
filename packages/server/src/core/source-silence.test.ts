import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { expectedWithin, noteSilence, silentFor } from './source-silence.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A midnight. */
const NOW_MS = 20_000 * DAY_MS;

const day = (ago: number, longestMs: number) => ({ day: 20_000 - ago, longestMs });
const watched = (silences: ReturnType<typeof day>[], expectEveryMs: number | null = null) => ({
  createdAtMs: NOW_MS - 30 * DAY_MS,
  expectEveryMs,
  activity: { lastEventAtMs: NOW_MS - HOUR_MS, silences },
});

test('what a source says of itself counts, whatever its past', () => {
  assert.equal(expectedWithin(watched([], HOUR_MS), NOW_MS), HOUR_MS);
  assert.equal(expectedWithin(watched([day(9, 9 * HOUR_MS)], HOUR_MS), NOW_MS), HOUR_MS);
});

test('otherwise twice its longest silence of two weeks, and at least half an hour', () => {
  const silences = [day(9, HOUR_MS), day(3, 5 * HOUR_MS), day(1, 2 * HOUR_MS)];
  assert.equal(expectedWithin(watched(silences), NOW_MS), 10 * HOUR_MS);
  assert.equal(expectedWithin(watched([day(9, 1_000)]), NOW_MS), HOUR_MS / 2);
  const older = [day(20, 99 * HOUR_MS), day(9, HOUR_MS)];
  assert.equal(expectedWithin(watched(older), NOW_MS), 2 * HOUR_MS);
});

test('before a week is known of it, nobody can say', () => {
  assert.equal(expectedWithin(watched([]), NOW_MS), null);
  assert.equal(expectedWithin(watched([day(6, HOUR_MS)]), NOW_MS), null);
  const never = { ...watched([day(9, HOUR_MS)]), activity: { lastEventAtMs: null, silences: [] } };
  assert.equal(expectedWithin(never, NOW_MS), null);
});

test('silence counts from the last event, or from the beginning', () => {
  assert.equal(silentFor(watched([]), NOW_MS), HOUR_MS);
  const never = { ...watched([]), activity: { lastEventAtMs: null, silences: [] } };
  assert.equal(silentFor(never, NOW_MS), 30 * DAY_MS);
  assert.equal(silentFor(watched([]), NOW_MS - DAY_MS), 0);
});

test('of each day the longest is kept, for two weeks, whatever comes in whatever order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: DAY_MS }))),
      (given) => {
        const inTime = given.toSorted(([a], [b]) => a - b);
        let silences: readonly { day: number; longestMs: number }[] = [];
        for (const [at, ms] of inTime) silences = noteSilence(silences, ms, NOW_MS + at * DAY_MS);
        assert.ok(silences.length <= 14);
        const lastDay = inTime.at(-1)?.[0] ?? 0;
        for (const one of silences) {
          const same = inTime.filter(([at]) => 20_000 + at === one.day).map(([, ms]) => ms);
          assert.equal(one.longestMs, Math.max(...same));
          assert.ok(one.day > 20_000 + lastDay - 14);
        }
      },
    ),
    { seed: 20261121 },
  );
  const known = [day(0, HOUR_MS)];
  assert.equal(noteSilence(known, HOUR_MS, NOW_MS), known);
});
