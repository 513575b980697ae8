import assert from 'node:assert/strict';
import test from 'node:test';
import { PROJECT } from '../fixtures/make-endpoint.ts';
import { setUpJobs } from './fixtures/set-up-jobs.ts';

test('removes the person everywhere, counts what it changed, and forgets the address itself', async (t) => {
  const system = await setUpJobs(t, { idle: true });
  const { store, engine } = system;
  await system.addEndpoint();
  const recipient = 'anna@person.test';
  const data = { recipient, metadata: { name: 'Anna' } };
  const [hers = '', other = ''] = await system.appendEvents([
    { data, message: 'provider/1' },
    { message: 'provider/2' },
  ]);
  await system.runner.start();
  const job = await system.add({ kind: 'erase', params: { recipient } });
  const done = await system.untilJob(job, 'done');
  assert.deepEqual(done.params, { recipient: null });
  // Her event, and her state of that message.
  assert.deepEqual(done.progress, { total: null, done: 2, failed: 0 });
  const row = await engine.db
    .selectFrom('jobs')
    .selectAll()
    .where('id', '=', job.id)
    .executeTakeFirstOrThrow();
  assert.doesNotMatch(JSON.stringify(row), /anna/);
  assert.doesNotMatch((await store.events.body(PROJECT, hers)) ?? '', /anna/i);
  assert.equal((await store.events.get(PROJECT, hers))?.data.erased, true);
  assert.equal((await store.events.get(PROJECT, other))?.data.erased, undefined);
  const states = (await system.deliveries()).map((one) => [one.event_id, one.state]);
  assert.deepEqual(states, [
    [hers, 'canceled'],
    [other, 'pending'],
  ]);
});

test('a job that has no address any more has nothing to do', async (t) => {
  const system = await setUpJobs(t, { idle: true });
  await system.runner.start();
  const job = await system.add({ kind: 'erase', params: { recipient: null } });
  assert.equal((await system.untilJob(job, 'done')).progress.done, 0);
});
