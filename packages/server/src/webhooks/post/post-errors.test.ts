import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { POST_ERRORS } from './post-errors.ts';

const documented = readFileSync(
  new URL('../../../../../docs/webhooks.md', import.meta.url),
  'utf8',
);

test('the documentation has each code in its table, and whose fault it is', () => {
  const [, after = ''] = documented.split('\n## Error codes\n');
  const [section = ''] = after.split('\n## ');
  const rows = [...section.matchAll(/^\| `(\w+)` \| (.+) \| (.+) \| (.+) \| (.+) \|$/gm)];
  const told = rows.map(([, code, , fault, uses]) => [code, fault, uses]);
  const expected = Object.entries(POST_ERRORS).map(([code, { fault }]) => [
    code,
    fault,
    fault === 'endpoint' ? 'yes' : 'no',
  ]);
  assert.deepEqual(told, expected);
});

test('what a code means is a sentence', () => {
  for (const { detail } of Object.values(POST_ERRORS)) assert.match(detail, /^[A-Z][^\n]+\.$/);
});
