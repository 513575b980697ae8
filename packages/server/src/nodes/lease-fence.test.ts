import assert from 'node:assert/strict';
import test from 'node:test';
import type { StoreHealth } from '../store/engine.ts';
import { createLeaseFence } from './lease-fence.ts';
import { DEAD_AFTER_MS } from './membership.ts';

function setUp(shared = true) {
  let nowMs = 1_000_000;
  let suspendedMs = 0;
  let ofStore: StoreHealth = { ok: true };
  const storeListeners: ((health: StoreHealth) => void)[] = [];
  const heard: boolean[] = [];
  const fence = createLeaseFence({
    engine: {
      shared,
      health: () => ofStore,
      onHealthChange: (listener) => storeListeners.push(listener),
    },
    clock: { now: () => nowMs },
    wallMs: () => nowMs + suspendedMs,
  });
  fence.onHealthChange(({ ok }) => heard.push(ok));
  return {
    fence,
    heard,
    pass(ms: number) {
      nowMs += ms;
      return nowMs;
    },
    suspend(ms: number) {
      suspendedMs += ms;
    },
    change(health: StoreHealth) {
      ofStore = health;
      for (const listener of storeListeners) listener(health);
    },
  };
}

test('a node that has not joined yet, or that works alone, may begin anything', () => {
  const joining = setUp();
  joining.pass(DEAD_AFTER_MS * 10);
  assert.equal(joining.fence.health().ok, true);
  const alone = setUp(false);
  alone.fence.beat()();
  alone.pass(DEAD_AFTER_MS);
  assert.equal(alone.fence.health().ok, true);
});

test('nothing begins from before others take the node for dead until its next beat is stored', () => {
  const { fence, heard, pass } = setUp();
  const confirm = fence.beat();
  pass(500);
  confirm();
  // Counted from when the beat was sent, since others may have seen it at once.
  pass(DEAD_AFTER_MS - 1_501);
  assert.equal(fence.health().ok, true);
  pass(1);
  const health = fence.health();
  assert.ok(!health.ok && health.code === 'unreachable' && heard.length === 0);
  const late = fence.beat();
  pass(60_000);
  late();
  assert.equal(fence.health().ok, false, 'an old beat that is answered late says nothing');
  fence.beat()();
  assert.equal(fence.health().ok, true);
  assert.deepEqual(heard, [true], 'what waits is told once that it may go on');
  pass(1_000);
  fence.beat()();
  assert.deepEqual(heard, [true]);
});

test('what the store says of itself is passed on, and a store that is back does not end the doubt', () => {
  const { fence, heard, pass, change } = setUp();
  fence.beat()();
  change({ ok: false, code: 'disk_full', detail: 'Full.' });
  assert.deepEqual(fence.health(), { ok: false, code: 'disk_full', detail: 'Full.' });
  pass(DEAD_AFTER_MS);
  change({ ok: true });
  assert.deepEqual(heard, [false, false]);
  fence.beat()();
  assert.deepEqual(heard, [false, false, true]);
});

test('a machine that was suspended is noticed although its own clock stood still', () => {
  const { fence, suspend } = setUp();
  fence.beat()();
  const old = fence.beat();
  suspend(DEAD_AFTER_MS);
  assert.equal(fence.health().ok, false);
  old();
  assert.equal(fence.health().ok, false, 'the answer to a beat from before says nothing');
  fence.beat()();
  assert.equal(fence.health().ok, true);
  suspend(-3_600_000);
  assert.equal(fence.health().ok, true, 'a clock that is set back is no reason to doubt');
});
