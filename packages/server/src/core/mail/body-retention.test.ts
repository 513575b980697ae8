import assert from 'node:assert/strict';
import test from 'node:test';
import { bodyRetainUntil } from './body-retention.ts';

test('bytes are kept for their days, and as long as a message may be on its way', () => {
  const until = (bodyRetentionMs: number) =>
    bodyRetainUntil({ startsByMs: 1_000, bodyRetentionMs, expiryMs: 50 });
  assert.equal(until(500), 1_500);
  assert.equal(until(20), 1_100);
});

test('without any days they go as soon as nobody waits for them', () => {
  assert.equal(bodyRetainUntil({ startsByMs: 1_000, bodyRetentionMs: 0, expiryMs: 50 }), 1_000);
});
