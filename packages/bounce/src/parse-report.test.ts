import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, composeDsn, composeText } from './fixtures/compose-mail.ts';
import { parseReport } from './parse-report.ts';
import { parseReportStream } from './parse-report-stream.ts';

const FIELDS = `Reporting-MTA: dns; mx.example
X-Postfix-Queue-ID: 4ABC
Arrival-Date: Mon, 3 Feb 2025 10:00:00 +0000

Final-Recipient: rfc822; bob@Dest.example
Original-Recipient: rfc822;bob@dest.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.dest.example (192.0.2.1)
Diagnostic-Code: smtp; 550 5.1.1 <bob@dest.example>: Recipient address
    rejected: User unknown in local recipient table`;

const briefly = (mail: Uint8Array) =>
  parseReport(mail).recipients.map(({ recipient, action, type, category }) =>
    [recipient, action, type, category].join(' '),
  );

test('reads every field of a delivery status notification', () => {
  const report = parseReport(composeDsn({ fields: FIELDS }));
  assert.equal(report.kind, 'bounce');
  assert.deepEqual(report.recipients, [
    {
      recipient: 'bob@dest.example',
      originalRecipient: 'bob@dest.example',
      action: 'failed',
      status: '5.1.1',
      smtpCode: 550,
      diagnostic:
        '550 5.1.1 <bob@dest.example>: Recipient address rejected: User unknown in local recipient table',
      remoteMta: 'mx.dest.example',
      reportingMta: 'mx.example',
      type: 'hard',
      scope: 'recipient',
      category: 'invalid_address',
      reason: 'The mailbox does not exist',
      rule: 'code:5.1.1',
      confidence: 0.98,
    },
  ]);
  assert.equal(report.original?.messageId, '<order-7@shop.example>');
  assert.equal(report.original?.subject, 'Your order ✓');
  assert.equal(report.original?.from, 'sender@shop.example');
  assert.deepEqual(report.original?.to, ['bob@dest.example']);
  assert.deepEqual(report.original?.headers[0], ['return-path', '<sender@shop.example>']);
});

test('reads each recipient with an outcome of its own', () => {
  const fields = `Reporting-MTA: dns; mx.example
Original-Envelope-Id: env-17

Final-Recipient: rfc822; a@d1.example
Action: failed
Status: 5.2.2 (mailbox full)

Final-Recipient: rfc822; b@d2.example
Action: delayed
Status: 4.4.1
Will-Retry-Until: Thu, 6 Feb 2025 10:00:00 +0000

Final-Recipient: rfc822; c@d3.example
Action: relayed
Status: 2.0.0

Final-Recipient: rfc822; d@d4.example
Action: expanded
Status: 2.0.0

Final-Recipient: rfc822; e@d5.example
Action: failed
Status: 5.1.2`;
  assert.deepEqual(briefly(composeDsn({ fields })), [
    'a@d1.example failed soft mailbox_full',
    'b@d2.example delayed soft connection_failure',
    'c@d3.example relayed  ',
    'd@d4.example expanded  ',
    'e@d5.example failed hard invalid_domain',
  ]);
  assert.equal(parseReport(composeDsn({ fields })).original?.envelopeId, 'env-17');
});

test('calls a report of successes no bounce, and names its recipients', () => {
  const fields =
    'Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@d1.example\nAction: delivered\nStatus: 2.1.5';
  const report = parseReport(composeDsn({ fields }));
  assert.equal(report.kind, 'none');
  assert.equal(report.recipients[0]?.action, 'delivered');
  assert.equal(report.recipients[0]?.type, null);
});

test('never calls a delay hard, whatever its status says', () => {
  const fields =
    'Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@d1.example\nAction: delayed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown';
  assert.deepEqual(briefly(composeDsn({ fields })), ['a@d1.example delayed soft invalid_address']);
});

test('reads internationalised reports (RFC 6533), encoded or not', () => {
  const fields = (recipient: string) =>
    `Reporting-MTA: dns; mx.example\n\nFinal-Recipient: ${recipient}\nAction: failed\nStatus: 5.1.1`;
  const statusType = 'message/global-delivery-status; charset=utf-8';
  for (const recipient of [
    'utf-8; jürgen@bücher.example',
    'utf-8; j\\x{FC}rgen@b\\x{FC}cher.example',
  ]) {
    assert.deepEqual(briefly(composeDsn({ fields: fields(recipient), statusType })), [
      'jürgen@bücher.example failed hard invalid_address',
    ]);
  }
});

