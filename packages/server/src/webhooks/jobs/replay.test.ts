import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { until } from '../../lib/fixtures/test-clock.ts';
import { answered, assertOnceEach } from '../fixtures/fake-post-client.ts';
import { PROJECT, START_MS } from '../fixtures/make-endpoint.ts';
import { replayParams, setUpJobs } from './fixtures/set-up-jobs.ts';

/** Appends events while the endpoint is disabled, and enables it again. */
async function missEvents(
  system: Awaited<ReturnType<typeof setUpJobs>>,
  endpoint: Awaited<ReturnType<typeof system.addEndpoint>>,
  count: number,
): Promise<string[]> {
  await system.changeEndpoint(endpoint, { status: 'disabled' });
  const ids = await system.append(count);
  await system.changeEndpoint(endpoint, { status: 'enabled' });
  return ids;
}

test('sends what was skipped and what is dead, under the same ids and with the same bytes', async (t) => {
  const system = await setUpJobs(t, { defaults: { ladderMs: [] } });
  const { client, store, runner } = system;
  const endpoint = await system.addEndpoint();
  await runner.start();
  client.answer = () => answered(500);
  const dead = await system.append(3);
  await system.untilAll('dead');
  const before = client.posts.splice(0);
  client.answer = () => answered(200);
  const skipped = await missEvents(system, endpoint, 4);
  const delivered = await system.append(2);
  await system.untilRecorded(5);
  client.posts.splice(0);
  const job = await system.addReplay({ endpointId: endpoint.id });
  const done = await system.untilJob(job, 'done');
  assert.deepEqual(done.progress, { total: null, done: 7, failed: 0 });
  assert.ok(done.startedAtMs !== null && done.endedAtMs !== null);
  await system.untilAll('delivered');
  assertOnceEach(client.posts, [...dead, ...skipped]);
  for (const post of client.posts) {
    assert.equal(post.body, await store.events.body(PROJECT, post.eventId));
    const first = before.find(({ eventId }) => eventId === post.eventId);
    if (first !== undefined) assert.equal(post.body, first.body);
  }
  const attempts = await store.deliveries.attempts(PROJECT, dead);
  assert.equal(attempts.length, 6);
  assert.ok(delivered.every((id) => !client.posts.some(({ eventId }) => eventId === id)));
});

test('goes in order where the endpoint wants order', async (t) => {
  const system = await setUpJobs(t);
  const endpoint = await system.addEndpoint({ settings: { order: 'per-endpoint' } });
  await system.runner.start();
  const skipped = await missEvents(system, endpoint, 60);
  const job = await system.addReplay({ endpointId: endpoint.id }, 100);
  await system.untilJob(job, 'done');
  await system.untilAll('delivered');
  assert.deepEqual(
    system.client.posts.map(({ eventId }) => eventId),
    skipped,
  );
});

test('keeps to the rate that was asked for', async (t) => {
  const system = await setUpJobs(t, { idle: true });
  const endpoint = await system.addEndpoint();
  await missEvents(system, endpoint, 30);
  await system.runner.start();
  const job = await system.addReplay({ endpointId: endpoint.id }, 10);
  const startMs = system.clock.now();
  const { progress } = await system.untilJob(job, 'done');
  assert.equal(progress.done, 30);
  assert.ok(system.clock.now() - startMs >= 29 * 100);
});

test('goes on exactly where it was, wherever the process ended', async (t) => {
  const system = await setUpJobs(t, { idle: true });
  const endpoint = await system.addEndpoint();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
      fc.boolean(),
      async (lostAt, includeMissing) => {
        const sinceMs = system.clock.now();
        await missEvents(system, endpoint, 9);
        await system.clock.advance(1_000);
        const job = await system.addReplay(
          { endpointId: endpoint.id, sinceMs, includeMissing },
          20,
        );
        // Steps that were planned and never committed, as a crash leaves them, between those that were.
        for (const isLost of lostAt) {
          const current = await system.get(job);
          const made = await system.replay.step(current as typeof current & { kind: 'replay' });
          if (isLost) continue;
          const update = { cursor: made.cursor, progress: made.progress, updatedAtMs: 0 };
          const statement = system.store.jobs.change(job, ['queued'], update);
          const statements = [...made.statements, statement];
          await system.engine.commit({ events: [], statements });
          if (made.outcome.kind === 'done') break;
        }
        const runner = system.newRunner();
        await runner.start();
        const { progress } = await system.untilJob(job, 'done');
        await runner.stop();
        const rows = (await system.deliveries()).filter(
          (row) => row.created_at >= sinceMs && row.state === 'pending',
        );
        assert.equal(rows.length, 9);
        // A walk that had come to its end and was not marked as done looks at the last step again.
        assert.ok(progress.done >= 9 && progress.done <= 11, String(progress.done));
      },
    ),
    { numRuns: 10 },
  );
});

