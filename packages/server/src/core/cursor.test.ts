import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { decodeCursor, encodeCursor, toPage } from './cursor.ts';

test('a cursor gives back its key', () => {
  const key = fc.string({ unit: 'grapheme', maxLength: 40 });
  fc.assert(
    fc.property(key, (text) => {
      const cursor = encodeCursor(text);
      assert.equal(decodeCursor(cursor), text);
      assert.match(cursor, /^[\w-]+$/, 'it stands in a URL as it is');
    }),
  );
});

test('a text that is no cursor of ours is none', () => {
  const others = [
    '',
    'c1:x',
    'YzI6eA',
    `${encodeCursor('x')}=`,
    encodeCursor('x'.repeat(400)),
    '💥',
  ];
  for (const text of others) assert.equal(decodeCursor(text), null, text);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const key = decodeCursor(text);
      assert.ok(key === null || decodeCursor(encodeCursor(key)) === key);
    }),
  );
});

test('pages put together are the whole list, and only the last has no cursor', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat()), fc.integer({ min: 1, max: 9 }), (list, limit) => {
      const seen: number[] = [];
      let cursor: string | null = null;
      do {
        const after = cursor === null ? -1 : list.indexOf(Number(decodeCursor(cursor)));
        const rows = list.slice(after + 1, after + 1 + limit + 1);
        const page = toPage(rows, limit, String);
        assert.ok(page.rows.length <= limit);
        seen.push(...page.rows);
        cursor = page.nextCursor;
      } while (cursor !== null);
      assert.deepEqual(seen, list);
    }),
  );
});
