import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReport } from '@posthorn/bounce';
import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { composeDsn, type DsnEntry, type DsnReport } from './compose-dsn.ts';

const AT_MS = Date.UTC(2026, 10, 22, 3, 0, 0);
const MILA: DsnEntry = {
  recipient: 'mila@example.com',
  orcpt: 'rfc822;mila+shop@example.com',
  action: 'failed',
  status: '5.1.1',
  reply: '550 5.1.1 No such user',
  remoteMta: 'mx.example.com',
  willRetryUntilMs: null,
};

function report(fields: Partial<DsnReport> = {}): DsnReport {
  return {
    hostname: 'mail.posthorn.test',
    to: 'shop@shop.example',
    smtpId: '<report@mail.posthorn.test>',
    boundary: 'a-boundary',
    atMs: AT_MS,
    about: { smtpId: '<order@shop.example>', envid: 'order 7', arrivedAtMs: AT_MS - 60_000 },
    entries: [MILA],
    returned: { bytes: Buffer.from('Subject: Your order\r\n'), isWhole: false },
    ...fields,
  };
}

test('our own parser reads a failure as what it was', () => {
  const { kind, recipients, original } = parseReport(composeDsn(report()));
  assert.equal(kind, 'bounce');
  const [one] = recipients;
  assert.deepEqual(
    [one?.recipient, one?.originalRecipient, one?.action, one?.status, one?.smtpCode, one?.type],
    ['mila@example.com', 'mila+shop@example.com', 'failed', '5.1.1', 550, 'hard'],
  );
  assert.equal(one?.remoteMta, 'mx.example.com');
  assert.equal(original?.messageId ?? null, null);
});

test('a parser of mail finds the three parts', async () => {
  const { headers, subject, text, attachments, from, to } = await PostalMime.parse(
    composeDsn(report()),
    { forceRfc822Attachments: true },
  );
  const header = (name: string) => headers.find(({ key }) => key === name)?.value;
  assert.equal(subject, 'Your message was not delivered');
  assert.equal(from?.address, 'MAILER-DAEMON@mail.posthorn.test');
  assert.equal(to?.[0]?.address, 'shop@shop.example');
  assert.equal(header('auto-submitted'), 'auto-replied');
  assert.equal(header('references'), '<order@shop.example>');
  assert.match(header('content-type') ?? '', /^multipart\/report; report-type=delivery-status;/);
  assert.match(
    text ?? '',
    /could not be delivered to:\s+mila@example\.com\s+550 5\.1\.1 No such user/,
  );
  assert.deepEqual(
    attachments.map(({ mimeType }) => mimeType),
    ['message/delivery-status', 'text/rfc822-headers'],
  );
});

test('the facts stand one group for each recipient', () => {
  const noor: DsnEntry = {
    ...MILA,
    recipient: 'noor@example.com',
    orcpt: null,
    action: 'delayed',
    status: null,
    reply: null,
    remoteMta: null,
    willRetryUntilMs: AT_MS + 86_400_000,
  };
  const text = composeDsn(report({ entries: [MILA, noor] })).toString();
  assert.match(
    text,
    new RegExp(
      [
        'Reporting-MTA: dns; mail\\.posthorn\\.test',
        'Original-Envelope-Id: order 7',
        'Arrival-Date: Sun, 22 Nov 2026 02:59:00 \\+0000',
        '',
        'Original-Recipient: rfc822;mila\\+shop@example\\.com',
        'Final-Recipient: rfc822; mila@example\\.com',
        'Action: failed',
        'Status: 5\\.1\\.1',
        'Remote-MTA: dns; mx\\.example\\.com',
        'Diagnostic-Code: smtp; 550 5\\.1\\.1 No such user',
        'Last-Attempt-Date: Sun, 22 Nov 2026 03:00:00 \\+0000',
        '',
        'Final-Recipient: rfc822; noor@example\\.com',
        'Action: delayed',
        'Status: 4\\.0\\.0',
        'Last-Attempt-Date: Sun, 22 Nov 2026 03:00:00 \\+0000',
        'Will-Retry-Until: Mon, 23 Nov 2026 03:00:00 \\+0000',
        '',
        '--a-boundary',
      ].join('\r\n'),
    ),
  );
});

test('the whole message comes back as it was, bytes and all', () => {
  const bytes = Buffer.from('Subject: x\r\n\r\ngr\u00fc\u00df\r\n.\r\n');
  const whole = composeDsn(report({ returned: { bytes, isWhole: true } }));
  assert.ok(whole.includes(Buffer.concat([Buffer.from('8bit\r\n\r\n'), bytes])));
  assert.match(whole.toString(), /Content-Type: message\/rfc822\r\n/);
  assert.doesNotMatch(composeDsn(report({ returned: null })).toString(), /attached|rfc822-headers/);
});

test('an address that is not ASCII makes it a report of RFC 6533', () => {
  const josé = { ...MILA, recipient: 'jösé@example.com', orcpt: 'utf-8;jösé@example.com' };
  const text = composeDsn(report({ entries: [josé] })).toString();
  assert.match(text, /report-type=global-delivery-status/);
  assert.match(text, /Content-Type: message\/global-delivery-status/);
  assert.match(text, /Final-Recipient: utf-8; jösé@example\.com/);
  assert.equal(parseReport(Buffer.from(text)).recipients[0]?.recipient, 'jösé@example.com');
});

test('nothing that others wrote can add a line, and no line is too long', () => {
  const text = fc.string({ unit: 'binary', maxLength: 1_500 });
  const evil = fc.oneof(text, fc.constantFrom('a\r\nBcc: x@y.example', 'a\n\n--a-boundary--\r\n'));
  fc.assert(
    fc.property(evil, evil, evil, (reply, orcpt, envid) => {
      const plain = composeDsn(report()).toString().split('\r\n');
      const about = { smtpId: '<order@shop.example>', envid, arrivedAtMs: AT_MS };
      const lines = composeDsn(report({ about, entries: [{ ...MILA, reply, orcpt }] }))
        .toString()
        .split('\r\n');
      for (const line of lines) assert.ok(Buffer.byteLength(line) <= 998 && !/[\r\n]/.test(line));
      // Continuation lines and the words for people are all that may differ.
      const names = (all: string[]) =>
        all
          // Of the parts that RFC 6533 adds where an address is not ASCII.
          .filter((line) => line !== 'Content-Transfer-Encoding: 8bit')
          .filter((line) => /^(?:--|[A-Z][A-Za-z-]+:)/.test(line))
          .map((line) => line.split(':')[0]);
      assert.deepEqual(names(lines), names(plain));
    }),
    { numRuns: 100 },
  );
});
