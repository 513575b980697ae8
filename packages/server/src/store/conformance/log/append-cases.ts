import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Compilable, sql } from 'kysely';
import { StoreConflict } from '../../engine.ts';
import { toStatement } from '../../statement.ts';
import { DAY_MS, NODE, NOW_MS, type OpenEngine, OTHER_NODE, useStore } from '../sandbox.ts';

export function describeAppend(open: OpenEngine): void {
  describe('append', () => {
    const sandbox = useStore(open);

    test('stores events, the deliveries they owe and the statements beside them', async () => {
      const { store, engine, log, event, owes, message, ids, projectId, endpointId } =
        await sandbox();
      const id = ids.next('message');
      owes({});
      const [one, two] = [event({ messageId: id, recipient: 'a@b.test' }), event()];
      const appended = await log.append([one, two], message({ id }));
      assert.deepEqual(
        appended.map(({ id, duplicateOf }) => ({ id, duplicateOf })),
        [one, two].map(({ event }) => ({ id: event.id, duplicateOf: null })),
      );
      assert.equal((await store.messages.get(projectId, id))?.id, id);
      const owed = await store.deliveries.ofEvents(projectId, [one.event.id, two.event.id]);
      assert.deepEqual(
        owed.map((row) => [row.event_id, row.endpoint_id, row.state, row.attempts, row.node]),
        [one, two].map(({ event }) => [event.id, endpointId, 'pending', 0, null]),
      );
      assert.equal(engine.health().ok, true);
    });

    test('stores nothing of a commit that meets a conflict', async () => {
      const { store, log, event, owes, message, announced, ids, projectId } = await sandbox();
      const id = ids.next('message');
      await log.append([], message({ id }));
      owes({});
      const fresh = event({ messageId: id, recipient: 'a@b.test' });
      const before = ids.next('message');
      await assert.rejects(
        log.append([fresh], [...message({ id: before }), ...message({ id })]),
        StoreConflict,
      );
      assert.equal(await store.events.get(projectId, fresh.event.id), null);
      assert.equal(await store.messages.get(projectId, before), null);
      assert.deepEqual(await store.deliveries.ofEvents(projectId, [fresh.event.id]), []);
      assert.equal(announced.dropped.length, 1);
      const [again] = await log.append([fresh]);
      assert.equal(again?.position?.sequence, 1);
    });

    test('spares the others in the same batch a conflict', async () => {
      const { store, log, event, message, ids, projectId } = await sandbox();
      const id = ids.next('message');
      await log.append([], message({ id }));
      const events = Array.from({ length: 20 }, () => event());
      const outcomes = await Promise.allSettled(
        events.map((one, i) => log.append([one], i === 7 ? message({ id }) : [])),
      );
      assert.deepEqual(
        outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : [])),
        [7],
      );
      for (const [i, one] of events.entries()) {
        assert.equal((await store.events.get(projectId, one.event.id)) === null, i === 7);
      }
    });

    test('spares the others in the same batch an event that cannot be stored', async () => {
      const { store, engine, log, event, attempt, owes, ids, projectId } = await sandbox();
      const used = event();
      owes({ node: NODE });
      await log.append([used]);
      owes();
      const good = Array.from({ length: 5 }, () => event());
      // Without a key the caller vouches for a new id.
      const sameId = event({ id: used.event.id, dedupKey: null });
      const recorded = engine.recordAttempt(attempt(used.event.id));
      const outcomes = await Promise.allSettled([
        ...good.slice(0, 3).map((one) => log.append([one])),
        log.append([sameId]),
        ...good.slice(3).map((one) => log.append([one])),
      ]);
      await recorded;
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
      );
      assert.ok(outcomes[3]?.status === 'rejected');
      assert.ok(outcomes[3].reason instanceof StoreConflict);
      for (const one of good) assert.ok(await store.events.get(projectId, one.event.id));
      assert.equal((await store.deliveries.attempts(projectId, [used.event.id])).length, 1);
      assert.ok(ids);
    });

    test('calls it a conflict when a key is taken or missing, but not when a value is', async () => {
      const { engine, ids, projectId } = await sandbox();
      const run = (query: Compilable) =>
        engine.commit({ events: [], statements: [toStatement(query)] });
      const fact = (value: unknown) =>
        engine.db.insertInto('facts').values({ name: 'twice', value: sql<string>`${value}` });
      const isRefused = (query: Compilable, isConflict: boolean) =>
        assert.rejects(run(query), (error) => error instanceof StoreConflict === isConflict);
      await isRefused(fact(null), false);
      await run(fact('here'));
      await isRefused(fact('again'), true);
      const key = (values: { projectId: string; mode: unknown }) =>
        engine.db.insertInto('api_keys').values({
          project_id: values.projectId,
          ...{
            id: ids.next('apiKey'),
            name: '',
            key_hash: ids.next('apiKey'),
            hint: '',
            scopes: '',
          },
          mode: sql<'live'>`${values.mode}`,
          created_at: NOW_MS,
        });
      await isRefused(key({ projectId: 'prj_nobody', mode: 'live' }), true);
      await isRefused(key({ projectId, mode: 'neither' }), false);
      await run(key({ projectId, mode: 'live' }));
    });

    test('spares the others in the same batch a statement that makes no sense', async () => {
      const { store, log, event, projectId } = await sandbox();
      const [before, after, with_] = [event(), event(), event()];
      const nonsense = { sql: 'UPDATE no_such_table SET nothing = 1', parameters: [] };
      const outcomes = await Promise.allSettled([
        log.append([before]),
        log.append([with_], [nonsense]),
        log.append([after]),
      ]);
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      );
      assert.equal(await store.events.get(projectId, with_.event.id), null);
      assert.ok(await store.events.get(projectId, after.event.id));
    });

    test('takes an event with a known key for the one that is there, and owes nothing twice', async () => {
      const { store, log, event, owes, announced, projectId } = await sandbox();
      owes({});
      const first = event({ dedupKey: 'same', messageId: 'm', recipient: 'a@b.test' });
      const second = event({ dedupKey: 'same', messageId: 'm', recipient: 'a@b.test' });
      await log.append([first]);
      const [appended] = await log.append([second]);
      assert.deepEqual(appended, {
        id: second.event.id,
        duplicateOf: first.event.id,
        position: null,
        place: null,
      });
      assert.equal(await store.events.get(projectId, second.event.id), null);
      assert.deepEqual(await store.deliveries.ofEvents(projectId, [second.event.id]), []);
      assert.deepEqual([announced.stored.length, announced.dropped.length], [1, 1]);
      const [third] = await log.append([event({ messageId: 'm', recipient: 'a@b.test' })]);
      assert.equal(third?.position?.sequence, 2);
    });

    test('sees a duplicate within one append, and between appends of one batch', async () => {
      const { log, event } = await sandbox();
      const [a, b, c] = ['k', 'k', 'k'].map((dedupKey) => event({ dedupKey }));
      assert.ok(a && b && c);
      const [together, alone] = await Promise.all([log.append([a, b]), log.append([c])]);
      assert.deepEqual(
        [...together, ...alone].map(({ duplicateOf }) => duplicateOf),
        [null, a.event.id, a.event.id],
      );
    });

    test('takes an event with a known id for the one that is there', async () => {
      const { store, log, event, projectId } = await sandbox();
      const first = event({ type: 'email.sent' });
      await log.append([first]);
      const again = event({ id: first.event.id, type: 'email.bounced', dedupKey: 'another key' });
      const [appended] = await log.append([again]);
      assert.equal(appended?.duplicateOf, first.event.id);
      assert.equal((await store.events.get(projectId, first.event.id))?.type, 'email.sent');
    });

    test('tells subscribers what this node dispatches, what waits, and the body as it is stored', async () => {
      const { store, engine, log, event, owes, claim, announced, ids, projectId, endpointId } =
        await sandbox();
      const waiting = ids.next('endpoint');
      const skipped = ids.next('endpoint');
      owes(
        { node: NODE },
        { endpointId: waiting, dueAtMs: NOW_MS - 1 },
        { endpointId: skipped, state: 'skipped' },
      );
      const one = event({ messageId: 'm1', recipient: 'a@b.test', data: { tags: ['x"}}'] } });
      await log.append([one]);
      const [claimed] = (
        await engine.claimDeliveries(claim({ endpointId: waiting, node: OTHER_NODE }))
      ).deliveries;
      const [committed] = announced.committed;
      assert.deepEqual(
        [committed?.eventId, committed?.endpointId, committed?.type],
        [one.event.id, endpointId, 'email.delivered'],
      );
      assert.equal(committed?.body, claimed?.body);
      assert.deepEqual(
        announced.stored.map(({ endpointId }) => endpointId),
        [waiting, skipped],
      );
      const read = await store.events.get(projectId, one.event.id);
      assert.deepEqual(JSON.parse(String(claimed?.body)), read);
      assert.deepEqual(read, {
        ...one.event,
        data: { ...one.event.data, sequence: 1, state: 'delivered', previous_state: null },
      });
      const rows = await store.deliveries.ofEvents(projectId, [one.event.id]);
      assert.deepEqual(
        new Map(rows.map((row) => [row.endpoint_id, [row.state, row.node]])),
        new Map([
          [endpointId, ['pending', NODE]],
          [waiting, ['pending', OTHER_NODE]],
          [skipped, ['skipped', null]],
        ]),
      );
    });

    test('keeps the raw report apart from the body', async () => {
      const { engine, store, log, event, projectId } = await sandbox();
      const raw = { odd: ['\u0000', '🙂', '\ud800'] };
      const one = event({ data: { provider: 'acme', raw } });
      await log.append([one]);
      const read = await store.events.get(projectId, one.event.id);
      assert.deepEqual(read?.data, { provider: 'acme' });
      const row = await engine.db
        .selectFrom('events')
        .select(['raw', 'received_at', 'retain_until'])
        .where('project_id', '=', projectId)
        .where('id', '=', one.event.id)
        .executeTakeFirstOrThrow();
      assert.deepEqual(JSON.parse(String(row.raw)), raw);
      assert.deepEqual([row.received_at, row.retain_until], [NOW_MS, NOW_MS + 30 * DAY_MS]);
    });

    test('takes an empty append', async () => {
      const { log } = await sandbox();
      assert.deepEqual(await log.append([]), []);
    });

    test('answers each of a thousand appends at once with what became of its own event', async () => {
      const { store, log, event, owes, projectId } = await sandbox();
      owes({});
      const events = Array.from({ length: 1_000 }, (_, i) =>
        // Every tenth is a duplicate of the one before it.
        event({
          dedupKey: `key ${i % 10 === 9 ? i - 1 : i}`,
          messageId: `m${i % 7}`,
          recipient: 'a@b.test',
        }),
      );
      const appended = await Promise.all(events.map((one) => log.append([one])));
      const next = new Map<number, number>();
      for (const [i, [outcome]] of appended.entries()) {
        const isDuplicate = i % 10 === 9;
        assert.equal(outcome?.id, events[i]?.event.id);
        assert.equal(outcome?.duplicateOf, isDuplicate ? events[i - 1]?.event.id : null);
        if (isDuplicate) continue;
        const sequence = (next.get(i % 7) ?? 0) + 1;
        next.set(i % 7, sequence);
        assert.equal(outcome?.position?.sequence, sequence, `event ${i}`);
      }
      const page = await store.events.list({
        projectId,
        limit: 2_000,
        beforeId: null,
        types: [],
        messageKey: null,
        recipient: null,
      });
      assert.equal(page.rows.length, 900);
    });
  });
}
