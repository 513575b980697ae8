import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { URGENCIES, type Urgency } from '../../core/events/urgency.ts';
import type { ClaimedDeliveries } from '../engine.ts';
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

async function appendDue(
  { log, event, owes }: Sandbox,
  dueAtMs: number,
  urgency: Urgency = 1,
): Promise<string> {
  owes({ dueAtMs, urgency });
  const one = event();
  await log.append([one]);
  return one.event.id;
}

const idsOf = ({ deliveries }: ClaimedDeliveries) => deliveries.map(({ eventId }) => eventId);

export function describeClaims(open: OpenEngine): void {
  describe('claims of deliveries', () => {
    const sandbox = useStore(open);

    test('lease what is due, the earliest first, and say when the next is due', async () => {
      const box = await sandbox();
      const { engine } = box;
      const third = await appendDue(box, NOW_MS);
      const first = await appendDue(box, NOW_MS - 20);
      await appendDue(box, NOW_MS + 700);
      const second = await appendDue(box, NOW_MS - 10);
      await appendDue(box, NOW_MS + 300);
      const claim = box.claim({ limit: 2 });
      const [a, b, c] = await Promise.all([claim, claim, claim].map(engine.claimDeliveries));
      assert.ok(a && b && c);
      assert.deepEqual([idsOf(a), idsOf(b), idsOf(c)], [[first, second], [third], []]);
      assert.deepEqual(
        [a.nextDueAtMs, b.nextDueAtMs, c.nextDueAtMs],
        [NOW_MS, NOW_MS + 300, NOW_MS + 300],
      );
    });

    test('take what is of their urgency, and say when the next of it is due', async () => {
      const box = await sandbox();
      const { engine, store, claim, projectId, endpointId } = box;
      const bulk = await appendDue(box, NOW_MS - 3, 2);
      const urgent = [await appendDue(box, NOW_MS - 2, 0), await appendDue(box, NOW_MS - 1, 0)];
      await appendDue(box, NOW_MS + 400, 2);
      await appendDue(box, NOW_MS + 500, 0);
      await appendDue(box, NOW_MS + 600, 1);
      const first = await engine.claimDeliveries(claim({ urgency: 0, limit: 1 }));
      assert.deepEqual([idsOf(first), first.nextDueAtMs], [urgent.slice(0, 1), NOW_MS - 1]);
      const found = await Promise.all(
        URGENCIES.map((urgency) => engine.claimDeliveries(claim({ urgency }))),
      );
      assert.deepEqual(found.map(idsOf), [urgent.slice(1), [], [bulk]]);
      assert.deepEqual(
        found.map(({ nextDueAtMs }) => nextDueAtMs),
        [NOW_MS + 500, NOW_MS + 600, NOW_MS + 400],
      );
      // What comes back is as urgent as it was.
      const from = { projectId, endpointId, node: NODE, nowMs: NOW_MS };
      await store.deliveries.release(from, { due: [bulk], inLine: [] });
      assert.deepEqual(idsOf(await engine.claimDeliveries(claim())), []);
      assert.deepEqual(idsOf(await engine.claimDeliveries(claim({ urgency: 2 }))), [bulk]);
    });

    test('never lease a delivery twice, however many ask at once', async () => {
      const box = await sandbox();
      const { engine, log, event, owes, claim } = box;
      owes({});
      await log.append(Array.from({ length: 100 }, () => event()));
      const claims = Array.from({ length: 30 }, (_, i) =>
        claim({ limit: 7, node: i % 2 === 0 ? NODE : OTHER_NODE }),
      );
      const found = (await Promise.all(claims.map(engine.claimDeliveries))).flatMap(idsOf);
      assert.deepEqual([found.length, new Set(found).size], [100, 100]);
    });

    test('touch no other endpoint and no other project', async () => {
      const box = await sandbox();
      const other = await sandbox();
      await appendDue(box, NOW_MS);
      const { engine, claim } = other;
      const none = { deliveries: [], nextDueAtMs: null };
      const mixed = claim({ projectId: box.projectId });
      assert.deepEqual(await engine.claimDeliveries(mixed), none);
      const foreign = claim({ endpointId: box.endpointId });
      assert.deepEqual(await engine.claimDeliveries(foreign), none);
    });

    test('come back when the node gives them back, due at once', async () => {
      const box = await sandbox();
      const { engine, store, claim, projectId, endpointId } = box;
      const id = await appendDue(box, NOW_MS - 5);
      const kept = await appendDue(box, NOW_MS - 4);
      await engine.claimDeliveries(claim());
      const { release } = store.deliveries;
      const later = { projectId, endpointId, nowMs: NOW_MS + 1 };
      await release({ ...later, node: OTHER_NODE }, { due: [id, kept], inLine: [] });
      const claimLater = claim({ nowMs: NOW_MS + 1 });
      assert.deepEqual(idsOf(await engine.claimDeliveries(claimLater)), []);
      await release({ ...later, node: NODE }, { due: [id], inLine: [] });
      await release({ ...later, node: NODE }, { due: [], inLine: [] });
      assert.equal((await engine.claimDeliveries(claim())).nextDueAtMs, NOW_MS + 1);
      assert.deepEqual(idsOf(await engine.claimDeliveries(claimLater)), [id]);
    });

    test('end with the endpoint: what waits is canceled in pieces, what is under way is not', async () => {
      const box = await sandbox();
      const { engine, store, log, event, owes, projectId, endpointId } = box;
      owes({ node: NODE });
      const held = event();
      await log.append([held]);
      owes({});
      const waiting = Array.from({ length: 5 }, () => event());
      await log.append(waiting);
      const cancel = () => store.deliveries.cancelWaiting(projectId, endpointId, NOW_MS + 3, 2);
      assert.deepEqual(
        [await cancel(), await cancel(), await cancel(), await cancel()],
        [{ more: true }, { more: true }, { more: false }, { more: false }],
      );
      const rows = await store.deliveries.ofEvents(
        projectId,
        [held, ...waiting].map(({ event }) => event.id),
      );
      assert.deepEqual(
        rows.map(({ state, due_at, ended_at }) => [state, due_at, ended_at]),
        [['pending', NOW_MS, null], ...waiting.map(() => ['canceled', null, NOW_MS + 3])],
      );
      const late = box.claim({ nowMs: NOW_MS + DAY_MS });
      assert.deepEqual(await engine.claimDeliveries(late), { deliveries: [], nextDueAtMs: null });
    });

    test('do not wait for a delivery whose event is gone', async () => {
      const box = await sandbox();
      const { engine, log, projectId } = box;
      const id = await appendDue(box, NOW_MS);
      const { sql, parameters } = engine.db
        .deleteFrom('events')
        .where('project_id', '=', projectId)
        .where('id', '=', id)
        .compile();
      await log.append([], [{ sql, parameters: parameters as string[] }]);
      assert.deepEqual(await engine.claimDeliveries(box.claim()), {
        deliveries: [],
        nextDueAtMs: null,
      });
    });

    test('the leases of dead nodes end, those of this one stay', () =>
      withOwnStore(open, async (box) => {
        const { engine, store, log, event, owes, message, ids } = box;
        owes({ node: OTHER_NODE }, { endpointId: ids.next('endpoint'), node: NODE });
        const one = event();
        const messageId = ids.next('message');
        const transmissions = [
          { recipient: 'lost@b.test', node: OTHER_NODE, dueAtMs: NOW_MS - DAY_MS },
          { recipient: 'kept@b.test', node: NODE },
          { recipient: 'waits@b.test', dueAtMs: NOW_MS + DAY_MS },
        ];
        await log.append([one], message({ id: messageId, transmissions }));
        assert.equal(await store.deliveries.waiting(), 0);
        assert.equal(await store.messages.waiting(), 1);
        const nowMs = NOW_MS + 7;
        assert.deepEqual(await engine.releaseLeases({ exceptNode: NODE, nowMs }), { released: 2 });
        assert.deepEqual(await engine.releaseLeases({ exceptNode: NODE, nowMs }), { released: 0 });
        assert.equal(await store.deliveries.waiting(), 1);
        assert.equal(await store.messages.waiting(), 2);
        const early = await engine.claimDeliveries(box.claim({ nowMs: nowMs - 1 }));
        assert.deepEqual(early, { deliveries: [], nextDueAtMs: nowMs });
        const mail = await engine.claimTransmissions({
          nowMs,
          limit: 9,
          node: NODE,
          exceptDomains: [],
        });
        assert.deepEqual(
          mail.transmissions.map(({ recipient }) => recipient),
          ['lost@b.test'],
        );
        assert.equal(mail.nextDueAtMs, NOW_MS + DAY_MS);
      }));
  });
}
