import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import type { NodeRecord } from '../nodes.ts';
import { NOW_MS, type OpenEngine, useStore, withOwnStore } from './sandbox.ts';

function node(id: string): NodeRecord {
  return {
    id,
    host: 'mail-1.example.com',
    pid: 1,
    version: '0.1.0',
    roles: ['api', 'dispatch'],
    state: 'working',
    stats: { deliveriesInMemory: 3, postsInFlight: 1, mailInMemory: 0 },
    startedAtMs: NOW_MS,
    beat: 0,
    beatAtMs: NOW_MS,
  };
}

export function describeNodes(open: OpenEngine): void {
  describe('nodes', () => {
    const sandbox = useStore(open);

    test('are listed as they said of themselves last, until they leave', async () => {
      const { nodes } = (await sandbox()).store;
      const [a, b] = [node('node_l1'), node('node_l2')];
      await nodes.register(a);
      await nodes.register(b);
      const later = { ...a, state: 'draining' as const, beat: 1, beatAtMs: NOW_MS + 1_000 };
      assert.equal(await nodes.beat(later), true);
      const listed = (await nodes.list()).filter(({ id }) => id.startsWith('node_l'));
      assert.deepEqual(listed, [later, b]);
      await nodes.leave(a.id);
      assert.equal(await nodes.beat(later), false);
      await nodes.leave(b.id);
    });

    test('that share a database go by its clock', async () => {
      const { engine } = await sandbox();
      const beforeMs = systemClock.now();
      const timeMs = await engine.timeMs();
      // The database of these tests is on this machine.
      const isNow = timeMs !== null && timeMs >= beforeMs && timeMs <= systemClock.now();
      assert.equal(engine.shared ? isNow : timeMs, engine.shared ? true : null);
    });

    test('are dead only if they have not beaten since', async () => {
      const { nodes } = (await sandbox()).store;
      const one = node('node_d1');
      await nodes.register(one);
      await nodes.beat({ ...one, beat: 1 });
      assert.equal(await nodes.declareDead({ id: one.id, beat: 0 }), false);
      assert.equal(await nodes.declareDead({ id: one.id, beat: 1 }), true);
      assert.equal(await nodes.declareDead({ id: one.id, beat: 1 }), false);
      assert.equal(await nodes.beat({ ...one, beat: 2 }), false);
    });

    test('have a duty alone, for as long as they live', async () => {
      const { nodes } = (await sandbox()).store;
      await nodes.register(node('node_t1'));
      await nodes.register(node('node_t2'));
      const taken = await Promise.all(
        ['node_t1', 'node_t2', 'node_t1', 'node_t2'].map((id) => nodes.takeDuty('round', id)),
      );
      const [first, second] = taken;
      assert.deepEqual(taken, [first, second, first, second]);
      assert.notEqual(first, second);
      const [winner, other] = first ? ['node_t1', 'node_t2'] : ['node_t2', 'node_t1'];
      const duty = (await nodes.duties()).find(({ name }) => name === 'round');
      assert.equal(duty?.node, winner);
      await nodes.leave(winner ?? '');
      assert.equal(await nodes.takeDuty('round', other ?? ''), true);
      await nodes.leave(other ?? '');
    });
  });

  describe('what nodes hold', () => {
    test('is counted by node, with the time since when the first of it is due', () =>
      withOwnStore(open, async (box) => {
        const { store } = box;
        assert.deepEqual(await store.nodes.held(NOW_MS), []);
        for (const owed of [
          { node: 'node_h1', dueAtMs: NOW_MS - 5_000 },
          { node: 'node_h1', dueAtMs: NOW_MS },
          { node: 'node_h2', dueAtMs: NOW_MS + 1 },
          { node: null, dueAtMs: NOW_MS - 60_000 },
        ]) {
          box.owes(owed);
          await box.log.append([box.event()]);
        }
        const transmissions = [
          { recipient: 'a@b.test', node: 'node_h1', dueAtMs: NOW_MS - 9_000 },
          { recipient: 'c@b.test', node: 'node_h3', dueAtMs: NOW_MS - 1 },
          { recipient: 'd@b.test', node: null, dueAtMs: NOW_MS - 60_000 },
        ];
        const statements = box.message({ id: 'msg_h', transmissions });
        await box.engine.commit({ events: [], statements });
        assert.deepEqual(await store.nodes.held(NOW_MS), [
          { node: 'node_h1', deliveries: 2, mail: 1, dueSinceMs: NOW_MS - 9_000 },
          { node: 'node_h2', deliveries: 1, mail: 0, dueSinceMs: null },
          { node: 'node_h3', deliveries: 0, mail: 1, dueSinceMs: NOW_MS - 1 },
        ]);
      }));
  });

  describe('changes', () => {
    const sandbox = useStore(open);

    test('tell of endpoints, in the order in which they were made', async () => {
      const box = await sandbox();
      const { changes, endpoints } = box.store;
      const before = await changes.latest();
      const endpoint = box.endpoint();
      await endpoints.insert(endpoint, []);
      await endpoints.update(endpoint, { ...endpoint, version: endpoint.version + 1 });
      await endpoints.remove(box.projectId, endpoint.id, NOW_MS);
      const told = (await changes.after(before)).filter(
        ({ projectId }) => projectId === box.projectId,
      );
      const change = { kind: 'endpoint', projectId: box.projectId, id: endpoint.id };
      assert.deepEqual(
        told.map(({ position: _position, ...rest }) => rest),
        [change, change, change],
      );
      assert.equal(await changes.latest(), told.at(-1)?.position);
      await changes.forgetBefore(NOW_MS + 1);
      assert.deepEqual(await changes.after(before), []);
      assert.ok((await changes.latest()) >= before || (await changes.latest()) === 0);
    });

    test('a change that is refused is not told', async () => {
      const box = await sandbox();
      const { changes, endpoints } = box.store;
      const endpoint = box.endpoint();
      await endpoints.insert(endpoint, []);
      const before = await changes.latest();
      await assert.rejects(endpoints.update({ version: 9 }, { ...endpoint, version: 10 }));
      assert.deepEqual(await changes.after(before), []);
    });
  });

  describe('what is due next', () => {
    const sandbox = useStore(open);

    test('is known for each endpoint and urgency', async () => {
      const box = await sandbox();
      const { store, projectId } = box;
      const endpoint = box.endpoint();
      const disabled = box.endpoint({ id: box.ids.next('endpoint'), status: 'disabled' });
      await store.endpoints.insert(endpoint, []);
      await store.endpoints.insert(disabled, []);
      const { id: endpointId } = endpoint;
      for (const owed of [
        { endpointId, urgency: 0 as const, dueAtMs: NOW_MS + 5 },
        { endpointId, urgency: 0 as const, dueAtMs: NOW_MS + 3 },
        { endpointId, urgency: 2 as const, dueAtMs: NOW_MS + 9 },
        { endpointId, urgency: 1 as const, dueAtMs: NOW_MS, node: 'node_here' },
        { endpointId: disabled.id, urgency: 1 as const, dueAtMs: NOW_MS },
      ]) {
        box.owes(owed);
        await box.log.append([box.event()]);
      }
      const due = (await store.deliveries.nextDue()).filter((one) => one.projectId === projectId);
      assert.deepEqual(due, [
        { projectId, endpointId, urgency: 0, dueAtMs: NOW_MS + 3 },
        { projectId, endpointId, urgency: 2, dueAtMs: NOW_MS + 9 },
      ]);
    });
  });
}
