import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test, { type TestContext } from 'node:test';
import { type CanonicalEvent, findProvider } from '@posthorn/sdk';
import { createIds } from '../core/ids.ts';
import { DEFAULT_SOURCE_SETTINGS, NO_ACTIVITY, type SourceActivity } from '../core/source.ts';
import { createTestClock } from '../lib/fixtures/test-clock.ts';
import { silentLog } from '../lib/log.ts';
import { createSilenceMonitor } from './silence-monitor.ts';
import type { LiveSource } from './source-directory.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 0, 5);
const KEY = { projectId: 'prj_1', id: 'src_1' };

/** One source, and a store that keeps what the monitor says. */
function setUp(t: TestContext, expectEveryMs: number | null) {
  const clock = createTestClock(START_MS);
  let activity: SourceActivity = NO_ACTIVITY;
  let failing = false;
  const told: CanonicalEvent[] = [];
  const keys = new Set<string>();
  const provider = findProvider('postmark');
  assert.ok(provider);
  const source: LiveSource = {
    record: {
      ...KEY,
      name: 'Shop',
      provider: 'postmark',
      settings: { ...DEFAULT_SOURCE_SETTINGS, expectEveryMs },
      secretsSealed: '',
      version: 1,
      createdAtMs: START_MS,
      updatedAtMs: START_MS,
    },
    secrets: { secrets: [], tokens: [] },
    provider,
  };
  const create = () =>
    createSilenceMonitor<() => void>({
      activities: {
        async all() {
          if (failing) throw new Error('the store is down');
          return [{ ...KEY, activity }];
        },
        async noteSilences(_key, silences) {
          activity = { ...activity, silences: [...silences] };
        },
        stalling: (_key, sinceMs) => () => {
          activity = { ...activity, stalledSinceMs: sinceMs };
        },
        recovering: () => () => {
          activity = { ...activity, stalledSinceMs: null };
        },
      },
      directory: { find: () => source },
      async append(events, beside) {
        for (const { event, dedupKey } of events) {
          if (!keys.has(dedupKey)) told.push(event);
          keys.add(dedupKey);
        }
        for (const statement of beside) statement();
      },
      ids: createIds({ now: clock.now, randomBytes }),
      clock,
      log: silentLog,
    });
  const monitor = create();
  t.after(() => monitor.stop());
  return {
    clock,
    monitor,
    told,
    create,
    activity: () => activity,
    hear: () => {
      activity = { ...activity, lastEventAtMs: clock.now() };
    },
    fail: (now: boolean) => {
      failing = now;
    },
  };
}

test('tells once of a silence, and once of its end, with how long it was', async (t) => {
  const { clock, monitor, told, hear } = setUp(t, HOUR_MS);
  monitor.start();
  hear();
  await clock.advance(HOUR_MS - MINUTE_MS);
  assert.equal(told.length, 0);
  await clock.advance(5 * HOUR_MS);
  assert.deepEqual(
    told.map(({ type }) => type),
    ['source.stalled'],
  );
  assert.equal(monitor.stalled(), 1);
  assert.equal(told[0]?.data.source, KEY.id);
  const seconds = told[0]?.data.stalled?.silent_seconds ?? 0;
  assert.ok(seconds > 3_600 && seconds <= 3_600 + 60, String(seconds));
  assert.equal(told[0]?.data.stalled?.last_event_at, '2026-01-05T00:00:00.000Z');
  hear();
  await clock.advance(MINUTE_MS);
  assert.deepEqual(
    told.map(({ type }) => type),
    ['source.stalled', 'source.recovered'],
  );
  assert.equal(told[1]?.data.stalled?.silent_seconds, 6 * 3_600 - 60);
  assert.equal(monitor.stalled(), 0);
  await clock.advance(2 * HOUR_MS);
  assert.equal(told.length, 3);
});

test('one that was never heard is silent since it was made', async (t) => {
  const { clock, monitor, told } = setUp(t, 2 * HOUR_MS);
  monitor.start();
  await clock.advance(3 * HOUR_MS);
  assert.equal(told[0]?.data.stalled?.last_event_at, null);
});

test('two that look at once tell the same once', async (t) => {
  const { clock, monitor, told, create } = setUp(t, HOUR_MS);
  const other = create();
  t.after(() => other.stop());
  monitor.start();
  other.start();
  await clock.advance(3 * HOUR_MS);
  assert.equal(told.length, 1);
});

test('while nobody listened, silence says nothing; a fresh monitor gives ten minutes', async (t) => {
  const { clock, monitor, told, hear } = setUp(t, HOUR_MS);
  hear();
  await clock.advance(5 * HOUR_MS);
  monitor.start();
  await clock.advance(9 * MINUTE_MS);
  assert.equal(told.length, 0);
  hear();
  await clock.advance(30 * MINUTE_MS);
  assert.equal(told.length, 0);
});

test('without a word of its own it is held to its past, once a week of it is known', async (t) => {
  const { clock, monitor, told, hear, activity } = setUp(t, null);
  monitor.start();
  // Every two hours for a week, and four hours once.
  for (let hours = 0; hours < 7 * 24; hours += 2) {
    hear();
    await clock.advance(hours === 48 ? 4 * HOUR_MS : 2 * HOUR_MS);
  }
  const longest = Math.max(...activity().silences.map(({ longestMs }) => longestMs));
  assert.equal(longest, 4 * HOUR_MS);
  hear();
  await clock.advance(7 * HOUR_MS);
  assert.equal(told.length, 0);
  await clock.advance(2 * HOUR_MS);
  assert.equal(told[0]?.type, 'source.stalled');
  assert.equal(told[0]?.data.stalled?.expected_within_seconds, 8 * 3_600);
  // What it was blamed for is not what is expected of it from now on.
  hear();
  await clock.advance(MINUTE_MS);
  assert.equal(Math.max(...activity().silences.map(({ longestMs }) => longestMs)), 4 * HOUR_MS);
});

test('a store that is down is asked again', async (t) => {
  const { clock, monitor, told, fail } = setUp(t, HOUR_MS);
  monitor.start();
  fail(true);
  await clock.advance(2 * HOUR_MS);
  assert.equal(told.length, 0);
  fail(false);
  await clock.advance(MINUTE_MS);
  assert.equal(told.length, 1);
  monitor.stop();
  await clock.advance(DAY_MS);
  assert.equal(told.length, 1);
});
