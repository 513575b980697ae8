import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { connectRawClient, type RawClient } from '../fixtures/raw-client.ts';
import { TEST_CERTIFICATE } from '../fixtures/test-certificate.ts';
import type { IncomingDoor, IncomingMail, IncomingOptions } from './incoming.ts';
import { createIncomingServer } from './incoming-server.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const KNOWN = 'bounce+known@bounces.posthorn.test';

const UNWANTED = { code: 550, text: '5.7.1 This is no delivery report' };

async function start(
  t: TestContext | null,
  { door, ...more }: Partial<IncomingOptions> & { door?: Partial<IncomingDoor> } = {},
) {
  const mails: IncomingMail[] = [];
  const usual: IncomingDoor = {
    maxSizeBytes: 10_000,
    keepBytes: 2_000,
    knows: async (address) => address === KNOWN,
    async take(message) {
      mails.push(message);
      return message.raw.includes('unwanted') ? UNWANTED : null;
    },
  };
  const server = createIncomingServer({
    hostname: 'bounces.posthorn.test',
    tls: TEST_CERTIFICATE,
    doors: [{ ...usual, ...door }],
    memoryBytes: 100_000,
    maxConnections: 20,
    maxConnectionsPerAddress: 10,
    idleMs: 60_000,
    canAccept: () => ({ ok: true }),
    log: quiet,
    ...more,
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  t?.after(() => server.close({ graceMs: 0 }));
  return { server, mails, port: server.address().port };
}

async function begin(t: TestContext | null, port: number): Promise<RawClient> {
  const client = await connectRawClient(port);
  t?.after(() => client.end());
  assert.match(await client.reply(), /^220 /);
  assert.match(await client.command('EHLO mx.remote.example'), /^250/);
  return client;
}

async function hand(client: RawClient, raw: string, from = ''): Promise<string> {
  assert.match(await client.command(`MAIL FROM:<${from}>`), /^250/);
  assert.match(await client.command(`RCPT TO:<${KNOWN}>`), /^250/);
  assert.match(await client.command('DATA'), /^354/);
  client.send(`${raw}\r\n.\r\n`);
  return client.reply();
}

test('takes one report after another on one connection, through STARTTLS', async (t) => {
  const { port, mails } = await start(t);
  const client = await begin(t, port);
  assert.match(await client.command('STARTTLS'), /^220/);
  await client.startTls();
  await client.command('EHLO mx.remote.example');
  assert.match(await hand(client, 'Subject: one\r\n\r\n'), /^250 2\.0\.0/);
  assert.match(await hand(client, 'Subject: two\r\n\r\n', 'a@b.example'), /^250 2\.0\.0/);
  assert.deepEqual(
    mails.map(({ recipients, from, helo, isSecure }) => [recipients, from, helo, isSecure]),
    [
      [[KNOWN], '', 'mx.remote.example', true],
      [[KNOWN], 'a@b.example', 'mx.remote.example', true],
    ],
  );
});

test('keeps the beginning of a long report, and refuses one that has no end', async (t) => {
  const { port, mails } = await start(t);
  const client = await begin(t, port);
  assert.match(await hand(client, `Subject: long\r\n\r\n${'x'.repeat(72)}\r\n`.repeat(60)), /^250/);
  assert.equal(mails[0]?.raw.length, 2_000);
  assert.match(await hand(client, 'y'.repeat(11_000)), /^552 5\.3\.4/);
  assert.match(await hand(client, 'Subject: short\r\n'), /^250/);
  assert.equal(mails.length, 2);
});

test('refuses before the data what says to be too large', async (t) => {
  const { port } = await start(t);
  const client = await begin(t, port);
  assert.match(await client.command('MAIL FROM:<> SIZE=10001'), /^552/);
  assert.match(await client.command('MAIL FROM:<> SIZE=9999'), /^250/);
});

test('reads bytes that no server should send: bare line ends, zeros, 8 bits', async (t) => {
  const { port, mails } = await start(t);
  const client = await begin(t, port);
  const raw = 'Subject: odd\n\nbare\rreturn\n\u0000gr\u00fc\u00df';
  assert.match(await hand(client, raw), /^250/);
  assert.equal(mails[0]?.raw.toString(), `${raw}\r\n`);
});

test('puts mail off while others fill the memory, and takes it when there is room', async (t) => {
  const release = Promise.withResolvers<void>();
  const { port } = await start(t, {
    memoryBytes: 2_500,
    door: {
      async take(message) {
        if (message.raw.includes('first')) await release.promise;
        return null;
      },
    },
  });
  const [one, two] = [await begin(t, port), await begin(t, port)];
  const first = hand(one, `Subject: first\r\n\r\n${'x'.repeat(1_900)}`);
  assert.match(await client452(two), /^452 4\.3\.1/);
  release.resolve();
  assert.match(await first, /^250/);
  assert.match(await hand(two, `Subject: second\r\n\r\n${'x'.repeat(1_000)}`), /^250/);

  /** Tries until the first one has come in whole. */
  async function client452(client: RawClient): Promise<string> {
    for (;;) {
      const reply = await hand(client, `Subject: second\r\n\r\n${'x'.repeat(1_000)}`);
      if (!reply.startsWith('250')) return reply;
    }
  }
});

test('asks again where it cannot say, and does not say yes before it is stored', async (t) => {
  let isDown = true;
  const fail = async () => {
    if (isDown) throw new Error('down');
    return null;
  };
  const { port } = await start(t, { door: { take: fail } });
  const client = await begin(t, port);
  assert.match(await hand(client, 'Subject: a\r\n'), /^451 4\.3\.0/);
  isDown = false;
  assert.match(await hand(client, 'Subject: a\r\n'), /^250/);
  const { port: unsure } = await start(t, {
    door: { knows: () => Promise.reject(new Error('down')) },
  });
  const other = await begin(t, unsure);
  await other.command('MAIL FROM:<>');
  assert.match(await other.command(`RCPT TO:<${KNOWN}>`), /^451 4\.3\.0/);
  const stopping = await start(t, { canAccept: () => ({ ok: false, reason: 'Stopping' }) });
  const last = await begin(t, stopping.port);
  assert.match(await last.command('MAIL FROM:<>'), /^451 4\.3\.1 Stopping/);
});

test('answers 550 to a mail that is no report, and 421 to too many connections', async (t) => {
  const { port } = await start(t, { maxConnectionsPerAddress: 2 });
  const client = await begin(t, port);
  assert.match(await hand(client, 'unwanted'), /^550 5\.7\.1/);
  await begin(t, port);
  const third = await connectRawClient(port);
  t.after(() => third.end());
  assert.match(await third.reply(), /^421 4\.7\.0/);
});

test('each door gets the mail for its own addresses, and takes its own size', async (t) => {
  const got: [string, string[], number][] = [];
  const doorOf = (name: string, more: Partial<IncomingDoor> = {}): IncomingDoor => ({
    maxSizeBytes: 10_000,
    keepBytes: 10_000,
    knows: async (address) => address.startsWith(name),
    async take({ recipients, raw }) {
      got.push([name, recipients, raw.length]);
      return raw.includes(`not for ${name}`) ? { code: 554, text: `5.6.0 Not for ${name}` } : null;
    },
    ...more,
  });
  const full = { code: 452, text: '4.2.2 Later' };
  const { port } = await start(t, {
    doors: [
      doorOf('a'),
      doorOf('b', { keepBytes: 10, maxSizeBytes: 500 }),
      doorOf('c', { knows: async (address) => (address.startsWith('c') ? full : false) }),
    ],
  });
  const client = await begin(t, port);
  const send = async (raw: string, ...to: string[]): Promise<string> => {
    await client.command('MAIL FROM:<x@y.example>');
    for (const one of to) await client.command(`RCPT TO:<${one}>`);
    await client.command('DATA');
    client.send(`${raw}\r\n.\r\n`);
    return client.reply();
  };
  await client.command('MAIL FROM:<x@y.example>');
  assert.match(await client.command('RCPT TO:<c@z.example>'), /^452 4\.2\.2/);
  await client.command('RSET');
  assert.match(await send('x'.repeat(98), 'a1@z', 'b1@z', 'a2@z'), /^250/);
  assert.deepEqual(got.splice(0), [
    ['a', ['a1@z', 'a2@z'], 100],
    ['b', ['b1@z'], 100],
  ]);
  assert.match(await send('not for a', 'a1@z', 'b1@z'), /^250/);
  assert.match(await send('not for a', 'a1@z'), /^554 5\.6\.0/);
  got.splice(0);
  assert.match(await send('x'.repeat(998), 'b1@z'), /^552 5\.3\.4/);
  assert.match(await send('x'.repeat(98), 'b1@z'), /^250/);
  assert.deepEqual(got, [['b', ['b1@z'], 10]]);
});

describe('whatever clients send', () => {
  const started = start(null);
  after(async () => (await started).server.close({ graceMs: 0 }));

  const command = fc.oneof(
    fc.constantFrom(
      'EHLO x\r\n',
      'HELO\r\n',
      'MAIL FROM:<>\r\n',
      'MAIL FROM:<a@b.example> SIZE=-1 BODY=8BITMIME\r\n',
      `RCPT TO:<${KNOWN}>\r\n`,
      'RCPT TO:<bounce+x@y> NOTIFY=NEVER\r\n',
      'RCPT TO:<@a,@b:c@d>\r\n',
      'RCPT TO:<"a b"@c>\r\n',
      'DATA\r\n',
      'BDAT 10 LAST\r\n',
      '.\r\n',
      'RSET\r\n',
      'STARTTLS\r\n',
      'AUTH LOGIN\r\n',
      'VRFY root\r\n',
      'XCLIENT ADDR=127.0.0.1\r\n',
    ),
    fc.string({ unit: 'binary', maxLength: 200 }).map((text) => `${text}\r\n`),
    fc.string({ unit: 'binary', maxLength: 5_000 }),
  );

  test('the server answers the next one', { timeout: 120_000 }, async () => {
    const { port, mails } = await started;
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 15 }), async (commands) => {
        const socket = connect(port, '127.0.0.1');
        socket.on('error', () => {});
        // Who talks before the greeting is cut off, and nothing of it would be looked at.
        await once(socket, 'data');
        socket.resume();
        for (const one of commands) socket.write(Buffer.from(one, 'latin1'));
        socket.end();
        if (!socket.closed) await once(socket, 'close');
      }),
      { numRuns: 60 },
    );
    for (const { recipients } of mails) assert.deepEqual(new Set(recipients), new Set([KNOWN]));
    const client = await begin(null, port);
    assert.match(await hand(client, 'Subject: still here\r\n'), /^250/);
    client.end();
  });
});
