import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StoreConflict } from '../../engine.ts';
import { NOW_MS, type OpenEngine, useStore } from '../sandbox.ts';

const HOUR_MS = 3_600_000;

export function describeSendWindows(open: OpenEngine): void {
  describe('what a project has sent', () => {
    const sandbox = useStore(open);

    test('is counted on from what was read, and by one only', async () => {
      const { store, log, projectId } = await sandbox();
      const { sendWindows } = store;
      const hour = { projectId, period: 'hour', startMs: NOW_MS } as const;
      assert.equal(await sendWindows.used(hour), null);
      await log.append([], sendWindows.counting(hour, null, 5));
      await assert.rejects(log.append([], sendWindows.counting(hour, null, 9)), StoreConflict);
      await log.append([], sendWindows.counting(hour, 5, 8));
      await assert.rejects(log.append([], sendWindows.counting(hour, 5, 9)), StoreConflict);
      assert.equal(await sendWindows.used(hour), 8);
      assert.equal(await sendWindows.used({ ...hour, period: 'day' }), null);
      assert.equal(await sendWindows.used({ ...hour, projectId: 'prj_other' }), null);
    });

    test('of an hour is forgotten with the next one', async () => {
      const { store, log, projectId, engine } = await sandbox();
      const { sendWindows } = store;
      const hour = { projectId, period: 'hour', startMs: NOW_MS } as const;
      const next = { ...hour, startMs: NOW_MS + HOUR_MS };
      await log.append([], sendWindows.counting(hour, null, 5));
      await log.append([], sendWindows.counting({ ...hour, period: 'day' }, null, 5));
      await log.append([], sendWindows.counting(next, null, 1));
      const rows = await engine.db
        .selectFrom('send_windows')
        .select(['period', 'started_at', 'used'])
        .where('project_id', '=', projectId)
        .orderBy('period')
        .execute();
      assert.deepEqual(
        rows.map((row) => ({ ...row })),
        [
          { period: 'day', started_at: NOW_MS, used: 5 },
          { period: 'hour', started_at: NOW_MS + HOUR_MS, used: 1 },
        ],
      );
    });
  });
}
