import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { turn, until } from '../../lib/fixtures/test-clock.ts';
import { silentLog } from '../../lib/log.ts';
import type { EndpointFields } from '../fixtures/make-endpoint.ts';
import { START_MS } from '../fixtures/make-endpoint.ts';
import { setUpDispatcher } from '../fixtures/set-up-dispatcher.ts';
import type { EndpointDirectory } from './endpoint-directory.ts';
import { createEndpointHealth, type Report } from './endpoint-health.ts';
import type { LiveEndpoint } from './live-endpoint.ts';

const HOUR_MS = 3_600_000;

/** An endpoint with a patience of 100 hours, in a real directory. */
async function setUp(t: TestContext, fields: EndpointFields = {}) {
  const setup = await setUpDispatcher(t, { idle: true });
  const { directory, clock, addEndpoint, store } = setup;
  const settings = { patienceMs: 100 * HOUR_MS };
  const { projectId, id } = await addEndpoint({ settings, ...fields });
  const reports: Report[] = [];
  const watch = (about: Pick<EndpointDirectory, 'find' | 'noteHealth' | 'update'> = directory) =>
    createEndpointHealth({
      directory: about,
      report: (report) => reports.push(report),
      clock,
      log: silentLog,
    });
  const health = watch();
  const live = (): LiveEndpoint => {
    const found = directory.find(projectId, id);
    assert.ok(found !== null);
    return found;
  };
  return {
    ...setup,
    health,
    watch,
    live,
    reports,
    said: () => reports.map(({ type, data }) => [type, data.endpoint?.patience_used_percent]),
    /** The row of its `count`th failure, so many hours after the first. */
    async failAt(hours: number, count = 10, by = health): Promise<void> {
      await clock.advance(START_MS + hours * HOUR_MS - clock.now());
      const streak = { failuresInRow: count, failingSinceMs: START_MS, reason: 'It answered 500.' };
      by.failed(live(), streak);
      await turn();
    },
    stored: () => store.endpoints.get(projectId, id),
  };
}

test('four failures in a row are nothing to speak of; with the fifth it is stored since when it fails', async (t) => {
  const { failAt, live, stored, reports } = await setUp(t);
  await failAt(1, 4);
  assert.equal(live().record.failingSinceMs, null);
  await failAt(2, 5);
  assert.equal(live().record.failingSinceMs, START_MS);
  await until('it is stored', async () => (await stored())?.failingSinceMs === START_MS);
  assert.deepEqual(reports, []);
});

test('its owner hears at 50, 70, 90 and 100 percent of its patience, once each', async (t) => {
  const { failAt, live, reports, said } = await setUp(t, { description: 'Orders', uid: 'orders' });
  for (const hours of [1, 49, 50, 51, 69, 70, 89, 90, 99]) await failAt(hours);
  const steps = [50, 70, 90].map((percent) => ['endpoint.failing', percent]);
  assert.deepEqual(said(), steps);
  assert.deepEqual(reports[0]?.data.endpoint, {
    id: live().record.id,
    uid: 'orders',
    url: 'https://app.example.com/hook',
    description: 'Orders',
    failing_since: '2026-11-20T10:00:00.000Z',
    patience_used_percent: 50,
    reason: 'It answered 500.',
  });
  await failAt(100);
  await until('it is disabled', () => live().record.status === 'disabled');
  assert.deepEqual(said(), [...steps, ['endpoint.failing', 100], ['endpoint.disabled', null]]);
  const { disabledReason, version } = live().record;
  assert.match(disabledReason ?? '', /since 2026-11-20T10:00:00.000Z: It answered 500/);
  assert.equal(version, 2);
  await failAt(101);
  assert.equal(reports.length, 5);
});

test('a step that was passed while nothing was tried is not made up for', async (t) => {
  const { failAt, said } = await setUp(t);
  await failAt(1);
  await failAt(95);
  assert.deepEqual(said(), [['endpoint.failing', 90]]);
});

test('what was said is remembered over a restart, and how long it fails goes on', async (t) => {
  const { failAt, live, watch, said, stored, directory } = await setUp(t);
  await failAt(1);
  await failAt(55);
  await until('it is stored', async () => (await stored())?.warnedPercent === 50);
  await directory.load();
  // A new process knows of no failures in a row but its own.
  const later = watch();
  const failLater = (): void => {
    const streak = { failuresInRow: 1, failingSinceMs: START_MS + 60 * HOUR_MS, reason: 'x' };
    later.failed(live(), streak);
  };
  await failAt(60, 1, later);
  failLater();
  assert.deepEqual(said(), [['endpoint.failing', 50]]);
  assert.equal(live().record.failingSinceMs, START_MS);
  await failAt(71, 1, later);
  assert.deepEqual(said().slice(1), [['endpoint.failing', 70]]);
});

