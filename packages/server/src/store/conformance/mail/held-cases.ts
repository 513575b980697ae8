import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPerson } from '../../../core/erase-person.ts';
import { StoreConflict } from '../../engine.ts';
import type { HeldRecord } from '../../mail/held-messages.ts';
import {
  DAY_MS,
  NODE,
  NOW_MS,
  type OpenEngine,
  type Sandbox,
  useStore,
  withOwnStore,
} from '../sandbox.ts';

const CLAIM = { nowMs: NOW_MS + DAY_MS, limit: 10, node: NODE, exceptDomains: [] };

/** A message of which both recipients wait for a person. */
async function hold(
  { store, log, message, ids, projectId }: Sandbox,
  fields: Partial<HeldRecord> = {},
): Promise<HeldRecord> {
  const messageId = ids.next('message');
  const held = {
    projectId,
    messageId,
    reason: 'rule',
    rule: 'New campaigns 🙂',
    heldAtMs: NOW_MS,
    expiresAtMs: NOW_MS + 7 * DAY_MS,
    ...fields,
  } as const;
  const transmissions = ['anna@receiver.test', 'zoe@receiver.test'].map((recipient) => {
    return { recipient, state: 'held' as const };
  });
  await log.append(
    [],
    [...message({ id: messageId, transmissions }), store.heldMessages.insertion(held)],
  );
  return held;
}

