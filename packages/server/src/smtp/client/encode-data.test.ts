import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeData } from './encode-data.ts';

const encode = (text: string) =>
  Buffer.concat(encodeData(Buffer.from(text, 'latin1'))).toString('latin1');

test('stuffs dots at line starts only, and ends with a lone dot', () => {
  assert.equal(encode('.a\r\n.\r\n..b\r\nc.d\r\n'), '..a\r\n..\r\n...b\r\nc.d\r\n.\r\n');
  assert.equal(encode('no end'), 'no end\r\n.\r\n');
  assert.equal(encode(''), '.\r\n');
  assert.equal(encode('.'), '..\r\n.\r\n');
});

test('turns bare newlines into CRLF, so that no server finds an end of its own in them', () => {
  assert.equal(encode('a\n.\nb\r.\rc'), 'a\r\n..\r\nb\r\n..\r\nc\r\n.\r\n');
});

test('shares memory with the message where there is nothing to change', () => {
  const raw = Buffer.from('Subject: x\r\n\r\nhello\r\n');
  assert.equal(encodeData(raw)[0]?.buffer, raw.buffer);
});

test('comes back as it went in, whatever the dots', () => {
  const lines = fc.array(fc.string({ unit: fc.constantFrom('.', 'a', '\xff'), maxLength: 5 }));
  fc.assert(
    fc.property(lines, (given) => {
      const text = given.map((line) => `${line}\r\n`).join('');
      const sent = encode(text);
      const content = sent.slice(0, sent.length - 3);
      assert.equal(sent.endsWith('.\r\n'), true);
      assert.equal(`\r\n${content}`.includes('\r\n.\r\n'), false);
      assert.equal(content.replace(/^\.\./gm, '.'), text);
    }),
  );
});
