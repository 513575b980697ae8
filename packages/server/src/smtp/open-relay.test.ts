import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connectRawClient } from './fixtures/raw-client.ts';
import { addressTricks, playTrick, relayTricks } from './fixtures/relay-tricks.ts';
import { TEST_CERTIFICATE } from './fixtures/test-certificate.ts';
import { createIncomingServer } from './incoming/incoming-server.ts';
import { createSubmissionServer } from './submission-server.ts';

const OURS = 'posthorn.test';
const KNOWN = `bounce+known@${OURS}`;
const limits = {
  hostname: OURS,
  tls: TEST_CERTIFICATE,
  maxSizeBytes: 100_000,
  maxConnections: 200,
  maxConnectionsPerAddress: 200,
  idleMs: 60_000,
  canAccept: () => ({ ok: true }) as const,
  log: { debug() {}, info() {}, warn() {}, error() {} },
};

describe('submission, without a key', { concurrency: 20 }, async () => {
  const server = createSubmissionServer({
    ...limits,
    maxRecipients: 100,
    authenticate: async () => ({ refusal: 'No key.' }),
    accept: () => assert.fail('a message was taken'),
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  after(() => server.close({ graceMs: 0 }));
  const { port } = server.address();

  for (const trick of relayTricks(OURS)) {
    test(trick.name, async () => {
      const replies = await playTrick(port, trick);
      assert.ok(replies.length > 0);
      // 354 would begin a message; 250 to anything but RSET, NOOP and a greeting would begin a transaction.
      for (const reply of replies) {
        assert.match(
          reply,
          /^(?:[45]\d\d |334 |221 |250 2\.0\.0 (?:OK|Flushed)|250[- ]\S+ Nice|250[- ][A-Z0-9])/,
        );
        assert.doesNotMatch(reply, /^(?:235|354|250 2\.[16]|250 2\.0\.0 Queued)/);
      }
    });
  }

  test('a login from before STARTTLS is forgotten behind it', async () => {
    const open = createSubmissionServer({
      ...limits,
      maxRecipients: 100,
      authenticate: async () => ({
        projectId: 'prj_1',
        keyMode: 'live',
        explainEnd: async () => null,
      }),
      accept: () => assert.fail('a message was taken'),
    });
    await open.listen({ host: '127.0.0.1', port: 0 });
    const client = await connectRawClient(open.address().port);
    await client.reply();
    await client.command('EHLO spam.example');
    const token = Buffer.from('\0a\0b').toString('base64');
    assert.match(await client.command(`AUTH PLAIN ${token}`), /^235/);
    assert.match(await client.command('STARTTLS'), /^220/);
    await client.startTls();
    await client.command('EHLO spam.example');
    assert.match(await client.command('MAIL FROM:<a@posthorn.test>'), /^530/);
    client.end();
    await open.close({ graceMs: 0 });
  });
});

describe('the listener for what comes back', { concurrency: 20 }, async () => {
  const taken: string[][] = [];
  const server = createIncomingServer({
    ...limits,
    memoryBytes: 1_000_000,
    doors: [
      {
        maxSizeBytes: 10_000,
        keepBytes: 10_000,
        knows: async (address) => address.toLowerCase() === KNOWN,
        async take({ recipients }) {
          taken.push(recipients);
          return null;
        },
      },
    ],
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  after(() => server.close({ graceMs: 0 }));
  const { port } = server.address();

  for (const to of addressTricks(OURS)) {
    test(`refuses RCPT TO:${to}`, async () => {
      const [mail, rcpt, data] = await playTrick(port, {
        name: to,
        lines: ['MAIL FROM:<>', `RCPT TO:${to}`, 'DATA'],
      });
      assert.match(mail ?? '', /^250/);
      assert.match(rcpt ?? '', /^5\d\d 5\./);
      assert.match(data ?? '', /^503/);
    });
  }

  test('a stranger beside a return path gets nothing', async () => {
    const replies = await playTrick(port, {
      name: 'both',
      lines: [
        'MAIL FROM:<>',
        `RCPT TO:<${KNOWN}>`,
        'RCPT TO:<victim@elsewhere.example>',
        'DATA',
        'Subject: x\r\n\r\n.',
      ],
    });
    assert.deepEqual(
      replies.slice(0, 5).map((reply) => reply.slice(0, 3)),
      ['250', '250', '550', '354', '250'],
    );
    assert.deepEqual(taken, [[KNOWN]]);
  });
});
