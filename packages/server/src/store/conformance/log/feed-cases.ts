import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { FeedQuery } from '../../log/event-feed.ts';
import type { EventWalk } from '../../log/events.ts';
import {
  createSandbox,
  NOW_MS,
  type OpenEngine,
  RETENTION_MS,
  type Sandbox,
  useStore,
  withOwnStore,
} from '../sandbox.ts';

const ALL = { limit: 100, types: null, messageKey: null, recipient: null } as const;

/** Reads on from a place until the end, and says which events it got. */
async function readOn(
  { store, projectId }: Sandbox,
  from: number,
  filter: Partial<FeedQuery> = {},
): Promise<{ ids: string[]; position: number }> {
  const ids: string[] = [];
  let position = from;
  for (;;) {
    const query = { ...ALL, projectId, afterPosition: position, ...filter };
    const page = await store.feed.after(query);
    assert.ok(page.events.length <= query.limit);
    assert.ok(page.position >= position, 'never goes back');
    ids.push(...page.events.map(({ event }) => event.id));
    position = page.position;
    if (page.atEnd) return { ids, position };
  }
}

const append = async ({ log, event }: Sandbox, ...input: Parameters<Sandbox['event']>) => {
  const one = event(...input);
  await log.append([one]);
  return one.event.id;
};

export function describeFeed(open: OpenEngine): void {
  describe('reading the log', () => {
    const sandbox = useStore(open);

    test('gives every event of the project once, in the order in which they came', async () => {
      const box = await sandbox();
      const other = await sandbox();
      const ids: string[] = [];
      for (let i = 0; i < 9; i++) {
        ids.push(await append(box));
        await append(other);
      }
      // An id from long ago does not change the order: what counts is when it came.
      ids.push(await append(box, { id: `evt_${'0'.repeat(26)}` }));
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 12 }), async (limit) => {
          assert.deepEqual((await readOn(box, 0, { limit })).ids, ids);
        }),
        { numRuns: 8 },
      );
    });

    test('goes on where it stopped, whatever is appended meanwhile', async () => {
      const box = await sandbox();
      const expected: string[] = [];
      const found: string[] = [];
      let position = await box.store.feed.end();
      for (let round = 0; round < 6; round++) {
        const appended = Promise.all(Array.from({ length: 7 }, () => append(box)));
        const during = await readOn(box, position, { limit: 2 });
        expected.push(...(await appended));
        const after = await readOn(box, during.position, { limit: 2 });
        found.push(...during.ids, ...after.ids);
        position = after.position;
      }
      assert.deepEqual(found.toSorted(), expected.toSorted());
      assert.deepEqual(await readOn(box, position), { ids: [], position });
    });

    test('walks through events by their ids, with what a delivery of them needs', async () => {
      const box = await sandbox();
      const { store, projectId } = box;
      const bounce = { type: 'email.bounced', messageId: 'm1' } as const;
      const ids: string[] = [];
      for (let i = 0; i < 7; i++) ids.push(await append(box, i % 2 === 0 ? bounce : {}));
      await append(await sandbox());
      const any = { fromEventId: null, toEventId: null, types: null, messageKey: null };
      const walk = async (limit: number, filter: Partial<EventWalk> = {}) => {
        const found: string[] = [];
        let afterId: string | null = null;
        do {
          const query = { ...any, ...filter, projectId, afterId, limit };
          const page: Awaited<ReturnType<typeof store.events.walk>> =
            await store.events.walk(query);
          for (const { event, position, retainUntilMs } of page.rows) {
            found.push(event.id);
            assert.equal(retainUntilMs, NOW_MS + RETENTION_MS);
            const [same] = (
              await store.feed.after({ ...ALL, projectId, afterPosition: position - 1 })
            ).events;
            assert.equal(same?.event.id, event.id);
          }
          afterId = page.last;
        } while (afterId !== null);
        return found;
      };
      for (const limit of [1, 3, 7, 8]) assert.deepEqual(await walk(limit), ids);
      const bounces = ids.filter((_, i) => i % 2 === 0);
      assert.deepEqual(await walk(2, { types: ['email.bounced'] }), bounces);
      assert.deepEqual(await walk(2, { messageKey: 'm1' }), bounces);
      const range = { fromEventId: ids[2] ?? null, toEventId: ids[5] ?? null };
      assert.deepEqual(await walk(2, range), ids.slice(2, 5));
    });

    test('takes the filters of the list', async () => {
      const box = await sandbox();
      const bounce = { type: 'email.bounced', messageId: 'm1', recipient: 'a@b.test' } as const;
      const wanted = await append(box, bounce);
      await append(box, { ...bounce, type: 'email.sent' });
      await append(box, { ...bounce, messageId: 'm2' });
      await append(box, { ...bounce, recipient: 'c@b.test' });
      const all = (await readOn(box, 0)).ids;
      assert.deepEqual((await readOn(box, 0, { types: ['email.sent'] })).ids, [all[1]]);
      assert.deepEqual((await readOn(box, 0, { messageKey: 'm2' })).ids, [all[2]]);
      assert.deepEqual((await readOn(box, 0, { recipient: 'c@b.test' })).ids, [all[3]]);
      const exact = { types: ['email.bounced'], messageKey: 'm1', recipient: 'a@b.test' } as const;
      assert.deepEqual((await readOn(box, 0, exact)).ids, [wanted]);
    });

    test('never sees a place in the log given twice, not even when all of it has expired', () =>
      withOwnStore(open, async (box) => {
        const { engine, store } = box;
        for (let i = 0; i < 3; i++) await append(box);
        const { position } = await readOn(box, 0);
        const input = { nowMs: NOW_MS + RETENTION_MS + 1, limit: 100 };
        while ((await engine.purgeExpired(input)).more);
        assert.deepEqual((await readOn(box, 0)).ids, []);
        await append(await createSandbox(engine));
        assert.deepEqual((await readOn(box, position)).ids, []);
        assert.ok((await store.feed.end()) > position);
        while ((await engine.purgeExpired(input)).more);
        const late = await append(box);
        assert.deepEqual((await readOn(box, position)).ids, [late]);
      }));
  });
}
