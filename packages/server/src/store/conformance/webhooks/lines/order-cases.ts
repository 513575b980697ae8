import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DAY_MS, NOW_MS, type OpenEngine, OTHER_NODE, useStore } from '../../sandbox.ts';
import {
  appendLine,
  claimIds,
  DELIVERED,
  deadAt,
  dueAt,
  HELD,
  HELD_HEAD,
  IN_LINE,
  places,
  record,
  release,
  retryAt,
} from './line-sandbox.ts';

export function describeOrder(open: OpenEngine): void {
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
}
