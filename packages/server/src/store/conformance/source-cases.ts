import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  DEFAULT_SOURCE_SETTINGS,
  NO_ACTIVITY,
  NO_DELTA,
  type SourcePayload,
  type SourceRecord,
} from '../../core/source.ts';
import { StoreConflict } from '../engine.ts';
import {
  createSourceIntake,
  type TakenResult,
  type TakenWebhook,
} from '../sources/source-intake.ts';
import { NOW_MS, type OpenEngine, RETENTION_MS, type Sandbox, useStore } from './sandbox.ts';

export function sourceOf(box: Sandbox, fields: Partial<SourceRecord> = {}): SourceRecord {
  return {
    projectId: box.projectId,
    id: box.ids.next('source'),
    name: 'Shop 🙂',
    provider: 'mailgun',
    settings: DEFAULT_SOURCE_SETTINGS,
    secretsSealed: 'v1.a.b.c',
    version: 1,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    ...fields,
  };
}

function payloadOf(box: Sandbox, fields: Partial<SourcePayload> = {}): SourcePayload {
  const id = box.ids.next('payload');
  return {
    projectId: box.projectId,
    id,
    sourceId: 'src_1',
    receivedAtMs: NOW_MS,
    request: { method: 'POST', query: '', headers: { 'content-type': 'application/json' } },
    encoding: 'identity',
    body: Buffer.from([0, 255, 10, 13]),
    digest: id,
    recipients: ['anna@receiver.test'],
    decoded: [['key', 'email.opened']],
    retainUntilMs: NOW_MS + RETENTION_MS,
    ...fields,
  };
}

const kindOf = ({ kind }: TakenResult): string => kind;

