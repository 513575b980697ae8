import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StoreConflict } from '../engine.ts';
import type { JobRecord } from '../jobs/jobs.ts';
import type { DeliveriesTable } from '../tables.ts';
import { DAY_MS, NODE, NOW_MS, type OpenEngine, type Sandbox, useStore } from './sandbox.ts';

export function erasure({ projectId, ids }: Sandbox, fields: Partial<JobRecord> = {}): JobRecord {
  return {
    projectId,
    id: ids.next('job'),
    kind: 'erase',
    state: 'queued',
    params: { recipient: 'anna@b.test' },
    progress: { total: null, done: 0, failed: 0 },
    cursor: null,
    ratePerSecond: 500,
    error: null,
    createdAtMs: NOW_MS,
    startedAtMs: null,
    updatedAtMs: NOW_MS,
    endedAtMs: null,
    retainUntilMs: NOW_MS + DAY_MS,
    ...fields,
  } as JobRecord;
}

export function describeJobs(open: OpenEngine): void {
  describe('jobs', () => {
    const sandbox = useStore(open);

    test('keep what they were given, and are their project’s alone', async () => {
      const box = await sandbox();
      const other = await sandbox();
      const { jobs } = box.store;
      const job = erasure(box, { cursor: 'evt_1/ep_1', error: 'Ü "quoted"', startedAtMs: NOW_MS });
      await jobs.insert(job, []);
      assert.deepEqual(await jobs.get(box.projectId, job.id), job);
      assert.equal(await jobs.get(other.projectId, job.id), null);
      assert.equal(await jobs.next(other.projectId), null);
      const page = { limit: 9, beforeId: null, state: null, kind: null };
      assert.deepEqual(await jobs.list({ ...page, projectId: other.projectId }), {
        rows: [],
        nextCursor: null,
      });
      const { rows } = await jobs.list({ ...page, projectId: box.projectId });
      assert.deepEqual(rows, [job]);
      assert.deepEqual(
        (await jobs.list({ ...page, projectId: box.projectId, kind: 'replay' })).rows,
        [],
      );
      assert.deepEqual(
        (await jobs.list({ ...page, projectId: box.projectId, state: 'paused' })).rows,
        [],
      );
    });

    test('come in their order, but the one that runs goes on first', async () => {
      const box = await sandbox();
      const { jobs } = box.store;
      const states = ['done', 'paused', 'queued', 'running', 'queued', 'canceled'] as const;
      for (const state of states) {
        const endedAtMs = state === 'done' || state === 'canceled' ? NOW_MS : null;
        await jobs.insert(erasure(box, { state, endedAtMs }), []);
      }
      const { rows } = await jobs.list({
        projectId: box.projectId,
        limit: 9,
        beforeId: null,
        state: null,
        kind: null,
      });
      const [, second, running, first] = rows;
      assert.equal((await jobs.next(box.projectId))?.id, running?.id);
      const end = { state: 'done', updatedAtMs: NOW_MS } as const;
      const endOf = async (job: JobRecord | undefined) => {
        assert.ok(job);
        const statements = [jobs.change(job, ['running', 'queued'], end)];
        await box.engine.commit({ events: [], statements });
      };
      assert.ok((await jobs.projectsWithWork()).includes(box.projectId));
      await endOf(running);
      assert.equal((await jobs.next(box.projectId))?.id, first?.id);
      await endOf(first);
      assert.equal((await jobs.next(box.projectId))?.id, second?.id);
      await endOf(second);
      assert.equal(await jobs.next(box.projectId), null);
      assert.ok(!(await jobs.projectsWithWork()).includes(box.projectId));
    });

    test('change in the commit of what the change stands for, or not at all', async () => {
      const box = await sandbox();
      const { engine, store, log, event } = box;
      const job = erasure(box);
      await store.jobs.insert(job, []);
      const progress = { total: 9, done: 4, failed: 1 };
      const step = store.jobs.change(job, ['running'], { cursor: 'x', progress, updatedAtMs: 7 });
      const one = event();
      await assert.rejects(log.append([one], [step]), StoreConflict);
      assert.equal(await store.events.get(box.projectId, one.event.id), null);
      const start = store.jobs.change(job, ['queued'], {
        state: 'running',
        startedAtMs: 5,
        updatedAtMs: 5,
      });
      await engine.commit({ events: [], statements: [start] });
      await log.append([one], [step]);
      assert.deepEqual(await store.jobs.get(box.projectId, job.id), {
        ...job,
        state: 'running',
        cursor: 'x',
        progress,
        startedAtMs: 5,
        updatedAtMs: 7,
      });
      const late = store.jobs.change(job, ['running'], { cursor: 'y', updatedAtMs: 8 }, job);
      await assert.rejects(engine.commit({ events: [], statements: [late] }), StoreConflict);
      const at = { cursor: 'x' };
      const next = store.jobs.change(job, ['running'], { cursor: 'y', updatedAtMs: 8 }, at);
      await engine.commit({ events: [], statements: [next] });
      assert.equal((await store.jobs.get(box.projectId, job.id))?.cursor, 'y');
      const other = await sandbox();
      const foreign = store.jobs.change({ ...job, projectId: other.projectId }, ['running'], {
        state: 'canceled',
        updatedAtMs: 8,
      });
      await assert.rejects(engine.commit({ events: [], statements: [foreign] }), StoreConflict);
    });
  });

  describe('a job that ends', () => {
    const sandbox = useStore(open);

    test('says when, and forgets the address that it was about', async () => {
      const box = await sandbox();
      const { engine, store, projectId } = box;
      for (const state of ['done', 'failed', 'canceled', 'paused'] as const) {
        const job = erasure(box);
        await store.jobs.insert(job, []);
        const change = store.jobs.change(job, ['queued'], { state, updatedAtMs: NOW_MS + 3 });
        await engine.commit({ events: [], statements: [change] });
        const after = await store.jobs.get(projectId, job.id);
        const ended = state !== 'paused';
        assert.equal(after?.endedAtMs, ended ? NOW_MS + 3 : null);
        assert.deepEqual(after?.params, { recipient: ended ? null : 'anna@b.test' });
      }
    });
  });

  describe('deliveries made due in bulk', () => {
    const sandbox = useStore(open);

    async function requeue(box: Sandbox, again: DeliveriesTable[], nowMs: number): Promise<void> {
      const { engine, store } = box;
      const statements = store.deliveries.requeueStatements({ again, missing: [], nowMs });
      await engine.commit({ events: [], statements });
    }

    const rowsOf = ({ store, projectId }: Sandbox, eventIds: string[]) =>
      store.deliveries.ofEvents(projectId, eventIds);

    async function append(box: Sandbox, ...owed: Parameters<Sandbox['owes']>): Promise<string> {
      box.owes(...owed);
      const one = box.event();
      await box.log.append([one]);
      return one.event.id;
    }

    test('start anew, whatever state they were in, and keep their attempts', async () => {
      const box = await sandbox();
      const { engine, attempt } = box;
      const skipped = await append(box, { state: 'skipped' });
      const dead = await append(box, { node: NODE }, { endpointId: 'ep_other', state: 'skipped' });
      const next = { state: 'dead', endedAtMs: NOW_MS + 12 } as const;
      await engine.recordAttempt(attempt(dead, { status: 500, errorCode: 'http_status', next }));
      await requeue(box, await rowsOf(box, [skipped, dead]), NOW_MS + 99);
      const rows = await rowsOf(box, [skipped, dead]);
      assert.deepEqual(
        rows.map((row) => [row.state, row.due_at, row.ended_at, row.failures, row.attempts]),
        [
          ['pending', NOW_MS + 99, null, 0, 0],
          ['pending', NOW_MS + 99, null, 0, 1],
          ['pending', NOW_MS + 99, null, 0, 0],
        ],
      );
      assert.equal((await box.store.deliveries.attempts(box.projectId, [dead])).length, 1);
    });

    test('leave what a node holds, and what somebody has moved on since it was read', async () => {
      const box = await sandbox();
      const held = await append(box, { node: NODE });
      const moved = await append(box, { state: 'skipped' });
      const rows = await rowsOf(box, [held, moved]);
      await requeue(box, rows.slice(1), NOW_MS + 1);
      await requeue(box, rows, NOW_MS + 2);
      assert.deepEqual(
        (await rowsOf(box, [held, moved])).map((row) => [row.node, row.due_at]),
        [
          [NODE, NOW_MS],
          [null, NOW_MS + 1],
        ],
      );
    });

    test('stand in line again at their place, before what has come since', async () => {
      const box = await sandbox();
      const { engine, attempt, claim } = box;
      const orderKey = 'k';
      const ids = [
        await append(box, { orderKey, state: 'skipped' }),
        await append(box, { orderKey, state: 'skipped' }),
        await append(box, { orderKey }),
        await append(box, { orderKey: 'another' }),
      ];
      await requeue(box, (await rowsOf(box, ids)).slice(0, 2), NOW_MS + 1);
      const due = (await rowsOf(box, ids)).map((row) => row.due_at);
      assert.deepEqual(due, [NOW_MS + 1, null, null, NOW_MS]);
      const { deliveries } = await engine.claimDeliveries(claim({ nowMs: NOW_MS + 1 }));
      const claimed = deliveries.map(({ eventId }) => eventId);
      assert.deepEqual(claimed, [ids[3], ids[0], ids[1], ids[2]]);
      for (const id of claimed) await engine.recordAttempt(attempt(id));
      assert.ok((await rowsOf(box, ids)).every(({ state }) => state === 'delivered'));
    });

    test('are made for events that were never owed, in line where they want order', async () => {
      const box = await sandbox();
      const { engine, store, projectId, endpointId } = box;
      box.owes();
      const events = [box.event(), box.event()];
      await box.log.append(events);
      const late = await append(box, { orderKey: '' });
      const missing = events.map(({ event }, i) => ({
        projectId,
        eventId: event.id,
        endpointId,
        urgency: 2 as const,
        orderKey: '',
        position: -2 + i,
        retainUntilMs: NOW_MS + DAY_MS,
      }));
      const statements = store.deliveries.requeueStatements({
        again: [],
        missing,
        nowMs: NOW_MS + 5,
      });
      await engine.commit({ events: [], statements });
      const rows = await rowsOf(box, [...events.map(({ event }) => event.id), late]);
      assert.deepEqual(
        rows.map((row) => [row.state, row.urgency, row.due_at, row.attempts, row.created_at]),
        [
          ['pending', 2, NOW_MS + 5, 0, NOW_MS + 5],
          ['pending', 2, null, 0, NOW_MS + 5],
          ['pending', 1, null, 0, NOW_MS],
        ],
      );
      await assert.rejects(engine.commit({ events: [], statements }), StoreConflict);
    });
  });
}
