import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApiKeyRecord } from '../access/api-keys.ts';
import { StoreConflict } from '../engine.ts';
import { newProject } from '../projects.ts';
import {
  createSandbox,
  DAY_MS,
  NOW_MS,
  type OpenEngine,
  RETENTION_MS,
  type Sandbox,
  useStore,
  withOwnStore,
} from './sandbox.ts';

function keyOf({ ids, projectId }: Sandbox, fields: Partial<ApiKeyRecord> = {}): ApiKeyRecord {
  const id = ids.next('apiKey');
  return {
    projectId,
    id,
    name: 'Shop 🙂',
    keyHash: `hash of ${id}`,
    hint: 'wxyz',
    scopes: ['send', 'read'],
    mode: 'hold',
    createdAtMs: NOW_MS,
    expiresAtMs: NOW_MS + DAY_MS,
    lastUsedAtMs: null,
    revokedAtMs: null,
    link: null,
    ...fields,
  };
}

/** Projects, their limits, and the keys to them. */
export function describeProjects(open: OpenEngine): void {
  describe('projects', () => {
    const sandbox = useStore(open);

    test('a project is stored with its first key, or not at all', async () => {
      const box = await sandbox();
      const { store, ids } = box;
      const project = newProject(ids.next('project'), 'Tenant', NOW_MS);
      const key = keyOf(box, { projectId: project.id });
      await store.projects.insert(project, [store.apiKeys.insertion(key)]);
      const find = async (id: string) => (await store.projects.all()).find((one) => one.id === id);
      assert.deepEqual(await find(project.id), project);
      assert.deepEqual(await store.apiKeys.find(key.keyHash), key);
      const half = newProject(ids.next('project'), 'Half', NOW_MS);
      const lost = keyOf(box, { projectId: ids.next('project') });
      const insertion = store.apiKeys.insertion(lost);
      await assert.rejects(store.projects.insert(half, [insertion]), StoreConflict);
      assert.equal(await find(half.id), undefined);
    });

    test('a change is stored once: who changes an older version meets a conflict', async () => {
      const box = await sandbox();
      const { projects } = box.store;
      const before = newProject(box.projectId, 'Test', NOW_MS);
      const changed = {
        ...before,
        name: 'Renamed',
        limits: { ...before.limits, apiRequestsPerSecond: 5, endpoints: 0, emailsPerDay: 7 },
        retention: { eventsDays: 1, bodiesDays: null },
        version: 2,
        updatedAtMs: NOW_MS + 1,
      };
      await projects.update(before, changed);
      await assert.rejects(projects.update(before, { ...changed, name: 'Late' }), StoreConflict);
      const stored = (await projects.all()).find(({ id }) => id === box.projectId);
      assert.deepEqual(stored, changed);
    });

    test('are listed the newest first, page by page', () =>
      withOwnStore(open, async (box) => {
        const { store, ids, projectId } = box;
        const [second, third] = [ids.next('project'), ids.next('project')];
        for (const id of [second, third]) {
          await store.projects.insert(newProject(id, 'More', NOW_MS), []);
        }
        const first = await store.projects.list({ limit: 2, beforeId: null });
        assert.deepEqual(
          first.rows.map(({ id }) => id),
          [third, second],
        );
        assert.notEqual(first.nextCursor, null);
        const last = await store.projects.list({ limit: 2, beforeId: second });
        assert.deepEqual(
          last.rows.map(({ id }) => id),
          [projectId],
        );
        assert.equal(last.nextCursor, null);
        assert.deepEqual(
          (await store.projects.all()).map(({ id }) => id),
          [projectId, second, third],
        );
      }));

    test('a deleted one takes its keys along, and is not found again', async () => {
      const box = await sandbox();
      const other = await sandbox();
      const { projects, apiKeys } = box.store;
      const key = keyOf(box);
      await apiKeys.insert(key, []);
      await projects.remove(box.projectId, NOW_MS + 1);
      const ids = (await projects.all()).map(({ id }) => id);
      assert.ok(!ids.includes(box.projectId) && ids.includes(other.projectId));
      const { rows } = await projects.list({ limit: 100, beforeId: null });
      assert.ok(!rows.some(({ id }) => id === box.projectId));
      assert.equal((await apiKeys.find(key.keyHash))?.revokedAtMs, NOW_MS + 1);
      await assert.rejects(projects.remove(box.projectId, NOW_MS), StoreConflict);
      const changed = { ...newProject(box.projectId, 'Back', NOW_MS), version: 2 };
      await assert.rejects(projects.update({ version: 1 }, changed), StoreConflict);
    });

    test('what a deleted one has stored goes by its retention', () =>
      withOwnStore(open, async (box) => {
        await createSandbox(box.engine);
        const event = box.event();
        await box.log.append([event]);
        await box.store.projects.remove(box.projectId, NOW_MS);
        const isThere = async () =>
          (await box.store.events.get(box.projectId, event.event.id)) !== null;
        const purge = async (nowMs: number) => {
          while ((await box.engine.purgeExpired({ nowMs, limit: 9 })).more);
        };
        await purge(NOW_MS + RETENTION_MS - 1);
        assert.equal(await isThere(), true);
        await purge(NOW_MS + RETENTION_MS);
        assert.equal(await isThere(), false);
      }));

    test('the last one cannot be deleted, also not by two at once', () =>
      withOwnStore(open, async (box) => {
        const other = await createSandbox(box.engine);
        const outcomes = await Promise.allSettled([
          box.store.projects.remove(box.projectId, NOW_MS),
          box.store.projects.remove(other.projectId, NOW_MS),
        ]);
        assert.deepEqual(
          outcomes.map(({ status }) => status),
          ['fulfilled', 'rejected'],
        );
        assert.deepEqual(
          (await box.store.projects.all()).map(({ id }) => id),
          [other.projectId],
        );
      }));
  });

  describe('API keys', () => {
    const sandbox = useStore(open);

    test('are stored, listed the newest first, and revoked', async () => {
      const box = await sandbox();
      const { apiKeys } = box.store;
      const { projectId } = box;
      const [one, two] = [keyOf(box), keyOf(box, { scopes: ['admin'], expiresAtMs: null })];
      for (const key of [one, two]) await apiKeys.insert(key, []);
      const list = async () =>
        (await apiKeys.list({ projectId, limit: 9, beforeId: null })).rows.map(({ id }) => id);
      assert.deepEqual(await list(), [two.id, one.id]);
      const page = await apiKeys.list({ projectId, limit: 1, beforeId: two.id });
      assert.deepEqual(page, { rows: [one], nextCursor: null });
      assert.deepEqual(await apiKeys.get(projectId, two.id), two);
      await apiKeys.revoke(projectId, two.id, NOW_MS + 5);
      assert.equal(await apiKeys.get(projectId, two.id), null);
      assert.deepEqual(await list(), [one.id]);
      assert.deepEqual(await apiKeys.find(two.keyHash), { ...two, revokedAtMs: NOW_MS + 5 });
      await assert.rejects(apiKeys.revoke(projectId, two.id, NOW_MS), StoreConflict);
    });

    test('links are no keys in the list, and are forgotten once they have expired', async () => {
      const box = await sandbox();
      const { store, engine, ids, projectId } = box;
      const link = {
        endpointIds: [],
        metadata: { customer: '42' },
        mayCreate: true,
        filter: { tag: ['customer-42'] },
        origins: ['https://app.example.com'],
      };
      const one = keyOf(box, { id: ids.next('portalLink'), link });
      await store.apiKeys.insert(one, []);
      assert.deepEqual(await store.apiKeys.get(projectId, one.id), one);
      assert.deepEqual(await store.apiKeys.find(one.keyHash), one);
      const { rows } = await store.apiKeys.list({ projectId, limit: 100, beforeId: null });
      assert.ok(rows.every(({ id }) => id !== one.id));
      const list = (nowMs: number) =>
        store.apiKeys.listLinks({ projectId, nowMs, limit: 100, beforeId: null });
      assert.deepEqual((await list(NOW_MS)).rows, [one]);
      assert.deepEqual((await list(NOW_MS + DAY_MS)).rows, []);
      const purge = (nowMs: number) =>
        engine.commit({
          events: [],
          statements: [store.apiKeys.purgingLinks(projectId, nowMs)],
        });
      await purge(NOW_MS + DAY_MS - 1);
      assert.deepEqual(await store.apiKeys.get(projectId, one.id), one);
      const key = keyOf(box);
      await store.apiKeys.insert(key, []);
      await purge(NOW_MS + DAY_MS);
      assert.equal(await store.apiKeys.get(projectId, one.id), null);
      assert.deepEqual(await store.apiKeys.get(projectId, key.id), key);
    });

    test('no two have the same hash, whatever became of the first', async () => {
      const box = await sandbox();
      const { apiKeys } = box.store;
      const key = keyOf(box);
      await apiKeys.insert(key, []);
      await apiKeys.revoke(box.projectId, key.id, NOW_MS);
      const again = keyOf(box, { keyHash: key.keyHash });
      await assert.rejects(apiKeys.insert(again, []), StoreConflict);
      assert.equal(await apiKeys.find('hash of nothing'), null);
    });

    test('a use is noted for each key that is still there', async () => {
      const box = await sandbox();
      const { apiKeys } = box.store;
      const { projectId } = box;
      const [one, gone] = [keyOf(box), keyOf(box)];
      for (const key of [one, gone]) await apiKeys.insert(key, []);
      await apiKeys.revoke(projectId, gone.id, NOW_MS);
      await apiKeys.noteUses(
        [one, gone].map(({ id }) => ({ projectId, id, usedAtMs: NOW_MS + 7 })),
      );
      assert.equal((await apiKeys.get(projectId, one.id))?.lastUsedAtMs, NOW_MS + 7);
      assert.equal((await apiKeys.find(gone.keyHash))?.lastUsedAtMs, null);
    });

    test('are out of reach of another project', async () => {
      const box = await sandbox();
      const { projectId } = await sandbox();
      const { apiKeys } = box.store;
      const key = keyOf(box);
      await apiKeys.insert(key, []);
      assert.equal(await apiKeys.get(projectId, key.id), null);
      assert.deepEqual(await apiKeys.list({ projectId, limit: 9, beforeId: null }), {
        rows: [],
        nextCursor: null,
      });
      await assert.rejects(apiKeys.revoke(projectId, key.id, NOW_MS), StoreConflict);
      await apiKeys.noteUses([{ projectId, id: key.id, usedAtMs: NOW_MS }]);
      assert.deepEqual(await apiKeys.get(box.projectId, key.id), key);
    });
  });
}
