import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AttemptRecord, OwedDelivery } from '../engine.ts';
import {
  DAY_MS,
  NODE,
  NOW_MS,
  type OpenEngine,
  OTHER_NODE,
  type Sandbox,
  useStore,
  withOwnStore,
} from './sandbox.ts';

/** Events of one key, one append each; returns their ids in the order of the log. */
async function appendLine(
  { log, event, owes }: Sandbox,
  length: number,
  fields: Partial<OwedDelivery> = {},
): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < length; i++) {
    owes({ orderKey: 'k', ...fields });
    const one = event();
    await log.append([one]);
    ids.push(one.event.id);
  }
  return ids;
}

const claimIds = async (box: Sandbox, fields: Parameters<Sandbox['claim']>[0] = {}) =>
  (await box.engine.claimDeliveries(box.claim(fields))).deliveries.map(({ eventId }) => eventId);

/** What this node does with deliveries of the key `k`, in order. */
const record = async (
  { engine, attempt }: Sandbox,
  eventIds: readonly (string | undefined)[],
  fields: Partial<AttemptRecord> = {},
) => {
  const made = eventIds.map((id = '') => attempt(id, { orderKey: 'k', ...fields }));
  await Promise.all(made.map(engine.recordAttempt));
};

const deadAt = (endedAtMs: number) => ({ next: { state: 'dead', endedAtMs } }) as const;
const retryAt = (dueAtMs: number | null) =>
  ({ next: { state: 'pending', dueAtMs, failures: 1 } }) as const;

/** Where each delivery of the sandbox's endpoint stands: its state, when it is due, who holds it. */
async function places({ store, projectId, endpointId }: Sandbox, eventIds: readonly string[]) {
  const rows = await store.deliveries.ofEvents(projectId, eventIds);
  return eventIds.map((id) => {
    const row = rows.find((one) => one.event_id === id && one.endpoint_id === endpointId);
    return [row?.state, row?.due_at, row?.node];
  });
}

const DELIVERED = ['delivered', null, null];
const HELD_HEAD = ['pending', NOW_MS, NODE];
const HELD = ['pending', null, NODE];
const IN_LINE = ['pending', null, null];
const dueAt = (atMs: number) => ['pending', atMs, null];

const release = (
  { store, projectId, endpointId }: Sandbox,
  given: { due?: string[]; inLine?: string[] },
  nowMs = NOW_MS,
) => {
  const from = { projectId, endpointId, node: NODE, nowMs };
  return store.deliveries.release(from, { due: [], inLine: [], ...given });
};

