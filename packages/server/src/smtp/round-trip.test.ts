import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TEST_CERTIFICATE } from './fixtures/test-certificate.ts';
import type { SubmittedMessage } from './submission.ts';
import { createSubmissionServer } from './submission-server.ts';
import { createTransmitter } from './transmit.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

test('what the transmitter sends is what the submission server takes, byte for byte', async () => {
  const accepted: SubmittedMessage[] = [];
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
      accepted.push(message);
      return { messageId: `msg_${accepted.length}` };
    },
    canAccept: () => ({ ok: true }),
    log: quiet,
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const transmitter = createTransmitter({
    smarthost: {
      host: '127.0.0.1',
      port: server.address().port,
      secure: false,
      requireTls: true,
      ca: TEST_CERTIFICATE.cert,
      user: 'x',
      pass: 'key1',
    },
    heloName: 'out.posthorn.test',
    connectTimeoutMs: 20_000,
    greetingTimeoutMs: 20_000,
    replyTimeoutMs: 20_000,
    dataTimeoutMs: 20_000,
    maxConnectionsPerDestination: 1,
    maxMessagesPerConnection: 1_000,
    idleMs: 60_000,
    tlsMode: 'opportunistic',
    now: () => 0,
    log: quiet,
  });

  const signal = new AbortController().signal;
  const line = fc.oneof(
    fc.constantFrom('.', '..', '', '.\0', ' .', 'QUIT'),
    fc.string({ unit: fc.constantFrom('.', 'a', '\xff', '\t'), maxLength: 300 }),
  );
  const local = fc.stringMatching(/^[a-zé]{1,8}$/);
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { minLength: 1, maxLength: 60 }),
      fc.uniqueArray(local, { minLength: 1, maxLength: 4, selector: (name) => name.toLowerCase() }),
      async (lines, names) => {
        const raw = Buffer.from(lines.map((text) => `${text}\r\n`).join(''), 'latin1');
        const recipients = names.map((name) => `${name}@example.com`);
        const envelopeFrom = 'a@example.org';
        const job = {
          domain: 'example.com',
          envelopeFrom,
          recipients,
          raw,
          smtputf8: false,
          signal,
        };
        const { results } = await transmitter.transmit(job);
        const message = accepted.at(-1);
        assert.deepEqual(
          results.map((result) => [result.outcome, result.tls]),
          recipients.map(() => ['delivered', true]),
        );
        assert.deepEqual(message?.raw, raw);
        assert.deepEqual(message?.recipients, recipients);
      },
    ),
    { numRuns: 60 },
  );
  assert.equal(server.connectionCount(), 1);
  await transmitter.close();
  await server.close({ graceMs: 0 });
});