test('it has recovered only where somebody was told that it fails', async (t) => {
  const { failAt, health, live, stored, reports, said } = await setUp(t);
  health.succeeded(live());
  await failAt(10);
  health.succeeded(live());
  assert.equal(live().record.failingSinceMs, null);
  assert.equal(reports.length, 0);
  await failAt(60);
  health.succeeded(live());
  health.succeeded(live());
  assert.deepEqual(said(), [
    ['endpoint.failing', 50],
    ['endpoint.recovered', null],
  ]);
  assert.equal(reports.at(-1)?.data.endpoint?.failing_since, '2026-11-20T10:00:00.000Z');
  await until('it is stored', async () => (await stored())?.failingSinceMs === null);
  assert.equal((await stored())?.warnedPercent, 0);
});

test('failing again after it has recovered, it is reported again, under another key', async (t) => {
  const { health, live, clock, reports } = await setUp(t);
  for (let round = 0; round < 2; round++) {
    const failingSinceMs = clock.now();
    health.failed(live(), { failuresInRow: 5, failingSinceMs, reason: 'x' });
    await clock.advance(50 * HOUR_MS);
    health.failed(live(), { failuresInRow: 6, failingSinceMs, reason: 'x' });
    health.succeeded(live());
  }
  assert.equal(reports.length, 4);
  assert.equal(new Set(reports.map(({ dedupKey }) => dedupKey)).size, 4);
});

test('many that find it gone at once disable it once', async (t) => {
  const { health, live, reports, stored } = await setUp(t);
  const endpoint = live();
  for (let i = 0; i < 10; i++) health.disable(endpoint, 'The endpoint answered 410 Gone.');
  await until('it is disabled', () => live().record.status === 'disabled');
  health.disable(endpoint, 'The endpoint answered 410 Gone.');
  await turn();
  assert.deepEqual(
    reports.map(({ type, data }) => [type, data.endpoint?.reason]),
    [['endpoint.disabled', 'The endpoint answered 410 Gone.']],
  );
  assert.equal((await stored())?.version, 2);
});

test('somebody who changed it meanwhile is not overruled', async (t) => {
  const { health, live, changeEndpoint, reports } = await setUp(t);
  const before = live();
  await changeEndpoint(before.record, { url: 'https://new.example.com/hook' });
  health.disable(before, 'The endpoint answered 410 Gone.');
  await turn();
  assert.equal(live().record.status, 'enabled');
  assert.deepEqual(reports, []);
});

test('what the store refuses is done with the next failure, and not reported before', async (t) => {
  const { failAt, live, engine, reports, said } = await setUp(t);
  await failAt(1);
  engine.fail();
  await failAt(100);
  assert.deepEqual(said(), [['endpoint.failing', 100]]);
  engine.recover();
  assert.equal(live().record.status, 'enabled');
  await failAt(101);
  await until('it is disabled', () => live().record.status === 'disabled');
  assert.equal(reports.length, 2);
  assert.equal(reports[1]?.type, 'endpoint.disabled');
});

test('a new URL, and being enabled again, begin with all of its patience', async (t) => {
  const { failAt, live, changeEndpoint, stored, reports } = await setUp(t);
  await failAt(60);
  const url = 'https://new.example.com/hook';
  await changeEndpoint(live().record, { url });
  assert.equal(live().record.failingSinceMs, null);
  await until('it is stored', async () => (await stored())?.failingSinceMs === null);
  await failAt(61);
  assert.equal(reports.length, 2);
  await changeEndpoint(live().record, { status: 'disabled' });
  assert.equal(live().record.failingSinceMs, START_MS);
  await changeEndpoint(live().record, { status: 'enabled' });
  assert.equal(live().record.failingSinceMs, null);
  assert.equal(live().record.warnedPercent, 0);
});

test('a change of another kind keeps what is known of it', async (t) => {
  const { failAt, live, changeEndpoint, reports } = await setUp(t);
  await failAt(60);
  await changeEndpoint(live().record, { description: 'Ours' });
  await failAt(61);
  assert.equal(live().record.warnedPercent, 50);
  assert.equal(reports.length, 1);
});
