import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEntity, textOf } from './parse-entity.ts';
import { readSource } from './source-text.ts';

const source = (text: string): string => readSource(new TextEncoder().encode(text), 1_000_000);

test('splits a multipart at its own boundary, not at one that begins alike', () => {
  const mail = parseEntity(
    source(
      'Content-Type: multipart/mixed; boundary=abc\n\npreamble\n--abc\n\none\n--abcd\nstill one\n--abc  \n\ntwo\n--abc--\nepilogue\n',
    ),
  );
  assert.deepEqual(
    mail.parts.map(({ body }) => body),
    ['one\n--abcd\nstill one', 'two'],
  );
});

test('reads the last part of a multipart without an end', () => {
  const mail = parseEntity(
    source('Content-Type: multipart/mixed; boundary="a b"\n\n--a b\nX: y\n\ncut of'),
  );
  assert.equal(mail.parts[0]?.body, 'cut of');
});

test('keeps an attached mail as it is', () => {
  const mail = parseEntity(
    source(
      'Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ninner\n--b--\n--a--',
    ),
  );
  assert.equal(mail.parts[0]?.type, 'message/rfc822');
  assert.deepEqual(mail.parts[0]?.parts, []);
});

test('undoes transfer encodings and charsets, right or wrong', () => {
  const cases: [contentType: string, encoding: string, body: string, text: string][] = [
    ['text/plain; charset=utf-8', 'base64', 'Z3LDvMOfZQ==', 'grüße'],
    ['text/plain; charset=iso-8859-1', 'quoted-printable', 'gr=FC=DFe =\nda', 'grüße da'],
    ['text/plain; charset=iso-2022-jp', '7bit', '\u001b$B%(%i!<\u001b(B', 'エラー'],
    ['text/plain; charset=us-ascii', '8bit', 'grüße', 'grüße'],
    ['text/plain; charset=x-nobody-knows', '8bit', 'grüße', 'grüße'],
    ['text/plain; charset=unicode-1-1-utf-7', '7bit', 'plain', 'plain'],
    ['text/plain', 'x-unheard-of', 'plain', 'plain'],
    ['text/plain', 'BASE64', 'cGxhaW4', 'plain'],
  ];
  for (const [contentType, encoding, body, text] of cases) {
    const mail = `Content-Type: ${contentType}\nContent-Transfer-Encoding: ${encoding}\n\n${body}`;
    assert.equal(textOf(parseEntity(source(mail))), text, contentType);
  }
});

test('reads headers that are folded, repeated, encoded, damaged or missing', () => {
  const { headers } = parseEntity(
    source(
      'From MAILER-DAEMON Mon Feb  3 10:00:00 2025\nSubject: =?utf-8?Q?a_?=\n =?utf-8?B?4pyT?=\nX-A: 1\nnoise\nX-A : 2\n\nX-A: 3\n',
    ),
  );
  assert.equal(headers.text('subject'), 'a ✓');
  assert.deepEqual(headers.all('x-a'), ['1', '2']);
  assert.equal(headers.text('x-b'), null);
  assert.equal(parseEntity(source('just a text\nof two lines')).body, 'just a text\nof two lines');
});
