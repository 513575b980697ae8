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
  assert.deepEqual(cells('it"s,b\n"open,to\nthe end'), [
    ['it"s', 'b'],
    ['"open', 'to'],
    ['the end'],
  ]);
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
      assert.deepEqual(
        pieces.map((piece) => piece.rows),
        pieces.map((piece) => parseCsv(piece.text).length),
      );
    }),
  );
});

test('a stray quote loses its own line, wherever the list is cut', () => {
  const lines = Array.from({ length: 3_000 }, (_, i) => `user${i}@dest.example,"note"`);
  lines[7] = '"open@dest.example,manual';
  for (let i = 8; i < 1_000; i++) lines[i] = `user${i}@dest.example,a`;
  for (let i = 1_000; i < 2_000; i++) lines[i] = `it"s${i}@dest.example,a`;
  const pieces = splitCsv(lines.join('\n'), 1_000);
  assert.ok(pieces.length > 50);
  const read = pieces.flatMap((piece) => parseCsv(piece.text, piece.line));
  assert.deepEqual(
    read.map(({ line, cells: [first = ''] }) => [line, first]),
    lines.map((line, i) => [i + 1, line.split(',')[0]]),
  );
});

test('takes any text', () => {
  const text = fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'a') });
  fc.assert(fc.property(text, (any) => assert.ok(Array.isArray(parseCsv(any)))));
});
