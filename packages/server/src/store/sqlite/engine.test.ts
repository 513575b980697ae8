import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../lib/clock.ts';
import { describeStore } from '../conformance/describe-store.ts';
import { openSqliteEngine } from './engine.ts';

describeStore('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-store-'));
  const engine = await openSqliteEngine({ folder, clock: systemClock });
  return {
    engine,
    async close() {
      await engine.close();
      rmSync(folder, { recursive: true });
    },
  };
});
