import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPerson } from '../../../core/erase-person.ts';
import { StoreConflict } from '../../engine.ts';
import type { NewSuppression } from '../../mail/suppressions.ts';
import { DAY_MS, NOW_MS, type OpenEngine, type Sandbox, useStore } from '../sandbox.ts';

function entryOf(
  { projectId, ids }: Sandbox,
  fields: Partial<NewSuppression> = {},
): NewSuppression {
  return {
    projectId,
    id: ids.next('suppression'),
    address: 'anna@b.test',
    stream: null,
    reason: 'hard_bounce',
    source: 'posthorn',
    note: 'Ü "quoted" 🙂',
    eventId: 'evt_1',
    createdAtMs: NOW_MS,
    expiresAtMs: null,
    ...fields,
  };
}

async function add(box: Sandbox, fields: Partial<NewSuppression> = {}, must = true) {
  const entry = entryOf(box, fields);
  const statements = [box.store.suppressions.insertion(entry, { must })];
  await box.engine.commit({ events: [], statements });
  return entry;
}

const list = { limit: 9, beforeId: null, address: null, reason: null, source: null, stream: null };

export function describeSuppressions(open: OpenEngine): void {
  describe('suppressions', () => {
    const sandbox = useStore(open);

    const found = async (
      { projectId, store }: Sandbox,
      stream: 'transactional' | 'broadcast',
      ...addresses: string[]
    ) => {
      const query = { projectId, stream, addresses, nowMs: NOW_MS };
      return [...(await store.suppressions.find(query)).keys()];
    };

    test('keep what they were given, in one form of the address, and are their project’s alone', async () => {
      const box = await sandbox();
      const other = await sandbox();
      const { suppressions } = box.store;
      const entry = await add(box, { address: 'Anna@Bücher.test', stream: 'broadcast' });
      const stored = { ...entry, address: 'anna@xn--bcher-kva.test' };
      assert.deepEqual(await suppressions.get(box.projectId, entry.id, NOW_MS), stored);
      assert.equal(await suppressions.get(other.projectId, entry.id, NOW_MS), null);
      const mine = await suppressions.list({ ...list, projectId: box.projectId, nowMs: NOW_MS });
      assert.deepEqual(mine, { rows: [stored], nextCursor: null });
      const theirs = { ...list, projectId: other.projectId, nowMs: NOW_MS };
      assert.deepEqual((await suppressions.list(theirs)).rows, []);
      assert.deepEqual(await found(box, 'broadcast', 'ANNA@xn--bcher-kva.test', 'x@y.test'), [
        'ANNA@xn--bcher-kva.test',
      ]);
      assert.deepEqual(await found(other, 'broadcast', 'anna@bücher.test'), []);
      assert.equal(await suppressions.count(box.projectId), 1);
    });

    test('hold for their stream, or for all', async () => {
      const box = await sandbox();
      await add(box, { address: 'a@b.test', stream: 'broadcast' });
      await add(box, { address: 'c@d.test', stream: null });
      const both = ['a@b.test', 'c@d.test'];
      assert.deepEqual((await found(box, 'broadcast', ...both)).sort(), both);
      assert.deepEqual(await found(box, 'transactional', ...both), ['c@d.test']);
      const { suppressions } = box.store;
      const place = { projectId: box.projectId, address: 'a@b.test' };
      assert.equal(await suppressions.at({ ...place, stream: null }, NOW_MS), null);
      const there = await suppressions.at({ ...place, stream: 'broadcast' }, NOW_MS);
      assert.equal(there?.stream, 'broadcast');
    });

    test('the first entry of an address stays; who insists meets a conflict', async () => {
      const box = await sandbox();
      const { suppressions } = box.store;
      const first = await add(box);
      await add(box, { reason: 'complaint' }, false);
      await assert.rejects(add(box, { reason: 'complaint' }), StoreConflict);
      const place = { projectId: box.projectId, address: 'anna@b.test', stream: null };
      assert.deepEqual(await suppressions.at(place, NOW_MS), first);
    });

    test('one that has expired holds no more, is not seen, and gives way', async () => {
      const box = await sandbox();
      const { suppressions } = box.store;
      const { projectId } = box;
      const old = await add(box, { expiresAtMs: NOW_MS, createdAtMs: NOW_MS - DAY_MS });
      assert.deepEqual(await found(box, 'transactional', 'anna@b.test'), []);
      assert.equal(await suppressions.get(projectId, old.id, NOW_MS), null);
      assert.equal((await suppressions.get(projectId, old.id, NOW_MS - 1))?.id, old.id);
      const fresh = await add(box, { reason: 'manual', expiresAtMs: NOW_MS + 1 });
      assert.deepEqual(await suppressions.get(projectId, fresh.id, NOW_MS), fresh);
      assert.equal(await suppressions.get(projectId, old.id, NOW_MS - 1), null);
    });

    test('are listed by what they are, the newest first, and exported in their order', async () => {
      const box = await sandbox();
      const { suppressions } = box.store;
      const { projectId } = box;
      const one = await add(box, { address: 'one@b.test', reason: 'manual', source: 'api' });
      const two = await add(box, { address: 'two@b.test', stream: 'broadcast' });
      const three = await add(box, { address: 'three@b.test', reason: 'complaint' });
      const idsOf = async (fields: Partial<Parameters<typeof suppressions.list>[0]>) => {
        const query = { ...list, projectId, nowMs: NOW_MS, ...fields };
        return (await suppressions.list(query)).rows.map((row) => row.id);
      };
      assert.deepEqual(await idsOf({}), [three.id, two.id, one.id]);
      assert.deepEqual(await idsOf({ beforeId: three.id, limit: 1 }), [two.id]);
      assert.deepEqual(await idsOf({ address: 'ONE@b.test' }), [one.id]);
      assert.deepEqual(await idsOf({ reason: 'complaint' }), [three.id]);
      assert.deepEqual(await idsOf({ source: 'api' }), [one.id]);
      assert.deepEqual(await idsOf({ stream: 'all' }), [three.id, one.id]);
      assert.deepEqual(await idsOf({ stream: 'broadcast' }), [two.id]);
      const page = { limit: 2, nowMs: NOW_MS };
      const first = await suppressions.after(projectId, '', page);
      assert.deepEqual(
        first.map((row) => row.id),
        [one.id, two.id],
      );
      const rest = await suppressions.after(projectId, two.id, page);
      assert.deepEqual(
        rest.map((row) => row.id),
        [three.id],
      );
    });

    test('a removal happens once', async () => {
      const box = await sandbox();
      const { id } = await add(box);
      const statements = [box.store.suppressions.removal(box.projectId, id)];
      await box.engine.commit({ events: [], statements });
      await assert.rejects(box.engine.commit({ events: [], statements }), StoreConflict);
      assert.deepEqual(await found(box, 'transactional', 'anna@b.test'), []);
    });

    test('soft bounces count by message, since the last one that got through', async () => {
      const box = await sandbox();
      const { projectId, store, engine } = box;
      const { suppressions } = store;
      const bounce = (messageKey: string, bouncedAtMs: number) => ({
        projectId,
        address: 'anna@b.test',
        messageKey,
        bouncedAtMs,
      });
      const note = async (messageKey: string, atMs: number) => {
        const what = { ...bounce(messageKey, atMs), retainUntilMs: atMs + DAY_MS };
        await engine.commit({ events: [], statements: [suppressions.softBounce(what)] });
      };
      const count = (messageKey: string, sinceMs = 0) =>
        suppressions.countSoftBounces(bounce(messageKey, NOW_MS), sinceMs);
      await note('m1', NOW_MS);
      await note('m1', NOW_MS + 1);
      await note('m2', NOW_MS + 2);
      assert.equal(await count('m3'), 2);
      assert.equal(await count('m2'), 1);
      assert.equal(await count('m3', NOW_MS), 1);
      const recipient = 'anna@b.test';
      await box.log.append([box.event({ messageId: 'm4', recipient, atMs: NOW_MS + 1 })]);
      assert.equal(await count('m3'), 1);
    });

    test('an erased person stays on the list without an address', async () => {
      const box = await sandbox();
      const { projectId, store, engine } = box;
      const hers = await add(box, { note: 'anna@b.test wrote to us' });
      const other = await add(box, { address: 'c@d.test', note: 'Like anna@b.test' });
      const part = { projectId, jobId: 'job_1', number: 0, retainUntilMs: NOW_MS + DAY_MS };
      const content = '1\nanna@b.test,manual\r\nc@d.test,manual\r\n';
      const soft = { projectId, address: 'anna@b.test', messageKey: 'm', bouncedAtMs: NOW_MS };
      const statements = [
        store.jobParts.insertion({ ...part, content }),
        store.suppressions.softBounce({ ...soft, retainUntilMs: NOW_MS }),
      ];
      await engine.commit({ events: [], statements });
      const person = createPerson('Anna@B.test');
      for (const { step } of store.erasure.walks) {
        const made = await step({ projectId, person, after: null, nowMs: NOW_MS });
        await engine.commit({ events: [], statements: made.statements });
      }
      const kept = await store.suppressions.get(projectId, hers.id, NOW_MS);
      assert.deepEqual(kept, { ...hers, address: null, note: null, eventId: null });
      assert.deepEqual(await found(box, 'transactional', 'anna@b.test'), ['anna@b.test']);
      const neighbour = await store.suppressions.get(projectId, other.id, NOW_MS);
      assert.deepEqual([neighbour?.address, neighbour?.note], ['c@d.test', 'Like [erased]']);
      const left = await store.jobParts.get(projectId, 'job_1', 0);
      assert.equal(left, '1\n[erased],manual\r\nc@d.test,manual\r\n');
      const counted = await store.suppressions.countSoftBounces({ ...soft, messageKey: 'x' }, 0);
      assert.equal(counted, 0);
    });

    test('go with their project', async () => {
      const box = await sandbox();
      const other = await sandbox();
      await add(box);
      await add(other);
      await box.store.projects.remove(box.projectId, NOW_MS);
      assert.equal(await box.store.suppressions.count(box.projectId), 0);
      assert.equal(await other.store.suppressions.count(other.projectId), 1);
    });
  });
}
