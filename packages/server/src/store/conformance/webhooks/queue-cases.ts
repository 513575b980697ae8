import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OwedDelivery } from '../../engine.ts';
import { NODE, NOW_MS, type OpenEngine, type Sandbox, useStore } from '../sandbox.ts';

async function append(box: Sandbox, owed: Partial<OwedDelivery>, count = 1): Promise<string[]> {
  box.owes(owed);
  const events = Array.from({ length: count }, () => box.event());
  await box.log.append(events);
  return events.map(({ event }) => event.id);
}

export function describeQueue(open: OpenEngine): void {
  describe('the queue', () => {
    const sandbox = useStore(open);

    test('tells what waits for each endpoint, and how', async () => {
      const box = await sandbox();
      const { engine, store, projectId, attempt } = box;
      const [oldest] = await append(box, { endpointId: 'ep_a', dueAtMs: NOW_MS - 5_000 }, 2);
      await append(box, { endpointId: 'ep_a', urgency: 0, dueAtMs: NOW_MS - 7_000 });
      await append(box, { endpointId: 'ep_a', urgency: 2, dueAtMs: NOW_MS + 60_000 });
      await append(box, { endpointId: 'ep_a', node: NODE });
      const [inLine] = await append(box, { endpointId: 'ep_b', orderKey: '' }, 3);
      const [held] = await append(box, { endpointId: 'ep_c', node: NODE, dueAtMs: NOW_MS - 1 });
      const [retried = ''] = await append(box, { endpointId: 'ep_d', node: NODE });
      const next = { state: 'pending', dueAtMs: NOW_MS + 9_000, failures: 1 } as const;
      await engine.recordAttempt(attempt(retried, { endpointId: 'ep_d', next }));
      const [done = ''] = await append(box, { endpointId: 'ep_e', node: NODE });
      await engine.recordAttempt(attempt(done, { endpointId: 'ep_e' }));
      await append(box, { endpointId: 'ep_f', state: 'skipped' });
      const none = { due: 0, scheduled: 0, inLine: 0, inMemory: 0, isAtLeast: false };
      const depths = await store.queue.depths(projectId, NOW_MS);
      const sorted = depths.toSorted((a, b) => (a.endpointId < b.endpointId ? -1 : 1));
      const at = (endpointId: string, oldestEventId: string | undefined) => ({
        ...none,
        projectId,
        endpointId,
        oldestEventId,
      });
      assert.deepEqual(sorted, [
        {
          ...at('ep_a', oldest),
          due: 3,
          scheduled: 1,
          inMemory: 1,
          dueSinceMs: NOW_MS - 7_000,
        },
        { ...at('ep_b', inLine), due: 1, inLine: 2, dueSinceMs: NOW_MS },
        { ...at('ep_c', held), inMemory: 1, dueSinceMs: NOW_MS - 1 },
        { ...at('ep_d', retried), scheduled: 1, dueSinceMs: null },
      ]);
    });

    test('of all projects at once is the same as of each', async () => {
      const boxes = [await sandbox(), await sandbox(), await sandbox()];
      for (const box of boxes) {
        for (const endpointId of ['ep_x', 'ep_y', 'ep_z']) await append(box, { endpointId }, 2);
        await append(box, { endpointId: 'ep_w', orderKey: 'k' }, 2);
      }
      const [{ store }] = boxes as [Sandbox];
      const all = await store.queue.depths(null, NOW_MS);
      for (const { projectId } of boxes) {
        const one = await store.queue.depths(projectId, NOW_MS);
        assert.equal(one.length, 4);
        assert.deepEqual(
          all.filter((depth) => depth.projectId === projectId),
          one,
        );
      }
    });

    test('stops counting where it is told to, and says so', async () => {
      const box = await sandbox();
      await append(box, {}, 12);
      const [exact] = await box.store.queue.depths(box.projectId, NOW_MS, 13);
      assert.deepEqual([exact?.due, exact?.isAtLeast], [12, false]);
      const [bounded] = await box.store.queue.depths(box.projectId, NOW_MS, 5);
      assert.deepEqual([bounded?.due, bounded?.isAtLeast], [5, true]);
    });
  });
}
