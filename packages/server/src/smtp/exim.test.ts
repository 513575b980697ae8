import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Exim, eximMissing, startExim } from './fixtures/exim.ts';
import { createLoopbackTransmitter } from './fixtures/loopback-transmitter.ts';
import { connectRawClient } from './fixtures/raw-client.ts';
import { TEST_CERTIFICATE } from './fixtures/test-certificate.ts';
import type { SubmittedMessage } from './submission.ts';
import { createSubmissionServer } from './submission-server.ts';
import type { Transmitter } from './transmit.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const missing = eximMissing();
const BODY = `.\r\n..\r\n.dot\r\n\r\nFrom here\r\n${'x'.repeat(900)}\r\ngr\u00fc\u00df\r\n`;

describe('delivering to Exim', { skip: missing }, () => {
  let exim: Exim;
  let to: Transmitter;

  before(async () => {
    exim = await startExim();
    to = createLoopbackTransmitter(exim.port, 'require');
  });
  after(async () => {
    await to?.close();
    await exim?.stop();
  });

  test('hands over every byte through verified TLS, with DSN parameters, and hears who is unknown', async () => {
    const raw = Buffer.from(
      `From: a@example.org\r\nSubject: one\r\nDate: Sat, 21 Nov 2026 16:00:00 +0000\r\nMessage-Id: <one@example.org>\r\n\r\n${BODY}`,
    );
    const { results } = await to.transmit({
      domain: 'example.com',
      envelopeFrom: 'a@example.org',
      recipients: ['known@example.com', 'nobody@example.com'],
      raw,
      smtputf8: false,
      dsn: {
        ret: 'hdrs',
        envid: 'order 7',
        recipients: [
          { recipient: 'known@example.com', notify: [], orcpt: 'rfc822;m+1@example.com' },
        ],
      },
      signal: new AbortController().signal,
    });
    assert.deepEqual(
      results.map(({ outcome, tls, smtpCode, offersDsn }) => [outcome, tls, smtpCode, offersDsn]),
      [
        ['delivered', true, 250, true],
        ['refused', true, 550, true],
      ],
      exim.log(),
    );
    const received = await exim.nextMail();
    const sent = raw.toString('latin1').replaceAll('\r\n', '\n');
    assert.equal(received.slice(received.indexOf('From: a@')), sent);
  });
});

describe('taking mail from Exim', { skip: missing }, () => {
  test('lets it log in behind STARTTLS, and takes every byte and what it asks to be told', async () => {
    const arrived: SubmittedMessage[] = [];
    const next = async (): Promise<SubmittedMessage> => {
      for (;;) {
        const message = arrived.shift();
        if (message !== undefined) return message;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const server = createSubmissionServer({
      hostname: 'mail.posthorn.test',
      tls: TEST_CERTIFICATE,
      requireTls: true,
      maxSizeBytes: 1_000_000,
      maxRecipients: 100,
      maxConnections: 10,
      maxConnectionsPerAddress: 10,
      idleMs: 60_000,
      authenticate: async ({ password }) =>
        password === 'key1'
          ? { projectId: 'prj_1', keyMode: 'live', explainEnd: async () => null }
          : { refusal: 'No key.' },
      accept: async (message) => {
        arrived.push(message);
        return { messageId: 'msg_1' };
      },
      canAccept: () => ({ ok: true }),
      log: quiet,
    });
    await server.listen({ host: '127.0.0.1', port: 0 });
    const exim = await startExim({ relay: { port: server.address().port, pass: 'key1' } });
    try {
      const message = `From: a@example.org\nSubject: out\n\n${BODY.replaceAll('\r\n', '\n')}`;
      const recipients = ['b@elsewhere.test', 'c@elsewhere.test'];
      await exim.sendmail('a@example.org', recipients, message);
      const sent = await next();
      assert.deepEqual(
        [sent.envelopeFrom, sent.recipients, sent.dsn],
        ['a@example.org', recipients, null],
      );
      assert.equal(sent.raw.toString().endsWith(`\r\n\r\n${BODY}`), true);

      const client = await connectRawClient(exim.port);
      for (const line of [
        'EHLO app.test',
        'MAIL FROM:<a@example.org> RET=HDRS ENVID=order+2B7',
        'RCPT TO:<b@elsewhere.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;m@shop.test',
        'DATA',
      ]) {
        await client.reply();
        client.send(`${line}\r\n`);
      }
      await client.reply();
      assert.match(await client.command('Subject: asks\r\n\r\nhi\r\n.'), /^250/);
      client.end();
      assert.deepEqual((await next()).dsn, {
        ret: 'hdrs',
        envid: 'order+7',
        recipients: [
          {
            recipient: 'b@elsewhere.test',
            notify: ['failure', 'delay'],
            orcpt: 'rfc822;m@shop.test',
          },
        ],
      });
    } finally {
      await exim.stop();
      await server.close({ graceMs: 0 });
    }
  });
});
