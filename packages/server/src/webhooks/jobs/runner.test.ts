import assert from 'node:assert/strict';
import test from 'node:test';
import { createTestClock, until } from '../../lib/fixtures/test-clock.ts';
import { silentLog } from '../../lib/log.ts';
import type { JobStep } from '../../store/jobs/job-step.ts';
import type { JobRecord } from '../../store/jobs/jobs.ts';
import { setUpJobs } from './fixtures/set-up-jobs.ts';
import { createJobRunner } from './runner.ts';

type Setup = Awaited<ReturnType<typeof setUpJobs>>;

/** A runner whose jobs count their steps, and what a test says of each. */
function countingRunner(
  system: Setup,
  outcomeOf: (job: JobRecord, made: number) => JobStep['outcome'],
) {
  const steps: string[] = [];
  const runner = createJobRunner({
    jobs: system.store.jobs,
    engine: system.engine,
    clock: system.clock,
    log: silentLog,
    works: {
      replay: step,
      erase: step,
      redecode: step,
      import_suppressions: step,
      export_suppressions: step,
    },
  });
  async function step(job: JobRecord): Promise<JobStep> {
    steps.push(job.id);
    const done = job.progress.done + 1;
    const outcome = outcomeOf(job, done);
    const progress = { ...job.progress, done };
    return { statements: [], cursor: String(done), progress, items: 1, outcome };
  }
  return { runner, steps };
}

const MORE = { kind: 'more' } as const;
const DONE = { kind: 'done' } as const;
const ERASE = { kind: 'erase', params: { recipient: 'anna@b.test' } } as const;

test('runs one job of a project after the other, and projects in turns', async (t) => {
  const system = await setUpJobs(t, { idle: true });
  const { runner, steps } = countingRunner(system, (_, made) => (made < 5 ? MORE : DONE));
  const [a1, a2, b1] = [
    await system.add({ ...ERASE, projectId: 'prj_a' }),
    await system.add({ ...ERASE, projectId: 'prj_a' }),
    await system.add({ ...ERASE, projectId: 'prj_b' }),
  ];
  await runner.start();
  await system.untilJob(a2, 'done');
  await system.untilJob(b1, 'done');
  const ofA = steps.filter((id) => id !== b1.id);
  assert.deepEqual(ofA, [...Array(5).fill(a1.id), ...Array(5).fill(a2.id)]);
  const firstFour = steps.slice(0, 4);
  assert.ok(firstFour.includes(a1.id) && firstFour.includes(b1.id), steps.join());
  await runner.stop();
});

test('a job that is paused or canceled makes no further step, and one that goes on loses none', async (t) => {
  const system = await setUpJobs(t, { idle: true });
  const { runner, steps } = countingRunner(system, () => MORE);
  await runner.start();
  const job = await system.add({ ...ERASE });
  runner.wake(job.projectId);
  await until('it has begun', async () => {
    await system.clock.advance(5);
    return (await system.get(job)).progress.done >= 3;
  });
  await system.move(job, ['running'], 'paused');
  await system.clock.advance(10_000);
  const paused = await system.get(job);
  assert.equal(paused.state, 'paused');
  await system.move(job, ['paused'], 'queued');
  runner.wake(job.projectId);
  await until('it goes on', async () => {
    await system.clock.advance(5);
    return (await system.get(job)).progress.done > paused.progress.done;
  });
  const after = await system.get(job);
  assert.equal(after.startedAtMs, paused.startedAtMs);
  await system.move(job, ['running', 'queued'], 'canceled');
  await system.clock.advance(10_000);
  const made = steps.length;
  await system.clock.advance(10_000);
  assert.equal(steps.length, made);
  const ended = await system.get(job);
  // The step that was overtaken by the pause, and the one by the end, did not count.
  assert.ok(made - ended.progress.done <= 2, `${made} steps, ${ended.progress.done} counted`);
  assert.deepEqual([ended.state, ended.params], ['canceled', { recipient: null }]);
  await runner.stop();
});

test('waits as long as a step asks, and as the rate wants', async (t) => {
  const system = await setUpJobs(t, { idle: true });
  const { runner, steps } = countingRunner(system, () => ({ kind: 'wait', waitMs: 60_000 }));
  await runner.start();
  const job = await system.add({ ...ERASE });
  runner.wake(job.projectId);
  await until('it waits', async () => {
    await system.clock.advance(5);
    return (await system.get(job)).progress.done === 1;
  });
  runner.wake(job.projectId);
  await system.clock.advance(50_000);
  assert.equal(steps.length, 1);
  await until('it looked again', async () => {
    await system.clock.advance(1_000);
    return steps.length === 2;
  });
  await runner.stop();
});

test('a fault of ours ends the job, a sick store does not', async (t) => {
  const system = await setUpJobs(t, { idle: true });
  let broken = false;
  const { runner } = countingRunner(system, (_, made) => {
    if (broken) throw new Error('A bug.');
    return made < 50 ? MORE : DONE;
  });
  await runner.start();
  const job = await system.add({ ...ERASE });
  runner.wake(job.projectId);
  system.engine.fail();
  await system.clock.advance(5_000);
  system.engine.recover();
  assert.equal((await system.untilJob(job, 'done')).progress.done, 50);
  broken = true;
  const other = await system.add({ ...ERASE });
  runner.wake(other.projectId);
  const failed = await system.untilJob(other, 'failed');
  assert.match(failed.error ?? '', /log of the server/);
  assert.deepEqual(failed.params, { recipient: null });
  await runner.stop();
});

test('a runner that was stopped makes no step, and its successor takes everything up', async (t) => {
  const clock = createTestClock(0);
  const system = await setUpJobs(t, { idle: true, clock });
  const first = countingRunner(system, (_, made) => (made < 9 ? MORE : DONE));
  const job = await system.add({ ...ERASE });
  await first.runner.start();
  await until('it runs', async () => {
    await clock.advance(5);
    return first.steps.length > 2;
  });
  await first.runner.stop();
  const made = first.steps.length;
  await clock.advance(60_000);
  assert.equal(first.steps.length, made);
  const second = countingRunner(system, (_, done) => (done < 9 ? MORE : DONE));
  await second.runner.start();
  const done = await system.untilJob(job, 'done');
  assert.equal(done.progress.done, 9);
  assert.equal(first.steps.length + second.steps.length, 9);
  await second.runner.stop();
});
