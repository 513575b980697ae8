import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StoreConflict } from '../engine.ts';
import { DAY_MS, NOW_MS, type OpenEngine, type Sandbox, useStore } from './sandbox.ts';

/** The answers that requests were given, kept for their repetitions. */
export function describeAnswers(open: OpenEngine): void {
  describe('remembered answers', () => {
    const sandbox = useStore(open);

    const answerOf = ({ projectId }: Sandbox, fields = {}) => ({
      project_id: projectId,
      key: 'order 7',
      request_hash: 'abc',
      status: 202,
      body_sealed: 'v1.x.y.z',
      retain_until: NOW_MS + DAY_MS,
      ...fields,
    });

    test('an answer is remembered with what its request did, until it expires', async () => {
      const box = await sandbox();
      const { store, log, event, projectId } = box;
      const { find, remember } = store.idempotency;
      assert.equal(await find(projectId, 'order 7', NOW_MS), null);
      await log.append([event()], remember(answerOf(box), NOW_MS));
      assert.deepEqual(await find(projectId, 'order 7', NOW_MS), answerOf(box));
      assert.equal(await find(projectId, 'order 7', NOW_MS + DAY_MS), null);
      assert.equal(await find(projectId, 'order 8', NOW_MS), null);
    });

    test('the second of two equal requests at once meets a conflict, and does nothing', async () => {
      const box = await sandbox();
      const { store, log, event, projectId } = box;
      const events = [event(), event()];
      const outcomes = await Promise.allSettled(
        events.map((one, i) =>
          log.append(
            [one],
            store.idempotency.remember(answerOf(box, { request_hash: `${i}` }), NOW_MS),
          ),
        ),
      );
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected'],
      );
      assert.ok(outcomes[1]?.status === 'rejected');
      assert.ok(outcomes[1].reason instanceof StoreConflict);
      assert.equal(await store.events.get(projectId, events[1]?.event.id ?? ''), null);
      const kept = await store.idempotency.find(projectId, 'order 7', NOW_MS);
      assert.equal(kept?.request_hash, '0');
    });

    test('an expired answer gives way to a new one', async () => {
      const box = await sandbox();
      const { store, log, projectId } = box;
      const { find, remember } = store.idempotency;
      await log.append([], remember(answerOf(box), NOW_MS));
      const later = NOW_MS + DAY_MS;
      const next = answerOf(box, { request_hash: 'new', retain_until: later + DAY_MS });
      await assert.rejects(log.append([], remember(next, later - 1)), StoreConflict);
      await log.append([], remember(next, later));
      assert.equal((await find(projectId, 'order 7', later))?.request_hash, 'new');
    });
  });
}
