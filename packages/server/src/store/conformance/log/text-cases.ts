import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EventData } from '@posthorn/sdk';
import fc from 'fast-check';
import { NODE, type OpenEngine, useStore } from '../sandbox.ts';

const ODD_TEXTS = [
  '🙂👩‍👩‍👧',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\udfff x',
  '"}}',
  "'; --",
  '\u2028',
  'é',
  '﷽',
];

export function describeText(open: OpenEngine): void {
  describe('odd text and large bodies', () => {
    const sandbox = useStore(open);

    test('any text in an event is read back as it came', async () => {
      const { store, log, event, projectId } = await sandbox();
      for (const text of ODD_TEXTS) {
        const one = event({ data: { tags: [text], metadata: { [text]: { deep: [text] } } } });
        await log.append([one]);
        assert.deepEqual(await store.events.get(projectId, one.event.id), one.event);
      }
    });

    test('any JSON in an event is claimed, announced and read back as the same', async () => {
      const { engine, store, log, event, owes, claim, announced, projectId, endpointId } =
        await sandbox();
      owes({ node: NODE }, { endpointId: 'ep_waits' });
      const json = fc.jsonValue({ stringUnit: 'binary' });
      await fc.assert(
        fc.asyncProperty(json, fc.boolean(), async (value, hasPosition) => {
          // As it comes from an HTTP body: JSON has no -0.
          const metadata = JSON.parse(JSON.stringify({ value })) as EventData['metadata'];
          const place = hasPosition ? { messageId: 'm1', recipient: 'a@b.test' } : {};
          const one = event({ ...place, ...(metadata && { data: { metadata } }) });
          const [appended] = await log.append([one]);
          const { deliveries } = await engine.claimDeliveries(claim({ endpointId: 'ep_waits' }));
          const body = announced.committed.at(-1)?.body ?? '';
          assert.deepEqual(
            deliveries.map((claimed) => claimed.body),
            [body],
          );
          const read = await store.events.get(projectId, one.event.id);
          assert.deepEqual(JSON.parse(body), read);
          assert.deepEqual(read?.data.metadata, metadata);
          assert.equal(read?.data.sequence, appended?.position?.sequence);
        }),
        { numRuns: 60 },
      );
      assert.ok(announced.committed.every((one) => one.endpointId === endpointId));
    });

    test('a recipient and a message id in any script find their events', async () => {
      const { store, log, event, projectId } = await sandbox();
      const one = event({ messageId: '<ü🙂@x>', recipient: "o'böse@münchen.test" });
      await log.append([one]);
      const query = { projectId, limit: 9, beforeId: null, types: [], messageKey: null };
      const found = await store.events.list({ ...query, recipient: "o'böse@münchen.test" });
      assert.deepEqual(
        found.rows.map(({ id }) => id),
        [one.event.id],
      );
      assert.equal((await store.events.ofMessage(projectId, '<ü🙂@x>', 9)).length, 1);
    });

    test('events are found between two ids, the first of them included', async () => {
      const { store, log, event, projectId } = await sandbox();
      const events = [event({}), event({ messageId: 'm2' }), event({ messageId: 'm3' })];
      await log.append(events);
      const [a = '', b = '', c = ''] = events.map((one) => one.event.id).sort();
      const list = async (bounds: { fromEventId?: string; toEventId?: string }) => {
        const query = { projectId, limit: 9, beforeId: null, types: [], messageKey: null };
        const { rows } = await store.events.list({ ...query, recipient: null, ...bounds });
        return rows.map(({ id }) => id);
      };
      assert.deepEqual(await list({ fromEventId: b }), [c, b]);
      assert.deepEqual(await list({ toEventId: b }), [a]);
      assert.deepEqual(await list({ fromEventId: a, toEventId: c }), [b, a]);
    });

    test('a message of 5 MB and a raw report of 5 MB survive', async () => {
      const { engine, store, log, event, message, ids, projectId } = await sandbox();
      const id = ids.next('message');
      const raw = Buffer.alloc(5_000_000);
      for (let i = 0; i < raw.length; i += 1) raw[i] = (i * 31) & 255;
      const report = 'ß🙂'.repeat(1_000_000);
      const one = event({ messageId: id, data: { raw: report } });
      await log.append([one], message({ id, raw }));
      const stored = await store.messages.raw(projectId, id);
      assert.ok(stored !== null && raw.equals(stored));
      const row = await engine.db
        .selectFrom('events')
        .select('raw')
        .where('project_id', '=', projectId)
        .where('id', '=', one.event.id)
        .executeTakeFirstOrThrow();
      assert.ok(row.raw === JSON.stringify(report));
    });
  });
}
