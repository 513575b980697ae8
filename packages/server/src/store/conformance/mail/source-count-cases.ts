import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSourceCounts } from '../../mail/source-counts.ts';
import { type OpenEngine, useStore } from '../sandbox.ts';

export function describeSourceCounts(open: OpenEngine): void {
  describe('counts of source addresses', () => {
    const sandbox = useStore(open);

    test('are kept for one day, and written over', async () => {
      const { engine, ids } = await sandbox();
      const counts = createSourceCounts(engine);
      const address = ids.next('request');
      assert.equal(await counts.load(address, '2026-11-22'), null);
      await counts.save(address, '2026-11-22', 3);
      await counts.save(address, '2026-11-22', 7);
      assert.equal(await counts.load(address, '2026-11-22'), 7);
      assert.equal(await counts.load(address, '2026-11-23'), null);
      await counts.save(address, '2026-11-23', 1);
      assert.equal(await counts.load(address, '2026-11-22'), null);
    });
  });
}
