import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EventType } from '@posthorn/sdk';
import fc from 'fast-check';
import { createAnalytics } from '../../../analytics/analytics.ts';
import { type CounterPlaces, createCounter } from '../../../analytics/counter.ts';
import { GRAIN_MS, GRAINS, OTHER_VALUE } from '../../../core/stats/counts.ts';
import type { StatsTotals } from '../../../core/stats/totals.ts';
import type { Clock } from '../../../lib/clock.ts';
import { StoreConflict } from '../../engine.ts';
import type { NewEvent } from '../../log/event-log.ts';
import {
  createSandbox,
  DAY_MS,
  NOW_MS,
  type OpenEngine,
  RETENTION_MS,
  type Sandbox,
  withOwnStore,
} from '../sandbox.ts';

const HOUR_MS = 3_600_000;
const CLOCK: Clock = { now: () => NOW_MS, after: () => () => {} };
const TYPES = [
  'email.accepted',
  'email.sent',
  'email.delivered',
  'email.deferred',
  'email.bounced',
  'email.complained',
  'email.opened',
  'email.clicked',
  'email.unsubscribed',
  'email.held',
] as const satisfies readonly EventType[];

interface Sample {
  type: (typeof TYPES)[number];
  hoursAgo: number;
  message: string;
  recipient: string;
  tags: string[];
  stream: string | null;
  isMachine: boolean;
  isTest: boolean;
}

const rarely = (): fc.Arbitrary<boolean> => fc.integer({ min: 0, max: 4 }).map((n) => n === 0);

const anySample: fc.Arbitrary<Sample> = fc.record({
  // Opens and clicks are what an order could change.
  type: fc.oneof(fc.constantFrom(...TYPES), fc.constantFrom('email.opened', 'email.clicked')),
  hoursAgo: fc.integer({ min: 0, max: 100 }).map((half) => half / 2),
  message: fc.constantFrom('m1', 'm2'),
  recipient: fc.constantFrom('anna@b.test', 'ben@c.test'),
  tags: fc.subarray(['a', 'b']),
  stream: fc.constantFrom('transactional', 'broadcast', null),
  isMachine: rarely(),
  isTest: rarely(),
});

function toEvent(box: Sandbox, one: Sample): NewEvent {
  const atMs = NOW_MS - one.hoursAgo * HOUR_MS;
  return box.event({
    type: one.type,
    atMs,
    data: {
      ...(one.isTest && { test: true }),
      message: {
        id: one.message,
        from: 'Shop <shop@sender.test>',
        stream: one.stream,
        sent_at: new Date(atMs - 4_000).toISOString(),
      },
      recipient: one.recipient,
      tags: one.tags,
      ...(one.type === 'email.bounced' && {
        bounce: { type: 'hard', category: 'invalid_address', scope: 'recipient' },
      }),
      engagement: { machine: one.isMachine },
    },
  });
}

/** What counting all of them at once gives, whatever their order. */
function countAnew(events: readonly NewEvent[]): Map<string, number> {
  const once = new Map<string, NewEvent>();
  const counted: NewEvent[] = [];
  for (const one of events) {
    const { type, data } = one.event;
    if (data.test === true || type === 'email.held') continue;
    if (type !== 'email.opened' && type !== 'email.clicked') counted.push(one);
    else if (data.engagement?.machine !== true) {
      const key = `${type} ${data.message?.id} ${data.recipient}`;
      const first = once.get(key);
      const sortKey = ({ event }: NewEvent): string => `${event.timestamp} ${event.id}`;
      if (first === undefined || sortKey(one) < sortKey(first)) once.set(key, one);
    }
  }
  const sums = new Map<string, number>();
  for (const { event } of [...counted, ...once.values()]) {
    const { data } = event;
    const name = event.type.slice('email.'.length);
    const metrics = { bounced: ['bounced/hard/invalid_address'], delivered: [name, 'latency/5'] };
    const values = [
      'all/',
      ...(data.tags ?? []).map((tag) => `tag/${tag}`),
      'sending_domain/sender.test',
      `receiving_domain/${data.recipient?.split('@')[1]}`,
      'provider/api',
    ];
    for (const grain of GRAINS) {
      const startMs = Math.floor(Date.parse(event.timestamp) / GRAIN_MS[grain]) * GRAIN_MS[grain];
      if (grain === 'minute' && startMs < NOW_MS - 2 * DAY_MS) continue;
      for (const value of values) {
        for (const metric of metrics[name as keyof typeof metrics] ?? [name]) {
          const key = `${grain} ${startMs} ${value} ${data.message?.stream ?? '(none)'} ${metric}`;
          sums.set(key, (sums.get(key) ?? 0) + 1);
        }
      }
    }
  }
  return new Map([...sums].sort());
}

