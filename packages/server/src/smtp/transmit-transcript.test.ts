import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { silentLog } from '../lib/log.ts';
import { type Conversation, converse, startScriptedServer } from './fixtures/scripted-server.ts';
import { createTransmitter, type TransmitJob, type TransmitterOptions } from './transmit.ts';

const closing: { close(): Promise<void> }[] = [];
after(async () => {
  for (const part of closing) await part.close();
});

async function serve(talk: Conversation) {
  const server = await startScriptedServer((peer) => converse(peer, talk));
  closing.unshift(server);
  return server;
}

function transmitterTo(port: number, overrides: Partial<TransmitterOptions> = {}) {
  const hosts = [{ host: 'mx1.test', addresses: ['127.0.0.1'] }];
  const made = createTransmitter({
    resolver: { resolve: async () => ({ ok: true, hosts }) },
    port,
    heloName: 'out.posthorn.test',
    connectTimeoutMs: 30_000,
    greetingTimeoutMs: 30_000,
    replyTimeoutMs: 30_000,
    dataTimeoutMs: 30_000,
    maxConnectionsPerDestination: 5,
    maxMessagesPerConnection: 100,
    idleMs: 60_000,
    tlsMode: 'opportunistic',
    now: () => 0,
    log: silentLog,
    ...overrides,
  });
  closing.unshift(made);
  return made;
}

const job = (): TransmitJob => ({
  domain: 'example.com',
  envelopeFrom: 'a@example.org',
  recipients: ['b@example.com', 'no@example.com'],
  raw: Buffer.from('Subject: secret words\r\n\r\n.dot\r\n'),
  smtputf8: false,
  signal: new AbortController().signal,
});

const SIGNS = { client: '>', server: '<', note: '*' } as const;
async function linesOf(to: ReturnType<typeof transmitterTo>): Promise<string[]> {
  const { transcript } = await to.transmit(job());
  return transcript.map(({ from, text }) => `${SIGNS[from]} ${text}`);
}

test('everything that is said with a server is on record, but not the message', async () => {
  const server = await serve({
    extensions: ['PIPELINING'],
    rcpt: (line) => (line.includes('no@') ? '550-5.1.1 No such user\r\n550 5.1.1 here' : '250 OK'),
    body: '250 2.0.0 Queued as 4711',
  });
  assert.deepEqual(await linesOf(transmitterTo(server.port)), [
    `* Connecting to mx1.test (127.0.0.1) port ${server.port}`,
    '< 220 mx.test ESMTP',
    '> EHLO out.posthorn.test',
    '< 250-mx.test',
    '< 250 PIPELINING',
    '> MAIL FROM:<a@example.org>',
    '> RCPT TO:<b@example.com>',
    '> RCPT TO:<no@example.com>',
    '> DATA',
    '< 250 2.1.0 OK',
    '< 250 OK',
    '< 550-5.1.1 No such user',
    '< 550 5.1.1 here',
    '< 354 Go ahead',
    '* The message follows, 31 bytes, and a final dot',
    '< 250 2.0.0 Queued as 4711',
  ]);
});

test('the second message over a connection has a record of its own', async () => {
  const server = await serve({});
  const to = transmitterTo(server.port);
  await to.transmit(job());
  const lines = await linesOf(to);
  assert.equal(lines[0], '* A connection to mx1.test (127.0.0.1) that has been used before');
  assert.equal(lines[1], '> MAIL FROM:<a@example.org>');
  assert.equal(lines.at(-1), '< 250 2.0.0 Queued');
});

for (const [method, extension] of [
  ['PLAIN', 'AUTH PLAIN LOGIN'],
  ['LOGIN', 'AUTH LOGIN'],
] as const) {
  test(`a login by ${method} is on record without its secrets`, async () => {
    let asked = 0;
    const server = await startScriptedServer(async (peer) => {
      peer.send('220 relay\r\n');
      for (let line = await peer.line(); line !== null; line = await peer.line()) {
        asked += 1;
        if (line.startsWith('EHLO')) peer.send(`250-relay\r\n250 ${extension}\r\n`);
        else if (line === 'AUTH LOGIN') peer.send('334 VXNlcm5hbWU6\r\n');
        else if (line === 'dXNlcg==') peer.send('334 UGFzc3dvcmQ6\r\n');
        else peer.send('535 5.7.8 Wrong\r\n');
      }
    });
    closing.unshift(server);
    const smarthost = {
      host: '127.0.0.1',
      port: server.port,
      secure: false,
      user: 'user',
      pass: 'pass',
    };
    const text = (await linesOf(transmitterTo(server.port, { smarthost }))).join('\n');
    assert.ok(asked > 1);
    assert.match(text, /\[hidden\]/);
    assert.match(text, /< 535 5\.7\.8 Wrong/);
    for (const secret of ['user', 'pass', '\0user\0pass'].map((one) => btoa(one))) {
      assert.ok(!text.includes(secret), text);
    }
  });
}

test('TLS is on record with what the certificate is worth', async () => {
  const server = await serve({ extensions: ['STARTTLS'] });
  const lines = await linesOf(transmitterTo(server.port));
  const note = lines.find((line) => line.startsWith('* TLS'));
  assert.match(note ?? '', /^\* TLSv1\.3 with \S+; certificate: \S+/);
});

test('what went wrong before any server spoke is on record too', async () => {
  const server = await serve({});
  const { port } = server;
  await server.close();
  assert.deepEqual(await linesOf(transmitterTo(port)), [
    `* Connecting to mx1.test (127.0.0.1) port ${port}`,
    `* No session: connect ECONNREFUSED 127.0.0.1:${port} (connection_refused)`,
  ]);
  const nowhere = transmitterTo(port, {
    resolver: {
      resolve: async () => ({
        ok: false,
        errorCode: 'null_mx',
        permanent: true,
        enhancedCode: '5.1.10',
        message: 'The domain example.com does not accept mail (null MX)',
      }),
    },
  });
  assert.deepEqual(await linesOf(nowhere), [
    '* The domain example.com does not accept mail (null MX)',
  ]);
});