export function describeSources(open: OpenEngine): void {
  describe('sources', () => {
    const sandbox = useStore(open);

    const intakeOf = ({ engine, log, store }: Sandbox) =>
      createSourceIntake({ engine, log, payloads: store.sourcePayloads });

    test('a source is stored, changed and removed', async () => {
      const box = await sandbox();
      const { sources } = box.store;
      const first = sourceOf(box, {
        settings: { ...DEFAULT_SOURCE_SETTINGS, topics: ['arn:a'], tags: ['ä "x"'] },
      });
      await sources.insert(first, []);
      assert.deepEqual(await sources.get(box.projectId, first.id), first);
      await assert.rejects(sources.insert(first, []), StoreConflict);
      const changed = { ...first, name: 'News', secretsSealed: 'v1.d.e.f', version: 2 };
      await sources.update(first, changed);
      assert.deepEqual(await sources.get(box.projectId, first.id), changed);
      await assert.rejects(sources.update(first, { ...changed, version: 3 }), StoreConflict);
      await assert.rejects(sources.remove(box.projectId, first.id, NOW_MS, 1), StoreConflict);
      await sources.remove(box.projectId, first.id, NOW_MS, 2);
      assert.equal(await sources.get(box.projectId, first.id), null);
      await assert.rejects(sources.remove(box.projectId, first.id, NOW_MS), StoreConflict);
      const row = await box.engine.db
        .selectFrom('sources')
        .select('secrets_sealed')
        .where('id', '=', first.id)
        .executeTakeFirstOrThrow();
      assert.equal(row.secrets_sealed, '');
    });

    test('a page of sources, the newest first, of this project alone', async () => {
      const box = await sandbox();
      const other = await sandbox();
      await other.store.sources.insert(sourceOf(other), []);
      const made = [sourceOf(box), sourceOf(box), sourceOf(box)];
      for (const one of made) await box.store.sources.insert(one, []);
      const [a, b, c] = made.map(({ id }) => id);
      const list = (beforeId: string | null) =>
        box.store.sources.list({ projectId: box.projectId, limit: 2, beforeId });
      const page = await list(null);
      assert.deepEqual(
        page.rows.map(({ id }) => id),
        [c, b],
      );
      assert.ok(page.nextCursor);
      assert.deepEqual(
        (await list(b ?? null)).rows.map(({ id }) => id),
        [a],
      );
      const ids = new Set((await box.store.sources.all()).map(({ id }) => id));
      assert.ok(made.every(({ id }) => ids.has(id)));
    });

    test('with its project a source is gone', async () => {
      const box = await sandbox();
      await sandbox();
      const source = sourceOf(box);
      await box.store.sources.insert(source, []);
      await box.store.projects.remove(box.projectId, NOW_MS);
      assert.equal(await box.store.sources.get(box.projectId, source.id), null);
    });

    test('what nodes noticed adds up, and of times the latest stays', async () => {
      const box = await sandbox();
      const { sources, sourceActivities } = box.store;
      const source = sourceOf(box);
      await sources.insert(source, []);
      assert.deepEqual(await sourceActivities.get(source), NO_ACTIVITY);
      const refusal = { atMs: NOW_MS + 9, code: 'bad_signature', detail: 'No signature matches.' };
      const late = {
        ...NO_DELTA,
        requests: 2,
        events: 3,
        lastRequestAtMs: NOW_MS + 5,
        lastEventAtMs: NOW_MS + 4,
        lastRefusal: refusal,
        refused: 1,
      };
      const early = {
        ...NO_DELTA,
        requests: 1,
        duplicates: 1,
        lastRequestAtMs: NOW_MS,
        lastEventAtMs: NOW_MS,
        lastRefusal: { ...refusal, atMs: NOW_MS, code: 'replayed' },
        refused: 1,
      };
      await Promise.all([
        sourceActivities.add([{ ...source, delta: late }]),
        sourceActivities.add([{ ...source, delta: early }]),
      ]);
      await sourceActivities.add([{ ...source, delta: early }]);
      const activity = {
        ...NO_ACTIVITY,
        requests: 4,
        events: 3,
        duplicates: 2,
        refused: 3,
        lastRequestAtMs: NOW_MS + 5,
        lastEventAtMs: NOW_MS + 4,
        lastRefusal: refusal,
      };
      assert.deepEqual(await sourceActivities.get(source), activity);
      const found = await sourceActivities.of(box.projectId, [source.id, 'src_none']);
      assert.deepEqual([...found], [[source.id, activity]]);
      await sourceActivities.noteSilences(source, [{ day: 1, longestMs: 2 }]);
      await box.engine.commit({
        events: [],
        statements: [sourceActivities.stalling(source, NOW_MS)],
      });
      const silent = await sourceActivities.get(source);
      assert.deepEqual(silent.silences, [{ day: 1, longestMs: 2 }]);
      assert.equal(silent.stalledSinceMs, NOW_MS);
      await box.engine.commit({ events: [], statements: [sourceActivities.recovering(source)] });
      assert.equal((await sourceActivities.get(source)).stalledSinceMs, null);
      await sources.remove(box.projectId, source.id, NOW_MS);
      const all = await sourceActivities.all();
      assert.ok(!all.some(({ id }) => id === source.id));
    });

    test('a webhook is stored with its events; the same bytes are kept once', async () => {
      const box = await sandbox();
      const intake = intakeOf(box);
      const payload = payloadOf(box);
      const events = [box.event({ dedupKey: 'a' }), box.event({ dedupKey: 'b' })];
      const taken = await intake.take({ events, payload, replay: null });
      assert.equal(taken.kind, 'stored');
      const again = { ...payload, id: box.ids.next('payload') };
      const second = await intake.take({
        events: [box.event({ dedupKey: 'a' }), box.event({ dedupKey: 'c' })],
        payload: again,
        replay: null,
      });
      assert.ok(second.kind === 'stored');
      assert.deepEqual(
        second.appended.map(({ duplicateOf }) => duplicateOf === null),
        [false, true],
      );
      const stored = await box.store.sourcePayloads.get(box.projectId, payload.id);
      assert.deepEqual(stored && { ...stored, body: Buffer.from(stored.body) }, payload);
      assert.equal(await box.store.sourcePayloads.get(box.projectId, again.id), null);
    });

    test('a replay key counts for one body until it expires, and for each source alone', async () => {
      const box = await sandbox();
      const intake = intakeOf(box);
      const untilMs = NOW_MS + 1_000;
      const webhook = (fields: Partial<SourcePayload>): TakenWebhook => ({
        events: [box.event()],
        payload: payloadOf(box, fields),
        replay: { key: 'token', retainUntilMs: untilMs },
      });
      const first = webhook({ digest: 'one' });
      assert.equal(kindOf(await intake.take(first)), 'stored');
      assert.equal(kindOf(await intake.take(webhook({ digest: 'one' }))), 'repeated');
      const forged = webhook({ digest: 'two' });
      assert.equal(kindOf(await intake.take(forged)), 'replayed');
      const [event] = forged.events;
      assert.equal(await box.store.events.get(box.projectId, event?.event.id ?? ''), null);
      assert.equal(await box.store.sourcePayloads.get(box.projectId, forged.payload.id), null);
      const other = webhook({ digest: 'two', sourceId: 'src_2' });
      assert.equal(kindOf(await intake.take(other)), 'stored');
      const later = webhook({ digest: 'two', receivedAtMs: untilMs });
      assert.equal(kindOf(await intake.take(later)), 'stored');
    });

    test('of two that use one replay key at once, one is stored', async () => {
      const box = await sandbox();
      const intake = intakeOf(box);
      const results = await Promise.all(
        ['one', 'two', 'three'].map((digest) =>
          intake.take({
            events: [box.event()],
            payload: payloadOf(box, { digest }),
            replay: { key: 'race', retainUntilMs: NOW_MS + 1_000 },
          }),
        ),
      );
      assert.deepEqual(results.map(kindOf).sort(), ['replayed', 'replayed', 'stored']);
    });

    test('kept webhooks are read in their order, by source and time, and marked anew', async () => {
      const box = await sandbox();
      const { sourcePayloads } = box.store;
      const made = [
        payloadOf(box),
        payloadOf(box, { sourceId: 'src_2' }),
        payloadOf(box),
        payloadOf(box),
      ];
      const statements = made.map((one) => sourcePayloads.insertion(one));
      await box.engine.commit({ events: [], statements });
      const [a = '', b = '', c = '', d = ''] = made.map(({ id }) => id);
      const range = { projectId: box.projectId, sourceId: null, fromId: null, toId: 'pay_~' };
      const walk = async (query: Partial<Parameters<typeof sourcePayloads.walk>[0]>) => {
        const found = await sourcePayloads.walk({ ...range, afterId: null, limit: 9, ...query });
        return found.map(({ id }) => id);
      };
      assert.deepEqual(await walk({ limit: 2 }), [a, b]);
      assert.deepEqual(await walk({ afterId: b }), [c, d]);
      assert.deepEqual(await walk({ sourceId: 'src_1', fromId: c }), [c, d]);
      assert.deepEqual(await walk({ toId: c }), [a, b]);
      assert.equal(await sourcePayloads.count({ ...range, sourceId: 'src_1' }), 3);
      const [first] = made;
      assert.ok(first);
      const marking = sourcePayloads.marking({ ...first, recipients: ['b@c.test'] }, [['k', 't']]);
      await box.engine.commit({ events: [], statements: [marking] });
      const marked = await sourcePayloads.get(box.projectId, first.id);
      assert.deepEqual([marked?.decoded, marked?.recipients], [[['k', 't']], ['b@c.test']]);
    });

    test('payloads and replay keys go by their retention', async () => {
      const box = await sandbox();
      const intake = intakeOf(box);
      const old = payloadOf(box, { retainUntilMs: NOW_MS - 1, digest: 'old' });
      const kept = payloadOf(box, { digest: 'kept' });
      const take = (payload: SourcePayload, key: string, retainUntilMs: number) =>
        intake.take({ events: [], payload, replay: { key, retainUntilMs } });
      await take(old, 'old', NOW_MS - 1);
      await take(kept, 'kept', NOW_MS + 1);
      // A round goes over all projects of the database.
      for (let more = true; more; ) {
        ({ more } = await box.engine.purgeExpired({ nowMs: NOW_MS, limit: 1_000 }));
      }
      assert.equal(await box.store.sourcePayloads.get(box.projectId, old.id), null);
      assert.ok(await box.store.sourcePayloads.get(box.projectId, kept.id));
      const keys = await box.engine.db
        .selectFrom('source_replays')
        .select('replay_key')
        .where('project_id', '=', box.projectId)
        .execute();
      assert.deepEqual(keys, [{ replay_key: 'kept' }]);
    });
  });
}
