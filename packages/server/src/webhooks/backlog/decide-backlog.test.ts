import assert from 'node:assert/strict';
import test from 'node:test';
import { isBacklog } from './decide-backlog.ts';

const threshold = { depth: 1_000, lagMs: 300_000 };

test('a backlog begins when either is reached', () => {
  assert.equal(isBacklog(false, { depth: 999, lagMs: 299_999 }, threshold), false);
  assert.equal(isBacklog(false, { depth: 1_000, lagMs: 0 }, threshold), true);
  assert.equal(isBacklog(false, { depth: 1, lagMs: 300_000 }, threshold), true);
});

test('and ends when both are a fifth below', () => {
  assert.equal(isBacklog(true, { depth: 800, lagMs: 0 }, threshold), true);
  assert.equal(isBacklog(true, { depth: 0, lagMs: 240_000 }, threshold), true);
  assert.equal(isBacklog(true, { depth: 799, lagMs: 239_999 }, threshold), false);
});
