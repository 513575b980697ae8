import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import { InputStream } from './input-stream.ts';

/** What a stream makes of these pieces: each DATA is followed by a message, everything else is a command. */
async function read(stream: SMTPStream, pieces: readonly Uint8Array[]) {
  const seen: string[] = [];
  let isReading = false;
  stream.oncommand = (command, next = () => {}) => {
    seen.push(`command ${command.toString('latin1')}`);
    if (command.toString('latin1') !== 'DATA') return next();
    const message: Buffer[] = [];
    const data = stream.startDataMode(1_000);
    isReading = true;
    data.on('data', (piece: Buffer) => message.push(piece));
    data.on('end', () => {
      isReading = false;
      const text = Buffer.concat(message).toString('latin1');
      seen.push(`message ${text}`, `${data.byteLength} ${data.sizeExceeded}`);
      stream.continue();
    });
    next();
  };
  for (const piece of pieces) {
    await new Promise<void>((resolve) => stream.write(piece, () => resolve()));
  }
  if (!isReading) {
    stream.end();
    await once(stream, 'finish');
  }
  return seen;
}

/** Cuts at these places. */
function cut(text: string, places: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, i) => bytes.subarray(start, at[i] ?? bytes.length));
}

const places = fc.array(fc.nat(), { maxLength: 30 });
/** Of what ends of messages are made, and what is nearly one. */
const parts = fc.constantFrom('\r\n.\r\n', '.', '..', '\r\n', '\r', '\n', '\n.', '\0', 'QUIT');

test('a message that a client has stuffed comes out as it was, in whatever pieces', async () => {
  const line = fc.string({ unit: fc.constantFrom('.', 'a', '\0', '\xff'), maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 12 }), places, async (lines, at) => {
      const stuffed = lines.map((one) => `${one.startsWith('.') ? '.' : ''}${one}\r\n`).join('');
      const pieces = cut(`DATA\r\n${stuffed}.\r\nNOOP\r\nQUIT\r\n`, at);
      const text = lines.map((one) => `${one}\r\n`).join('');
      assert.deepEqual(await read(new InputStream(), pieces), [
        'command DATA',
        `message ${text}`,
        `${text.length} false`,
        'command NOOP',
        'command QUIT',
      ]);
    }),
    { numRuns: 500 },
  );
});

test('of any bytes it makes what the library makes of them, in whatever pieces', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(parts, { maxLength: 30 }), places, places, async (any, at, other) => {
      // The library overlooks a stuffed dot behind a bare LF that a message begins with.
      const text = `DATA\r\nx${any.join('')}`;
      const theirs = await read(new SMTPStream(), cut(text, other));
      assert.deepEqual(await read(new InputStream(), cut(text, at)), theirs);
    }),
    { numRuns: 1_000 },
  );
});

test('nothing but CR LF . CR LF ends a message', async () => {
  for (const end of [
    '\n.\n',
    '\n.\r\n',
    '\r.\r',
    '\r\n.\n',
    '\r\n.\r',
    '\r\n.\0\r\n',
    '\r\r\n..\r\n',
  ]) {
    const text = `DATA\r\nSubject: a${end}MAIL FROM:<b@example.com>\r\n`;
    for (let at = 6; at < text.length; at++) {
      assert.deepEqual(await read(new InputStream(), cut(text, [at])), ['command DATA'], end);
    }
  }
});

test('who does not take the message holds the client back, until he drops it', async () => {
  const stream = new InputStream();
  stream.oncommand = (_command, next = () => {}) => next();
  const data = stream.startDataMode();
  const taken: string[] = [];
  const write = (bytes: number): void => {
    stream.write(Buffer.alloc(bytes, 'x'), () => taken.push(`${bytes}`));
  };
  write(300_000);
  write(10);
  assert.deepEqual(taken, []);
  data.destroy();
  await once(data, 'close');
  await new Promise((resolve) => stream.write('x', resolve));
  assert.deepEqual(taken, ['300000', '10']);
});
