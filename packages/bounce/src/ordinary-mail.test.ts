import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf } from './fixtures/compose-mail.ts';
import { parseReport } from './parse-report.ts';

const BOUNCED = `This is the mail system at host mx.example.

<bob@dest.example>: host mx.dest.example[192.0.2.1] said: 550 5.1.1 User unknown`;

const STATUS = 'Final-Recipient: rfc822; bob@dest.example\nAction: failed\nStatus: 5.1.1';

/** Mails that speak of bounces, or look like them, and report none. */
const MAILS: Record<string, string> = {
  'a mail to somebody': `From: Jane <jane@other.example>
Subject: Lunch

Shall we meet? bob@dest.example comes too.
`,
  'a reply that quotes a bounce': `From: Jane <jane@other.example>
Subject: Re: Undelivered Mail Returned to Sender
In-Reply-To: <1@mx.example>

What does this mean?

${BOUNCED.replace(/^/gm, '> ')}
`,
  'a forwarded bounce': `From: Jane <jane@other.example>
Subject: Fwd: Undelivered Mail Returned to Sender

---------- Forwarded message ---------
From: MAILER-DAEMON@mx.example
Subject: Undelivered Mail Returned to Sender

${BOUNCED}

${STATUS}
`,
  'a newsletter about bounces': `Return-Path: <b17@esp.example>
From: News <news@esp.example>
Subject: Undeliverable mail: five tips
List-Unsubscribe: <https://esp.example/u>

A message that could not be delivered to bob@dest.example was refused: 550 5.1.1 User unknown.
`,
  'a ticket of a help desk': `From: Support <support@corp.example>
Subject: [#123] Delivery Status Notification (Failure) in our logs
Auto-Submitted: auto-generated

Our log says: <bob@dest.example>: 550 5.1.1 User unknown. Can you check?
`,
  'a parcel that could not be delivered': `Return-Path: <x@parcels.example>
From: Parcels <info@parcels.example>
Subject: Delivery failed

Your parcel could not be delivered to bob@dest.example. Choose another day.
`,
  'a read receipt (RFC 8098)': `From: bob@dest.example
Subject: Read: Order
Content-Type: multipart/report; report-type=disposition-notification; boundary=b

--b
Content-Type: text/plain

Your message was read.
--b
Content-Type: message/disposition-notification

Reporting-UA: desk; Mail
Final-Recipient: rfc822;bob@dest.example
Original-Message-ID: <m1@shop.example>
Disposition: manual-action/MDN-sent-manually; displayed
--b--
`,
  'a DMARC aggregate report': `From: noreply-dmarc-support@provider.example
Subject: Report domain: shop.example Submitter: provider.example Report-ID: 17
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

This is a DMARC aggregate report.
--b
Content-Type: application/gzip; name=provider.example!shop.example!1!2.xml.gz
Content-Transfer-Encoding: base64

H4sIAAAAAAAAAwMAAAAAAAAAAAA=
--b--
`,
  'a TLS report (RFC 8460)': `From: tlsrpt@provider.example
Subject: Report Domain: shop.example Submitter: provider.example
TLS-Report-Domain: shop.example
Content-Type: multipart/report; report-type=tlsrpt; boundary=b

--b
Content-Type: text/plain

This is an aggregate TLS report. Delivery failed for 2 sessions.
--b
Content-Type: application/tlsrpt+gzip
Content-Transfer-Encoding: base64

H4sIAAAAAAAAAwMAAAAAAAAAAAA=
--b--
`,
  'a note of a person called postmaster': `From: Postmaster <postmaster@corp.example>
Subject: New spam filter on Monday
Message-ID: <1@corp.example>

Dear all, from Monday on bob@corp.example looks after rejected mail.
`,
  'cron output': `From: root@host.example (Cron Daemon)
Subject: Cron <root@host> /usr/bin/backup
Auto-Submitted: auto-generated

backup failed: could not reach bob@dest.example
`,
};

for (const [name, mail] of Object.entries(MAILS)) {
  test(`finds no bounce in ${name}`, () => {
    const report = parseReport(bytesOf(`To: sender@shop.example\n${mail}`));
    assert.equal(report.kind, 'none');
    assert.deepEqual(report.recipients, []);
  });
}