export function describeHeld(open: OpenEngine): void {
  describe('messages that are held', () => {
    const sandbox = useStore(open);

    test('are read back, and listed with the newest first, page by page', async () => {
      const box = await sandbox();
      const { heldMessages } = box.store;
      const all = [await hold(box), await hold(box, { reason: 'key', rule: null })];
      const third = await hold(box, { reason: 'limit', rule: null });
      const { projectId } = box;
      assert.deepEqual(await heldMessages.get(projectId, third.messageId), third);
      assert.equal(await heldMessages.get('prj_other', third.messageId), null);
      const query = { projectId, limit: 2, beforeId: null, recipient: null };
      const page = await heldMessages.list(query);
      assert.deepEqual(page.rows, [third, all[1]]);
      const beforeId = all[1]?.messageId ?? null;
      assert.deepEqual((await heldMessages.list({ ...query, beforeId })).rows, [all[0]]);
      const other = await heldMessages.list({ ...query, projectId: 'prj_other' });
      assert.deepEqual(other, { rows: [], nextCursor: null });
      const ids = [...all.map(({ messageId }) => messageId), 'msg_other'];
      assert.equal((await heldMessages.some(projectId, ids)).length, 2);
      assert.deepEqual(await heldMessages.some(projectId, []), []);
      const records = await box.store.messages.some(projectId, ids);
      assert.deepEqual(
        records.map(({ id }) => id),
        [all[1]?.messageId, all[0]?.messageId],
      );
      assert.deepEqual(await box.store.messages.some(projectId, []), []);
    });

    test('are found by their recipient', async () => {
      const box = await sandbox();
      const { messageId } = await hold(box);
      await hold(box);
      const recipient = 'anna@receiver.test';
      await box.log.append([box.event({ type: 'email.held', messageId, recipient })]);
      const query = { projectId: box.projectId, limit: 9, beforeId: null, recipient };
      const { rows } = await box.store.heldMessages.list(query);
      assert.deepEqual(
        rows.map((one) => one.messageId),
        [messageId],
      );
    });

    test('are let go once: then the queue has them, with new times and bytes', async () => {
      const box = await sandbox();
      const { projectId, log, engine } = box;
      const { heldMessages, messages } = box.store;
      const { messageId } = await hold(box);
      const key = { projectId, messageId };
      assert.deepEqual((await engine.claimTransmissions(CLAIM)).transmissions, []);
      const before = await messages.get(projectId, messageId);
      assert.ok(before !== null);
      const renewed = {
        ...before,
        sizeBytes: 3,
        expiresAtMs: NOW_MS + 9 * DAY_MS,
        retainUntilMs: NOW_MS + 40 * DAY_MS,
      };
      const raw = Buffer.from('new');
      const statements = () => [
        heldMessages.removal(projectId, messageId),
        messages.unholding({
          ...{ ...key, recipients: ['anna@receiver.test'], state: 'queued' },
          dueAtMs: NOW_MS + 5,
        }),
        messages.unholding({
          ...{ ...key, recipients: ['zoe@receiver.test'], state: 'rejected' },
          dueAtMs: NOW_MS + 5,
        }),
        ...messages.renewal({ message: renewed, raw, bodyRetainUntilMs: NOW_MS + 41 * DAY_MS }),
      ];
      await log.append([], statements());
      await assert.rejects(log.append([], statements()), StoreConflict);
      assert.deepEqual(await messages.get(projectId, messageId), renewed);
      assert.equal(Buffer.from((await messages.raw(projectId, messageId)) ?? []).toString(), 'new');
      const { transmissions } = await engine.claimTransmissions(CLAIM);
      assert.deepEqual(
        transmissions
          .filter((one) => one.messageId === messageId)
          .map(({ recipient }) => recipient),
        ['anna@receiver.test'],
      );
      const rows = await messages.recipients(projectId, messageId);
      assert.deepEqual(
        rows.map(({ queue, dueAtMs }) => [queue, dueAtMs]),
        [
          ['queued', NOW_MS + 5],
          ['rejected', NOW_MS + 5],
        ],
      );
    });

    test('that are all signed already keep their bytes', async () => {
      const box = await sandbox();
      const { messages } = box.store;
      const { messageId } = await hold(box);
      const before = await messages.get(box.projectId, messageId);
      assert.ok(before !== null);
      const renewal = { message: before, raw: null, bodyRetainUntilMs: NOW_MS };
      await box.log.append([], messages.renewal(renewal));
      const raw = Buffer.from((await messages.raw(box.projectId, messageId)) ?? []);
      assert.match(raw.toString(), /^Subject: Hi/);
    });

    test('can be canceled', async () => {
      const box = await sandbox();
      const { projectId } = box;
      const { messages } = box.store;
      const { messageId } = await hold(box);
      const recipients = await messages.cancelable(projectId, messageId);
      assert.deepEqual(recipients, ['anna@receiver.test', 'zoe@receiver.test']);
      const statements = recipients.map((recipient) =>
        messages.cancellation({ projectId, messageId, recipient }),
      );
      await box.log.append([], statements);
      assert.deepEqual(await messages.cancelable(projectId, messageId), []);
    });

    test('are known by when their time is up, over all projects', async () => {
      await withOwnStore(open, async (box) => {
        const { heldMessages } = box.store;
        assert.equal(await heldMessages.nextExpiryMs(), null);
        const late = await hold(box, { expiresAtMs: NOW_MS + 3 });
        const early = await hold(box, { expiresAtMs: NOW_MS + 2 });
        assert.equal(await heldMessages.nextExpiryMs(), NOW_MS + 2);
        assert.deepEqual(await heldMessages.expired(NOW_MS + 1, 10), []);
        assert.deepEqual(await heldMessages.expired(NOW_MS + 3, 10), [early, late]);
        assert.deepEqual(await heldMessages.expired(NOW_MS + 3, 1), [early]);
      });
    });

    test('stay, with their bytes, however old they are', async () => {
      await withOwnStore(open, async (box) => {
        const { projectId, engine } = box;
        const { messageId } = await hold(box);
        for (let more = true; more; ) {
          ({ more } = await engine.purgeExpired({ nowMs: NOW_MS + 99 * DAY_MS, limit: 100 }));
        }
        assert.notEqual(await box.store.messages.get(projectId, messageId), null);
        assert.notEqual(await box.store.messages.raw(projectId, messageId), null);
        assert.equal((await box.store.messages.recipients(projectId, messageId)).length, 2);
      });
    });

    test('go with the last of their recipients that is erased, and with their bytes', async () => {
      const box = await sandbox();
      const { projectId, engine, store } = box;
      const { messageId } = await hold(box);
      const walk = store.erasure.walks.find(({ name }) => name === 'transmissions');
      for (const [address, isLast] of [
        ['anna@receiver.test', false],
        ['zoe@receiver.test', true],
      ] as const) {
        const person = createPerson(address);
        const step = await walk?.step({ projectId, person, after: null, nowMs: NOW_MS });
        await engine.commit({ events: [], statements: step?.statements ?? [] });
        assert.equal((await store.heldMessages.get(projectId, messageId)) === null, isLast);
        assert.equal((await store.messages.raw(projectId, messageId)) === null, isLast);
      }
      const rows = await store.messages.recipients(projectId, messageId);
      assert.deepEqual(
        rows.map(({ queue }) => queue),
        ['failed', 'failed'],
      );
    });

    test('go with their project', async () => {
      const box = await sandbox();
      const { projectId } = box;
      const { messageId } = await hold(box);
      await box.store.projects.remove(projectId, NOW_MS);
      assert.equal(await box.store.heldMessages.get(projectId, messageId), null);
      const rows = await box.store.messages.recipients(projectId, messageId);
      assert.deepEqual(
        rows.map(({ queue }) => queue),
        ['canceled', 'canceled'],
      );
    });
  });
}
