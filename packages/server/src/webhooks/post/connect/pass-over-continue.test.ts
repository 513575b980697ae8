import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import test from 'node:test';
import fc from 'fast-check';
import { passOverContinue } from './pass-over-continue.ts';

/** What a reader gets of these chunks, read one after the other, and in how many answers. */
function readAll(chunks: readonly string[]): string {
  const socket = new Readable({ read() {} });
  passOverContinue(socket).expectAnswer();
  let text = '';
  for (const chunk of chunks) {
    socket.push(Buffer.from(chunk, 'latin1'));
    for (let part = socket.read(); part !== null; part = socket.read())
      text += part.toString('latin1');
  }
  return text;
}

const chunked = (text: string): fc.Arbitrary<string[]> =>
  fc.array(fc.nat(text.length), { maxLength: 12 }).map((cuts) => {
    const sorted = [0, ...cuts.toSorted((a, b) => a - b), text.length];
    return sorted
      .slice(1)
      .map((end, i) => text.slice(sorted[i], end))
      .filter((part) => part !== '');
  });

const ANSWERS = [
  'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc',
  'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.0 100 Continue\r\n\r\n',
  'SSH-2.0-OpenSSH_9.9\r\n',
];
const CONTINUES = [
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 100 \r\nserver: a\r\nx: HTTP/1.1 100\r\n\r\n',
];

test('a 100 Continue is taken out in any chunking, and nothing else is touched', () => {
  const parts = fc.tuple(
    fc.array(fc.constantFrom(...CONTINUES), { maxLength: 3 }),
    fc.constantFrom(...ANSWERS),
  );
  const cases = parts.chain(([continues, answer]) =>
    fc.tuple(chunked(continues.join('') + answer), fc.constant(answer)),
  );
  fc.assert(fc.property(cases, ([chunks, answer]) => assert.equal(readAll(chunks), answer)));
});

test('any bytes that are no 100 pass as they came', () => {
  const texts = fc
    .string({ unit: 'binary-ascii', maxLength: 60 })
    .filter((text) => !/^H/.test(text));
  fc.assert(
    fc.property(
      texts.chain((text) => fc.tuple(chunked(text), fc.constant(text))),
      ([chunks, text]) => assert.equal(readAll(chunks), text),
    ),
  );
});

test('a 100 whose headers do not end is handed on, so that memory stays bounded', () => {
  const head = `HTTP/1.1 100 Continue\r\nx: ${'a'.repeat(5_000)}`;
  assert.equal(readAll([head.slice(0, 4_000)]), '');
  assert.equal(readAll([head.slice(0, 4_000), head.slice(4_000)]), head);
});

test('within an answer nothing is looked for', () => {
  const socket = new Readable({ read() {} });
  const filter = passOverContinue(socket);
  filter.expectAnswer();
  const body = 'HTTP/1.1 100 Continue\r\n\r\n';
  for (const chunk of ['HTTP/1.1 200 OK\r\n\r\n', body]) {
    socket.push(chunk);
    assert.equal(String(socket.read()), chunk);
  }
  filter.expectAnswer();
  socket.push(body);
  assert.equal(socket.read(), null);
});
