import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatCsvRow, parseCsv, splitCsv } from './csv.ts';

const cells = (text: string) => parseCsv(text).map((row) => row.cells);

test('reads rows with any line ends, quotes, and the lines on which they begin', () => {
  assert.deepEqual(parseCsv('a,b\r\n\n"1,""2""\nx",y\rlast,'), [
    { line: 1, cells: ['a', 'b'] },
    { line: 3, cells: ['1,"2"\nx', 'y'] },
    { line: 5, cells: ['last', ''] },
  ]);
});

test('a quote that stands alone, and one that is never closed, lose nothing', () => {
  assert.deepEqual(cells('it"s,b\n"open,to\nthe end'), [['it"s', 'b'], ['open,to\nthe end']]);
  assert.deepEqual(cells('"a"b,c'), [['a', 'c']]);
});

const rows = fc.array(
  fc.tuple(
    fc.string({ minLength: 1 }).filter((text) => text.trim() !== ''),
    fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'a', ' ') }),
  ),
);

test('what was written is read again, also in pieces', () => {
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 40 }), (written, size) => {
      const text = written.map(formatCsvRow).join('');
      assert.deepEqual(cells(text), written);
      const pieces = splitCsv(text, size);
      const read = pieces.flatMap((piece) => parseCsv(piece.text, piece.line));
      assert.deepEqual(read, parseCsv(text));
    }),
  );
});

test('takes any text', () => {
  const text = fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'a') });
  fc.assert(fc.property(text, (any) => assert.ok(Array.isArray(parseCsv(any)))));
});
