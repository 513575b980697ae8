import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { shortenLines } from './shorten-lines.ts';

const LONG = `${'wide '.repeat(400)}é =3D end`;

const bytes = (...lines: string[]): Buffer => Buffer.from(lines.join('\r\n'), 'utf8');
const shortened = (...lines: string[]): string => shortenLines(bytes(...lines)).toString('latin1');
const longest = (text: string): number =>
  Math.max(...text.split('\r\n').map((line) => line.length));

test('a message of short lines is the same bytes, and not a copy', () => {
  const raw = bytes('Subject: x', '', 'y'.repeat(998), 'z'.repeat(998));
  assert.equal(shortenLines(raw), raw);
});

test('parts with long lines are encoded anew and read the same, the others stay', async () => {
  const lines = [
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/html; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    LONG,
    `.${LONG}  `,
    '--b',
    'Content-Type: application/json; name=a.json',
    'Content-Disposition: attachment; filename=a.json',
    '',
    `{"a":"${LONG}"}`,
    '--b',
    'Content-Type: image/png; name=b.png',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.alloc(1_500, 7).toString('base64'),
    '--b',
    'Content-Type: text/plain; charset=utf-8',
    '',
    'Kurz, schön.',
    '--b--',
    '',
  ];
  const text = shortened(...lines);
  assert.ok(longest(text) <= 76, `${longest(text)}`);
  assert.equal(text.match(/Content-Transfer-Encoding: quoted-printable/g)?.length, 1);
  assert.equal(text.match(/Content-Transfer-Encoding: base64/g)?.length, 2);
  assert.ok(text.includes(Buffer.from('\r\n\r\nKurz, schön.\r\n--b--\r\n').toString('latin1')));
  const [before, after] = await Promise.all([
    PostalMime.parse(bytes(...lines)),
    PostalMime.parse(Buffer.from(text, 'latin1')),
  ]);
  assert.deepEqual([after.html, after.text], [before.html, before.text]);
  const contents = after.attachments.map(({ content }) => Buffer.from(content as ArrayBuffer));
  assert.deepEqual(contents, [Buffer.from(`{"a":"${LONG}"}`), Buffer.alloc(1_500, 7)]);
});

test('a message that is no MIME becomes one', async () => {
  const text = shortened('From: a@example.com', 'Subject: x', '', 'w '.repeat(600));
  assert.match(text, /^MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\nFrom/);
  const { text: read } = await PostalMime.parse(Buffer.from(text));
  assert.equal(read?.trimEnd(), 'w '.repeat(600).trimEnd());
});

test('text of two bytes a character becomes base64', () => {
  const body = Buffer.from('ab'.repeat(600), 'utf16le');
  const head = bytes('MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-16le', '', '');
  const text = shortenLines(Buffer.concat([head, body])).toString('latin1');
  assert.match(text, /Content-Transfer-Encoding: base64/);
  const encoded = text.slice(text.indexOf('\r\n\r\n'));
  assert.deepEqual(Buffer.from(encoded, 'base64'), body);
});

test('a long text becomes base64, which is never three times as long', () => {
  const body = Buffer.from('é'.repeat(200_000));
  const head = bytes('MIME-Version: 1.0', 'Content-Type: text/html; charset=utf-8', '', '');
  const result = shortenLines(Buffer.concat([head, body]));
  const text = result.toString('latin1');
  assert.match(text, /Content-Transfer-Encoding: base64/);
  assert.ok(result.length < body.length * 1.4);
  assert.deepEqual(Buffer.from(text.slice(text.indexOf('\r\n\r\n')), 'base64'), body);
});

test('long header fields are folded where they have white space', () => {
  const ids = Array.from({ length: 80 }, (_, n) => `<${n}.abcdefghijklmnopqrstuvwxyz@example.com>`);
  const key = 'k'.repeat(1_200);
  const text = shortened(
    `References: ${ids.join(' ')}`,
    `X-Key: ${key} ${key} and more`,
    `X-Space: a${' '.repeat(1_200)}`,
    '',
    'Hi',
  );
  const unfolded = text.replace(/\r\n(?=[ \t])/g, '');
  assert.ok(
    unfolded.startsWith(`References: ${ids.join(' ')}\r\nX-Key: ${key} ${key} and more\r\n`),
  );
  const lines = text.split('\r\n');
  assert.deepEqual(
    lines.map((line) => line.length).filter((length) => length > 998),
    [1_201, 1_201, 1_202],
  );
  assert.ok(lines.slice(0, -2).every((line) => line.trim() !== ''));
});

test('what its sender has signed stays as it is', () => {
  const signed = bytes('DKIM-Signature: v=1; a=rsa-sha256', 'Subject: x', '', LONG);
  assert.equal(shortenLines(signed), signed);
  const sealed = bytes(
    'MIME-Version: 1.0',
    'Content-Type: multipart/signed; boundary=b; protocol="application/pgp-signature"',
    '',
    '--b',
    '',
    LONG,
    '--b--',
    '',
  );
  assert.deepEqual(shortenLines(sealed), sealed);
});

test('any text reads the same, and none of its lines is too long', async () => {
  const line = fc.oneof(fc.string(), fc.string({ minLength: 999, maxLength: 1_400 }));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 4 }), async (lines) => {
      const body = Buffer.from(lines.map((one) => one.replace(/[\r\n]/g, '')).join('\r\n'));
      const head = bytes('MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8', '', '');
      const raw = Buffer.concat([head, body]);
      const result = shortenLines(raw);
      assert.ok(longest(result.toString('latin1')) <= 998);
      const [before, after] = await Promise.all([raw, result].map((one) => PostalMime.parse(one)));
      assert.equal(after?.text, before?.text);
    }),
  );
});
