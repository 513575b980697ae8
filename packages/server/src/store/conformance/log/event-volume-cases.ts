import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { createIds } from '../../../core/ids.ts';
import { stretchMs } from '../../log/event-volume.ts';
import { type OpenEngine, useStore } from '../sandbox.ts';

const STEPS = 3;
const STRETCH_MS = stretchMs(STEPS);
const START_MS = Math.ceil(Date.UTC(2026, 10, 21) / STRETCH_MS) * STRETCH_MS;

export function describeEventVolume(open: OpenEngine): void {
  describe('the volume of events', () => {
    const sandbox = useStore(open);

    test('is counted by type and stretch of time, the newest ones only', async () => {
      const { store, projectId, log, event } = await sandbox();
      const at = (ms: number) => createIds({ now: () => ms, randomBytes }).next('event');
      for (const [ms, type] of [
        [-1, 'email.sent'],
        [0, 'email.sent'],
        [STRETCH_MS - 1, 'email.sent'],
        [STRETCH_MS - 1, 'email.bounced'],
        [STRETCH_MS, 'email.sent'],
      ] as const) {
        await log.append([event({ id: at(START_MS + ms), type })]);
      }
      const count = (limit: number) =>
        store.eventVolume.count({ projectId, sinceMs: START_MS, steps: STEPS, limit });
      assert.deepEqual(await count(100), {
        rows: [
          { atMs: START_MS, type: 'email.bounced', count: 1 },
          { atMs: START_MS, type: 'email.sent', count: 2 },
          { atMs: START_MS + STRETCH_MS, type: 'email.sent', count: 1 },
        ],
        isAtLeast: false,
      });
      assert.deepEqual(await count(1), {
        rows: [{ atMs: START_MS + STRETCH_MS, type: 'email.sent', count: 1 }],
        isAtLeast: true,
      });
      const stranger = await sandbox();
      const query = { projectId: stranger.projectId, sinceMs: 0, steps: STEPS, limit: 9 };
      assert.deepEqual((await store.eventVolume.count(query)).rows, []);
    });
  });
}
