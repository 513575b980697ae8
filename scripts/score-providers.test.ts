import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scoreProviders } from './score-providers.ts';

const scores = scoreProviders();
const skip = scores === null ? 'allowed: the folder shared/corpora is not here' : false;

test('the payloads of the corpus come out as expected, but where the vendor says otherwise', {
  skip,
}, () => {
  const all = scores ?? [];
  assert.ok(all.length >= 12);
  const misses = all.flatMap((score) => score.misses);
  assert.deepEqual(
    misses.filter(({ vendor }) => vendor === null),
    [],
  );
  const fields = all.reduce((sum, score) => sum + score.fields, 0);
  // What counts as right by the vendor's word must not carry the score.
  assert.ok(misses.length / fields < 0.02, `${misses.length} of ${fields}`);
});
