import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { listHeaders, MAX_HEADER_LENGTH, responseExcerpt } from './response-excerpt.ts';

const show = (bytes: Buffer | string, contentType = '', isCut = false): string | null =>
  responseExcerpt(Buffer.from(bytes as string), isCut, contentType);

test('text is shown as it is, whatever it says of itself', () => {
  for (const type of ['', 'text/html', 'application/problem+json', 'application/octet-stream']) {
    assert.equal(show('Jürgen\r\n\tsays "no" 😀', type), 'Jürgen\r\n\tsays "no" 😀');
  }
  assert.equal(show('', 'text/plain'), null);
  assert.equal(show('\u001b[31mred\u001b[0m', 'application/x-log'), '\u001b[31mred\u001b[0m');
});

test('a character that was cut in two is left out', () => {
  for (const character of ['ü', '€', '😀']) {
    const bytes = Buffer.from(`ab${character}`);
    for (let length = 3; length < bytes.length; length++) {
      assert.equal(show(bytes.subarray(0, length), 'text/plain', true), 'ab');
    }
    assert.equal(show(bytes, 'text/plain', true), `ab${character}`);
  }
  assert.equal(show(Buffer.from('ü').subarray(0, 1), 'text/plain', true), null);
});

test('another charset is read when it is named', () => {
  const latin = Buffer.from('für', 'latin1');
  assert.equal(show(latin, 'text/html; charset=ISO-8859-1'), 'für');
  assert.equal(show(latin, 'text/html; charset="windows-1252"'), 'für');
  assert.match(show(latin, 'text/html; charset=martian') ?? '', /^\[No text: 3 bytes/);
  assert.match(show(latin, 'text/html; charset=utf-8') ?? '', /^\[No text: 3 bytes/);
});

test('what is no text is a note with its first bytes', () => {
  assert.equal(
    show(Buffer.from([0xff, 0xfe]), ''),
    '[No text: 2 bytes, no content type. In base64: //4=]',
  );
  const long = show(Buffer.alloc(16_384, 0xff), `image/png${' '.repeat(500)}`, true) ?? '';
  assert.match(long, /^\[No text: 16384 bytes, image\/png\. In base64: \/{128}\.\.\.\]$/);
  assert.match(show('a\u0000b', 'application/octet-stream') ?? '', /^\[No text: 3 bytes/);
  assert.equal(show('a\u0000b', 'application/json'), 'ab');
});

test('of whatever bytes there is never a NUL, half a surrogate or more than was kept', () => {
  const types = fc.constantFrom('', 'text/plain', 'image/png', 'text/html; charset=shift_jis');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), types, fc.boolean(), (bytes, type, isCut) => {
      const text = responseExcerpt(Buffer.from(bytes), isCut, type) ?? '';
      assert.ok(!text.includes('\u0000'));
      assert.ok(text.isWellFormed());
      assert.ok(text.length <= Math.max(bytes.length, 300));
    }),
  );
});

test('headers are cut where they go too far', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.stringMatching(/^[a-z-]{1,20}$/), fc.string({ maxLength: 3_000 })), {
        maxLength: 12,
      }),
      (pairs) => {
        const byName = Map.groupBy(pairs, ([name]) => name);
        const headers = Object.fromEntries(
          [...byName].map(([name, same]) => [name, same.map(([, value]) => value)]),
        );
        const whole = Object.entries(headers).flatMap(([name, values]) =>
          values.flatMap((value) => [name, value]),
        );
        const list = listHeaders(headers);
        assert.equal(list.length % 2, 0);
        assert.ok(list.join('').length <= MAX_HEADER_LENGTH);
        assert.ok(whole.join('\n').startsWith(list.join('\n')));
        if (whole.join('').length <= MAX_HEADER_LENGTH) assert.deepEqual(list, whole);
      },
    ),
  );
});
