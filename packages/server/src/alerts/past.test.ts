import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CanonicalEvent, EventData, EventType } from '@posthorn/sdk';
import type { AlertType } from '../core/alerts/alert-types.ts';
import { defaultSettings } from '../core/alerts/new-rule.ts';
import { GRAIN_MS } from '../core/stats/counts.ts';
import { toTotals } from '../core/stats/totals.ts';
import { type PastDeps, type PastRule, testOnPast } from './past.ts';
import type { SumFilter } from './sight.ts';

const HOUR_MS = GRAIN_MS.hour;
const DAY_MS = GRAIN_MS.day;
const NOW_MS = Date.UTC(2026, 10, 22, 10);
const at = (hoursAgo: number): string => new Date(NOW_MS - hoursAgo * HOUR_MS).toISOString();

const ruleOf = (type: AlertType, fields: Partial<PastRule> = {}): PastRule => ({
  ...defaultSettings(type),
  projectId: 'prj_1',
  type,
  isEnabled: true,
  ...fields,
});

type Counts = Record<string, number | undefined>;

/** `countsAt`: by metric, of the bucket that began so many hours ago. */
function depsOf(
  countsAt: (hoursAgo: number, filter: SumFilter) => Counts,
  events: CanonicalEvent[] = [],
): PastDeps {
  const totalsOf = (counts: Counts) =>
    toTotals(new Map(Object.entries(counts).map(([metric, count]) => [metric, count ?? 0])));
  return {
    sums: {
      totals: async () => assert.fail('The past goes by series.'),
      async series(filter, { grain, fromMs, toMs }) {
        const series = [];
        for (let atMs = fromMs; atMs < toMs; atMs += GRAIN_MS[grain]) {
          const isWhole = grain === 'hour' || atMs % HOUR_MS === 0;
          const counts = isWhole ? countsAt((NOW_MS - atMs) / HOUR_MS, filter) : {};
          series.push({ atMs, totals: totalsOf(counts) });
        }
        return series;
      },
      groups: async () => [
        { value: 'slow.example', totals: totalsOf({ deferred: 500 }) },
        { value: 'fast.example', totals: totalsOf({ delivered: 500 }) },
      ],
      progress: async () => ({ isCatchingUp: false, isRecounting: false }),
    },
    eventsSince: async ({ types, sinceMs }) => ({
      events: events.filter(
        ({ type, timestamp }) => types.includes(type) && Date.parse(timestamp) >= sinceMs,
      ),
      isWhole: true,
    }),
    createdAtMs: () => NOW_MS - 365 * DAY_MS,
  };
}

const eventOf = (type: EventType, hoursAgo: number, data: EventData): CanonicalEvent => {
  return { id: `evt_${hoursAgo}`, type, timestamp: at(hoursAgo), data };
};

const test7 = (deps: PastDeps, rule: PastRule) =>
  testOnPast(deps, rule, { days: 7, nowMs: NOW_MS });

test('tells when a rate would have fired, the newest first, and what it would have said', async () => {
  const bad = [20, 50, 51];
  const deps = depsOf((ago) =>
    bad.includes(ago) ? { delivered: 900, 'bounced/hard/other': 100 } : { delivered: 1_000 },
  );
  const past = await test7(deps, ruleOf('bounce_rate'));
  assert.equal(past.basis, 'statistics');
  assert.deepEqual(
    past.firings.map(({ firedAtMs, resolvedAtMs }) => [
      (NOW_MS - firedAtMs) / HOUR_MS,
      (NOW_MS - (resolvedAtMs ?? Number.NaN)) / HOUR_MS,
    ]),
    [
      // By the hour it is calm one hour, and over with the next one.
      [19, 17],
      [50, 47],
    ],
  );
  assert.match(
    past.sentence,
    /^Would have fired 2 times in the last 7 days, the last time 19 hours ago: 10% of the messages bounced in the last hour \(100 of 1,000\)/,
  );
});

test('goes by the minute where that is kept for all of it', async () => {
  const deps = depsOf((ago) => (ago === 5 ? { complained: 1 } : {}));
  const past = await testOnPast(deps, ruleOf('complaints'), { days: 1, nowMs: NOW_MS });
  const [firing] = past.firings;
  assert.equal(firing?.firedAtMs, NOW_MS - 5 * HOUR_MS + GRAIN_MS.minute);
  // An hour's window and five minutes of calm later.
  assert.equal(firing.resolvedAtMs, NOW_MS - 4 * HOUR_MS + 6 * GRAIN_MS.minute);
});

test('follows each receiving domain for itself', async () => {
  const deps = depsOf((ago, { value }) =>
    value === 'slow.example' && ago >= 10 && ago < 12 ? { deferred: 250 } : {},
  );
  const { firings, sentence } = await test7(deps, ruleOf('destination_deferring'));
  assert.deepEqual(
    firings.map(({ subject }) => subject?.name),
    ['slow.example'],
  );
  assert.match(sentence, /slow\.example put off 100% of the messages/);
});

test('finds a drop against the weeks before', async () => {
  const deps = depsOf((ago) => ({ accepted: ago >= 30 && ago < 34 ? 10 : 1_000 }));
  const { firings } = await test7(deps, ruleOf('volume_drop'));
  assert.deepEqual(
    firings.map(({ firedAtMs }) => (NOW_MS - firedAtMs) / HOUR_MS),
    [32],
  );
});

test('goes by what was told of sources, limits and domains', async () => {
  const stalled = (silent: number): EventData => {
    return { stalled: { source_id: 'src_1', name: 'SES', silent_seconds: silent } };
  };
  const limit = (used: number): EventData => {
    return { send_limit: { period: 'day', limit: 100, used, resets_at: at(14) } };
  };
  const deps = depsOf(
    () => ({}),
    [
      eventOf('source.stalled', 40, stalled(3_600)),
      eventOf('source.recovered', 38, stalled(3 * 3_600)),
      eventOf('account.send_limit_approaching', 20, limit(90)),
      eventOf('account.send_limit_exceeded', 18, limit(100)),
      eventOf('source.stalled', 0.5, stalled(3_600)),
    ],
  );
  const hours = async (rule: PastRule) =>
    (await test7(deps, rule)).firings.map(({ firedAtMs, resolvedAtMs }) => [
      (NOW_MS - firedAtMs) / HOUR_MS,
      resolvedAtMs === null ? null : (NOW_MS - resolvedAtMs) / HOUR_MS,
    ]);
  assert.deepEqual(await hours(ruleOf('source_silent')), [
    [0.5, null],
    [40, 38],
  ]);
  // Two hours of silence were reached an hour after the first was told, and not yet by the second.
  assert.deepEqual(await hours(ruleOf('source_silent', { threshold: 7_200 })), [[39, 38]]);
  assert.deepEqual(await hours(ruleOf('send_limit')), [[20, 14]]);
  assert.deepEqual(await hours(ruleOf('send_limit', { threshold: 1 })), [[18, 14]]);
});

test('says so where nothing is kept', async () => {
  const past = await test7(
    depsOf(() => ({})),
    ruleOf('queue_lag'),
  );
  assert.deepEqual([past.basis, past.firings], [null, []]);
  assert.match(past.sentence, /^Nothing is kept/);
});
