import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { CanonicalEvent } from '@posthorn/sdk';
import fc from 'fast-check';
import { systemClock } from '../../lib/clock.ts';
import { createSandbox } from '../conformance/sandbox.ts';
import { openSqliteEngine } from '../sqlite/engine.ts';
import { createEventFeed, type LoggedEvent } from './event-feed.ts';
import { createEventLog } from './event-log.ts';
import { createRecentEvents, type RecentEvents } from './recent-events.ts';

const ANY = { follower: null, limit: 100, wants: () => true };

function logged(position: number): LoggedEvent {
  const event = { id: `evt_${position}`, type: 'email.sent', timestamp: '', data: {} };
  const json = JSON.stringify(event);
  return { position, projectId: 'prj_1', messageKey: null, event: event as CanonicalEvent, json };
}

function setUp(keptChars = 10_000) {
  let nowMs = 0;
  const recent = createRecentEvents({ clock: { now: () => nowMs }, keptChars });
  const add = (...positions: number[]): void => {
    for (const position of positions) recent.add(logged(position));
  };
  const behind = (afterPosition: number): number[] | null =>
    recent.page({ ...ANY, afterPosition })?.events.map(({ position }) => position) ?? null;
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { recent, add, behind, pass };
}

test('what was there before the first one has to be read', () => {
  const { add, behind } = setUp();
  assert.equal(behind(0), null);
  add(5, 6);
  assert.equal(behind(3), null);
  assert.deepEqual(behind(4), [5, 6]);
  assert.deepEqual(behind(5), [6]);
  assert.deepEqual(behind(6), []);
  assert.equal(behind(7), null);
});

test('where one is missing, what stands behind it is here and no more', () => {
  const { add, behind } = setUp();
  add(1, 2, 4, 5);
  assert.equal(behind(2), null);
  assert.deepEqual(behind(3), [4, 5]);
  // Told too late to be put between the others.
  add(3, 6);
  assert.equal(behind(2), null);
  assert.deepEqual(behind(3), [4, 5, 6]);
});

test('the oldest give way to new ones, the more the larger they are', () => {
  const { recent, add, behind } = setUp(3 * logged(10).json.length);
  add(...Array.from({ length: 20 }, (_, i) => i + 1));
  assert.equal(behind(16), null);
  assert.deepEqual(behind(17), [18, 19, 20]);
  recent.add({ ...logged(21), json: 'x'.repeat(2 * logged(10).json.length) });
  assert.equal(behind(18), null);
  assert.deepEqual(behind(19), [20, 21]);
  recent.add({ ...logged(22), json: 'x'.repeat(1_000) });
  assert.equal(behind(21), null);
  assert.deepEqual(behind(22), []);
  add(23);
  assert.deepEqual(behind(22), [23]);
});

test('nothing is kept for long, and that nothing is new needs no reading', () => {
  const { add, behind, pass } = setUp();
  add(1);
  pass(900);
  add(2);
  assert.deepEqual(behind(0), [1, 2]);
  pass(1_000);
  assert.deepEqual(behind(2), []);
  pass(1_000);
  assert.equal(behind(1), null);
  assert.deepEqual(behind(2), []);
  add(3);
  assert.deepEqual(behind(2), [3]);
});

test('what all who follow are past is not kept, once each of them has asked', () => {
  const { recent, add, behind, pass } = setUp();
  const follow = (follower: string, afterPosition: number): number =>
    recent.page({ ...ANY, follower, afterPosition })?.events.length ?? -1;
  add(1, 2, 3, 4);
  assert.deepEqual([follow('a', 0), follow('b', 0)], [4, 4]);
  assert.equal(follow('a', 3), 1);
  assert.deepEqual(behind(0), [1, 2, 3, 4]);
  assert.equal(follow('b', 2), 2);
  assert.equal(behind(1), null);
  assert.deepEqual(behind(2), [3, 4]);
  // Who has read the log may be further than what was told.
  assert.deepEqual([follow('a', 6), follow('b', 6)], [-1, -1]);
  add(5, 6, 7);
  assert.deepEqual([behind(4), behind(6)], [[5, 6, 7], [7]]);
  // Who asks no more is not waited for.
  pass(1_000);
  add(8);
  follow('a', 7);
  add(9);
  follow('a', 8);
  assert.equal(behind(7), null);
  assert.deepEqual(behind(8), [9]);
});

test('a full page says where it ends and whether there is more', () => {
  const { recent, add } = setUp();
  add(1, 2, 3, 4);
  const wants = ({ position }: LoggedEvent): boolean => position % 2 === 0;
  const page = (afterPosition: number, limit: number) => {
    const { events, ...rest } = recent.page({ follower: null, afterPosition, limit, wants }) ?? {
      events: [],
    };
    return { ids: events.map(({ event }) => event.id), ...rest };
  };
  assert.deepEqual(page(0, 1), { ids: ['evt_2'], position: 2, atEnd: false });
  assert.deepEqual(page(2, 1), { ids: ['evt_4'], position: 4, atEnd: true });
  assert.deepEqual(page(0, 9), { ids: ['evt_2', 'evt_4'], position: 4, atEnd: true });
});

test('a reader gets the same with it as without it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-recent-'));
  const engine = await openSqliteEngine({ folder, clock: systemClock });
  try {
    const box = await createSandbox(engine);
    const recent = createRecentEvents({ clock: { now: () => 0 }, keptChars: 12_000 });
    const log = createEventLog({
      engine,
      subscribers: { owedFor: () => [], committed() {}, dropped() {}, stored() {} },
      now: () => 0,
      retentionMs: () => 1,
      recent,
    });
    const known = watched(recent);
    const [plain, quick] = [createEventFeed(engine), createEventFeed(engine, known)];
    for (let i = 0; i < 60; i++) {
      const message = box.ids.next('message');
      const some = [
        box.event({ messageId: message, recipient: 'a@b.test', type: 'email.sent' }),
        box.event({ dedupKey: `twice_${i % 50}`, data: { raw: { of: 'the provider' } } }),
        box.event({ messageId: message, recipient: 'a@b.test', type: 'email.delivered' }),
      ];
      await log.append(i % 2 === 0 ? some : some.slice(1));
    }
    const end = await plain.end();
    const { projectId } = box;
    const number = (max: number) => fc.integer({ min: 1, max });
    await fc.assert(
      fc.asyncProperty(number(end), number(30), fc.boolean(), async (place, limit, isTyped) => {
        const afterPosition = end - Math.min(place, 60);
        const types = ['email.delivered', 'email.bounced'] as const;
        const across = { projectId, afterPosition, untilPosition: null, limit, types };
        assert.deepEqual(await quick.acrossProjects(across), await plain.acrossProjects(across));
        const filter = { messageKey: null, recipient: isTyped ? 'a@b.test' : null };
        const query = { projectId, afterPosition, limit, types: isTyped ? types : null, ...filter };
        const [one, other] = [await quick.after(query), await plain.after(query)];
        const events = one.events.map(({ position, event, json }) => ({ position, event, json }));
        assert.deepEqual({ ...one, events }, other);
      }),
      { numRuns: 60 },
    );
    assert.ok(known.hits() > 20, `${known.hits()} pages came from memory`);
  } finally {
    await engine.close();
    await rm(folder, { recursive: true });
  }
});

/** Counts what is answered. */
function watched(recent: RecentEvents): Pick<RecentEvents, 'page'> & { hits(): number } {
  let hits = 0;
  return {
    page(query) {
      const page = recent.page(query);
      if (page !== null) hits += 1;
      return page;
    },
    hits: () => hits,
  };
}
