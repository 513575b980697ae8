import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CanonicalEvent, EventType } from '@posthorn/sdk';
import { NEW_PLACE, type SinkPlace, type SinkRefusal } from '../../core/sink.ts';
import { createTestClock } from '../../lib/fixtures/test-clock.ts';
import { silentLog } from '../../lib/log.ts';
import { type ItemRefusal, type SinkItem, SinkTrouble } from '../contract.ts';
import type { FoundEvent } from './prepare.ts';
import { createLaneRunner, retryDelayMs, type SinkLaneOptions } from './sink-lane.ts';

const START_MS = 1_795_168_800_000;

function eventAt(position: number): FoundEvent {
  const event = {
    id: `evt_${position}`,
    type: 'email.delivered',
    timestamp: new Date(START_MS + position).toISOString(),
    data: { tags: position % 10 === 3 ? ['unwanted'] : [] },
  } as unknown as CanonicalEvent;
  return { position, event, json: JSON.stringify(event) };
}

interface Setup extends Partial<Pick<SinkLaneOptions, 'batch' | 'transform' | 'spacingMs'>> {
  restMs?: number;
  positions?: number[];
  place?: Partial<SinkPlace>;
  send?: (items: readonly SinkItem[]) => Promise<readonly ItemRefusal[]>;
}

/** A lane whose place and log are in memory. */
function setUp({ positions = [1, 2, 3, 4, 5], place = {}, ...rest }: Setup = {}) {
  const clock = createTestClock(START_MS);
  const log = positions.map(eventAt);
  const sent: number[][] = [];
  const opened = { times: 0, closed: 0 };
  const refusals: SinkRefusal[] = [];
  let steps = 0;
  let reads = 0;
  let now: SinkPlace | null = {
    ...NEW_PLACE,
    position: 0,
    fromPosition: 0,
    untilPosition: null,
    ...place,
  };
  const runner = createLaneRunner({
    sink: { projectId: 'prj_1', id: 'snk_1', lane: 'live' },
    batch: rest.batch ?? 100,
    types: null as readonly EventType[] | null,
    wants: ({ data }) => !data.tags?.includes('unwanted'),
    transform: rest.transform ?? null,
    spacingMs: rest.spacingMs ?? 0,
    async open() {
      opened.times += 1;
      return {
        async send(items) {
          sent.push(items.map((item) => item.position));
          return (await rest.send?.(items)) ?? [];
        },
        async close() {
          opened.closed += 1;
        },
        ...(rest.restMs === undefined ? {} : { restMs: rest.restMs }),
      };
    },
    places: {
      async get() {
        reads += 1;
        return now;
      },
      async advance(_lane, step) {
        steps += 1;
        if (now === null || now.position !== step.from) throw new Error('conflict');
        refusals.push(...step.refusals);
        const { lastSentAtMs } = step.sent > 0 ? { lastSentAtMs: step.nowMs } : now;
        const sent = now.sent + step.sent;
        now = { ...now, ...NEW_PLACE, position: step.to, sent, lastSentAtMs };
      },
      async fail(_lane, { from, failures, failingSinceMs, retryAtMs, note }) {
        if (now === null || now.position !== from) throw new Error('conflict');
        now = { ...now, failures, failingSinceMs, retryAtMs, lastError: note };
      },
      async end() {
        now = null;
      },
    },
    feed: {
      async after({ afterPosition, limit }) {
        const page = log.filter(({ position }) => position > afterPosition).slice(0, limit);
        const newest = log.at(-1)?.position ?? 0;
        const position = page.length === limit ? (page.at(-1)?.position ?? 0) : newest;
        return {
          events: page,
          position: Math.max(position, afterPosition),
          atEnd: position >= newest,
        };
      },
    },
    retentionMs: () => 1_000,
    clock,
    random: () => 0.5,
    log: silentLog,
  });
  return {
    ...{ runner, clock, log, sent, opened, refusals },
    place: () => now,
    /** Somebody else has moved it. */
    move(position: number) {
      if (now !== null) now = { ...now, position };
    },
    steps: () => steps,
    reads: () => reads,
  };
}

test('events go in the order of the log, without those that are not wanted', async () => {
  const { runner, sent, place, opened } = setUp({ batch: 2 });
  while ((await runner.step()) !== null);
  assert.deepEqual(sent, [[1, 2], [4], [5]]);
  assert.deepEqual([place()?.position, place()?.sent, opened.times], [5, 4, 1]);
});

test('while it runs on it knows where it stands, until somebody else has moved it', async () => {
  const { runner, sent, reads, move } = setUp({ batch: 1, positions: [1, 2, 4, 5] });
  assert.equal(await runner.step(), 0);
  assert.equal(await runner.step(), 0);
  assert.deepEqual([sent, reads()], [[[1], [2]], 1]);
  move(3);
  await assert.rejects(runner.step(), /conflict/);
  while ((await runner.step()) !== null);
  assert.deepEqual(sent.flat(), [1, 2, 4, 4, 5]);
});

