import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_ENDPOINT_SETTINGS } from '../../../core/webhooks/endpoint-settings.ts';
import { StoreConflict } from '../../engine.ts';
import { NOW_MS, type OpenEngine, useStore } from '../sandbox.ts';

export function describeEndpoints(open: OpenEngine): void {
  describe('endpoints', () => {
    const sandbox = useStore(open);

    test('an endpoint is stored, changed and removed', async () => {
      const { store, endpoint, projectId, endpointId } = await sandbox();
      const { endpoints } = store;
      const first = endpoint({
        uid: 'tenant-7/orders 🙂',
        metadata: { plan: 'gold', 'über "x"': '' },
        eventTypes: ['email.*', 'endpoint.disabled'],
        settings: {
          ...DEFAULT_ENDPOINT_SETTINGS,
          headers: { 'X-Shop': '7' },
          order: 'per-message',
          batch: { maxEvents: 10, maxWaitMs: 500, eventTypes: ['email.opened'] },
          retryLadder: ['5s', '2h'],
        },
      });
      await endpoints.insert(first, []);
      assert.deepEqual(await endpoints.get(projectId, endpointId), first);
      await assert.rejects(endpoints.insert(first, []), StoreConflict);
      const changed = endpoint({
        uid: null,
        url: 'https://hooks.receiver.test/new',
        metadata: {},
        eventTypes: ['*'],
        secretsSealed: 'v1.d.e.f',
        status: 'disabled',
        disabledReason: 'It answered 410.',
        version: 2,
        updatedAtMs: NOW_MS + 1,
        failingSinceMs: NOW_MS - 1,
        warnedPercent: 50,
      });
      await endpoints.update(first, changed);
      assert.deepEqual(await endpoints.get(projectId, endpointId), changed);
      assert.deepEqual(
        (await endpoints.all()).filter(({ id }) => id === endpointId),
        [changed],
      );
      await endpoints.remove(projectId, endpointId, NOW_MS + 2);
      assert.equal(await endpoints.get(projectId, endpointId), null);
      assert.deepEqual((await endpoints.list({ projectId, limit: 9, beforeId: null })).rows, []);
      assert.ok(!(await endpoints.all()).some(({ id }) => id === endpointId));
      const gone = (await endpoints.deleted()).filter(({ id }) => id === endpointId);
      assert.deepEqual(gone, [{ projectId, id: endpointId }]);
      const again = { ...changed, version: 3 };
      await assert.rejects(endpoints.update(changed, again), StoreConflict);
      await assert.rejects(endpoints.remove(projectId, endpointId, NOW_MS), StoreConflict);
    });

    test('a setting that was not known when the endpoint was stored has its default', async () => {
      const { store, endpoint, projectId, endpointId } = await sandbox();
      const { dialectOptions, ...earlier } = DEFAULT_ENDPOINT_SETTINGS;
      const settings = earlier as typeof DEFAULT_ENDPOINT_SETTINGS;
      await store.endpoints.insert(endpoint({ settings }), []);
      const found = await store.endpoints.get(projectId, endpointId);
      assert.deepEqual(found?.settings, { ...earlier, dialectOptions });
    });

    test('an endpoint that has changed since is not removed by who knows it as it was', async () => {
      const { store, endpoint, projectId, endpointId } = await sandbox();
      const { endpoints } = store;
      await endpoints.insert(endpoint(), []);
      await endpoints.update(endpoint(), endpoint({ version: 2 }));
      await assert.rejects(endpoints.remove(projectId, endpointId, NOW_MS, 1), StoreConflict);
      assert.equal((await endpoints.get(projectId, endpointId))?.version, 2);
      await endpoints.remove(projectId, endpointId, NOW_MS, 2);
      assert.equal(await endpoints.get(projectId, endpointId), null);
    });

    test('a removed endpoint leaves no secret behind', async () => {
      const { engine, store, endpoint, projectId, endpointId } = await sandbox();
      await store.endpoints.insert(endpoint(), []);
      await store.endpoints.remove(projectId, endpointId, NOW_MS);
      const row = await engine.db
        .selectFrom('endpoints')
        .select('secrets_sealed')
        .where('project_id', '=', projectId)
        .executeTakeFirstOrThrow();
      assert.equal(row.secrets_sealed, '');
    });

    test('of two changes of one version the first is stored, and nothing of the second', async () => {
      const { store, endpoint, projectId, endpointId } = await sandbox();
      const { endpoints, idempotency } = store;
      const first = endpoint();
      await endpoints.insert(first, []);
      const answer = {
        project_id: projectId,
        key: 'change',
        request_hash: 'h',
        status: 200,
        body_sealed: '',
        retain_until: NOW_MS + 1,
      };
      const one = endpoint({ description: 'One', version: 2 });
      const two = endpoint({ description: 'Two', version: 2 });
      const outcomes = await Promise.allSettled([
        endpoints.update(first, one),
        endpoints.update(first, two, idempotency.remember(answer, NOW_MS)),
      ]);
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected'],
      );
      assert.ok(outcomes[1]?.status === 'rejected');
      assert.ok(outcomes[1].reason instanceof StoreConflict);
      assert.deepEqual(await endpoints.get(projectId, endpointId), one);
      assert.equal(await idempotency.find(projectId, 'change', NOW_MS), null);
      const three = endpoint({ description: 'Three', version: 3 });
      await endpoints.update(one, three, idempotency.remember(answer, NOW_MS));
      assert.deepEqual(await endpoints.get(projectId, endpointId), three);
      assert.ok(await idempotency.find(projectId, 'change', NOW_MS));
    });

    test('what dispatching noticed is stored alone, and makes no new version', async () => {
      const { store, endpoint, projectId, endpointId } = await sandbox();
      const { endpoints } = store;
      const first = endpoint({ uid: 'a', metadata: { a: 'b' }, version: 4 });
      await endpoints.insert(first, []);
      const noticed = { failingSinceMs: NOW_MS + 5, warnedPercent: 70 };
      // As the dispatcher knows it, which may be from before the last change.
      await endpoints.noteHealth({ ...endpoint({ url: 'https://old.test', ...noticed }) });
      assert.deepEqual(await endpoints.get(projectId, endpointId), { ...first, ...noticed });
      // A change that was read before it still fits: no person changed anything meanwhile.
      await endpoints.update(first, { ...first, description: 'New', version: 5 });
      const healthy = { projectId, id: endpointId, failingSinceMs: null, warnedPercent: 0 };
      await endpoints.noteHealth(healthy);
      const now = await endpoints.get(projectId, endpointId);
      assert.deepEqual(now, { ...first, description: 'New', version: 5 });
      await endpoints.remove(projectId, endpointId, NOW_MS);
      await endpoints.noteHealth({ ...healthy, failingSinceMs: NOW_MS });
      assert.equal(await endpoints.get(projectId, endpointId), null);
    });
  });

  describe("an endpoint's uid", () => {
    const sandbox = useStore(open);

    test('is unique among the living endpoints of a project', async () => {
      const { store, endpoint, ids, projectId, endpointId } = await sandbox();
      const { endpoints } = store;
      await endpoints.insert(endpoint({ uid: 'a' }), []);
      const other = endpoint({ id: ids.next('endpoint'), uid: 'b' });
      await assert.rejects(endpoints.insert({ ...other, uid: 'a' }, []), StoreConflict);
      assert.equal(await endpoints.get(projectId, other.id), null);
      await endpoints.insert(other, []);
      const renamed = { ...other, uid: 'a', version: 2 };
      await assert.rejects(endpoints.update(other, renamed), StoreConflict);
      assert.deepEqual(await endpoints.get(projectId, other.id), other);
      // Its own is no obstacle, and case counts.
      await endpoints.update(other, { ...other, description: 'New', version: 2 });
      await endpoints.update({ version: 2 }, { ...other, uid: 'A', version: 3 });
      assert.equal((await endpoints.get(projectId, endpointId))?.uid, 'a');
    });

    test('is free again when its endpoint is removed or gives it up', async () => {
      const { store, endpoint, ids, projectId, endpointId } = await sandbox();
      const { endpoints } = store;
      await endpoints.insert(endpoint({ uid: 'a' }), []);
      await endpoints.remove(projectId, endpointId, NOW_MS);
      const second = endpoint({ id: ids.next('endpoint'), uid: 'a' });
      await endpoints.insert(second, []);
      await endpoints.update(second, { ...second, uid: 'b', version: 2 });
      const third = endpoint({ id: ids.next('endpoint'), uid: 'a' });
      await endpoints.insert(third, []);
      const page = await endpoints.list({ projectId, limit: 9, beforeId: null });
      assert.deepEqual(
        page.rows.map(({ id, uid }) => [id, uid]),
        [
          [third.id, 'a'],
          [second.id, 'b'],
        ],
      );
    });

    test('may stand in two projects, and may be missing from many endpoints', async () => {
      const mine = await sandbox();
      const other = await sandbox();
      const { endpoints } = mine.store;
      await endpoints.insert(mine.endpoint({ uid: 'a' }), []);
      await endpoints.insert(other.endpoint({ uid: 'a' }), []);
      for (let i = 0; i < 2; i++) {
        await endpoints.insert(mine.endpoint({ id: mine.ids.next('endpoint') }), []);
      }
      const { projectId } = mine;
      const page = await endpoints.list({ projectId, limit: 9, beforeId: null });
      assert.deepEqual(
        page.rows.map(({ uid }) => uid),
        [null, null, 'a'],
      );
    });
  });
}
