import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { DELIVERY_STATES, type ShownDeliveryState } from '../../../core/webhooks/delivery-state.ts';
import {
  ANY_DELIVERY,
  type DeliveryFilter,
  type DeliveryKey,
  keyOf,
} from '../../webhooks/delivery-queries/delivery-filter.ts';
import { DAY_MS, NODE, NOW_MS, type OpenEngine, type Sandbox, useStore } from '../sandbox.ts';

type Filter = Partial<DeliveryFilter>;

const RETRY = { state: 'pending', dueAtMs: NOW_MS + DAY_MS, failures: 1 } as const;
const DEAD = { state: 'dead', endedAtMs: NOW_MS } as const;
const FAILED = { status: 500, errorCode: 'http_status', node: NODE };

/** How a delivery comes into each state. */
const WAYS: Record<ShownDeliveryState, (box: Sandbox, eventId: string) => Promise<void>> = {
  pending: ({ store, projectId, endpointId }, eventId) =>
    store.deliveries.release(
      { projectId, endpointId, node: NODE, nowMs: NOW_MS },
      { due: [eventId], inLine: [] },
    ),
  in_flight: async () => {},
  retrying: ({ engine, attempt }, eventId) =>
    engine.recordAttempt(attempt(eventId, { ...FAILED, next: RETRY })),
  delivered: ({ engine, attempt }, eventId) => engine.recordAttempt(attempt(eventId)),
  dead: ({ engine, attempt }, eventId) =>
    engine.recordAttempt(attempt(eventId, { ...FAILED, errorCode: 'timeout', next: DEAD })),
  skipped: async () => {},
  canceled: async (box, eventId) => {
    await WAYS.pending(box, eventId);
    const { store, projectId, endpointId } = box;
    const others = await store.deliveries.list({ ...ANY_DELIVERY, projectId, ...WHOLE });
    const waiting = others.rows.filter((row) => row.state === 'pending' && row.node === null);
    assert.deepEqual(
      waiting.map((row) => row.event_id),
      [eventId],
    );
    await store.deliveries.cancelWaiting(projectId, endpointId, NOW_MS, 1);
  },
};

const WHOLE = { limit: 100, beforeId: null };
/** `canceled` first: it takes what waits, and nothing else may wait then. */
const ORDER: ShownDeliveryState[] = [
  'canceled',
  ...DELIVERY_STATES.filter((state) => state !== 'canceled'),
];

/** One of each state for every message, at its own time. */
async function fill(box: Sandbox): Promise<void> {
  for (const state of ORDER) {
    for (const messageId of ['m1', 'm2']) {
      box.owes({ node: state === 'skipped' ? null : NODE, state: owedState(state) });
      const type = messageId === 'm1' ? 'email.sent' : 'email.bounced';
      const one = box.event({ messageId, type });
      await box.log.append([one]);
      await WAYS[state](box, one.event.id);
    }
  }
}

const owedState = (state: ShownDeliveryState) => (state === 'skipped' ? 'skipped' : 'pending');