test('trouble keeps the place, waits longer each time, and connects anew', async () => {
  let down = true;
  const { runner, clock, sent, place, opened } = setUp({
    async send() {
      if (down) throw new SinkTrouble('unreachable', 'Nobody is there.');
      return [];
    },
  });
  assert.equal(await runner.step(), 1_000);
  assert.deepEqual([place()?.position, place()?.lastError?.code], [0, 'unreachable']);
  assert.equal(await runner.step(), 1_000, 'not before its time');
  assert.equal(sent.length, 1);
  await clock.advance(1_000);
  assert.equal(await runner.step(), 2_000);
  down = false;
  await clock.advance(2_000);
  assert.equal(await runner.step(), null);
  assert.deepEqual([place()?.position, place()?.failures, place()?.lastError], [5, 0, null]);
  assert.deepEqual([opened.times, opened.closed], [3, 2]);
});

test('what was taken before trouble does not come again', async () => {
  let calls = 0;
  const { runner, clock, sent, place } = setUp({
    async send() {
      calls += 1;
      if (calls > 1) return [];
      const refusals = [{ index: 0, detail: 'Not this one.' }];
      throw new SinkTrouble('timeout', 'Too slow.', { taken: 2, refusals });
    },
  });
  await runner.step();
  assert.deepEqual([place()?.position, place()?.sent, place()?.failures], [2, 1, 1]);
  await clock.advance(1_000);
  await runner.step();
  assert.deepEqual(sent, [
    [1, 2, 4, 5],
    [4, 5],
  ]);
});

test('one event that is refused is put aside, and the others go on', async () => {
  const { runner, sent, refusals, place } = setUp({
    positions: [1, 2, 4, 5, 6, 7, 8, 9],
    async send(items) {
      if (items.some(({ position }) => position === 6)) throw new SinkTrouble('refused', 'Bad.');
      return [];
    },
  });
  await runner.step();
  assert.deepEqual(refusals, [{ eventId: 'evt_6', code: 'refused', detail: 'Bad.' }]);
  assert.deepEqual([place()?.position, place()?.sent], [9, 7]);
  const taken = sent.filter((batch) => !batch.includes(6)).flat();
  assert.deepEqual([...taken].sort(), [1, 2, 4, 5, 7, 8, 9], 'each of the others once');
});

test('a transformation that fails on an event puts that one aside', async () => {
  const { runner, refusals, sent } = setUp({
    async transform(json) {
      const { id } = JSON.parse(json);
      if (id === 'evt_2') throw new Error('No such field.');
      return id === 'evt_4' ? undefined : JSON.stringify({ id });
    },
  });
  await runner.step();
  assert.deepEqual(refusals, [
    { eventId: 'evt_2', code: 'transformation', detail: 'No such field.' },
  ]);
  assert.deepEqual(sent, [[1, 5]]);
});

test('a backfill ends where it was to end', async () => {
  const { runner, sent, place } = setUp({ place: { untilPosition: 4 }, batch: 2 });
  while ((await runner.step()) !== null);
  assert.deepEqual(sent.flat(), [1, 2, 4]);
  assert.equal(place(), null);
});

test('where there is nothing for it, its place is stored now and then', async () => {
  const { runner, clock, log, place, steps, sent } = setUp({ positions: [3] });
  await runner.step();
  for (const position of [13, 23, 33]) {
    log.push(eventAt(position));
    await runner.step();
  }
  assert.equal(steps(), 1);
  await clock.advance(10_000);
  log.push(eventAt(43), eventAt(44));
  await runner.step();
  assert.deepEqual([place()?.position, sent], [44, [[44]]]);
});

test('waits double to five minutes, and a destination may ask for more', () => {
  assert.deepEqual(
    [1, 2, 5, 20].map((failures) => retryDelayMs(failures, null, 0.5)),
    [1_000, 2_000, 16_000, 300_000],
  );
  assert.equal(retryDelayMs(1, 60_000, 0.5), 60_000);
  assert.equal(retryDelayMs(1, 86_400_000, 0.5), 3_600_000);
});

test('a batch that failed is tried again as it was, whatever has come meanwhile', async () => {
  let down = true;
  const { runner, clock, log, sent } = setUp({
    positions: [1, 2],
    async send() {
      if (down) throw new SinkTrouble('timeout', 'It did not answer.');
      return [];
    },
  });
  await runner.step();
  log.push(eventAt(4));
  down = false;
  await clock.advance(1_250);
  while ((await runner.step()) !== null);
  assert.deepEqual(sent, [[1, 2], [1, 2], [4]]);
});

test('a destination that wants large batches gets what comes in the meantime at once', async () => {
  const { runner, clock, log, sent } = setUp({ positions: [1], restMs: 60_000 });
  assert.equal(await runner.step(), null);
  log.push(eventAt(2), eventAt(4));
  await clock.advance(20_000);
  assert.equal(await runner.step(), 40_000);
  await clock.advance(40_000);
  assert.equal(await runner.step(), null);
  assert.deepEqual(sent, [[1], [2, 4]]);
});

test('a destination that wants little gets one batch in its time, however much there is', async () => {
  const before = { spacingMs: 60_000, batch: 2, place: { lastSentAtMs: START_MS - 20_000 } };
  const { runner, clock, sent } = setUp(before);
  assert.equal(await runner.step(), 40_000, 'as long as before the process began');
  await clock.advance(40_000);
  assert.equal(await runner.step(), 0);
  assert.equal(await runner.step(), 60_000);
  await clock.advance(60_000);
  await runner.step();
  assert.deepEqual(sent, [[1, 2], [4]]);
});