test('gives an endpoint events from before its time, if it asks for what is missing', async (t) => {
  const system = await setUpJobs(t);
  await system.runner.start();
  const early = await system.appendEvents([
    { type: 'email.sent' },
    { type: 'email.bounced', message: 'm1' },
    { type: 'email.bounced', data: { test: true } },
  ]);
  await system.clock.advance(1_000);
  const sinceMs = system.clock.now();
  const later = await system.append(700, 'email.bounced');
  const endpoint = await system.addEndpoint({ eventTypes: ['email.bounced'] });
  const params = { endpointId: endpoint.id, includeMissing: true };
  const all = replayParams(system.clock.now() + 1, params);
  assert.deepEqual(await system.replay.count(PROJECT, { ...all, includeMissing: false }), {
    deliveries: 0,
    missing: 0,
    isTooMuch: false,
  });
  assert.deepEqual(await system.replay.count(PROJECT, all), {
    deliveries: 0,
    missing: 701,
    isTooMuch: false,
  });
  assert.equal((await system.replay.count(PROJECT, { ...all, sinceMs })).missing, 700);
  assert.equal((await system.replay.count(PROJECT, { ...all, messageId: 'm1' })).missing, 1);
  const types = { ...all, eventTypes: ['email.sent'] };
  assert.equal((await system.replay.count(PROJECT, types)).missing, 0);
  const job = await system.addReplay(params, 10_000);
  assert.equal((await system.untilJob(job, 'done')).progress.done, 701);
  await system.untilAll('delivered');
  assertOnceEach(system.client.posts, [early[1] ?? '', ...later]);
  // Now they are there, and nothing is missing any more.
  assert.equal((await system.replay.count(PROJECT, all)).missing, 0);
});

test('of all endpoints serves those that are enabled, each with what is its own', async (t) => {
  const system = await setUpJobs(t);
  const { replay } = system;
  await system.runner.start();
  const [one, two, off] = [
    await system.addEndpoint({ status: 'disabled' }),
    await system.addEndpoint({ status: 'disabled', eventTypes: ['email.sent'] }),
    await system.addEndpoint({ status: 'disabled' }),
  ];
  await system.append(2, 'email.sent');
  await system.append(3, 'email.opened');
  for (const endpoint of [one, two]) await system.changeEndpoint(endpoint, { status: 'enabled' });
  const params = replayParams(system.clock.now() + 1);
  assert.equal((await replay.count(PROJECT, params)).deliveries, 7);
  assert.equal(
    (await replay.count(PROJECT, { ...params, eventTypes: ['email.s*'] })).deliveries,
    0,
  );
  const job = await system.addReplay();
  assert.equal((await system.untilJob(job, 'done')).progress.done, 7);
  await until('they are delivered', async () => (await system.states())['delivered'] === 7);
  const left = (await system.deliveries()).filter(({ state }) => state === 'skipped');
  assert.ok(left.length === 5 && left.every((row) => row.endpoint_id === off.id));
});

test('leaves out what came after it was asked for', async (t) => {
  const system = await setUpJobs(t, { idle: true });
  const endpoint = await system.addEndpoint();
  await missEvents(system, endpoint, 2);
  const untilMs = system.clock.now() + 1;
  await system.clock.advance(1_000);
  await missEvents(system, endpoint, 3);
  const range = { endpointId: endpoint.id, sinceMs: START_MS, untilMs };
  assert.equal((await system.replay.count(PROJECT, replayParams(untilMs, range))).deliveries, 2);
  await system.runner.start();
  const job = await system.addReplay(range);
  assert.equal((await system.untilJob(job, 'done')).progress.done, 2);
});

test('pauses when its endpoint is disabled, goes on when resumed, and fails when it is deleted', async (t) => {
  const system = await setUpJobs(t, { idle: true });
  const endpoint = await system.addEndpoint();
  await missEvents(system, endpoint, 5);
  await system.changeEndpoint(endpoint, { status: 'disabled' });
  await system.runner.start();
  const job = await system.addReplay({ endpointId: endpoint.id });
  const paused = await system.untilJob(job, 'paused');
  assert.match(paused.error ?? '', /Enable it, then resume/);
  assert.equal(paused.endedAtMs, null);
  await system.changeEndpoint(endpoint, { status: 'enabled' });
  await system.move(job, ['paused'], 'queued');
  const done = await system.untilJob(job, 'done');
  assert.deepEqual([done.progress.done, done.error], [5, null]);
  const late = await system.add({ kind: 'replay', params: job.params as never, state: 'paused' });
  await system.directory.remove(PROJECT, endpoint.id, system.clock.now());
  await system.move(late, ['paused'], 'queued');
  const failed = await system.untilJob(late, 'failed');
  assert.match(failed.error ?? '', /was deleted/);
});