test('takes the code of the reply where the report has none to speak of', () => {
  const status = (reported: string, reply: string) =>
    parseReport(
      composeDsn({
        fields: `Final-Recipient: rfc822; a@d1.example\nAction: failed\nStatus: ${reported}\nDiagnostic-Code: smtp; ${reply}`,
      }),
    ).recipients[0]?.status;
  assert.equal(status('5.0.0', '550 5.1.1 User unknown'), '5.1.1');
  assert.equal(status('5.1.1', '550 User unknown'), '5.1.1');
  assert.equal(status('5.1.1', '550 5.7.1 Blocked'), '5.7.1');
  assert.equal(status('5.2.2', '552 5.0.0 Over quota'), '5.2.2');
});

test('finds the cause in the text where the fields have none', () => {
  const fields = 'Final-Recipient: rfc822; a@d1.example\nAction: failed\nStatus: 5.0.0';
  const text =
    'The following addresses failed:\n\na@d1.example: 550 5.7.26 Unauthenticated email is not accepted';
  assert.deepEqual(briefly(composeDsn({ fields, text })), ['a@d1.example failed soft policy']);
});

test('knows from the text which command was refused', () => {
  const fields =
    'Final-Recipient: rfc822; a@d1.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 Unknown user';
  const text = (command: string) =>
    `<a@d1.example>: host mx.d1.example[192.0.2.1] said: 550 Unknown user (in reply\n    to ${command} command)`;
  assert.deepEqual(briefly(composeDsn({ fields, text: text('RCPT TO') })), [
    'a@d1.example failed hard invalid_address',
  ]);
  assert.deepEqual(briefly(composeDsn({ fields, text: text('end of DATA') })), [
    'a@d1.example failed undetermined invalid_address',
  ]);
});

test('reads damaged reports', () => {
  const cases: Record<string, Uint8Array> = {
    'no report-type': composeDsn({
      fields: FIELDS,
      contentType: 'multipart/report; boundary="=_b"',
    }),
    'multipart/mixed': composeDsn({
      fields: FIELDS,
      contentType: 'multipart/mixed; boundary="=_b"',
    }),
    'unquoted boundary': composeDsn({
      fields: FIELDS,
      contentType: 'multipart/report; boundary==_b',
    }),
    'wrong boundary': composeDsn({
      fields: FIELDS,
      contentType: 'multipart/report; boundary=other',
    }),
    'no content type': composeDsn({ fields: FIELDS, contentType: '' }),
    'status part as text': composeDsn({ fields: FIELDS, statusType: 'text/plain' }),
    'no action': composeDsn({ fields: FIELDS.replace('Action: failed\n', '') }),
    'no status': composeDsn({ fields: FIELDS.replace('Status: 5.1.1\n', '') }),
    'no final recipient': composeDsn({ fields: FIELDS.replace(/Final-Recipient.*\n/, '') }),
    'no per-message block': composeDsn({ fields: FIELDS.replace(/^[\s\S]*?\n\n/, '') }),
    'one block': composeDsn({ fields: FIELDS.replace('\n\n', '\n') }),
    'blank lines between fields': composeDsn({ fields: FIELDS.replace(/\n(?=[A-Z])/g, '\n\n') }),
    'unfolded without indent': composeDsn({
      fields: FIELDS.replace('\n    rejected', '\nrejected'),
    }),
    'repeated block': composeDsn({ fields: `${FIELDS}\n\n${FIELDS.split('\n\n')[1]}` }),
    'other case': composeDsn({ fields: FIELDS.replace('Action: failed', 'ACTION:Failed') }),
    'bracketed address': composeDsn({
      fields: FIELDS.replace('; bob@Dest.example', ';<bob@Dest.example>'),
    }),
    'untyped address': composeDsn({ fields: FIELDS.replace('rfc822; bob', 'bob') }),
    'fields in a text mail': composeText({
      from: 'MAILER-DAEMON@mx.example',
      subject: 'Returned mail',
      body: `Technical report:\n\n${FIELDS}\n`,
    }),
  };
  for (const [name, mail] of Object.entries(cases)) {
    assert.deepEqual(briefly(mail), ['bob@dest.example failed hard invalid_address'], name);
  }
});

test('reads as much of a truncated report as there is', () => {
  const whole = composeDsn({ fields: FIELDS });
  const text = new TextDecoder().decode(whole);
  const end = text.indexOf('Diagnostic-Code');
  assert.deepEqual(briefly(whole.subarray(0, end)), [
    'bob@dest.example failed hard invalid_address',
  ]);
});

