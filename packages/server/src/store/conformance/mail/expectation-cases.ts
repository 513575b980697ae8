import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StoreConflict } from '../../engine.ts';
import { NOW_MS, type OpenEngine, type Sandbox, useStore, withOwnStore } from '../sandbox.ts';

async function expect({ store, log, ids, projectId }: Sandbox, dueAtMs: number) {
  const expectation = { projectId, messageId: ids.next('message'), dueAtMs };
  await log.append([], [store.expectations.insertion(expectation)]);
  return expectation;
}

export function describeExpectations(open: OpenEngine): void {
  describe('messages that are to have reached their end', () => {
    const sandbox = useStore(open);

    test('are asked after once', async () => {
      const box = await sandbox();
      const { expectations } = box.store;
      const one = await expect(box, NOW_MS + 5);
      assert.equal(await expectations.dueAtMs(box.projectId, one.messageId), NOW_MS + 5);
      assert.equal(await expectations.dueAtMs('prj_other', one.messageId), null);
      await box.log.append([], [expectations.removal(one)]);
      await assert.rejects(box.log.append([], [expectations.removal(one)]), StoreConflict);
      assert.equal(await expectations.dueAtMs(box.projectId, one.messageId), null);
    });

    test('are known by their time, over all projects, the earliest first', async () => {
      await withOwnStore(open, async (box) => {
        const { expectations } = box.store;
        assert.equal(await expectations.nextDueAtMs(), null);
        const late = await expect(box, NOW_MS + 3);
        const early = await expect(box, NOW_MS + 2);
        assert.equal(await expectations.nextDueAtMs(), NOW_MS + 2);
        assert.deepEqual(await expectations.due(NOW_MS + 1, 10), []);
        assert.deepEqual(await expectations.due(NOW_MS + 3, 10), [early, late]);
        assert.deepEqual(await expectations.due(NOW_MS + 3, 1), [early]);
      });
    });

    test('go with their project', async () => {
      const box = await sandbox();
      const { messageId } = await expect(box, NOW_MS + 5);
      await box.store.projects.remove(box.projectId, NOW_MS);
      assert.equal(await box.store.expectations.dueAtMs(box.projectId, messageId), null);
    });
  });
}
