import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createLoopbackTransmitter } from './fixtures/loopback-transmitter.ts';
import { type Postfix, postfixMissing, startPostfix } from './fixtures/postfix.ts';
import { TEST_CERTIFICATE } from './fixtures/test-certificate.ts';
import type { SubmittedMessage } from './submission.ts';
import { createSubmissionServer } from './submission-server.ts';
import type { Transmitter } from './transmit.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const missing = postfixMissing();

/** Everything that goes wrong on the way: dots, 8-bit bytes, long lines, no text at the end. */
const BODY = `.\r\n..\r\n.dot\r\n\r\nfrom\r\nFrom here\r\n${'x'.repeat(900)}\r\ngr\u00fc\u00df\r\n\r\n`;

describe('delivering to Postfix', { skip: missing }, () => {
  let postfix: Postfix;
  let to: Transmitter;

  before(async () => {
    postfix = await startPostfix();
    to = createLoopbackTransmitter(postfix.port, 'require');
  });
  after(async () => {
    await to?.close();
    await postfix?.stop();
  });

  const job = (recipients: string[], raw: Buffer) => ({
    domain: 'example.com',
    envelopeFrom: 'a@example.org',
    recipients,
    raw,
    smtputf8: false,
    signal: new AbortController().signal,
  });

  test('hands over every byte, through verified TLS, on one connection', async () => {
    for (const subject of ['one', 'two']) {
      const raw = Buffer.from(
        `From: a@example.org\r\nSubject: ${subject}\r\nDate: Sat, 21 Nov 2026 16:00:00 +0000\r\nMessage-Id: <${subject}@example.org>\r\n\r\n${BODY}`,
      );
      const { results } = await to.transmit(job(['known@example.com'], raw));
      assert.deepEqual([results[0]?.outcome, results[0]?.tls], ['delivered', true]);
      assert.match(results[0]?.response ?? '', /^250 2\.0\.0 Ok: queued as/);
      const received = await postfix.nextMail('known');
      const sent = raw.toString('latin1').replaceAll('\r\n', '\n');
      assert.equal(received.slice(received.indexOf('From: a@')), sent);
    }
  });

  test('tells accepted, unknown and deferred recipients of one message apart', async () => {
    const recipients = [
      'known@example.com',
      'nobody@example.com',
      'later@example.com',
      'other@example.com',
      'x@elsewhere.test',
    ];
    const raw = Buffer.from('From: a@example.org\r\nSubject: mixed\r\n\r\nhi\r\n');
    const { results } = await to.transmit(job(recipients, raw));
    assert.deepEqual(
      results.map(({ outcome, stage, smtpCode, enhancedCode }) =>
        [outcome, stage, smtpCode, enhancedCode].join(' '),
      ),
      [
        'delivered reply 250 2.0.0',
        'refused rcpt 550 5.1.1',
        'deferred rcpt 450 4.2.1',
        'delivered reply 250 2.0.0',
        'refused rcpt 554 5.7.1',
      ],
    );
    assert.match(results[1]?.response ?? '', /User unknown in virtual mailbox table/);
    for (const user of ['known', 'other'] as const)
      assert.match(await postfix.nextMail(user), /Subject: mixed/);
  });

  test('goes on with the connection after every recipient was refused', async () => {
    const raw = Buffer.from('Subject: refused\r\n\r\n');
    const { results } = await to.transmit(job(['nobody@example.com'], raw));
    assert.equal(results[0]?.smtpCode, 550);
    const { results: next } = await to.transmit(job(['other@example.com'], raw));
    assert.equal(next[0]?.outcome, 'delivered');
    assert.match(await postfix.nextMail('other'), /Subject: refused/);
  });
});

describe('taking mail from Postfix', { skip: missing }, () => {
  test('lets it log in with SASL PLAIN behind STARTTLS and takes every byte', async () => {
    const arrived = Promise.withResolvers<SubmittedMessage>();
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
        arrived.resolve(message);
        return { messageId: 'msg_1' };
      },
      canAccept: () => ({ ok: true }),
      log: quiet,
    });
    await server.listen({ host: '127.0.0.1', port: 0 });
    const relay = { port: server.address().port, user: 'posthorn', pass: 'key1' };
    const postfix = await startPostfix(relay);
    try {
      const message = `From: a@example.org\nSubject: out\n\n${BODY.replaceAll('\r\n', '\n')}`;
      await postfix.sendmail('a@example.org', ['b@elsewhere.test', 'c@elsewhere.test'], message);
      const { raw, ...envelope } = await arrived.promise;
      assert.deepEqual(envelope, {
        projectId: 'prj_1',
        keyMode: 'live',
        envelopeFrom: 'a@example.org',
        recipients: ['b@elsewhere.test', 'c@elsewhere.test'],
        remoteAddress: '127.0.0.1',
        username: 'posthorn',
        smtputf8: false,
        // Postfix writes ORCPT wherever DSN is offered, and it says nothing new.
        dsn: null,
      });
      assert.equal(raw.toString().endsWith(`\r\n\r\n${BODY}`), true);
    } finally {
      await postfix.stop();
      await server.close({ graceMs: 0 });
    }
  });
});
