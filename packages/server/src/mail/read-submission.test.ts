import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { readSubmission, withoutHeaders } from './read-submission.ts';

function mail(...lines: string[]): Buffer {
  return Buffer.from([...lines, '', 'Hello.', ''].join('\r\n'));
}

const BASE = ['From: Mila <mila@example.com>', 'To: all@example.com', 'Subject: Hi'];

test('the headers of an ordinary message are read', () => {
  const raw = mail(...BASE, 'Date: Fri, 20 Nov 2026 10:00:00 +0000', 'Message-ID: <1@example.com>');
  const { fields, ...said } = readSubmission(raw);
  assert.deepEqual(fields.map(({ name }) => name).slice(-2), ['date', 'message-id']);
  assert.deepEqual(said, {
    from: 'mila@example.com',
    subject: 'Hi',
    smtpId: '<1@example.com>',
    hasDate: true,
    stream: 'transactional',
    tags: [],
    metadata: {},
    tracking: {},
    expectWithinMs: null,
    wantsPage: undefined,
    hasOwnPage: false,
    hasWayOut: false,
    fault: null,
  });
});

test('folded and encoded headers come out whole', () => {
  const raw = mail(
    'FROM:',
    ' =?utf-8?q?M=C3=ADla?=',
    '\t<mila@example.com>',
    'Subject: =?utf-8?B?R3LDvMOfZQ==?=',
    ' =?utf-8?Q?_aus_K=C3=B6ln?=',
    'X-Posthorn-Tags: receipt,',
    '  eu , ',
    'X-Posthorn-Metadata: {"order": 7,',
    ' "name": "B\u00fccher"}',
    'message-id:',
    ' <folded@example.com>',
  );
  const read = readSubmission(raw);
  assert.equal(read.from, 'mila@example.com');
  assert.equal(read.subject, 'Grüße aus Köln');
  assert.deepEqual(read.tags, ['receipt', 'eu']);
  assert.deepEqual(read.metadata, { order: 7, name: 'Bücher' });
  assert.equal(read.smtpId, '<folded@example.com>');
  assert.equal(read.hasDate, false);
  assert.equal(read.fault, null);
});

test('a message without one sender is refused', () => {
  for (const lines of [
    ['Subject: no From'],
    ['From: a@example.com', 'From: b@example.com'],
    ['From: a@example.com, b@example.com'],
    ['From: Team: a@example.com, b@example.com;'],
  ]) {
    const read = readSubmission(mail(...lines));
    assert.match(read.fault ?? '', /one From header with one address/, lines.join());
    assert.equal(read.from, null);
  }
});

test('a From header that holds no address is refused', () => {
  for (const from of [
    '',
    'nobody at all',
    '@example.com',
    'mila@',
    '<>',
    '"Mila"',
    'undisclosed-recipients:;',
  ]) {
    const read = readSubmission(mail(`From: ${from}`));
    assert.match(read.fault ?? '', /one From header with one address/, from);
    assert.equal(read.from, null, from);
  }
});

test('headers of ours that cannot be read refuse the message rather than being dropped', () => {
  const refused = (line: string) => readSubmission(mail(...BASE, line)).fault;
  for (const value of ['{', '[1]', '7', 'null', '"text"']) {
    assert.match(refused(`X-Posthorn-Metadata: ${value}`) ?? '', /JSON object/, value);
  }
  assert.match(refused(`X-Posthorn-Tags: ${'a,'.repeat(11)}`) ?? '', /up to 10 tags/);
  assert.match(refused(`X-Posthorn-Tags: ${'a'.repeat(129)}`) ?? '', /128 characters/);
});

test('a header section without an end, or a huge one, is refused', () => {
  assert.match(readSubmission(Buffer.from('From: a@example.com\r\n')).fault ?? '', /readable size/);
  const huge = mail(
    ...BASE,
    ...Array.from({ length: 4_000 }, (_, i) => `X-${i}: ${'x'.repeat(70)}`),
  );
  assert.match(readSubmission(huge).fault ?? '', /readable size/);
});

test('a long folded header takes no time out of proportion', () => {
  const folds = Array.from({ length: 40_000 }, () => ' x');
  const read = readSubmission(mail(...BASE, 'X-Folded: x', ...folds));
  assert.equal(read.fault, null);
  const spaces = readSubmission(mail(...BASE, `X-Spaces:${' '.repeat(200_000)}`));
  assert.equal(spaces.fault, null);
});

test('what is private does not go out; what is missing is added on top; the rest is the same bytes', () => {
  const body = Buffer.from([
    0x2e, 0x0d, 0x0a, 0xff, 0x00, 0xfe, 0x0d, 0x0a, 0x0d, 0x0a, 0x2e, 0x2e,
  ]);
  const raw = Buffer.concat([
    mail(
      'Bcc: hidden@example.com,',
      '\tmore@example.com',
      ...BASE,
      'bcc : also@example.com',
      'X-Posthorn-Tags: receipt',
      'X-Bcc-Like: stays',
      'x-posthorn-metadata: {"a":',
      ' 1}',
      'DKIM-Signature: v=1;  b=two  spaces',
    ),
    body,
  ]);
  const out = withoutHeaders(raw);
  const expected = Buffer.concat([
    mail(...BASE, 'X-Bcc-Like: stays', 'DKIM-Signature: v=1;  b=two  spaces'),
    body,
  ]);
  assert.deepEqual(out, expected);
});

test('a body that looks like headers is left alone', () => {
  const raw = Buffer.concat([mail(...BASE), Buffer.from('Bcc: in the body\r\n\r\nBcc: again\r\n')]);
  assert.deepEqual(withoutHeaders(raw), raw);
});

/** Lines that are nearly headers, and bytes that are nothing. */
const section = fc
  .array(
    fc.oneof(
      fc
        .constantFrom('From', 'Bcc', 'bcc ', 'X-Posthorn-Tags', 'Subject', ' folded', '\t', '')
        .chain((name) => fc.string().map((value) => `${name}: ${value}`)),
      fc.constantFrom('=?utf-8?B?', '=?x?Q?=FF?=', '\r', '\n', ':', ' ', '<<>>', '"', '(', '[]'),
      fc.string({ unit: 'binary' }),
    ),
    { maxLength: 12 },
  )
  .map((lines) => lines.join('\r\n'));

test('no header section makes it throw, lose the body or let a hidden recipient out', () => {
  fc.assert(
    fc.property(section, fc.uint8Array({ maxLength: 40 }), (head, bytes) => {
      const body = Buffer.from(bytes);
      const raw = Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]);
      const read = readSubmission(raw);
      if (read.fault === null) assert.notEqual(read.from, null);
      const out = withoutHeaders(raw);
      assert.ok(out.subarray(out.length - body.length).equals(body));
      if (read.fault !== null) return;
      const end = out.indexOf('\r\n\r\n');
      const text = out.toString('latin1', 0, end);
      assert.doesNotMatch(text, /(^|\r\n)(bcc|x-posthorn-tags)[ \t]*:/i);
    }),
    { numRuns: 2_000 },
  );
});
