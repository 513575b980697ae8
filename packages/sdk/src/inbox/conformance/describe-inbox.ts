import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { ClaimedEntry, Inbox, InboxBatch, InboxEntry } from '../inbox.ts';

const NOW_MS = 1_795_000_000_000;
const DAY_MS = 86_400_000;

export interface InboxEngine {
  /** A view of the one inbox; two of them stand for two processes where the engine knows several. */
  open(): Promise<Inbox>;
}

/** What every inbox has to do. Each test has a queue of its own. */
export function describeInbox(engine: InboxEngine): void {
  const setUp = async () => {
    const inbox = await engine.open();
    await inbox.open();
    const queue = `q${randomUUID().replaceAll('-', '')}`;
    const put = (entries: InboxEntry[], batch: Partial<InboxBatch> = {}) =>
      inbox.put({
        queue,
        entries,
        nowMs: NOW_MS,
        retainUntilMs: NOW_MS + 14 * DAY_MS,
        replay: null,
        ...batch,
      });
    const claim = (claim: { nowMs?: number; limit?: number; lease?: string } = {}, from = inbox) =>
      from.claim({
        queue,
        lease: randomUUID(),
        nowMs: NOW_MS,
        leaseMs: 1_000,
        limit: 10,
        ...claim,
      });
    return { inbox, queue, put, claim };
  };
  const entry = (key: string, lane: string | null = null, event = `{"id":"${key}"}`) => ({
    key,
    lane,
    event,
  });
  const keysOf = (entries: readonly { key: string }[]): string[] => entries.map(({ key }) => key);
  const first = (entries: readonly ClaimedEntry[]): ClaimedEntry => {
    const [one] = entries;
    assert.ok(one);
    return one;
  };

  describe('putting', () => {
    test('says what is new, and stores the event as it was given', async () => {
      const { put, claim } = await setUp();
      const event = JSON.stringify({
        text: 'zoë "quoted" \u0000 \\ 😀',
        raw: '12345678901234567890',
      });
      assert.deepEqual(await put([entry('a', null, event), entry('b')]), {
        replayed: false,
        fresh: ['a', 'b'],
      });
      assert.deepEqual(await put([entry('b'), entry('c')]), { replayed: false, fresh: ['c'] });
      const claimed = await claim();
      assert.deepEqual(keysOf(claimed), ['a', 'b', 'c']);
      assert.equal(first(claimed).event, event);
      assert.deepEqual(
        claimed.map(({ attempt, receivedAtMs, lane }) => [attempt, receivedAtMs, lane]),
        Array.from({ length: 3 }, () => [1, NOW_MS, null]),
      );
    });

    test('takes a large batch, and an empty one', async () => {
      const { inbox, queue, put } = await setUp();
      const many = Array.from({ length: 1_000 }, (_, i) => entry(`k${i}`));
      assert.deepEqual(await put(many), { replayed: false, fresh: keysOf(many) });
      assert.deepEqual(await put(many), { replayed: false, fresh: [] });
      assert.deepEqual(await put([]), { replayed: false, fresh: [] });
      assert.equal((await inbox.stats(queue)).pending, 1_000);
    });

    test('of the same report at the same time stores one', async () => {
      const { inbox, queue, put } = await setUp();
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => put([entry('a')])));
      const fresh = outcomes.flatMap((one) => (one.replayed ? ['replayed'] : one.fresh));
      assert.deepEqual(fresh, ['a']);
      assert.equal((await inbox.stats(queue)).pending, 1);
    });

    test('keeps queues apart', async () => {
      const { inbox, queue, put, claim } = await setUp();
      await put([entry('a')]);
      const other = `${queue}other`;
      assert.deepEqual(await put([entry('a')], { queue: other }), {
        replayed: false,
        fresh: ['a'],
      });
      assert.deepEqual(keysOf(await claim()), ['a']);
      assert.equal((await inbox.stats(other)).pending, 1);
      assert.deepEqual(await claim(), []);
    });

    test('stores nothing of a replay, and takes a retry for what it is', async () => {
      const { inbox, queue, put } = await setUp();
      const replay = { key: 'token', digest: 'one' };
      assert.deepEqual(await put([entry('a')], { replay }), { replayed: false, fresh: ['a'] });
      assert.deepEqual(await put([entry('a')], { replay }), { replayed: false, fresh: [] });
      const forged = { replay: { key: 'token', digest: 'two' } };
      assert.deepEqual(await put([entry('b')], forged), { replayed: true });
      assert.equal((await inbox.stats(queue)).pending, 1);
      const later = { ...forged, nowMs: NOW_MS + 14 * DAY_MS };
      assert.deepEqual(await put([entry('b')], later), { replayed: false, fresh: ['b'] });
    });
  });

  describe('claiming', () => {
    test('gives each entry to one, oldest due first, up to the limit', async () => {
      const { put, claim } = await setUp();
      await put([entry('b')], { nowMs: NOW_MS - 1 });
      await put([entry('c'), entry('a')]);
      assert.deepEqual(keysOf(await claim({ limit: 2 })), ['b', 'c']);
      assert.deepEqual(keysOf(await claim({ limit: 2 })), ['a']);
      assert.deepEqual(await claim(), []);
    });

    test('by many at once gives nothing twice', async () => {
      const { inbox, put, claim } = await setUp();
      const many = Array.from({ length: 60 }, (_, i) => entry(`k${i}`));
      await put(many);
      const views = [inbox, await engine.open(), await engine.open()];
      const claimed: string[] = [];
      for (let round = 0; round < 20; round++) {
        const rounds = await Promise.all(views.map((view) => claim({ limit: 7 }, view)));
        claimed.push(...rounds.flatMap(keysOf));
      }
      assert.deepEqual(claimed.sort(), keysOf(many).sort());
    });

    test('again becomes possible when a lease ends, and then the old lease ends nothing', async () => {
      const { inbox, queue, put, claim } = await setUp();
      await put([entry('a')]);
      const old = first(await claim());
      assert.deepEqual(await claim({ nowMs: NOW_MS + 999 }), []);
      const next = first(await claim({ nowMs: NOW_MS + 1_000 }));
      assert.equal(next.attempt, 2);
      const until = { dueMs: NOW_MS, error: 'x' };
      const death = { retainUntilMs: NOW_MS, error: 'x' };
      assert.equal(await inbox.finish(queue, old), false);
      assert.equal(await inbox.postpone(queue, old, until), false);
      assert.equal(await inbox.bury(queue, old, death), false);
      assert.deepEqual(await inbox.renew(queue, [old], NOW_MS + 9_000), []);
      assert.equal(await inbox.finish(queue, next), true);
      assert.equal(await inbox.finish(queue, next), false);
    });

    test('is kept off by a lease that is renewed', async () => {
      const { inbox, queue, put, claim } = await setUp();
      await put([entry('a'), entry('b')]);
      const [a, b] = await claim();
      assert.ok(a && b);
      assert.deepEqual(await inbox.renew(queue, [a], NOW_MS + 5_000), ['a']);
      assert.deepEqual(keysOf(await claim({ nowMs: NOW_MS + 1_000 })), ['b']);
      assert.deepEqual(keysOf(await claim({ nowMs: NOW_MS + 5_000 })), ['b', 'a']);
      assert.deepEqual(await inbox.renew(queue, [], NOW_MS), []);
    });

    test('gives of a lane one at a time, in order, and others beside it', async () => {
      const { inbox, queue, put, claim } = await setUp();
      await put([
        entry('a1', 'A'),
        entry('a2', 'A'),
        entry('b1', 'B'),
        entry('free'),
        entry('a3', 'A'),
      ]);
      const [a1, b1] = await claim();
      assert.ok(a1 && b1);
      assert.deepEqual([a1.key, b1.key, a1.lane], ['a1', 'b1', 'A']);
      assert.deepEqual(await claim(), []);
      await inbox.postpone(queue, a1, { dueMs: NOW_MS + 500, error: 'later' });
      assert.deepEqual(await claim(), [], 'the lane waits for the one that is tried again');
      const again = first(await claim({ nowMs: NOW_MS + 500 }));
      assert.deepEqual([again.key, again.attempt], ['a1', 2]);
      await inbox.finish(queue, again);
      const a2 = first(await claim());
      assert.equal(a2.key, 'a2');
      await inbox.bury(queue, a2, { retainUntilMs: NOW_MS + DAY_MS, error: 'broken' });
      assert.deepEqual(keysOf(await claim()), ['a3'], 'a dead one holds nobody up');
    });
  });

  describe('ending a claim', () => {
    test('finish: it is not given again, and a duplicate of it is known', async () => {
      const { inbox, queue, put, claim } = await setUp();
      await put([entry('a')]);
      await inbox.finish(queue, first(await claim()));
      assert.deepEqual(await put([entry('a')]), { replayed: false, fresh: [] });
      assert.deepEqual(await claim({ nowMs: NOW_MS + DAY_MS }), []);
      const { pending, dead, oldestPendingMs, lastReceivedMs } = await inbox.stats(queue);
      assert.deepEqual([pending, dead, oldestPendingMs, lastReceivedMs], [0, 0, null, NOW_MS]);
    });

    test('postpone: it is given again at its time, with one attempt more', async () => {
      const { inbox, queue, put, claim } = await setUp();
      await put([entry('a')]);
      const one = first(await claim());
      assert.equal(await inbox.postpone(queue, one, { dueMs: NOW_MS + 100, error: 'away' }), true);
      assert.equal(await inbox.finish(queue, one), false, 'the lease ended with it');
      assert.deepEqual(await claim({ nowMs: NOW_MS + 99 }), []);
      assert.equal(first(await claim({ nowMs: NOW_MS + 100 })).attempt, 2);
    });

    test('bury: it is listed, newest first and page by page, and can be revived or discarded', async () => {
      const { inbox, queue, put, claim } = await setUp();
      await put([entry('a', 'A'), entry('b'), entry('c')]);
      for (const one of await claim()) {
        await inbox.bury(queue, one, { retainUntilMs: NOW_MS + DAY_MS, error: `no ${one.key}` });
      }
      assert.deepEqual((await inbox.stats(queue)).dead, 3);
      const [c, b, ...rest] = await inbox.listDead(queue, { limit: 2 });
      assert.ok(c && b);
      assert.deepEqual(
        [c.key, c.error, c.attempts, c.event, c.receivedAtMs, b.key, rest.length],
        ['c', 'no c', 1, '{"id":"c"}', NOW_MS, 'b', 0],
      );
      assert.deepEqual(keysOf(await inbox.listDead(queue, { limit: 2, before: b.position })), [
        'a',
      ]);
      assert.equal(await inbox.revive(queue, 'a', NOW_MS + 5), true);
      assert.equal(await inbox.discard(queue, 'b'), true);
      for (const key of ['a', 'b', 'nobody']) {
        assert.equal(await inbox.revive(queue, key, NOW_MS), false);
        assert.equal(await inbox.discard(queue, key), false);
      }
      assert.deepEqual(keysOf(await inbox.listDead(queue, { limit: 9 })), ['c']);
      const again = first(await claim({ nowMs: NOW_MS + 5 }));
      assert.deepEqual([again.key, again.attempt, again.lane], ['a', 1, null]);
      assert.deepEqual(await put([entry('b')]), { replayed: false, fresh: [] });
    });
  });

  describe('forgetting', () => {
    test('ends the life of what is done or dead, step by step, and never of what waits', async () => {
      const { inbox, queue, put, claim } = await setUp();
      await put([entry('a'), entry('b'), entry('c')], { replay: { key: 't', digest: 'd' } });
      const [a, b] = await claim();
      assert.ok(a && b);
      await inbox.finish(queue, a);
      await inbox.bury(queue, b, { retainUntilMs: NOW_MS + 30 * DAY_MS, error: 'x' });
      const endMs = NOW_MS + 14 * DAY_MS;
      assert.equal(await inbox.purge(queue, endMs - 1, 100), 0);
      assert.equal(await inbox.purge(queue, endMs, 100), 2, 'a, and the replay');
      assert.deepEqual(await put([entry('a'), entry('b'), entry('c')]), {
        replayed: false,
        fresh: ['a'],
      });
      assert.equal(await inbox.purge(queue, NOW_MS + 30 * DAY_MS, 100), 1, 'b');
      assert.deepEqual(await inbox.listDead(queue, { limit: 9 }), []);
      const { pending, oldestPendingMs } = await inbox.stats(queue);
      assert.deepEqual([pending, oldestPendingMs], [2, NOW_MS]);
    });

    test('stops at its limit', async () => {
      const { inbox, queue, put, claim } = await setUp();
      await put(Array.from({ length: 5 }, (_, i) => entry(`k${i}`)));
      for (const one of await claim()) await inbox.finish(queue, one);
      const purge = () => inbox.purge(queue, NOW_MS + 14 * DAY_MS, 2);
      assert.deepEqual([await purge(), await purge(), await purge(), await purge()], [2, 2, 1, 0]);
    });
  });

  test('whatever happens, every entry ends once and each lane in order', async () => {
    const step = fc.record({
      what: fc.constantFrom('put', 'claim', 'finish', 'postpone', 'crash'),
      n: fc.nat(5),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { inbox, queue, put, claim } = await setUp();
        let nowMs = NOW_MS;
        let made = 0;
        let held: ClaimedEntry[] = [];
        const done: ClaimedEntry[] = [];
        const finish = async (one: ClaimedEntry) => {
          if (await inbox.finish(queue, one)) done.push(one);
        };
        for (const { what, n } of steps) {
          if (what === 'put') {
            const lane = n < 2 ? `L${n}` : null;
            await put([entry(String(made++).padStart(4, '0'), lane)], { nowMs });
          }
          if (what === 'claim') held.push(...(await claim({ nowMs, limit: n + 1 })));
          const one = held[0];
          if (what === 'finish' && one) await finish(one);
          if (what === 'postpone' && one) {
            await inbox.postpone(queue, one, { dueMs: nowMs + n, error: '' });
          }
          if (what === 'finish' || what === 'postpone') held = held.slice(1);
          if (what === 'crash') {
            held = [];
            nowMs += 1_000;
          }
        }
        nowMs += 1_000;
        for (let rest = await claim({ nowMs }); rest.length > 0; rest = await claim({ nowMs })) {
          for (const one of rest) await finish(one);
        }
        assert.equal(done.length, made);
        assert.equal(new Set(keysOf(done)).size, made);
        for (const lane of ['L0', 'L1']) {
          const order = keysOf(done.filter((one) => one.lane === lane));
          assert.deepEqual(order, [...order].sort());
        }
      }),
      { numRuns: 15 },
    );
  });
}
