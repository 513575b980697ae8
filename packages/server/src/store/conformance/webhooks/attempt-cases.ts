import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StoreConflict } from '../../engine.ts';
import {
  NODE,
  NOW_MS,
  type OpenEngine,
  OTHER_NODE,
  type Sandbox,
  useStore,
  withOwnStore,
} from '../sandbox.ts';

/** An event whose delivery this node holds. */
async function appendHeld({ log, event, owes }: Sandbox): Promise<string> {
  owes({ node: NODE });
  const one = event();
  await log.append([one]);
  return one.event.id;
}

export function describeAttempts(open: OpenEngine): void {
  describe('attempts', () => {
    const sandbox = useStore(open);

    test('a success ends the delivery', async () => {
      const box = await sandbox();
      const { engine, store, attempt, projectId, endpointId } = box;
      const eventId = await appendHeld(box);
      const made = attempt(eventId);
      await engine.recordAttempt(made);
      const row = await store.deliveries.get(projectId, eventId, endpointId);
      assert.deepEqual(
        [row?.state, row?.attempts, row?.node, row?.due_at, row?.ended_at, row?.last_status],
        ['delivered', 1, null, null, NOW_MS + 12, 200],
      );
      assert.deepEqual(await store.deliveries.attempts(projectId, [eventId]), [
        {
          project_id: projectId,
          event_id: eventId,
          endpoint_id: endpointId,
          number: 1,
          id: made.attemptId,
          started_at: NOW_MS,
          latency_ms: 12,
          status: 200,
          error_code: null,
          error_detail: null,
          response_excerpt: 'ok',
          trace: null,
          retain_until: made.retainUntilMs,
        },
      ]);
    });

    test('a failure puts the delivery back, due later, with its failures counted', async () => {
      const box = await sandbox();
      const { engine, store, attempt, projectId, endpointId } = box;
      const eventId = await appendHeld(box);
      const failed = { status: 503, errorCode: 'http_status' };
      const next = { state: 'pending', dueAtMs: NOW_MS + 5_000, failures: 1 } as const;
      await engine.recordAttempt(attempt(eventId, { ...failed, next }));
      const row = await store.deliveries.get(projectId, eventId, endpointId);
      assert.deepEqual(
        [row?.state, row?.attempts, row?.failures, row?.node, row?.due_at, row?.ended_at],
        ['pending', 1, 1, null, NOW_MS + 5_000, null],
      );
      assert.deepEqual([row?.last_status, row?.last_error], [503, 'http_status']);
      const early = await engine.claimDeliveries(box.claim({ nowMs: NOW_MS + 4_999 }));
      assert.deepEqual(early, { deliveries: [], nextDueAtMs: NOW_MS + 5_000 });
      const due = await engine.claimDeliveries(box.claim({ nowMs: NOW_MS + 5_000 }));
      assert.deepEqual(
        due.deliveries.map(({ eventId, attempts, failures }) => ({ eventId, attempts, failures })),
        [{ eventId, attempts: 1, failures: 1 }],
      );
      await engine.recordAttempt(attempt(eventId, { number: 2 }));
      const ended = await store.deliveries.get(projectId, eventId, endpointId);
      assert.deepEqual([ended?.state, ended?.attempts, ended?.failures], ['delivered', 2, 0]);
      assert.equal((await store.deliveries.attempts(projectId, [eventId])).length, 2);
    });

    test('each attempt keeps its trace, whatever follows', async () => {
      const box = await sandbox();
      const { engine, store, attempt, claim, projectId, endpointId } = box;
      const eventId = await appendHeld(box);
      const traces = ['["first 🙂 \u0000"]', null, '["third"]'];
      for (const [i, trace] of traces.entries()) {
        const next = { state: 'pending', dueAtMs: NOW_MS, failures: i + 1 } as const;
        const made = { number: i + 1, trace, errorCode: 'timeout', next };
        await engine.recordAttempt(attempt(eventId, made));
        const row = await store.deliveries.get(projectId, eventId, endpointId);
        assert.equal(row?.last_trace, trace);
        await engine.claimDeliveries(claim());
      }
      // A node that holds nothing any more: its attempt stands alone.
      const stray = { node: OTHER_NODE, number: 4, trace: '["stray"]' };
      await engine.recordAttempt(attempt(eventId, stray));
      const attempts = await store.deliveries.attempts(projectId, [eventId]);
      assert.deepEqual(
        attempts.map((one) => one.trace),
        [...traces, '["stray"]'],
      );
    });

    test('the last failure ends the delivery as dead, and it can be made due again', async () => {
      const box = await sandbox();
      const { engine, store, attempt, projectId, endpointId } = box;
      const eventId = await appendHeld(box);
      const next = { state: 'dead', endedAtMs: NOW_MS + 9 } as const;
      await engine.recordAttempt(attempt(eventId, { status: null, errorCode: 'timeout', next }));
      const key = { projectId, eventId, endpointId };
      const dead = await store.deliveries.get(projectId, eventId, endpointId);
      assert.deepEqual([dead?.state, dead?.due_at, dead?.ended_at], ['dead', null, NOW_MS + 9]);
      await store.deliveries.requeue(key, NOW_MS + 20, []);
      const again = await store.deliveries.get(projectId, eventId, endpointId);
      assert.deepEqual(
        [again?.state, again?.due_at, again?.ended_at, again?.failures, again?.attempts],
        ['pending', NOW_MS + 20, null, 0, 1],
      );
    });

    test('a delivery that is under way, or does not exist, is not made due again', async () => {
      const box = await sandbox();
      const { store, ids, projectId, endpointId } = box;
      const eventId = await appendHeld(box);
      const { requeue } = store.deliveries;
      await assert.rejects(requeue({ projectId, eventId, endpointId }, NOW_MS, []), StoreConflict);
      const none = { projectId, eventId: ids.next('event'), endpointId };
      await assert.rejects(requeue(none, NOW_MS, []), StoreConflict);
      const row = await store.deliveries.get(projectId, eventId, endpointId);
      assert.equal(row?.node, NODE);
    });

    test('a skipped delivery can be made due by hand', async () => {
      const { engine, store, log, event, owes, claim, projectId, endpointId } = await sandbox();
      owes({ state: 'skipped' });
      const one = event();
      await log.append([one]);
      assert.deepEqual((await engine.claimDeliveries(claim())).deliveries, []);
      await store.deliveries.requeue({ projectId, eventId: one.event.id, endpointId }, NOW_MS, []);
      const { deliveries } = await engine.claimDeliveries(claim());
      assert.deepEqual(
        deliveries.map(({ eventId }) => eventId),
        [one.event.id],
      );
    });

    test('an attempt ends a delivery as skipped, too, and it can be made due again', async () => {
      const box = await sandbox();
      const { engine, store, attempt, projectId, endpointId } = box;
      const eventId = await appendHeld(box);
      const errorCode = 'transformed_to_nothing';
      const next = { state: 'skipped', endedAtMs: NOW_MS + 9 } as const;
      await engine.recordAttempt(attempt(eventId, { status: null, errorCode, next }));
      const row = await store.deliveries.get(projectId, eventId, endpointId);
      assert.deepEqual(
        [row?.state, row?.node, row?.due_at, row?.ended_at, row?.last_error],
        ['skipped', null, null, NOW_MS + 9, errorCode],
      );
      await store.deliveries.requeue({ projectId, eventId, endpointId }, NOW_MS + 20, []);
      const again = await store.deliveries.get(projectId, eventId, endpointId);
      assert.deepEqual([again?.state, again?.due_at], ['pending', NOW_MS + 20]);
    });

    test('the same attempt reported twice counts once', async () => {
      const box = await sandbox();
      const { engine, store, attempt, projectId } = box;
      const eventId = await appendHeld(box);
      const made = attempt(eventId);
      await engine.recordAttempt(made);
      await engine.recordAttempt(made);
      assert.equal((await store.deliveries.attempts(projectId, [eventId])).length, 1);
    });

    test('a node that lost its lease moves nothing, and every attempt stays on record', () =>
      withOwnStore(open, async (box) => {
        const { engine, store, attempt, projectId, endpointId } = box;
        const eventId = await appendHeld(box);
        const released = await engine.releaseLeases({ exceptNode: OTHER_NODE, nowMs: NOW_MS });
        assert.equal(released.released, 1);
        const late = attempt(eventId, { attemptId: 'att_late' });
        await engine.recordAttempt(late);
        const waiting = await store.deliveries.get(projectId, eventId, endpointId);
        assert.deepEqual([waiting?.state, waiting?.node, waiting?.attempts], ['pending', null, 0]);

        const claim = box.claim({ node: OTHER_NODE });
        const [claimed] = (await engine.claimDeliveries(claim)).deliveries;
        // The other node knows nothing of the late attempt, so it gives its own the same number.
        const number = (claimed?.attempts ?? 0) + 1;
        await engine.recordAttempt(
          attempt(eventId, { attemptId: 'att_new', node: OTHER_NODE, number }),
        );
        const attempts = await store.deliveries.attempts(projectId, [eventId]);
        assert.deepEqual(
          attempts.map(({ id }) => id),
          ['att_late', 'att_new'],
        );
        const ended = await store.deliveries.get(projectId, eventId, endpointId);
        assert.deepEqual([ended?.state, ended?.attempt_id], ['delivered', 'att_new']);
        await engine.recordAttempt(late);
        assert.equal((await store.deliveries.attempts(projectId, [eventId])).length, 2);
      }));

    test('the attempt of a node that comes back after the other has delivered stays on record too', () =>
      withOwnStore(open, async (box) => {
        const { engine, store, attempt, projectId, endpointId } = box;
        const eventId = await appendHeld(box);
        await engine.releaseLeases({ exceptNode: OTHER_NODE, nowMs: NOW_MS });
        await engine.claimDeliveries(box.claim({ node: OTHER_NODE }));
        await engine.recordAttempt(attempt(eventId, { attemptId: 'att_first', node: OTHER_NODE }));
        const next = { state: 'dead', endedAtMs: NOW_MS } as const;
        await engine.recordAttempt(
          attempt(eventId, { attemptId: 'att_later', status: 500, errorCode: 'http_status', next }),
        );
        const attempts = await store.deliveries.attempts(projectId, [eventId]);
        assert.deepEqual(
          attempts.map(({ id, status }) => [id, status]),
          [
            ['att_first', 200],
            ['att_later', 500],
          ],
        );
        const row = await store.deliveries.get(projectId, eventId, endpointId);
        assert.deepEqual([row?.state, row?.last_status], ['delivered', 200]);
      }));
  });
}