export function describeLines(open: OpenEngine): void {
  describe('deliveries of one key', () => {
    const sandbox = useStore(open);

    test('stand in line behind the first, which is due, in the order of the log', async () => {
      const box = await sandbox();
      const { engine, log, event, owes } = box;
      // Ids need not be in the order of the log: a caller may have made them before.
      const events = [event(), event(), event()].reverse();
      owes({ orderKey: 'k' });
      await log.append(events.slice(0, 2));
      await log.append(events.slice(2));
      const ids = events.map((one) => one.event.id);
      assert.deepEqual(await places(box, ids), [dueAt(NOW_MS), IN_LINE, IN_LINE]);
      const early = await engine.claimDeliveries(box.claim({ nowMs: NOW_MS - 1 }));
      assert.deepEqual(early, { deliveries: [], nextDueAtMs: NOW_MS });
      const { deliveries, nextDueAtMs } = await engine.claimDeliveries(box.claim());
      assert.deepEqual(
        deliveries.map(({ eventId, orderKey }) => [eventId, orderKey]),
        ids.map((id) => [id, 'k']),
      );
      assert.equal(nextDueAtMs, null);
      assert.deepEqual(await places(box, ids), [HELD_HEAD, HELD, HELD]);
    });

    test('are in the order of the log too when they are appended at once', async () => {
      const box = await sandbox();
      const { engine, log, event, owes, projectId } = box;
      owes({ orderKey: 'k' });
      await Promise.all(Array.from({ length: 20 }, () => log.append([event(), event()])));
      const rows = await engine.db
        .selectFrom('events')
        .select('id')
        .where('project_id', '=', projectId)
        .orderBy('position')
        .execute();
      assert.deepEqual(
        await claimIds(box),
        rows.map(({ id }) => id),
      );
    });

    test('come no more than the claim takes, and the rest comes after them', async () => {
      const box = await sandbox();
      const [a = '', b = '', c = '', d = ''] = await appendLine(box, 4);
      assert.deepEqual(await claimIds(box, { limit: 2 }), [a, b]);
      assert.deepEqual(await claimIds(box), []);
      await record(box, [a]);
      // The next one is under way already: nobody has to be made due.
      assert.deepEqual(await places(box, [a, b, c, d]), [DELIVERED, HELD, IN_LINE, IN_LINE]);
      await record(box, [b], deadAt(NOW_MS + 30));
      assert.deepEqual(await places(box, [c, d]), [dueAt(NOW_MS + 30), IN_LINE]);
      assert.deepEqual(await claimIds(box, { nowMs: NOW_MS + 30, limit: 1 }), [c]);
      await record(box, [c]);
      assert.deepEqual(await places(box, [d]), [dueAt(NOW_MS + 12)]);
    });

    test('wait for a first one that failed', async () => {
      const box = await sandbox();
      const { engine } = box;
      const ids = await appendLine(box, 3);
      const [a = '', b = '', c = ''] = ids;
      await claimIds(box, { limit: 2 });
      await record(box, [a], retryAt(NOW_MS + 500));
      await release(box, { inLine: [b] });
      assert.deepEqual(await places(box, ids), [dueAt(NOW_MS + 500), IN_LINE, IN_LINE]);
      const early = await engine.claimDeliveries(box.claim({ nowMs: NOW_MS + 499 }));
      assert.deepEqual(early, { deliveries: [], nextDueAtMs: NOW_MS + 500 });
      const [late] = await appendLine(box, 1);
      assert.deepEqual(await claimIds(box, { nowMs: NOW_MS + 500 }), [a, b, c, late]);
    });

    test('that failed together wait in line with their attempts, behind the first', async () => {
      const box = await sandbox();
      const { store, projectId, endpointId } = box;
      const ids = await appendLine(box, 3);
      const [a, b = ''] = ids;
      await claimIds(box);
      await Promise.all([
        record(box, [a], retryAt(NOW_MS + 500)),
        record(box, ids.slice(1), retryAt(null)),
      ]);
      assert.deepEqual(await places(box, ids), [dueAt(NOW_MS + 500), IN_LINE, IN_LINE]);
      const row = await store.deliveries.get(projectId, b, endpointId);
      assert.deepEqual([row?.attempts, row?.failures], [1, 1]);
      assert.deepEqual(await claimIds(box, { nowMs: NOW_MS + 500 }), ids);
    });

    test('that failed together are not stuck when the first of them is dead', async () => {
      const box = await sandbox();
      const ids = await appendLine(box, 3);
      await claimIds(box);
      await record(box, ids.slice(0, 1), deadAt(NOW_MS + 1));
      await record(box, ids.slice(1), retryAt(null));
      assert.deepEqual(await places(box, ids.slice(1)), [dueAt(NOW_MS), IN_LINE]);
    });

    test('wait for an earlier one, whatever time a node gave them', async () => {
      const box = await sandbox();
      const ids = await appendLine(box, 3);
      const [a, b = ''] = ids;
      await claimIds(box, { limit: 2 });
      await record(box, [b], retryAt(NOW_MS + 500));
      assert.deepEqual(await places(box, ids), [HELD_HEAD, IN_LINE, IN_LINE]);
      await record(box, [a]);
      assert.deepEqual(await places(box, [b]), [dueAt(NOW_MS + 12)]);
    });

    test('are given back as they stand: the first is due, whoever said what', async () => {
      const box = await sandbox();
      const ids = await appendLine(box, 3);
      const [a = '', b = '', c = ''] = ids;
      await claimIds(box);
      await release(box, { due: [a], inLine: [b, c] }, NOW_MS + 1);
      assert.deepEqual(await places(box, ids), [dueAt(NOW_MS + 1), IN_LINE, IN_LINE]);
      await claimIds(box, { nowMs: NOW_MS + 1 });
      // What the node knew was true when it asked: the result of the first came in between.
      await record(box, [a]);
      await release(box, { inLine: [b, c] }, NOW_MS + 2);
      assert.deepEqual(await places(box, ids), [DELIVERED, dueAt(NOW_MS + 2), IN_LINE]);
      await claimIds(box, { nowMs: NOW_MS + 2 });
      await record(box, [b], retryAt(NOW_MS + 500));
      await release(box, { due: [c] }, NOW_MS + 3);
      assert.deepEqual(await places(box, [b, c]), [dueAt(NOW_MS + 500), IN_LINE]);
    });

    test('are not claimed past one that a node still holds', async () => {
      const box = await sandbox();
      const [a = '', b = '', c = ''] = await appendLine(box, 3);
      await claimIds(box, { limit: 2 });
      await record(box, [a], retryAt(NOW_MS));
      assert.deepEqual(await claimIds(box, { node: OTHER_NODE }), [a]);
      await release(box, { inLine: [b] });
      await record(box, [a], { node: OTHER_NODE, number: 2 });
      assert.deepEqual(await claimIds(box, { nowMs: NOW_MS + DAY_MS }), [b, c]);
    });

    test('keep their order over all urgencies, and the first is claimed under its own', async () => {
      const box = await sandbox();
      const [normal = ''] = await appendLine(box, 1);
      const [bulk = ''] = await appendLine(box, 1, { urgency: 2 });
      const [urgent = ''] = await appendLine(box, 1, { urgency: 0 });
      assert.deepEqual(await claimIds(box, { urgency: 0 }), []);
      assert.deepEqual(await claimIds(box, { limit: 2 }), [normal, bulk]);
      await record(box, [normal, bulk]);
      assert.deepEqual(await claimIds(box, { nowMs: NOW_MS + DAY_MS }), []);
      assert.deepEqual(await claimIds(box, { nowMs: NOW_MS + DAY_MS, urgency: 0 }), [urgent]);
    });

    test('do not wait for skipped ones', async () => {
      const box = await sandbox();
      const [skipped = ''] = await appendLine(box, 1, { state: 'skipped' });
      const [first = ''] = await appendLine(box, 1);
      const [also = ''] = await appendLine(box, 1, { state: 'skipped' });
      const [second = ''] = await appendLine(box, 1);
      const ended = ['skipped', null, null];
      assert.deepEqual(await places(box, [skipped, first, also, second]), [
        ended,
        dueAt(NOW_MS),
        ended,
        IN_LINE,
      ]);
      assert.deepEqual(await claimIds(box), [first, second]);
    });

    test('do not wait for other keys, other endpoints, other projects, or those without a key', async () => {
      const box = await sandbox();
      const other = await sandbox();
      const { engine, log, event, owes, attempt, claim, ids, endpointId } = box;
      const second = ids.next('endpoint');
      owes(
        { orderKey: 'k' },
        { endpointId: second, orderKey: 'k' },
        { endpointId: 'ep_x', orderKey: 'j' },
      );
      const both = event();
      await log.append([both]);
      const [third = ''] = await appendLine(box, 1, { orderKey: 'j' });
      const [free = ''] = await appendLine(box, 1, { orderKey: null });
      const [foreign = ''] = await appendLine(other, 1);
      // Behind each of them one more.
      const behind = await appendLine(box, 1);
      await appendLine(box, 1, { endpointId: second });
      await appendLine(other, 1);
      const due = dueAt(NOW_MS);
      assert.deepEqual(await places(box, [both.event.id, third, free]), [due, due, due]);
      assert.deepEqual(await places(other, [foreign]), [due]);
      const taken = [both.event.id, ...behind, third, free];
      assert.deepEqual((await claimIds(box)).sort(), [...taken].sort());
      // The end of one moves nobody up elsewhere.
      await engine.recordAttempt(attempt(both.event.id, { orderKey: 'k' }));
      const { deliveries } = await engine.claimDeliveries(claim({ endpointId: second, limit: 1 }));
      assert.equal(deliveries[0]?.eventId, both.event.id);
      assert.notEqual(endpointId, second);
      const line = await engine.claimDeliveries(claim({ endpointId: second }));
      assert.deepEqual(line, { deliveries: [], nextDueAtMs: null });
      assert.equal((await claimIds(other)).length, 2);
    });
  });

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
