import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestClock } from '../../lib/fixtures/test-clock.ts';
import { silentLog } from '../../lib/log.ts';
import type { KeyUse } from '../../store/access/api-keys.ts';
import { StoreUnavailable } from '../../store/engine.ts';
import { createKeyUsage } from './key-usage.ts';

function setUp() {
  const clock = createTestClock(0);
  const stored: KeyUse[][] = [];
  const store = { isDown: false };
  const usage = createKeyUsage({
    clock,
    log: silentLog,
    apiKeys: {
      async noteUses(uses) {
        if (store.isDown) throw new StoreUnavailable('disk_full', 'The disk is full.');
        stored.push([...uses]);
      },
    },
  });
  return { clock, stored, store, usage };
}

const key = (n: number) => ({ projectId: 'prj_1', keyId: `key_${n}` });

test('however often a key is used, it is stored once a minute, with its latest use', async () => {
  const { clock, stored, usage } = setUp();
  for (let i = 0; i < 59; i++) {
    usage.note(key(1));
    await clock.advance(1_000);
  }
  usage.note(key(2));
  assert.deepEqual(stored, []);
  await clock.advance(1_000);
  assert.deepEqual(stored, [
    [
      { projectId: 'prj_1', id: 'key_1', usedAtMs: 58_000 },
      { projectId: 'prj_1', id: 'key_2', usedAtMs: 59_000 },
    ],
  ]);
  assert.equal(clock.nextAtMs(), null, 'nothing is stored while no key is used');
});

test('many keys are stored in several commits', async () => {
  const { stored, usage } = setUp();
  for (let i = 0; i < 450; i++) usage.note(key(i));
  await usage.flush();
  assert.deepEqual(
    stored.map(({ length }) => length),
    [200, 200, 50],
  );
  await usage.flush();
  assert.equal(stored.length, 3);
});

test('a store that takes nothing costs a use, and no more', async () => {
  const { clock, stored, store, usage } = setUp();
  store.isDown = true;
  usage.note(key(1));
  await clock.advance(60_000);
  store.isDown = false;
  usage.note(key(2));
  await clock.advance(60_000);
  assert.deepEqual(
    stored.flat().map(({ id }) => id),
    ['key_2'],
  );
});
