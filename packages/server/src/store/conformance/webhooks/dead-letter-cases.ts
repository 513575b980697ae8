import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ANY_DELIVERY } from '../../webhooks/delivery-queries/delivery-filter.ts';
import { NOW_MS, type OpenEngine, type Sandbox, useStore } from '../sandbox.ts';

const OTHER = 'ep_other';

export function describeDeadLetters(open: OpenEngine): void {
  describe('dead letters', () => {
    const sandbox = useStore(open);

    /** Something that this endpoint was owed and that was given up for this reason. */
    async function addDead(box: Sandbox, endpointId: string, errorCode: string): Promise<string> {
      box.owes({ endpointId });
      const one = box.event();
      await box.log.append([one]);
      await box.engine.claimDeliveries(box.claim({ endpointId }));
      const next = { state: 'dead', endedAtMs: NOW_MS } as const;
      const eventId = one.event.id;
      await box.engine.recordAttempt(
        box.attempt(eventId, { endpointId, status: null, errorCode, next }),
      );
      return eventId;
    }

    const stateOf = async ({ store, projectId }: Sandbox, eventId: string, endpointId: string) =>
      (await store.deliveries.get(projectId, eventId, endpointId))?.state;

    test('are counted by endpoint and reason, with the first and the last', async () => {
      const box = await sandbox();
      const { store, projectId, endpointId } = box;
      const timeouts = [
        await addDead(box, endpointId, 'timeout'),
        await addDead(box, endpointId, 'timeout'),
      ];
      const gone = await addDead(box, endpointId, 'gone');
      const others = [
        await addDead(box, OTHER, 'timeout'),
        await addDead(box, OTHER, 'timeout'),
        await addDead(box, OTHER, 'timeout'),
      ];
      const group = (id: string, errorCode: string, ids: string[]) => ({
        endpointId: id,
        errorCode,
        count: ids.length,
        firstEventId: ids[0],
        lastEventId: ids.at(-1),
      });
      assert.deepEqual(await store.deadLetters.groups(projectId, 100), {
        groups: [
          group(OTHER, 'timeout', others),
          group(endpointId, 'timeout', timeouts),
          group(endpointId, 'gone', [gone]),
        ],
        isAtLeast: false,
      });
      const some = await store.deadLetters.groups(projectId, 2);
      assert.deepEqual(some, {
        groups: [group(OTHER, 'timeout', others.slice(1))],
        isAtLeast: true,
      });
      const stranger = await sandbox();
      assert.deepEqual(await stranger.store.deadLetters.groups(stranger.projectId, 9), {
        groups: [],
        isAtLeast: false,
      });
    });

    test('are dropped by endpoint and reason, some at a time, and nothing else is', async () => {
      const box = await sandbox();
      const { store, projectId, endpointId } = box;
      const dropped = [
        await addDead(box, endpointId, 'timeout'),
        await addDead(box, endpointId, 'timeout'),
        await addDead(box, endpointId, 'timeout'),
      ];
      const kept = await addDead(box, endpointId, 'gone');
      const other = await addDead(box, OTHER, 'timeout');
      box.owes({});
      const waiting = box.event();
      await box.log.append([waiting]);
      const which = { projectId, endpointId, errorCode: 'timeout', nowMs: NOW_MS + 5 };
      assert.deepEqual(await store.deadLetters.drop(which, 2), { dropped: 2, more: true });
      assert.deepEqual(await store.deadLetters.drop(which, 2), { dropped: 1, more: false });
      assert.deepEqual(await store.deadLetters.drop(which, 2), { dropped: 0, more: false });
      for (const id of dropped) assert.equal(await stateOf(box, id, endpointId), 'canceled');
      assert.equal(await stateOf(box, kept, endpointId), 'dead');
      assert.equal(await stateOf(box, other, OTHER), 'dead');
      assert.equal(await stateOf(box, waiting.event.id, endpointId), 'pending');
      const any = { ...which, errorCode: null };
      assert.deepEqual(await store.deadLetters.drop(any, 10), { dropped: 1, more: false });
      const page = { ...ANY_DELIVERY, projectId, limit: 9, beforeId: null };
      const left = await store.deliveries.list({ ...page, states: ['dead'] });
      assert.deepEqual(
        left.rows.map(({ event_id }) => event_id),
        [other],
      );
    });
  });
}