test('gives the same answer for LF, CRLF, CR and CRCRLF', () => {
  const lf = new TextDecoder().decode(
    composeDsn({ fields: FIELDS, text: '<bob@dest.example>: 550 x' }),
  );
  const expected = parseReport(bytesOf(lf));
  assert.equal(expected.kind, 'bounce');
  for (const end of ['\r\n', '\r', '\r\r\n']) {
    assert.deepEqual(parseReport(bytesOf(lf.replaceAll('\n', end))), expected, JSON.stringify(end));
  }
});

test('looks into no attached mail: a report that somebody forwards is not one', () => {
  const inner = new TextDecoder().decode(composeDsn({ fields: FIELDS }));
  const mail = `From: Jane <jane@other.example>
To: sender@shop.example
Subject: What is this?
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: text/plain

I got the attached mail. Can you help?

--outer
Content-Type: message/rfc822

${inner}
--outer--
`;
  assert.deepEqual(parseReport(bytesOf(mail)).recipients, []);
  assert.equal(parseReport(bytesOf(mail)).kind, 'none');
});

test('reads a bounce that Amazon SES reports as JSON', () => {
  const body = `{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"bob@dest.example","action":"failed","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unkn
 own"}],"reportingMTA":"dsn; a1.smtp-out.example"},"mail":{"source":"sender@shop.example","commonHeaders":{"messageId":"<m9@shop.example>","subject":"Order"}}}

--
If you wish to stop receiving notifications from this topic, please click the link below.
`;
  const report = parseReport(
    composeText({ from: 'no-reply@sns.amazonaws.com', subject: 'AWS Notification Message', body }),
  );
  assert.equal(report.kind, 'bounce');
  assert.equal(report.recipients[0]?.type, 'hard');
  assert.equal(report.recipients[0]?.diagnostic, '550 5.1.1 user unknown');
  assert.equal(report.original?.messageId, '<m9@shop.example>');
});

test('reads a mail that arrives in pieces, and keeps no more of it than it may', async () => {
  const mail = composeDsn({ fields: FIELDS });
  async function* pieces(size: number) {
    for (let at = 0; at < mail.length; at += size) yield mail.subarray(at, at + size);
  }
  for (const size of [1, 7, 4_096]) {
    assert.deepEqual(await parseReportStream(pieces(size)), parseReport(mail), String(size));
  }
  const maxBytes = 900;
  assert.deepEqual(
    await parseReportStream(pieces(7), { maxBytes }),
    parseReport(mail, { maxBytes }),
  );
});

test('reads a report that a gateway has wrapped into one of its own', () => {
  const inner = new TextDecoder().decode(composeDsn({ fields: FIELDS }));
  const mail = `Return-Path: <>
From: postmaster@gateway.example
To: sender@shop.example
Subject: Delivery Status Notification (Failure)
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: text/plain

This message may be confidential.

--outer
Content-Type: message/rfc822

${inner}
--outer--
`;
  assert.deepEqual(briefly(bytesOf(mail)), ['bob@dest.example failed hard invalid_address']);
});

test('tells the refusals of Sieve and Dovecot from read receipts, which have the same form', () => {
  const compose = (disposition: string, text: string) =>
    composeDsn({
      contentType: 'multipart/report; report-type=disposition-notification; boundary="=_b"',
      statusType: 'message/disposition-notification',
      fields: `Reporting-UA: mail; Dovecot Mail Delivery Agent
Final-Recipient: rfc822; bob@dest.example
Original-Message-ID: <m1@shop.example>
Disposition: ${disposition}`,
      text,
    });
  const deleted = 'automatic-action/MDN-sent-automatically; deleted';
  const rejected = 'Your message to <bob@dest.example> was automatically rejected:\n';
  assert.deepEqual(
    briefly(compose(deleted, `${rejected}Quota exceeded (mailbox for user is full)`)),
    ['bob@dest.example failed soft mailbox_full'],
  );
  assert.deepEqual(briefly(compose(deleted, `${rejected}I want no mail of yours`)), [
    'bob@dest.example failed soft policy',
  ]);
  for (const disposition of ['manual-action/MDN-sent-manually; displayed', deleted]) {
    assert.deepEqual(briefly(compose(disposition, 'Your message was seen.')), []);
  }
});

test('blames nobody for a message that was sent to a list', () => {
  const body = (precedence: string) =>
    `The address is unknown.\n\n----- Original message -----\nMessage-ID: <1@x>\nDate: x\nPrecedence: ${precedence}\nTo: list@lists.example\n`;
  const compose = (precedence: string) =>
    composeText({ from: 'MAILER-DAEMON', subject: 'Returned mail', body: body(precedence) });
  assert.deepEqual(briefly(compose('list')), []);
  assert.equal(briefly(compose('bulk')).length, 1);
});
