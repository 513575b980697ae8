import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  DAY_MS,
  NODE,
  NOW_MS,
  type OpenEngine,
  OTHER_NODE,
  type Sandbox,
  useStore,
  withOwnStore,
} from '../../sandbox.ts';
import {
  appendLine,
  claimIds,
  dueAt,
  HELD,
  HELD_HEAD,
  IN_LINE,
  places,
  record,
  retryAt,
} from './line-sandbox.ts';

/** What people do to a line, and what a dead node leaves of it. */
export function describeInterruptions(open: OpenEngine): void {
  describe('a line and people', () => {
    const sandbox = useStore(open);

    const requeue = ({ store, projectId, endpointId }: Sandbox, eventId: string, nowMs: number) =>
      store.deliveries.requeue({ projectId, eventId, endpointId }, nowMs, []);

    test('an ended delivery that is made due by hand goes at once, and the line goes on beside it', async () => {
      const box = await sandbox();
      const ids = await appendLine(box, 4);
      const [a = '', b = '', c = '', d = ''] = ids;
      await claimIds(box, { limit: 2 });
      await record(box, [a]);
      await record(box, [b], retryAt(NOW_MS + 500));
      await requeue(box, a, NOW_MS + 20);
      assert.deepEqual(await places(box, ids), [
        dueAt(NOW_MS + 20),
        dueAt(NOW_MS + 500),
        IN_LINE,
        IN_LINE,
      ]);
      // Both are due, and each comes once.
      const { deliveries } = await box.engine.claimDeliveries(
        box.claim({ nowMs: NOW_MS + 500, limit: 3 }),
      );
      assert.deepEqual(
        deliveries.map(({ eventId, orderKey }) => [eventId, orderKey]),
        [
          [a, null],
          [b, 'k'],
          [c, 'k'],
        ],
      );
      // It fails on and on: nobody waits for it.
      await record(box, [a], { number: 2, orderKey: null, ...retryAt(NOW_MS + DAY_MS) });
      await record(box, [b, c], { number: 2 });
      assert.deepEqual((await places(box, [d]))[0]?.[1], NOW_MS + 12);
    });

    test('a delivery in line that is made due by hand stays in line; the first goes at once', async () => {
      const box = await sandbox();
      const { store, projectId, endpointId } = box;
      const ids = await appendLine(box, 3);
      const [a = '', b = ''] = ids;
      await claimIds(box, { limit: 1 });
      await record(box, [a], retryAt(NOW_MS + 500));
      await requeue(box, b, NOW_MS + 20);
      assert.deepEqual(await places(box, ids), [dueAt(NOW_MS + 500), IN_LINE, IN_LINE]);
      await requeue(box, a, NOW_MS + 30);
      assert.deepEqual(await places(box, ids), [dueAt(NOW_MS + 30), IN_LINE, IN_LINE]);
      assert.equal((await store.deliveries.get(projectId, a, endpointId))?.failures, 0);
      assert.deepEqual(await claimIds(box, { nowMs: NOW_MS + 30 }), ids);
    });

    test('those made due in bulk stand in line again, and nobody is tried sooner for that', async () => {
      const box = await sandbox();
      const { engine, store, projectId } = box;
      const [a = '', b = ''] = await appendLine(box, 2);
      const [skipped = ''] = await appendLine(box, 1, { state: 'skipped' });
      await claimIds(box);
      await record(box, [a]);
      await record(box, [b], retryAt(NOW_MS + 500));
      const replay = async (eventId: string) => {
        const again = await store.deliveries.ofEvents(projectId, [eventId]);
        const input = { again, missing: [], nowMs: NOW_MS + 20 };
        const statements = store.deliveries.requeueStatements(input);
        await engine.commit({ events: [], statements });
      };
      await replay(skipped);
      assert.deepEqual(await places(box, [b, skipped]), [dueAt(NOW_MS + 500), IN_LINE]);
      await replay(a);
      const all = [a, b, skipped];
      assert.deepEqual(await places(box, all), [dueAt(NOW_MS + 20), IN_LINE, IN_LINE]);
      assert.deepEqual(await claimIds(box, { nowMs: NOW_MS + 20 }), all);
    });

    test('what stands in line is counted among what waits, and canceled with its endpoint', () =>
      withOwnStore(open, async (box) => {
        const { store, projectId, endpointId } = box;
        const ids = await appendLine(box, 4);
        const others = await appendLine(box, 2, { orderKey: 'j' });
        const [free = ''] = await appendLine(box, 1, { orderKey: null });
        assert.equal(await store.deliveries.waiting(), 7);
        assert.deepEqual(await claimIds(box, { limit: 1 }), ids.slice(0, 1));
        assert.equal(await store.deliveries.waiting(), 6);
        const all = [...ids, ...others, free];
        for (const more of [true, true, true, false]) {
          const canceled = await store.deliveries.cancelWaiting(projectId, endpointId, NOW_MS, 2);
          assert.deepEqual(canceled, { more });
          // However far it has come, no line is left without one that is due or held.
          const pending = (await places(box, all)).map(([state, due]) =>
            state === 'pending' ? due : 'ended',
          );
          for (const [first, ...rest] of [pending.slice(0, 4), pending.slice(4, 6)]) {
            if (rest.includes(null)) assert.equal(first, NOW_MS);
          }
        }
        const canceled = ['canceled', null, null];
        assert.deepEqual(await places(box, all), [HELD_HEAD, ...Array(6).fill(canceled)]);
        assert.equal(await store.deliveries.waiting(), 0);
        await record(box, ids.slice(0, 1));
        assert.deepEqual(await claimIds(box, { nowMs: NOW_MS + DAY_MS }), []);
      }));
  });

  describe('a line whose node is dead', () => {
    const cases: { name: string; before(box: Sandbox, ids: string[]): Promise<void> }[] = [
      { name: 'while it held all', before: async (box) => void (await claimIds(box)) },
      {
        name: 'while it held some',
        before: async (box) => void (await claimIds(box, { limit: 2 })),
      },
      {
        name: 'when the first was delivered',
        before: async (box, ids) => {
          await claimIds(box, { limit: 3 });
          await record(box, ids.slice(0, 1));
        },
      },
      {
        name: 'when all that it held were delivered',
        before: async (box, ids) => {
          await claimIds(box, { limit: 2 });
          await record(box, ids.slice(0, 2));
        },
      },
      {
        name: 'when the first had failed and the rest was not given back yet',
        before: async (box, ids) => {
          await claimIds(box, { limit: 3 });
          await record(box, ids.slice(0, 1), retryAt(NOW_MS + 500));
        },
      },
      {
        name: 'when the first was canceled under it',
        before: async (box, ids) => {
          await claimIds(box, { limit: 3 });
          await record(box, ids.slice(0, 1), retryAt(NOW_MS + 500));
          await box.store.deliveries.cancelWaiting(box.projectId, box.endpointId, NOW_MS, 100);
        },
      },
    ];

    for (const { name, before } of cases) {
      test(`${name}: the first of what is left is due again, the others behind it`, () =>
        withOwnStore(open, async (box) => {
          const ids = await appendLine(box, 5);
          await before(box, ids);
          const left: string[] = [];
          const at = await places(box, ids);
          for (const [i, [state]] of at.entries()) if (state === 'pending') left.push(ids[i] ?? '');
          await box.engine.releaseLeases({ exceptNode: OTHER_NODE, nowMs: NOW_MS + 7 });
          const now = await places(box, left);
          assert.ok(typeof now[0]?.[1] === 'number' && now[0][2] === null);
          assert.deepEqual(now.slice(1), Array(left.length - 1).fill(IN_LINE));
          assert.deepEqual(await claimIds(box, { nowMs: NOW_MS + DAY_MS }), left);
        }));
    }

    test('is left as it is where another node holds it', () =>
      withOwnStore(open, async (box) => {
        const ids = await appendLine(box, 3);
        await claimIds(box, { limit: 2 });
        const { released } = await box.engine.releaseLeases({ exceptNode: NODE, nowMs: NOW_MS });
        assert.equal(released, 0);
        assert.deepEqual(await places(box, ids), [HELD_HEAD, HELD, IN_LINE]);
      }));
  });
}
