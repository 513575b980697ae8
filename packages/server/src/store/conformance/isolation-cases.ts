import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StoreConflict } from '../engine.ts';
import { ANY_MESSAGE } from '../mail/message-search.ts';
import { ANY_DELIVERY } from '../webhooks/delivery-queries/delivery-filter.ts';
import { NODE, NOW_MS, type OpenEngine, useStore } from './sandbox.ts';

const NOTHING = { rows: [], nextCursor: null };

export function describeIsolation(open: OpenEngine): void {
  describe('projects apart', () => {
    const sandbox = useStore(open);

    test('no read by the id of another project finds anything', async () => {
      const mine = await sandbox();
      const { projectId } = await sandbox();
      const { store, engine, log, event, attempt, owes, message, ids, endpointId } = mine;
      const messageId = ids.next('message');
      const recipient = 'anna@b.test';
      owes({ node: NODE });
      const one = event({ messageId, recipient });
      const answer = {
        project_id: mine.projectId,
        key: 'k',
        request_hash: 'h',
        status: 200,
        body_sealed: '',
        retain_until: NOW_MS + 1,
      };
      await log.append(
        [one],
        [
          ...message({ id: messageId, transmissions: [{ recipient }] }),
          ...store.idempotency.remember(answer, NOW_MS),
        ],
      );
      const eventId = one.event.id;
      await engine.recordAttempt(attempt(eventId));
      const { events, deliveries, messages, endpoints, idempotency } = store;
      const page = { projectId, limit: 9, beforeId: null };
      const plain = { ...page, types: [], messageKey: null, recipient: null };
      assert.equal(await events.get(projectId, eventId), null);
      assert.deepEqual(await events.list(plain), NOTHING);
      assert.deepEqual(await events.list({ ...plain, messageKey: messageId }), NOTHING);
      assert.deepEqual(await events.list({ ...plain, recipient }), NOTHING);
      assert.deepEqual(await events.ofMessage(projectId, messageId, 9), []);
      const all = { ...ANY_DELIVERY, ...page };
      assert.deepEqual(await deliveries.list(all), NOTHING);
      assert.deepEqual(await deliveries.list({ ...all, endpointIds: [endpointId] }), NOTHING);
      assert.deepEqual(await deliveries.list({ ...all, eventId }), NOTHING);
      assert.equal(await deliveries.get(projectId, eventId, endpointId), null);
      assert.deepEqual(await deliveries.ofEvents(projectId, [eventId]), []);
      assert.deepEqual(await deliveries.attempts(projectId, [eventId]), []);
      assert.equal(await messages.get(projectId, messageId), null);
      assert.equal(await messages.raw(projectId, messageId), null);
      assert.deepEqual(await messages.recipients(projectId, messageId), []);
      assert.deepEqual(await messages.list({ ...ANY_MESSAGE, ...page }), NOTHING);
      assert.deepEqual(await messages.firstRecipients(projectId, [messageId], 3), []);
      assert.deepEqual(await messages.list({ ...ANY_MESSAGE, ...page, recipient }), NOTHING);
      assert.equal(await endpoints.get(projectId, endpointId), null);
      assert.deepEqual(await endpoints.list(page), NOTHING);
      assert.equal(await idempotency.find(projectId, 'k', NOW_MS), null);
      // The same questions find it all under its own project.
      assert.ok(await events.get(mine.projectId, eventId));
      assert.equal((await deliveries.attempts(mine.projectId, [eventId])).length, 1);
      assert.equal((await messages.recipients(mine.projectId, messageId)).length, 1);
    });

    test('no write by the id of another project changes anything', async () => {
      const mine = await sandbox();
      const { projectId } = await sandbox();
      const { store, engine, log, event, attempt, owes, message, ids, endpointId } = mine;
      const messageId = ids.next('message');
      owes({ node: NODE }, { endpointId: 'ep_waits' });
      const one = event();
      const transmissions = [{ recipient: 'anna@b.test', node: NODE }];
      await log.append([one], message({ id: messageId, transmissions }));
      const eventId = one.event.id;
      const before = await store.deliveries.ofEvents(mine.projectId, [eventId]);
      const key = { projectId, eventId, endpointId: 'ep_waits' };
      await assert.rejects(store.deliveries.requeue(key, NOW_MS + 1, []), StoreConflict);
      await store.deliveries.cancelWaiting(projectId, 'ep_waits', NOW_MS, 9);
      const from = { projectId, endpointId, node: NODE, nowMs: NOW_MS + 1 };
      await store.deliveries.release(from, { due: [eventId], inLine: [] });
      await store.deliveries.release(from, { due: [], inLine: [eventId] });
      await engine.recordAttempt(attempt(eventId, { projectId }));
      assert.deepEqual(await store.deliveries.ofEvents(mine.projectId, [eventId]), before);
      assert.deepEqual(await store.deliveries.attempts(mine.projectId, [eventId]), []);
      const settlement = store.messages.settlement({
        projectId,
        messageId,
        recipient: 'anna@b.test',
        node: NODE,
        state: 'delivered',
        attempts: 1,
        reachedServer: true,
        dueAtMs: NOW_MS,
      });
      await assert.rejects(log.append([], [settlement]), StoreConflict);
    });

    test('the same id and the same key in two projects are two events', async () => {
      const mine = await sandbox();
      const other = await sandbox();
      const input = { id: mine.ids.next('event'), dedupKey: 'same' };
      const [[one], [two]] = await Promise.all([
        mine.log.append([mine.event({ ...input, type: 'email.sent' })]),
        other.log.append([other.event({ ...input, type: 'email.opened' })]),
      ]);
      assert.deepEqual([one?.duplicateOf, two?.duplicateOf], [null, null]);
      assert.equal((await mine.store.events.get(mine.projectId, input.id))?.type, 'email.sent');
      assert.equal((await other.store.events.get(other.projectId, input.id))?.type, 'email.opened');
    });
  });
}
