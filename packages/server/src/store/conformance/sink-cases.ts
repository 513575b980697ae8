import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SinkRecord } from '../../core/sink.ts';
import { StoreConflict } from '../engine.ts';
import { NOW_MS, type OpenEngine, RETENTION_MS, type Sandbox, useStore } from './sandbox.ts';

export function sinkOf(box: Sandbox, fields: Partial<SinkRecord> = {}): SinkRecord {
  return {
    projectId: box.projectId,
    id: box.ids.next('sink'),
    name: 'Warehouse 🙂',
    kind: 'http',
    settings: { url: 'https://example.com', headers: { 'x-a': 'ä "x"' } },
    secretsSealed: 'v1.a.b.c',
    eventTypes: ['email.*'],
    filter: null,
    transformation: null,
    isPaused: false,
    version: 1,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    ...fields,
  };
}

export function describeSinks(open: OpenEngine): void {
  describe('sinks', () => {
    const sandbox = useStore(open);

    async function insertSink(box: Sandbox): Promise<SinkRecord> {
      const sink = sinkOf(box);
      await box.store.sinks.insert(sink, 40, []);
      return sink;
    }

    const stepOf = (fields: object) => ({
      from: 40,
      to: 50,
      sent: 7,
      refusals: [],
      nowMs: NOW_MS + 5,
      retainUntilMs: NOW_MS + RETENTION_MS,
      ...fields,
    });

    test('a sink is stored, changed and removed', async () => {
      const box = await sandbox();
      const { sinks } = box.store;
      const first = sinkOf(box, { filter: { tag: ['a'] }, transformation: '$' });
      await sinks.insert(first, 0, []);
      assert.deepEqual(await sinks.get(box.projectId, first.id), first);
      await assert.rejects(sinks.insert(first, 0, []), StoreConflict);
      const changed = { ...first, isPaused: true, filter: null, transformation: null, version: 2 };
      await sinks.update(first, changed);
      assert.deepEqual(await sinks.get(box.projectId, first.id), changed);
      await assert.rejects(sinks.update(first, { ...changed, version: 3 }), StoreConflict);
      await assert.rejects(sinks.remove(first, NOW_MS), StoreConflict);
      await sinks.remove(changed, NOW_MS);
      assert.equal(await sinks.get(box.projectId, first.id), null);
      await assert.rejects(sinks.remove(changed, NOW_MS), StoreConflict);
      const row = await box.engine.db
        .selectFrom('sinks')
        .select('secrets_sealed')
        .where('id', '=', first.id)
        .executeTakeFirstOrThrow();
      assert.equal(row.secrets_sealed, '');
    });

    test('a page of sinks, the newest first, of this project alone', async () => {
      const [box, other] = [await sandbox(), await sandbox()];
      await other.store.sinks.insert(sinkOf(other), 0, []);
      const made = [sinkOf(box), sinkOf(box), sinkOf(box)];
      for (const one of made) await box.store.sinks.insert(one, 0, []);
      const newest = made.map(({ id }) => id).reverse();
      const read = (beforeId: string | null) =>
        box.store.sinks.list({ projectId: box.projectId, limit: 2, beforeId });
      const first = await read(null);
      assert.deepEqual(
        first.rows.map(({ id }) => id),
        newest.slice(0, 2),
      );
      const rest = await read(newest[1] ?? null);
      assert.deepEqual(
        rest.rows.map(({ id }) => id),
        newest.slice(2),
      );
      assert.equal(rest.nextCursor, null);
      const ids = new Set((await box.store.sinks.all()).map(({ id }) => id));
      assert.ok(made.every(({ id }) => ids.has(id)));
    });

    test('a deleted project sends nothing any more', async () => {
      const box = await sandbox();
      const { id } = await insertSink(box);
      await box.store.projects.remove(box.projectId, NOW_MS);
      assert.equal(await box.store.sinks.get(box.projectId, id), null);
    });

    test('a lane goes on from where it stands, and only from there', async () => {
      const box = await sandbox();
      const { sinkPlaces } = box.store;
      const sink = await insertSink(box);
      const lane = { ...sink, lane: 'live' as const };
      await sinkPlaces.advance(lane, stepOf({}));
      await assert.rejects(sinkPlaces.advance(lane, stepOf({})), StoreConflict);
      const place = await sinkPlaces.get(lane);
      assert.deepEqual(place, {
        position: 50,
        fromPosition: 40,
        untilPosition: null,
        sent: 7,
        refused: 0,
        failures: 0,
        failingSinceMs: null,
        lastError: null,
        retryAtMs: null,
        lastSentAtMs: NOW_MS + 5,
        refusingSinceMs: null,
      });
      await sinkPlaces.advance(lane, stepOf({ from: 50, to: 60, sent: 0, nowMs: NOW_MS + 9 }));
      const after = await sinkPlaces.get(lane);
      assert.deepEqual([after?.position, after?.sent, after?.lastSentAtMs], [60, 7, NOW_MS + 5]);
    });

    test('trouble is noted until a batch gets through', async () => {
      const box = await sandbox();
      const { sinkPlaces } = box.store;
      const sink = await insertSink(box);
      const lane = { ...sink, lane: 'live' as const };
      const note = { code: 'timeout' as const, detail: 'Zu langsam 🐌', atMs: NOW_MS };
      const trouble = { from: 40, failures: 3, failingSinceMs: NOW_MS - 9, retryAtMs: NOW_MS + 9 };
      await sinkPlaces.fail(lane, { ...trouble, note });
      const place = await sinkPlaces.get(lane);
      assert.deepEqual([place?.failures, place?.lastError, place?.position], [3, note, 40]);
      assert.deepEqual([place?.failingSinceMs, place?.retryAtMs], [NOW_MS - 9, NOW_MS + 9]);
      await assert.rejects(sinkPlaces.fail(lane, { ...trouble, from: 41, note }), StoreConflict);
      await sinkPlaces.advance(lane, stepOf({}));
      const after = await sinkPlaces.get(lane);
      assert.deepEqual([after?.failures, after?.lastError, after?.retryAtMs], [0, null, null]);
      assert.equal(after?.failingSinceMs, null);
    });

    test('a backfill is a lane of its own, in place of the one before', async () => {
      const box = await sandbox();
      const { sinkPlaces } = box.store;
      const sink = await insertSink(box);
      const lane = { ...sink, lane: 'backfill' as const };
      assert.equal(await sinkPlaces.get(lane), null);
      await sinkPlaces.backfill(sink, { afterPosition: 3, untilPosition: 9 });
      await sinkPlaces.advance(lane, stepOf({ from: 3, to: 5 }));
      await sinkPlaces.backfill(sink, { afterPosition: 1, untilPosition: 8 });
      const place = await sinkPlaces.get(lane);
      assert.deepEqual([place?.position, place?.untilPosition, place?.sent], [1, 8, 0]);
      const both = await sinkPlaces.of(box.projectId, [sink.id]);
      assert.deepEqual(both.map((one) => one.lane).sort(), ['backfill', 'live']);
      await sinkPlaces.end(sink);
      assert.equal(await sinkPlaces.get(lane), null);
      assert.equal((await sinkPlaces.get({ ...sink, lane: 'live' }))?.position, 40);
    });

    test('refused events of a time are counted, but for those of alerts', async () => {
      const box = await sandbox();
      const sink = await insertSink(box);
      const types = ['email.bounced', 'email.opened', 'alert.fired', 'alert.resolved'] as const;
      const events = types.map((type) => box.event({ type }));
      await box.log.append(events);
      const refusals = events.map(({ event }) => {
        return { eventId: event.id, code: 'refused' as const, detail: 'No.' };
      });
      await box.store.sinkPlaces.advance({ ...sink, lane: 'live' }, stepOf({ refusals }));
      const query = { projectId: box.projectId, sinkId: sink.id, limit: 9 };
      const since = (sinceMs: number, more = {}) =>
        box.store.sinkPlaces.refusedSince({ ...query, sinceMs, ...more });
      assert.deepEqual([await since(NOW_MS + 5), await since(NOW_MS + 6)], [2, 0]);
      assert.equal(await since(NOW_MS, { limit: 1 }), 1);
      assert.equal(await since(NOW_MS, { projectId: 'prj_other' }), 0);
    });

    test('a sink that takes nothing is refusing, until it takes something', async () => {
      const box = await sandbox();
      const { sinkPlaces } = box.store;
      const sink = await insertSink(box);
      const lane = { ...sink, lane: 'live' as const };
      const since = async () => (await sinkPlaces.get(lane))?.refusingSinceMs;
      const refusals = [{ eventId: 'evt_1', code: 'refused' as const, detail: 'No.' }];
      const refused = { refusals, sent: 0 };
      await sinkPlaces.advance(lane, stepOf({ refusals }));
      assert.equal(await since(), null, 'it took some of it');
      await sinkPlaces.advance(lane, stepOf({ from: 50, to: 51, nowMs: NOW_MS + 7, ...refused }));
      await sinkPlaces.advance(lane, stepOf({ from: 51, to: 52, nowMs: NOW_MS + 8, ...refused }));
      await sinkPlaces.advance(lane, stepOf({ from: 52, to: 53, sent: 0 }));
      assert.equal(await since(), NOW_MS + 7, 'nothing that it wants came');
      await sinkPlaces.forget(sink, ['evt_1']);
      assert.equal(await since(), NOW_MS + 7);
      await sinkPlaces.advance(lane, stepOf({ from: 53, to: 54 }));
      assert.equal(await since(), null);
      await sinkPlaces.advance(lane, stepOf({ from: 54, to: 55, ...refused }));
      await sinkPlaces.take(sink, ['evt_1']);
      assert.equal(await since(), null);
    });

    test('refused events are listed, once each, and forgotten when they are sent', async () => {
      const box = await sandbox();
      const { sinkPlaces } = box.store;
      const sink = await insertSink(box);
      const lane = { ...sink, lane: 'live' as const };
      const refusals = ['evt_1', 'evt_2', 'evt_3'].map((eventId) => {
        return { eventId, code: 'refused' as const, detail: 'Too large.' };
      });
      await sinkPlaces.advance(lane, stepOf({ refusals }));
      const again = [{ eventId: 'evt_2', code: 'transformation' as const, detail: 'It broke.' }];
      await sinkPlaces.advance(lane, stepOf({ from: 50, to: 51, refusals: again }));
      const read = (beforeId: string | null) =>
        sinkPlaces.refusals({ projectId: box.projectId, sinkId: sink.id, limit: 2, beforeId });
      const first = await read(null);
      assert.deepEqual(
        first.rows.map(({ eventId, code }) => [eventId, code]),
        [
          ['evt_3', 'refused'],
          ['evt_2', 'transformation'],
        ],
      );
      assert.deepEqual(
        (await read('evt_2')).rows.map(({ eventId }) => eventId),
        ['evt_1'],
      );
      const detail = 'Still too large.';
      const reason = { eventId: 'evt_3', code: 'transformation' as const, detail };
      await sinkPlaces.refuseAgain(sink, [reason], NOW_MS + 9);
      const [newest] = (await read(null)).rows;
      assert.deepEqual(newest, { ...reason, atMs: NOW_MS + 9 });
      await sinkPlaces.refuseAgain(sink, [], NOW_MS);
      await sinkPlaces.take(sink, ['evt_1']);
      await sinkPlaces.forget(sink, ['evt_3', 'evt_9']);
      assert.deepEqual(
        (await read(null)).rows.map(({ eventId }) => eventId),
        ['evt_2'],
      );
      assert.equal((await sinkPlaces.get(lane))?.refused, 4);
    });
  });
}
