import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BareNewline, createBareNewlineScan } from './bare-newline-scan.ts';

function scanChunks(chunks: readonly Uint8Array[]): BareNewline | null {
  const scan = createBareNewlineScan();
  for (const chunk of chunks) scan.push(chunk);
  return scan.end();
}

test('finds the first bare CR or LF and says where it is', () => {
  const scan = (text: string) => scanChunks([Buffer.from(text)]);
  assert.equal(scan('a\r\nb\r\n'), null);
  assert.deepEqual(scan('\na\r\n'), { byte: 'LF', offset: 0 });
  assert.deepEqual(scan('a\r\nb\nc\r'), { byte: 'LF', offset: 4 });
  assert.deepEqual(scan('a\rb\n'), { byte: 'CR', offset: 1 });
  assert.deepEqual(scan('a\r\r\n'), { byte: 'CR', offset: 1 });
  assert.deepEqual(scan('a\r'), { byte: 'CR', offset: 1 });
});

test('finds the same in any chunking as a regular expression does in the whole', () => {
  const bytes = fc.array(fc.constantFrom('\r', '\n', '\r\n', 'a', '.'), { maxLength: 30 });
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(40), { maxLength: 8 }), (parts, cuts) => {
      const text = parts.join('');
      const match = /(?<!\r)\n|\r(?!\n)/.exec(text);
      const expected =
        match === null ? null : { byte: match[0] === '\n' ? 'LF' : 'CR', offset: match.index };
      const edges = [0, ...cuts.sort((a, b) => a - b), text.length];
      const chunks = edges.slice(1).map((end, index) => Buffer.from(text.slice(edges[index], end)));
      assert.deepEqual(scanChunks(chunks), expected);
    }),
    { numRuns: 500 },
  );
});