async function storedCounts({ engine, projectId }: Sandbox): Promise<Map<string, number>> {
  const rows = await engine.db
    .selectFrom('stats_counts')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('count', '<>', 0)
    .execute();
  const named = rows.map((row): [string, number] => [
    `${row.grain} ${row.starts_at} ${row.dimension}/${row.value} ${row.stream} ${row.metric}`,
    Number(row.count),
  ]);
  return new Map(named.sort());
}

function counterOf(box: Sandbox, options: { batch?: number; maxValues?: number } = {}) {
  const { feed, statsPlaces } = box.store;
  return (places: CounterPlaces = statsPlaces) =>
    createCounter({
      places,
      feed,
      projectExists: () => true,
      retentionMs: () => RETENTION_MS,
      clock: CLOCK,
      ...options,
    });
}

async function countAll(counter: ReturnType<typeof createCounter>): Promise<void> {
  while ((await counter.step()) < 1_000);
}

function analyticsOf({ store, engine }: Sandbox) {
  return createAnalytics({
    sums: store.statsSums,
    places: store.statsPlaces,
    logEnd: engine.logEnd,
    retentionMs: () => RETENTION_MS,
    clock: CLOCK,
  });
}

const ALL = { dimension: 'all', value: null, stream: null } as const;

export function describeStats(open: OpenEngine): void {
  describe('sums of the log', () => {
    test('are a recount of it, whatever the order, the lateness, the batches and the crashes', () =>
      withOwnStore(open, async (first) => {
        const anyRun = fc.record({
          parts: fc.array(fc.array(anySample, { minLength: 4, maxLength: 12 }), {
            minLength: 1,
            maxLength: 4,
          }),
          batch: fc.integer({ min: 1, max: 7 }),
          crashes: fc.array(fc.constantFrom('before', 'after', null), { maxLength: 12 }),
          recountAfter: fc.integer({ min: 0, max: 4 }),
        });
        await fc.assert(
          fc.asyncProperty(anyRun, async ({ parts, batch, crashes, recountAfter }) => {
            const box = await createSandbox(first.engine);
            const { statsPlaces } = box.store;
            const left = [...crashes];
            const places: CounterPlaces = {
              ...statsPlaces,
              async advance(step) {
                const crash = left.shift();
                if (crash === 'before') throw new Error('The process ends before the commit');
                await statsPlaces.advance(step);
                if (crash === 'after') throw new Error('The process ends after the commit');
              },
            };
            const make = counterOf(box, { batch });
            async function countThrough(): Promise<void> {
              for (;;) {
                const done = await countAll(make(places)).then(
                  () => true,
                  () => false,
                );
                if (done) return;
              }
            }
            const events: NewEvent[] = [];
            for (const [i, part] of parts.entries()) {
              const some = part.map((one) => toEvent(box, one));
              await box.log.append(some);
              events.push(...some);
              if (i === recountAfter) {
                await countThrough();
                // Since before all of them, so nothing is left out.
                await statsPlaces.recount(box.projectId, 0, []);
              }
              if (i % 2 === 0) await countThrough();
            }
            await countThrough();
            assert.deepEqual(await storedCounts(box), countAnew(events));
          }),
          { numRuns: 8 },
        );
      }));

    test('of two who count at once only one gets on', () =>
      withOwnStore(open, async (box) => {
        await box.store.statsPlaces.begin();
        await assert.rejects(box.store.statsPlaces.begin(), StoreConflict);
        const [place] = await box.store.statsPlaces.all();
        assert.ok(place);
        const step = { place, to: 5, isDone: false, counts: [], firsts: [] };
        await box.store.statsPlaces.advance(step);
        await assert.rejects(box.store.statsPlaces.advance(step), StoreConflict);
        assert.equal((await box.store.statsPlaces.all())[0]?.position, 5);
      }));

    test('have a row for the first values of a day, and one for all others', () =>
      withOwnStore(open, async (box) => {
        const to = (domain: string, daysAgo = 0) =>
          box.event({ atMs: NOW_MS - daysAgo * DAY_MS, recipient: `anna@${domain}` });
        await box.log.append(
          ['a.test', 'b.test', 'c.test', 'd.test', 'a.test'].map((one) => to(one)),
        );
        const make = counterOf(box, { batch: 2, maxValues: 2 });
        await countAll(make());
        // A fresh one has to know what the day has already; another day has room of its own.
        await box.log.append([to('e.test'), to('d.test', 1), to('b.test')]);
        await countAll(make());
        const filter = { ...ALL, projectId: box.projectId, dimension: 'receiving_domain' } as const;
        const window = { grain: 'day', fromMs: NOW_MS - 3 * DAY_MS, toMs: NOW_MS } as const;
        const groups = await analyticsOf(box).groups(filter, window, 'value');
        const byDomain = groups.map(({ value, totals }) => [value, totals.delivered]);
        assert.deepEqual(Object.fromEntries(byDomain), {
          'a.test': 2,
          'b.test': 2,
          [OTHER_VALUE]: 3,
          'd.test': 1,
        });
      }));

    test('are told by bucket and in sum, of one project, one stream, one value', () =>
      withOwnStore(open, async (box) => {
        const sample = (fields: Partial<Sample>): Sample => ({
          type: 'email.delivered',
          hoursAgo: 1,
          message: 'm1',
          recipient: 'anna@b.test',
          tags: ['a'],
          stream: 'broadcast',
          isMachine: false,
          isTest: false,
          ...fields,
        });
        const samples = [
          sample({}),
          sample({ stream: 'transactional', tags: [] }),
          sample({ type: 'email.bounced', hoursAgo: 2 }),
          sample({ type: 'email.deferred', hoursAgo: 30 }),
        ];
        await box.log.append(samples.map((one) => toEvent(box, one)));
        await countAll(counterOf(box)());
        const analytics = analyticsOf(box);
        const filter = { ...ALL, projectId: box.projectId };
        const window = { grain: 'hour', fromMs: NOW_MS - 3 * HOUR_MS, toMs: NOW_MS } as const;
        const series = await analytics.series(filter, window);
        const brief = ({ delivered, bounced, deferred }: StatsTotals) => [
          delivered,
          bounced.total,
          deferred,
        ];
        assert.deepEqual(
          series.map(({ totals }) => brief(totals)),
          [
            [0, 0, 0],
            [0, 1, 0],
            [2, 0, 0],
          ],
        );
        const totals = await analytics.totals(filter, window);
        assert.deepEqual(totals.bounced.byCategory, { invalid_address: 1 });
        assert.ok(totals.latencyMs.p50 !== null && totals.latencyMs.p50 <= 4_000);
        const broadcast = await analytics.totals({ ...filter, stream: 'broadcast' }, window);
        assert.deepEqual(brief(broadcast), [1, 1, 0]);
        const tagged = { ...filter, dimension: 'tag', value: 'a' } as const;
        assert.deepEqual(brief(await analytics.totals(tagged, window)), [1, 1, 0]);
        assert.deepEqual(brief(await analytics.recent(filter, 40 * HOUR_MS)), [2, 1, 1]);
        const nobody = { ...filter, projectId: box.ids.next('project') };
        assert.deepEqual(brief(await analytics.totals(nobody, window)), [0, 0, 0]);
        assert.deepEqual(await analytics.progress(box.projectId), {
          isCatchingUp: false,
          isRecounting: false,
        });
        assert.equal(await analytics.recount(box.projectId, () => []), NOW_MS - 29.5 * DAY_MS);
        assert.ok((await analytics.progress(box.projectId)).isRecounting);
        await countAll(counterOf(box)());
        assert.ok(!(await analytics.progress(box.projectId)).isRecounting);
        assert.deepEqual(await analytics.totals(filter, window), totals);
      }));

    test('go when they are too old, and with their project', () =>
      withOwnStore(open, async (box) => {
        await box.log.append([box.event({ atMs: NOW_MS - 20 * HOUR_MS })]);
        await countAll(counterOf(box)());
        const grains = async () =>
          new Set([...(await storedCounts(box)).keys()].map((key) => key.split(' ')[0]));
        assert.equal((await grains()).size, 3);
        await box.store.statsPlaces.purge(NOW_MS + 2 * DAY_MS);
        assert.deepEqual(await grains(), new Set(['hour', 'day']));
        await box.store.projects.insert(
          { ...(await projectOf(box)), id: box.ids.next('project') },
          [],
        );
        await box.store.projects.remove(box.projectId, NOW_MS);
        assert.equal((await storedCounts(box)).size, 0);
      }));
  });
}

async function projectOf({ store }: Sandbox) {
  const [project] = await store.projects.all();
  assert.ok(project);
  return project;
}
