import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createReplyReader, type ServerReply } from './reply-reader.ts';

function read(chunks: readonly (string | Uint8Array)[]): {
  replies: ServerReply[];
  broken: boolean;
} {
  const reader = createReplyReader();
  const replies = chunks.flatMap((chunk) => reader.push(Buffer.from(chunk as string)));
  return { replies, broken: reader.isBroken() };
}

test('reads single and multi-line replies, and bare line feeds', () => {
  assert.deepEqual(read(['220 mx\r\n250-a\r\n250-\r\n250 b\n354\r\n']).replies, [
    { code: 220, lines: ['mx'] },
    { code: 250, lines: ['a', '', 'b'] },
    { code: 354, lines: [''] },
  ]);
});

test('reads UTF-8 that is split between chunks, and keeps bytes that are none', () => {
  const bytes = Buffer.from('550 Postfach überfüllt\r\n');
  const chunks = Array.from(bytes, (byte) => Uint8Array.of(byte));
  assert.deepEqual(read(chunks).replies, [{ code: 550, lines: ['Postfach überfüllt'] }]);
  assert.deepEqual(read([Buffer.from('550 \xfcber\r\n', 'latin1')]).replies[0]?.lines, ['\xfcber']);
});

test('passes over empty lines between replies', () => {
  assert.deepEqual(read(['\r\n220 mx\r\n\r\n']), {
    replies: [{ code: 220, lines: ['mx'] }],
    broken: false,
  });
});

test('breaks on what is no reply', () => {
  for (const line of ['hello\r\n', '99 x\r\n', '600 x\r\n', '250_x\r\n', '250-a\r\n251 b\r\n']) {
    assert.deepEqual(read([line]), { replies: [], broken: true }, JSON.stringify(line));
  }
});

test('holds only the beginning of a long line, and gives up on an endless one', () => {
  const { replies } = read([`550 ${'x'.repeat(100_000)}\r\n`]);
  assert.equal(replies[0]?.lines[0]?.length, 4_092);
  assert.equal(read(Array.from({ length: 40 }, () => 'x'.repeat(50_000))).broken, true);
  const endless = Array.from({ length: 5_000 }, () => `250-${'y'.repeat(300)}\r\n`);
  assert.equal(read(endless).broken, true);
});

test('gives the same replies in any chunking', () => {
  const line = fc.string({ unit: fc.constantFrom('a', ' ', '-', '5', 'ü', '.'), maxLength: 12 });
  const reply = fc.record(
    {
      code: fc.integer({ min: 200, max: 599 }),
      lines: fc.array(line, { minLength: 1, maxLength: 4 }),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(reply, { maxLength: 5 }), fc.array(fc.nat(300)), (replies, cuts) => {
      const text = replies
        .flatMap(({ code, lines }) =>
          lines.map((words, at) => `${code}${at === lines.length - 1 ? ' ' : '-'}${words}\r\n`),
        )
        .join('');
      const bytes = Buffer.from(text);
      const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const chunks = edges.slice(1).map((end, at) => bytes.subarray(edges[at], end));
      assert.deepEqual(read(chunks), { replies, broken: false });
    }),
  );
});

test('takes any bytes without throwing', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (chunks) => {
      for (const { code } of read(chunks).replies) assert.equal(code >= 200 && code < 600, true);
    }),
  );
});
