import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toTotals } from '../core/stats/totals.ts';
import { readDrop, readMail, toDrop, WEEK_MS } from './read-numbers.ts';
import type { AlertSight, SumWindow } from './sight.ts';

const HOUR_MS = 3_600_000;
/** A Sunday, half past ten. */
const NOW_MS = Date.UTC(2026, 10, 22, 10, 30);
const RULE = {
  projectId: 'prj_1',
  type: 'volume_drop',
  scope: {},
  threshold: 0.5,
  windowMs: 2 * HOUR_MS,
  minVolume: 100,
} as const;

/** Sums of a project that has so much in each hour. */
function sumsOf(volumeOf: (hourMs: number) => number): AlertSight['sums'] {
  const at = (hourMs: number) => toTotals(new Map([['accepted', volumeOf(hourMs)]]));
  const hoursOf = ({ fromMs, toMs }: SumWindow): number[] => {
    const hours = [];
    for (let ms = fromMs - (fromMs % HOUR_MS); ms < toMs; ms += HOUR_MS) hours.push(ms);
    return hours;
  };
  return {
    // What was counted by the minute, evenly over each hour.
    async totals(_, window) {
      const volume = hoursOf(window).reduce((sum, hourMs) => {
        const fromMs = Math.max(hourMs, window.fromMs);
        const part = Math.min(hourMs + HOUR_MS, window.toMs) - fromMs;
        return sum + (volumeOf(hourMs) * part) / HOUR_MS;
      }, 0);
      return toTotals(new Map([['accepted', volume]]));
    },
    series: async (_, window) => hoursOf(window).map((atMs) => ({ atMs, totals: at(atMs) })),
    groups: async () => [],
    progress: async () => ({ isCatchingUp: false, isRecounting: false }),
  };
}

const isSunday = (ms: number): boolean => new Date(ms).getUTCDay() === 0;
const isNow = (ms: number): boolean => ms > NOW_MS - WEEK_MS;
const read = (volumeOf: (ms: number) => number, ageWeeks = 10) =>
  readDrop(sumsOf(volumeOf), RULE, { nowMs: NOW_MS, createdAtMs: NOW_MS - ageWeeks * WEEK_MS });

test('a quiet Sunday is no drop where all Sundays are quiet', async () => {
  const { value, volume } = await read((ms) => (isSunday(ms) ? 80 : 5_000));
  assert.ok(value !== null && value < 0.001);
  assert.equal(volume, 160);
});

test('half of what there is on other Sundays is', async () => {
  const { value, part } = await read((ms) => (isSunday(ms) ? (isNow(ms) ? 40 : 80) : 5_000));
  assert.ok(value !== null && Math.abs(value - 0.5) < 0.001);
  assert.ok(part !== null && Math.abs(part - 80) < 0.1);
});

test('more than there usually is is no drop', async () => {
  const { value } = await read((ms) => (isNow(ms) ? 9_000 : 1_000));
  assert.equal(value, 0);
});

test('one week in which there was nothing, or much too much, does not change what is usual', async () => {
  const lastWeek = (ms: number): boolean => !isNow(ms) && ms > NOW_MS - 2 * WEEK_MS;
  for (const odd of [0, 100_000]) {
    const { value } = await read((ms) => (lastWeek(ms) ? odd : 1_000));
    assert.ok(value !== null && value < 0.001, String(odd));
  }
});

test('says nothing where there usually is little, or the project is new', async () => {
  assert.equal((await read((ms) => (isNow(ms) ? 0 : 49))).value, null);
  assert.equal((await read((ms) => (isNow(ms) ? 0 : 51))).value, 1);
  assert.equal((await read(() => 1_000, 1)).value, null);
  assert.equal((await read((ms) => (isNow(ms) ? 0 : 1_000), 1.1)).value, 1);
});

test('the middle of an even number of weeks lies between the two', () => {
  assert.equal(toDrop(RULE, 150, [100, 200, 400, 300]).volume, 250);
  assert.equal(toDrop(RULE, 125, [200, 300]).value, 0.5);
  assert.equal(toDrop(RULE, 0, []).value, null);
});

test('a domain that puts everything off is found, and where little is put off nobody is asked for', async () => {
  const totalsOf = (counts: object) => toTotals(new Map(Object.entries(counts)));
  const groups = [
    { value: 'slow.example', totals: totalsOf({ deferred: 30 }) },
    { value: 'fine.example', totals: totalsOf({ deferred: 30, delivered: 970 }) },
    { value: 'small.example', totals: totalsOf({ deferred: 19 }) },
    { value: '(other)', totals: totalsOf({ deferred: 90 }) },
  ];
  const rule = { ...RULE, type: 'destination_deferring', threshold: 1, minVolume: 20 } as const;
  const read = async (deferred: number) => {
    let asked = 0;
    const sums: AlertSight['sums'] = {
      ...sumsOf(() => 0),
      totals: async () => totalsOf({ deferred }),
      async groups() {
        asked += 1;
        return groups;
      },
    };
    const readings = await readMail(sums, rule, NOW_MS);
    return { asked, readings: readings.map(({ subject, value }) => [subject?.id, value]) };
  };
  assert.deepEqual(await read(19), { asked: 0, readings: [] });
  assert.deepEqual(await read(169), {
    asked: 1,
    readings: [
      ['slow.example', 1],
      ['fine.example', 0.03],
      ['small.example', null],
    ],
  });
});
