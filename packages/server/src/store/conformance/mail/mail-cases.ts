import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DsnRequest } from '../../../core/mail/dsn.ts';
import { StoreConflict } from '../../engine.ts';
import type { NewTransmission, TransmissionOutcome } from '../../mail/transmissions.ts';
import { toStatement } from '../../statement.ts';
import {
  DAY_MS,
  NODE,
  NOW_MS,
  type OpenEngine,
  OTHER_NODE,
  type Sandbox,
  useStore,
  withOwnStore,
} from '../sandbox.ts';

async function queue(
  { log, message, ids }: Sandbox,
  transmissions: Partial<NewTransmission>[],
): Promise<string> {
  const id = ids.next('message');
  await log.append([], message({ id, transmissions }));
  return id;
}

const CLAIM = { nowMs: NOW_MS, limit: 10, node: NODE, exceptDomains: [] };

export function describeMail(open: OpenEngine): void {
  describe('messages and the mail queue', () => {
    const sandbox = useStore(open);

    const outcome = (
      { projectId }: Sandbox,
      messageId: string,
      fields: Partial<TransmissionOutcome> = {},
    ): TransmissionOutcome => ({
      projectId,
      messageId,
      recipient: 'anna@receiver.test',
      node: NODE,
      state: 'delivered',
      attempts: 1,
      reachedServer: true,
      dueAtMs: NOW_MS,
      ...fields,
    });

    test('what waits is what could be sent: not what is asked for later, held or at its end', () =>
      withOwnStore(open, async (box) => {
        const { store, log, projectId } = box;
        assert.deepEqual(await store.mailQueue.depths(NOW_MS), []);
        const id = await queue(box, [
          { recipient: 'due@b.test', dueAtMs: NOW_MS - 20 },
          { recipient: 'taken@b.test', dueAtMs: NOW_MS - 30, node: OTHER_NODE },
          { recipient: 'off@b.test', dueAtMs: NOW_MS - 40, state: 'rejected' },
          { recipient: 'held@b.test', dueAtMs: NOW_MS - 50, state: 'held' },
          { recipient: 'later@b.test', dueAtMs: NOW_MS + 10 },
          { recipient: 'again@b.test', node: NODE },
        ]);
        const putOff = { recipient: 'again@b.test', state: 'queued', dueAtMs: NOW_MS + 5 } as const;
        await log.append([], [store.messages.settlement(outcome(box, id, putOff))]);
        const depth = { projectId, waiting: 3, dueSinceMs: NOW_MS - 30 };
        assert.deepEqual(await store.mailQueue.depths(NOW_MS), [depth]);
        const all = { ...depth, waiting: 4 };
        assert.deepEqual(await store.mailQueue.depths(NOW_MS + 10), [all]);
      }));

    test('the project of a message is found among those that are asked', async () => {
      const box = await sandbox();
      const { messages } = box.store;
      const id = await queue(box, []);
      const others = Array.from({ length: 1_200 }, () => box.ids.next('project'));
      assert.equal(await messages.projectOf(id, [...others, box.projectId]), box.projectId);
      assert.equal(await messages.projectOf(id, others), null);
      assert.equal(await messages.projectOf(id, []), null);
      assert.equal(await messages.projectOf(box.ids.next('message'), [box.projectId]), null);
    });

    test('a message is read back as it was stored', async () => {
      const { store, log, message, ids, projectId } = await sandbox();
      const id = ids.next('message');
      const raw = Buffer.from([0, 255, 13, 10, 0, 128]);
      const fields = {
        acceptedBy: 'smtp',
        sandbox: true,
        stream: 'broadcast',
        subject: null,
        tags: ['a', '🙂'],
        metadata: { order: { id: 7 }, odd: '\u0000\ud800' },
        createdAtMs: NOW_MS - 1,
        sendAtMs: NOW_MS + 7,
      } as const;
      const tracking = {
        opens: true,
        clicks: false,
        textLinks: false,
        unsubscribe: true,
        except: ['hash'],
      };
      const dsn: DsnRequest = {
        ret: 'full',
        envid: 'order 7',
        recipients: [{ recipient: 'anna@receiver.test', notify: ['delay'], orcpt: null }],
      };
      const all = { ...fields, tags: [...fields.tags], tracking, dsn };
      await log.append([], message({ id, raw, fields: all }));
      assert.deepEqual(await store.messages.get(projectId, id), {
        projectId,
        id,
        acceptedBy: 'smtp',
        sandbox: true,
        stream: 'broadcast',
        envelopeFrom: 'bounces@sender.test',
        headerFrom: 'shop@sender.test',
        subject: null,
        smtpId: `<${id}@sender.test>`,
        tags: fields.tags,
        metadata: fields.metadata,
        tracking,
        dsn,
        sizeBytes: 6,
        createdAtMs: NOW_MS - 1,
        sendAtMs: NOW_MS + 7,
        expiresAtMs: NOW_MS + 5 * DAY_MS,
        retainUntilMs: NOW_MS + 30 * DAY_MS,
      });
      assert.deepEqual(Buffer.from((await store.messages.raw(projectId, id)) ?? []), raw);
    });

    test('messages that are asked for together come with their bytes, each to who asked', async () => {
      const { store, log, message, ids, projectId } = await sandbox();
      const sizes = [3, 200_000, ...Array<number>(40).fill(5)];
      const stored = sizes.map((size, i) => ({
        id: ids.next('message'),
        raw: Buffer.alloc(size, i + 1),
      }));
      await log.append([], stored.flatMap(message));
      const asked = [...stored, ...stored.slice(0, 2)];
      const [elsewhere, nowhere, ...found] = await Promise.all([
        store.messages.outgoing('prj_other', stored[0]?.id ?? ''),
        store.messages.outgoing(projectId, ids.next('message')),
        ...asked.map(({ id }) => store.messages.outgoing(projectId, id)),
      ]);
      assert.deepEqual([elsewhere, nowhere], [null, null]);
      assert.deepEqual(
        found.map((one) => ({ id: one?.message.id, raw: Buffer.from(one?.raw ?? []) })),
        asked,
      );
      const { id = '' } = stored[0] ?? {};
      const alone = await store.messages.outgoing(projectId, id);
      assert.deepEqual(alone?.message, await store.messages.get(projectId, id));
    });

    test('of a message whose bytes are gone, the rest is still found', async () => {
      const { store, engine, log, message, ids, projectId } = await sandbox();
      const id = ids.next('message');
      await log.append([], message({ id }));
      const gone = engine.db.deleteFrom('message_bodies').where('message_id', '=', id);
      await log.append([], [toStatement(gone, 1)]);
      const found = await store.messages.outgoing(projectId, id);
      assert.deepEqual(found, { message: await store.messages.get(projectId, id), raw: null });
    });

    test('a message knows whom it went to', async () => {
      const { store, log, message, ids, projectId } = await sandbox();
      const id = ids.next('message');
      await log.append([], message({ id, transmissions: [{}] }));
      const { hasRecipient } = store.messages;
      assert.equal(await hasRecipient(projectId, id, 'anna@receiver.test'), true);
      assert.equal(await hasRecipient(projectId, id, 'other@receiver.test'), false);
      assert.equal(await hasRecipient('prj_other', id, 'anna@receiver.test'), false);
    });

    test('recipients keep their order, and show their place in the queue and their state', async () => {
      const box = await sandbox();
      const { store, log, event, projectId } = box;
      const id = await queue(box, [
        { recipient: 'zoe@b.test', node: NODE },
        { recipient: 'anna@b.test', kind: 'bcc', dueAtMs: NOW_MS + 1 },
      ]);
      const zoe = outcome(box, id, { recipient: 'zoe@b.test', state: 'bounced', attempts: 3 });
      const bounced = event({ type: 'email.bounced', messageId: id, recipient: 'zoe@b.test' });
      await log.append([bounced], [store.messages.settlement(zoe)]);
      assert.deepEqual(await store.messages.recipients(projectId, id), [
        {
          recipient: 'zoe@b.test',
          kind: 'to',
          queue: 'bounced',
          attempts: 3,
          dueAtMs: NOW_MS,
          state: 'bounced',
        },
        {
          recipient: 'anna@b.test',
          kind: 'bcc',
          queue: 'queued',
          attempts: 0,
          dueAtMs: NOW_MS + 1,
          state: null,
        },
      ]);
    });

    test('a transmission that this node does not hold is not settled, and its event is not stored', async () => {
      const box = await sandbox();
      const { store, log, event, projectId } = box;
      const id = await queue(box, [{ node: OTHER_NODE }]);
      const delivered = event({ messageId: id, recipient: 'anna@receiver.test' });
      await assert.rejects(
        log.append([delivered], [store.messages.settlement(outcome(box, id))]),
        StoreConflict,
      );
      assert.equal(await store.events.get(projectId, delivered.event.id), null);
      const [row] = await store.messages.recipients(projectId, id);
      assert.deepEqual([row?.queue, row?.attempts, row?.state], ['queued', 0, null]);
    });

    test('a settled transmission is not settled again', async () => {
      const box = await sandbox();
      const { store, log } = box;
      const id = await queue(box, [{ node: NODE }]);
      await log.append([], [store.messages.settlement(outcome(box, id))]);
      await assert.rejects(
        log.append([], [store.messages.settlement(outcome(box, id, { state: 'bounced' }))]),
        StoreConflict,
      );
    });

    test('only what waits and is held by no node can be canceled', () =>
      withOwnStore(open, async (box) => {
        const { store, log, projectId, engine } = box;
        const id = await queue(box, [
          { recipient: 'zoe@b.test', dueAtMs: NOW_MS + 50 },
          { recipient: 'held@b.test', node: OTHER_NODE },
          { recipient: 'anna@b.test' },
          { recipient: 'off@b.test', state: 'rejected' },
        ]);
        const key = (recipient: string) => ({ projectId, messageId: id, recipient });
        assert.deepEqual(await store.messages.cancelable(projectId, id), [
          'zoe@b.test',
          'anna@b.test',
        ]);
        assert.deepEqual(await store.messages.cancelable('prj_other', id), []);
        await assert.rejects(
          log.append(
            [],
            ['anna@b.test', 'held@b.test'].map((one) => store.messages.cancellation(key(one))),
          ),
          StoreConflict,
        );
        await log.append([], [store.messages.cancellation(key('anna@b.test'))]);
        await assert.rejects(
          log.append([], [store.messages.cancellation(key('anna@b.test'))]),
          StoreConflict,
        );
        assert.deepEqual(
          (await store.messages.recipients(projectId, id)).map(({ queue: state }) => state),
          ['queued', 'queued', 'canceled', 'rejected'],
        );
        const claimed = await engine.claimTransmissions(CLAIM);
        assert.deepEqual(claimed, { transmissions: [], nextDueAtMs: NOW_MS + 50 });
      }));

    test('the same message is not stored twice', async () => {
      const box = await sandbox();
      const id = await queue(box, [{}]);
      await assert.rejects(box.log.append([], box.message({ id })), StoreConflict);
    });

    test('claims lease what is due, the earliest first, and say when the next is due', () =>
      withOwnStore(open, async (box) => {
        const { engine, projectId } = box;
        const id = await queue(box, [
          { recipient: 'later@b.test', dueAtMs: NOW_MS + 50 },
          { recipient: 'second@b.test', dueAtMs: NOW_MS - 1, domain: 'b.test' },
          { recipient: 'first@b.test', dueAtMs: NOW_MS - 2, domain: 'b.test' },
          { recipient: 'held@b.test', dueAtMs: NOW_MS - 3, node: OTHER_NODE },
        ]);
        const [one, two, none] = await Promise.all([
          engine.claimTransmissions({ ...CLAIM, limit: 1 }),
          engine.claimTransmissions({ ...CLAIM, limit: 5 }),
          engine.claimTransmissions(CLAIM),
        ]);
        const first = {
          projectId,
          messageId: id,
          recipient: 'first@b.test',
          domain: 'b.test',
          attempts: 0,
          reachedServer: false,
          expiresAtMs: NOW_MS + 5 * DAY_MS,
        };
        assert.deepEqual(one, { transmissions: [first], nextDueAtMs: NOW_MS - 1 });
        assert.deepEqual(
          two.transmissions.map(({ recipient }) => recipient),
          ['second@b.test'],
        );
        assert.deepEqual(none, { transmissions: [], nextDueAtMs: NOW_MS + 50 });
      }));

    test('claims pass over the domains whose lanes are full', () =>
      withOwnStore(open, async (box) => {
        const { engine } = box;
        await queue(box, [
          { recipient: 'a@full.test', domain: 'full.test', dueAtMs: NOW_MS - 9 },
          { recipient: 'a@free.test', domain: 'free.test', dueAtMs: NOW_MS },
          { recipient: 'b@full.test', domain: 'full.test', dueAtMs: NOW_MS + 1 },
          { recipient: 'b@free.test', domain: 'free.test', dueAtMs: NOW_MS + 2 },
        ]);
        const exceptDomains = ['full.test', `o'dd".test`];
        const found = await engine.claimTransmissions({ ...CLAIM, exceptDomains });
        assert.deepEqual(
          [found.transmissions.map(({ recipient }) => recipient), found.nextDueAtMs],
          [['a@free.test'], NOW_MS + 2],
        );
        const rest = await engine.claimTransmissions(CLAIM);
        assert.deepEqual(
          [rest.transmissions.map(({ recipient }) => recipient), rest.nextDueAtMs],
          [['a@full.test'], NOW_MS + 1],
        );
      }));

    test('a deferred transmission comes back when it is due, with what was learned', () =>
      withOwnStore(open, async (box) => {
        const { engine, store, log } = box;
        const id = await queue(box, [{ node: NODE }]);
        const deferred = outcome(box, id, { state: 'queued', attempts: 2, dueAtMs: NOW_MS + 60 });
        await log.append([], [store.messages.settlement(deferred)]);
        assert.equal((await engine.claimTransmissions(CLAIM)).nextDueAtMs, NOW_MS + 60);
        const [claimed] = (await engine.claimTransmissions({ ...CLAIM, nowMs: NOW_MS + 60 }))
          .transmissions;
        assert.deepEqual([claimed?.attempts, claimed?.reachedServer], [2, true]);
        await store.messages.release([outcome(box, id, { state: 'queued', attempts: 2 })]);
        await store.messages.release([]);
        assert.equal((await engine.claimTransmissions(CLAIM)).transmissions.length, 1);
      }));
  });
}