export function describeDeliveryLists(open: OpenEngine): void {
  describe('deliveries by what became of them', () => {
    const sandbox = useStore(open);
    let box: Sandbox;
    before(async () => {
      box = await sandbox();
      await fill(box);
    });

    const list = async (filter: Filter, page = WHOLE) => {
      const { rows } = await box.store.deliveries.list({
        ...ANY_DELIVERY,
        projectId: box.projectId,
        ...page,
        ...filter,
      });
      return rows.map((row) => row.event_id);
    };

    test('every one is in exactly one state', async () => {
      const all = await list({});
      const byState = await Promise.all(DELIVERY_STATES.map((state) => list({ states: [state] })));
      assert.deepEqual(
        byState.map(({ length }) => length),
        DELIVERY_STATES.map(() => 2),
      );
      assert.deepEqual(byState.flat().sort(), all.toSorted());
      assert.equal(all.length, 14);
    });

    test('several states at once, live ones and ended ones', async () => {
      const both = await list({ states: ['retrying', 'dead'] });
      const each = [
        ...(await list({ states: ['retrying'] })),
        ...(await list({ states: ['dead'] })),
      ];
      assert.deepEqual(both, each.sort().reverse());
      const live = await list({ states: ['pending', 'in_flight', 'retrying'] });
      assert.equal(live.length, 6);
      assert.deepEqual(live, live.toSorted().reverse());
    });

    test('by type, message, error, endpoint and range of ids, alone and together', async () => {
      const all = await list({});
      const sent = await list({ types: ['email.sent'] });
      assert.deepEqual(await list({ messageKey: 'm1' }), sent);
      assert.equal(sent.length, 7);
      assert.deepEqual(await list({ errorCode: 'timeout' }), await list({ states: ['dead'] }));
      assert.equal((await list({ errorCode: 'timeout', types: ['email.sent'] })).length, 1);
      assert.deepEqual(await list({ endpointIds: [box.endpointId, 'ep_none'] }), all);
      assert.deepEqual(await list({ endpointIds: ['ep_none'] }), []);
      const [last = '', , third = ''] = all;
      assert.deepEqual(await list({ fromEventId: third }), all.slice(0, 3));
      assert.deepEqual(await list({ toEventId: last }), all.slice(1));
      assert.deepEqual(await list({ fromEventId: third, toEventId: last }), all.slice(1, 3));
    });

    test('a filter that no index knows finds the same, however far one look goes', async () => {
      const filter = { ...ANY_DELIVERY, projectId: box.projectId, states: ['skipped'] } as const;
      for (const direction of ['asc', 'desc'] as const) {
        const expected = await list({ states: ['skipped'] });
        if (direction === 'asc') expected.reverse();
        await fc.assert(
          fc.asyncProperty(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 4 }), walk),
          { numRuns: 20 },
        );
        async function walk(windowRows: number, limit: number): Promise<void> {
          const found: string[] = [];
          let from: DeliveryKey | null = null;
          for (let step = 0; ; step++) {
            assert.ok(step < 20, 'the walk ends');
            const options = { direction, limit, windowRows };
            const { rows, last }: Awaited<ReturnType<typeof box.store.deliveries.scan.rows>> =
              await box.store.deliveries.scan.rows(filter, from, options);
            assert.ok(rows.length <= limit);
            found.push(...rows.map((row) => keyOf(row).eventId));
            if (last === null) break;
            from = last;
          }
          assert.deepEqual(found, expected);
        }
      }
    });

    test('a tally counts each state and names its oldest', async () => {
      const filter = { ...ANY_DELIVERY, projectId: box.projectId };
      const { counts, last } = await box.store.deliveries.scan.tally(filter, null);
      assert.equal(last, null);
      assert.deepEqual(
        counts.map(({ state, count }) => [state, count]).sort(),
        DELIVERY_STATES.map((state) => [state, 2]).sort(),
      );
      for (const { state, oldestEventId } of counts) {
        assert.equal(oldestEventId, (await list({ states: [state] })).at(-1));
      }
    });

    test('pages of what is still to be delivered lead on', async () => {
      const states: ShownDeliveryState[] = ['pending', 'in_flight', 'retrying'];
      const query = { ...ANY_DELIVERY, projectId: box.projectId, states };
      const found: string[] = [];
      let beforeId: DeliveryKey | null = null;
      for (let page = 0; page < 3; page++) {
        const { rows, nextCursor }: Awaited<ReturnType<typeof box.store.deliveries.list>> =
          await box.store.deliveries.list({ ...query, limit: 2, beforeId });
        found.push(...rows.map((row) => row.event_id));
        assert.equal(nextCursor === null, page === 2);
        beforeId = rows.map(keyOf).at(-1) ?? null;
      }
      assert.deepEqual(found, await list({ states }));
    });
  });
}
