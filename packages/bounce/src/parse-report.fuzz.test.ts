import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesOf, composeDsn, composeText } from './fixtures/compose-mail.ts';
import { NOTICES } from './fixtures/notices.ts';
import { MAX_DEPTH } from './mail/parse-entity.ts';
import { parseReport } from './parse-report.ts';
import { DELIVERY_ACTIONS, REPORT_KINDS, type Report } from './report.ts';

const DSN = composeDsn({
  fields: `Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; bob@dest.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

Final-Recipient: rfc822; jim@dest.example
Action: delayed
Status: 4.2.2`,
});

const SAMPLES: readonly Uint8Array[] = [DSN, ...NOTICES.map(composeText)];

/** What holds of a report whatever the bytes were. */
function checkReport(report: Report): void {
  assert.ok(REPORT_KINDS.includes(report.kind));
  for (const recipient of report.recipients) {
    const { action, type, scope } = recipient;
    assert.ok(recipient.recipient.length > 0);
    assert.ok(action === null || DELIVERY_ACTIONS.includes(action));
    if (type === 'hard') assert.equal(action, 'failed');
    if (type === 'hard') assert.ok(scope === 'recipient' || scope === 'domain');
    if (action === null) assert.equal(type, null);
    assert.ok((recipient.diagnostic?.length ?? 0) <= 1_000);
  }
  const late = report.recipients.some(({ action }) => action === 'failed' || action === 'delayed');
  assert.equal(report.kind === 'bounce', late);
  // The report is JSON: nothing in it is lost or throws on the way.
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
}

test('answers any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => checkReport(parseReport(bytes))),
  );
});

test('answers mails made of the pieces of mails, in any order', () => {
  const piece = fc.constantFrom(
    ...SAMPLES.flatMap((sample) => new TextDecoder().decode(sample).split(/(?<=\n)/)),
    '\n',
    '\r',
    '--=_b\n',
    'Content-Type: multipart/report; boundary="=_b"\n',
    'Content-Type: message/delivery-status\n\n',
    'Content-Transfer-Encoding: base64\n',
    'Content-Transfer-Encoding: quoted-printable\n',
    'Content-Type: text/plain; charset=iso-2022-jp\n',
    'Subject: =?x?q?=FF?=\n',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) =>
      checkReport(parseReport(bytesOf(pieces.join('')))),
    ),
  );
});

test('answers mails in which bytes have been changed', () => {
  const change = fc.record({ at: fc.nat(), value: fc.nat(255) });
  fc.assert(
    fc.property(
      fc.constantFrom(...SAMPLES),
      fc.array(change, { minLength: 1, maxLength: 30 }),
      (sample, changes) => {
        const bytes = sample.slice();
        for (const { at, value } of changes) bytes[at % bytes.length] = value;
        checkReport(parseReport(bytes));
      },
    ),
  );
});

test('answers a report that ends anywhere', () => {
  for (let length = 0; length <= DSN.length; length += 1) {
    checkReport(parseReport(DSN.subarray(0, length)));
  }
});

test('gives every notice the same answer whatever ends its lines', () => {
  for (const sample of SAMPLES) {
    const text = new TextDecoder().decode(sample);
    const expected = parseReport(sample);
    for (const end of ['\r\n', '\r']) {
      assert.deepEqual(parseReport(bytesOf(text.replaceAll('\n', end))), expected);
    }
  }
});

test('stops at a depth, and reads what is above it', () => {
  const nest = (depth: number): string =>
    depth === 0
      ? 'Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; bob@dest.example\nAction: failed\nStatus: 5.1.1\n'
      : `Content-Type: multipart/mixed; boundary=b${depth}\n\n--b${depth}\n${nest(depth - 1)}\n--b${depth}--\n`;
  assert.equal(parseReport(bytesOf(nest(MAX_DEPTH - 1))).recipients.length, 1);
  checkReport(parseReport(bytesOf(nest(2_000))));
});

/**
 * Mails that make a careless reader quadratic or worse: at 4 MiB it would not come back within the
 * test runner's patience. No time is asserted.
 */
const MEGABYTE = 1024 * 1024;
const fill = (text: string, bytes: number): string => text.repeat(Math.ceil(bytes / text.length));

const HEAVY: Record<string, () => string> = {
  'one line of 50 MB': () => 'a'.repeat(50 * MEGABYTE),
  'one header of 50 MB': () => `Subject: ${'a'.repeat(50 * MEGABYTE)}\n\nx`,
  'carriage returns': () => '\r'.repeat(5 * MEGABYTE),
  'empty lines': () =>
    `From: MAILER-DAEMON\nSubject: Undeliverable\n\n${'\n'.repeat(5 * MEGABYTE)}`,
  'header lines': () => fill('X-Header: value\n', 5 * MEGABYTE),
  'folded lines': () => `Subject: x\n${fill(' fold\n', 5 * MEGABYTE)}`,
  'at signs': () => `From: MAILER-DAEMON\nSubject: Undeliverable\n\n${fill('a@', 5 * MEGABYTE)}`,
  addresses: () =>
    `From: MAILER-DAEMON\nSubject: Undeliverable\n\n${fill('<user@host.example>: 550 user mailbox recipient unknown\n', 5 * MEGABYTE)}`,
  'words of rules': () =>
    `From: MAILER-DAEMON\nSubject: Undeliverable\n\n<bob@dest.example>: 550 ${fill('mailbox user recipient domain message sender ', 5 * MEGABYTE)}`,
  'recipients of a report': () =>
    new TextDecoder().decode(
      composeDsn({
        fields: fill(
          'Final-Recipient: rfc822; user@host.example\nAction: failed\nDiagnostic-Code: smtp; 550 mailbox user recipient domain\n\n',
          MEGABYTE,
        ),
      }),
    ),
  'status fields': () =>
    new TextDecoder().decode(composeDsn({ fields: fill('Status: 5.1.1\n', MEGABYTE) })),
  boundaries: () =>
    `Content-Type: multipart/mixed; boundary=b\n\n${fill('--b\nContent-Type: multipart/mixed; boundary=b\n\n', 5 * MEGABYTE)}`,
  'open tags': () =>
    `From: MAILER-DAEMON\nContent-Type: text/html\n\n${fill('<style><', 5 * MEGABYTE)}`,
  'encoded words': () => `Subject: ${fill('=?utf-8?q?=41?= ', 200_000)}\n\nx`,
  'broken encoded words': () => `Subject: ${fill('=?a?q?', 200_000)}\n\nx`,
  'quoted-printable': () =>
    `From: MAILER-DAEMON\nContent-Transfer-Encoding: quoted-printable\n\n${fill('=', 5 * MEGABYTE)}`,
  'feedback fields': () =>
    `Content-Type: message/feedback-report\n\n${fill('Original-Rcpt-To: a@b.example\n', 5 * MEGABYTE)}`,
  braces: () => `From: MAILER-DAEMON\n\n${fill('{"notificationType":', MEGABYTE)}`,
};

for (const [name, compose] of Object.entries(HEAVY)) {
  test(`comes to an end with a mail of ${name}`, () => {
    checkReport(parseReport(bytesOf(compose())));
  });
}
