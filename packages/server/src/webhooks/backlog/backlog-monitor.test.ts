import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { createTestClock, until } from '../../lib/fixtures/test-clock.ts';
import { silentLog } from '../../lib/log.ts';
import type { Report } from '../endpoints/endpoint-health.ts';
import { START_MS } from '../fixtures/make-endpoint.ts';
import { setUpDispatcher } from '../fixtures/set-up-dispatcher.ts';
import { createBacklogMonitor } from './backlog-monitor.ts';

const MINUTE_MS = 60_000;

/** A monitor over a store where nothing is posted: what is appended waits. */
async function setUpMonitor(t: TestContext) {
  const clock = createTestClock(START_MS);
  const system = await setUpDispatcher(t, { idle: true, clock });
  const reports: Report[] = [];
  let looks = 0;
  const monitor = createBacklogMonitor({
    queue: {
      async depths(...args) {
        const found = await system.store.queue.depths(...args);
        if (args[0] === null) looks += 1;
        return found;
      },
    },
    directory: system.directory,
    report: (report) => reports.push(report),
    clock,
    log: silentLog,
    threshold: { depth: 10, lagMs: 5 * MINUTE_MS },
  });
  t.after(() => monitor.stop());
  return {
    ...system,
    monitor,
    reports,
    async look(): Promise<void> {
      const before = looks;
      await clock.advance(30_000);
      await until('the monitor has looked', () => looks > before);
      // And has set its next timer.
      await until('it waits', () => clock.nextAtMs() !== null);
    },
    /** Nothing waits any more. */
    async settleAll(): Promise<void> {
      for (const { project_id, endpoint_id } of await system.deliveries()) {
        await system.store.deliveries.cancelWaiting(project_id, endpoint_id, clock.now(), 100);
      }
    },
  };
}

test('tells once when much waits, with how much, and again after it was gone', async (t) => {
  const system = await setUpMonitor(t);
  const endpoint = await system.addEndpoint({ uid: 'orders', description: 'Orders' });
  system.monitor.start();
  await system.append(9);
  await system.look();
  assert.equal(system.reports.length, 0);
  await system.append(6);
  await system.look();
  await system.look();
  assert.equal(system.reports.length, 1);
  const [report] = system.reports;
  assert.equal(report?.type, 'endpoint.backlog');
  assert.deepEqual(report?.data, {
    endpoint: { id: endpoint.id, uid: 'orders', url: endpoint.url, description: 'Orders' },
    backlog: {
      depth: 15,
      at_least: false,
      oldest_age_seconds: 60,
      lag_seconds: 60,
      threshold: { depth: 10, lag_seconds: 300 },
    },
  });
  assert.equal(system.monitor.stats().endpoints, 1);
  await system.settleAll();
  await system.look();
  assert.deepEqual(system.monitor.stats(), { endpoints: 0, lagSeconds: 0 });
  await system.append(10);
  await system.look();
  assert.equal(system.reports.length, 2);
  assert.notEqual(system.reports[0]?.dedupKey, system.reports[1]?.dedupKey);
});

test('may be stopped and started, and then looks with new eyes', async (t) => {
  const system = await setUpMonitor(t);
  await system.addEndpoint();
  system.monitor.start();
  await system.append(10);
  await system.look();
  assert.equal(system.monitor.stats().endpoints, 1);
  system.monitor.stop();
  assert.equal(system.clock.nextAtMs(), null);
  assert.deepEqual(system.monitor.stats(), { endpoints: 0, lagSeconds: 0 });
  system.monitor.start();
  await system.look();
  assert.equal(system.reports.length, 2);
});

test('tells when little waits for long, but not of an endpoint that is disabled', async (t) => {
  const system = await setUpMonitor(t);
  const endpoint = await system.addEndpoint();
  const off = await system.addEndpoint();
  await system.append(1);
  await system.changeEndpoint(off, { status: 'disabled' });
  system.monitor.start();
  await system.look();
  assert.equal(system.reports.length, 0);
  assert.equal(system.monitor.stats().lagSeconds, 30);
  await system.clock.advance(5 * MINUTE_MS - 60_000);
  await system.look();
  await system.look();
  assert.deepEqual(
    system.reports.map((report) => report.endpoint.id),
    [endpoint.id],
  );
});
