import assert from 'node:assert/strict';
import { test } from 'node:test';
import { composeText } from '../fixtures/compose-mail.ts';
import { NOTICES } from '../fixtures/notices.ts';
import { parseReport } from '../parse-report.ts';

for (const sample of NOTICES) {
  test(`reads a notice of ${sample.server}`, () => {
    const headers = `Return-Path: <>\n${sample.headers ?? ''}`;
    const report = parseReport(composeText({ ...sample, headers }));
    assert.equal(report.kind, 'bounce');
    const found = report.recipients.map(({ recipient, action, type, category }, index) => {
      // Some samples leave open what the cause is called.
      const open = sample.expected[index]?.category === null;
      return { recipient, action, type, category: open ? null : category };
    });
    assert.deepEqual(found, sample.expected);
    if (sample.body.includes('Message-ID: <m1@shop.example>')) {
      assert.equal(report.original?.messageId, '<m1@shop.example>');
      assert.deepEqual(report.original?.to, ['bob@dest.example']);
    }
  });
}

test('reads the reply, its codes and its server out of the words of a notice', () => {
  const body =
    '<bob@dest.example> (expanded from <sales@shop.example>): host mx.dest.example[192.0.2.1] said: 550-5.1.1\n    no such\n    550 5.1.1 user (in reply to RCPT TO command)\n';
  const subject = 'Undelivered Mail Returned to Sender';
  const [found] = parseReport(composeText({ from: 'MAILER-DAEMON', subject, body })).recipients;
  assert.equal(found?.smtpCode, 550);
  assert.equal(found?.status, '5.1.1');
  assert.equal(found?.originalRecipient, 'sales@shop.example');
  assert.match(found?.diagnostic ?? '', /^550-5\.1\.1 no such 550 5\.1\.1 user/);
});

test('takes the recipient of the returned message where a notice names nobody', () => {
  const body = `Your message could not be delivered: the host is unreachable.

----- Original message follows -----
Message-ID: <m2@shop.example>
Date: Mon, 3 Feb 2025 09:59:00 +0000
From: sender@shop.example
To: bob@dest.example
Subject: Order
`;
  const report = parseReport(
    composeText({ from: 'MAILER-DAEMON@x.example', subject: 'Returned mail', body }),
  );
  assert.deepEqual(
    report.recipients.map(({ recipient, type }) => [recipient, type]),
    [['bob@dest.example', 'soft']],
  );
});

test('reads a notice that is HTML only', () => {
  const mail = `From: Mail Delivery System <mailer-daemon@x.example>
To: sender@shop.example
Subject: Undeliverable: Order
Content-Type: text/html; charset=utf-8

<html><head><style>p { color: red }</style></head><body><p>Your message could not be delivered to:</p>
<ul><li>bob@dest.example<br>550 5.1.1 User unknown</li></ul></body></html>`;
  const report = parseReport(new TextEncoder().encode(mail));
  assert.deepEqual(
    report.recipients.map(({ recipient, type }) => [recipient, type]),
    [['bob@dest.example', 'hard']],
  );
});

test('does not call second-hand words hard where neither code nor command agrees', () => {
  const notice = (reply: string) =>
    parseReport(
      composeText({
        from: 'MAILER-DAEMON@x.example',
        subject: 'Undelivered mail',
        body: `Unable to deliver message to: <bob@dest.example>\nServer mx.dest.example failed with: ${reply}\n`,
      }),
    ).recipients[0]?.type;
  assert.equal(notice('550 No such user here'), 'undetermined');
  assert.equal(notice('550 5.7.1 No such user here'), 'undetermined');
  assert.equal(notice('550 5.1.1 No such user here'), 'hard');
  assert.equal(notice('550 No such user here (in reply to RCPT TO command)'), 'hard');
  assert.equal(notice('550 No such user here (in reply to end of DATA command)'), 'undetermined');
});
