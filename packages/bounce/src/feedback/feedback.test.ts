import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf } from '../fixtures/compose-mail.ts';
import { parseReport } from '../parse-report.ts';

const MESSAGE = `From: sender@shop.example
To: bob@dest.example
Message-ID: <news-1@shop.example>
Subject: News`;

function composeArf(fields: string, original = MESSAGE): Uint8Array {
  return bytesOf(`From: fbl@dest.example
To: fbl@shop.example
Subject: FW: News
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: text/plain

This is an email abuse report.

--b
Content-Type: message/feedback-report

${fields}

--b
Content-Type: message/rfc822

${original}

hi
--b--
`);
}

const FIELDS = `Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <bounce+1@shop.example>
Original-Rcpt-To: <bob@dest.example>
Arrival-Date: Thu, 8 Mar 2025 14:00:00 EDT
Reporting-MTA: dns; mail.dest.example
Source-IP: 192.0.2.1
Authentication-Results: mail.dest.example;
  spf=fail smtp.mail=sender@shop.example
Reported-Domain: shop.example
Reported-Uri: http://shop.example/earn_money.html
Reported-Uri: mailto:user@shop.example
Incidents: 3`;

test('reads every field of an abuse report (RFC 5965)', () => {
  const report = parseReport(composeArf(FIELDS));
  assert.equal(report.kind, 'complaint');
  assert.deepEqual(report.feedback, {
    type: 'abuse',
    userAgent: 'SomeGenerator/1.0',
    version: '1',
    originalMailFrom: '<bounce+1@shop.example>',
    originalRecipients: ['bob@dest.example'],
    arrivalDate: 'Thu, 8 Mar 2025 14:00:00 EDT',
    sourceIp: '192.0.2.1',
    reportingMta: 'mail.dest.example',
    reportedDomains: ['shop.example'],
    reportedUris: ['http://shop.example/earn_money.html', 'mailto:user@shop.example'],
    authenticationResults: ['mail.dest.example; spf=fail smtp.mail=sender@shop.example'],
    incidents: 3,
  });
  assert.deepEqual(
    report.recipients.map(({ recipient, action, type }) => [recipient, action, type]),
    [['bob@dest.example', null, null]],
  );
  assert.equal(report.original?.messageId, '<news-1@shop.example>');
});

test('names every recipient that a report names', () => {
  const fields = `${FIELDS}\nOriginal-Rcpt-To: <jim@dest.example>`;
  assert.deepEqual(
    parseReport(composeArf(fields)).recipients.map(({ recipient }) => recipient),
    ['bob@dest.example', 'jim@dest.example'],
  );
});

test('takes the recipient of the message where the report names none', () => {
  const fields = 'Feedback-Type: abuse\nUser-Agent: x\nVersion: 1';
  assert.equal(parseReport(composeArf(fields)).recipients[0]?.recipient, 'bob@dest.example');
});

test('takes no placeholder for an address, and leaves the Message-ID to tell', () => {
  const fields =
    'Feedback-Type: abuse\nUser-Agent: AOL SComp\nVersion: 0.1\nOriginal-Rcpt-To: redacted';
  const report = parseReport(
    composeArf(fields, MESSAGE.replace('bob@dest.example', 'redacted@aol.example')),
  );
  assert.equal(report.kind, 'complaint');
  assert.deepEqual(report.recipients, []);
  assert.equal(report.original?.messageId, '<news-1@shop.example>');
});

test('complains of nobody where mail is not spam, or failed its authentication (RFC 6591)', () => {
  for (const type of ['not-spam', 'auth-failure']) {
    const report = parseReport(composeArf(FIELDS.replace('abuse', type)));
    assert.equal(report.kind, 'none');
    assert.equal(report.feedback?.type, type);
  }
});

test('reads a report whose fields stand in its text', () => {
  const mail = bytesOf(`From: fbl@dest.example\nSubject: Abuse report\n\n${FIELDS}\n`);
  assert.equal(parseReport(mail).recipients[0]?.recipient, 'bob@dest.example');
});

test('reads the reports of Outlook.com, which have no fields', () => {
  const mail = bytesOf(`From: staff@hotmail.com
To: fbl@shop.example
Subject: complaint about message from 192.0.2.1
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b2

--b2
Content-Type: message/rfc822

X-HmXmrOriginalRecipient: <bob@hotmail.example>
${MESSAGE.replace('bob@dest.example', 'undisclosed')}

hi
--b2--
`);
  const report = parseReport(mail);
  assert.equal(report.kind, 'complaint');
  assert.equal(report.feedback?.sourceIp, '192.0.2.1');
  assert.deepEqual(
    report.recipients.map(({ recipient }) => recipient),
    ['bob@hotmail.example'],
  );
});

test('reads SpamCop and the complaints that Amazon SES reports as JSON', () => {
  const spamcop = bytesOf(
    'From: 123@reports.spamcop.net\nSubject: [SpamCop (192.0.2.1) id:123]News\nX-SpamCop-sourceip: 192.0.2.1\n\nspam\n',
  );
  assert.equal(parseReport(spamcop).kind, 'complaint');
  const json =
    '{"notificationType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"bob@dest.example"}],"userAgent":"x","complaintFeedbackType":"abuse"},"mail":{"source":"sender@shop.example"}}';
  const report = parseReport(bytesOf(`From: no-reply@sns.amazonaws.com\n\n${json}\n`));
  assert.equal(report.kind, 'complaint');
  assert.equal(report.recipients[0]?.recipient, 'bob@dest.example');
});
