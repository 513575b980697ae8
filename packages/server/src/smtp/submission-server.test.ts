import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { after, test } from 'node:test';
import { connectRawClient, type RawClient } from './fixtures/raw-client.ts';
import { TEST_CERTIFICATE } from './fixtures/test-certificate.ts';
import type { SmtpListener } from './smtp-listener.ts';
import type { SubmissionOptions, SubmittedMessage } from './submission.ts';
import { createSubmissionServer } from './submission-server.ts';

const PASSWORD = 'ph_live_key';
const PLAIN = Buffer.from(`\0anyone\0${PASSWORD}`).toString('base64');
const LOGIN = { projectId: 'prj_1', keyMode: 'live', explainEnd: async () => null } as const;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

const servers: SmtpListener[] = [];
after(() => Promise.all(servers.map((server) => server.close({ graceMs: 0 }))));

interface Started {
  port: number;
  server: SmtpListener;
  accepted: SubmittedMessage[];
}

async function start(overrides: Partial<SubmissionOptions> = {}): Promise<Started> {
  const accepted: SubmittedMessage[] = [];
  const server = createSubmissionServer({
    hostname: 'mail.posthorn.test',
    maxSizeBytes: 10_000,
    maxRecipients: 3,
    maxConnections: 50,
    maxConnectionsPerAddress: 50,
    idleMs: 60_000,
    authenticate: async ({ password }) => (password === PASSWORD ? LOGIN : { refusal: 'No key.' }),
    accept: async (message) => {
      accepted.push(message);
      return { messageId: `msg_${accepted.length}` };
    },
    canAccept: () => ({ ok: true }),
    log: quiet,
    ...overrides,
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  servers.push(server);
  return { port: server.address().port, server, accepted };
}

async function greet(port: number): Promise<RawClient> {
  const client = await connectRawClient(port);
  assert.match(await client.reply(), /^220 mail\.posthorn\.test/);
  await client.command('EHLO app.test');
  return client;
}

async function login(port: number): Promise<RawClient> {
  const client = await greet(port);
  assert.match(await client.command(`AUTH PLAIN ${PLAIN}`), /^235 2\.7\.0/);
  return client;
}

/** A client that has been answered 354. */
async function inData(port: number, recipients = ['b@example.com']): Promise<RawClient> {
  const client = await login(port);
  await client.command('MAIL FROM:<a@example.org>');
  for (const recipient of recipients) await client.command(`RCPT TO:<${recipient}>`);
  assert.match(await client.command('DATA'), /^354/);
  return client;
}

test('takes a message and says 250 with its id', async () => {
  const { port, accepted } = await start();
  const client = await inData(port, ['b@example.com', 'c@example.com']);
  assert.equal(await client.command('Subject: x\r\n\r\n..dot\r\n.'), '250 2.0.0 Queued as msg_1');
  const { raw, ...envelope } = accepted[0] ?? assert.fail('nothing accepted');
  assert.equal(raw.toString(), 'Subject: x\r\n\r\n.dot\r\n');
  assert.deepEqual(envelope, {
    projectId: 'prj_1',
    keyMode: 'live',
    envelopeFrom: 'a@example.org',
    recipients: ['b@example.com', 'c@example.com'],
    remoteAddress: '127.0.0.1',
    username: 'anyone',
    smtputf8: false,
    dsn: null,
  });
  client.end();
});

test('postmaster without a domain is who reads it here, or nobody', async () => {
  const { port, accepted } = await start({ postmaster: 'ops@company.example' });
  const client = await inData(port, ['PostMaster', 'b@example.com']);
  assert.match(await client.command('Subject: x\r\n\r\n.'), /^250/);
  assert.deepEqual(accepted[0]?.recipients, ['ops@company.example', 'b@example.com']);
  client.end();
  const { port: unread } = await start();
  const other = await login(unread);
  await other.command('MAIL FROM:<a@example.org>');
  assert.match(await other.command('RCPT TO:<postmaster>'), /^550 5\.1\.1 .* postmaster_address /);
  assert.match(await other.command('RCPT TO:<abuse>'), /^501/);
  other.end();
});

test('replies to commands that came together come together, and none is left behind by TLS', async (t) => {
  const { port } = await start({ tls: TEST_CERTIFICATE });
  const client = await greet(port);
  client.send('EHLO app.test\r\nSTARTTLS\r\n');
  assert.match(await client.reply(), /^250-/);
  assert.match(await client.reply(), /^220 /);
  await client.startTls();
  await client.command('EHLO app.test');
  await client.command(`AUTH PLAIN ${PLAIN}`);
  client.send('MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.com>\r\nRCPT TO:<b@>\r\nDATA\r\n');
  for (const code of [/^250 2\.1\.0/, /^250 2\.1\.5/, /^501 /, /^354 /]) {
    assert.match(await client.reply(), code);
  }
  client.send('.\r\n');
  assert.match(await client.reply(), /^250 2\.0\.0 Queued/);
  client.end();

  // A client may get several writes in one piece, so they are counted here.
  const sockets = Socket.prototype as unknown as { _writev(chunks: readonly unknown[]): void };
  const together = t.mock.method(sockets, '_writev');
  const { port: plain } = await start();
  const other = await login(plain);
  other.send('MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n');
  for (const code of [/^250/, /^250/, /^354/]) assert.match(await other.reply(), code);
  const chunks = together.mock.calls.map(({ arguments: [all] }) => all.length);
  assert.deepEqual(chunks, [3]);
  other.end();
});

test('takes several messages on one connection, and pipelined commands', async () => {
  const { port, accepted } = await start();
  const client = await login(port);
  for (let count = 1; count <= 3; count += 1) {
    client.send('MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n');
    assert.match(await client.reply(), /^250 2\.1\.0/);
    assert.match(await client.reply(), /^250 2\.1\.5/);
    assert.match(await client.reply(), /^354/);
    assert.equal(await client.command(`\r\n${count}\r\n.`), `250 2.0.0 Queued as msg_${count}`);
  }
  assert.equal(accepted.length, 3);
  assert.match(await client.command('QUIT'), /^221/);
});

test('logs in with AUTH LOGIN as well', async () => {
  const { port } = await start();
  const client = await greet(port);
  assert.match(await client.command('AUTH LOGIN'), /^334/);
  assert.match(await client.command(Buffer.from('user').toString('base64')), /^334/);
  assert.match(await client.command(Buffer.from(PASSWORD).toString('base64')), /^235/);
  client.end();
});

test('requires a login, refuses a wrong one and hangs up after three', async () => {
  const { port } = await start();
  const client = await greet(port);
  assert.match(await client.command('MAIL FROM:<a@example.org>'), /^530 5\.7\.0/);
  const wrong = Buffer.from('\0user\0nonsense').toString('base64');
  assert.match(await client.command(`AUTH PLAIN ${wrong}`), /^535 5\.7\.8/);
  assert.equal(
    await client.command(`AUTH PLAIN ${wrong}`),
    '535 5.7.8 Authentication failed: No key.',
  );
  assert.match(await client.command(`AUTH PLAIN ${wrong}`), /^421 4\.7\.0/);
  assert.equal(await client.rest(), '');
});

test('asks at each message whether the login still holds', async () => {
  let end: string | null = null;
  const explainEnd = async () => {
    if (end === 'away') throw new Error('store is away');
    return end;
  };
  const { port, accepted } = await start({ authenticate: async () => ({ ...LOGIN, explainEnd }) });
  const client = await inData(port);
  assert.match(await client.command('Subject: x\r\n\r\nx\r\n.'), /^250/);
  end = 'away';
  assert.match(await client.command('MAIL FROM:<a@example.org>'), /^451 4\.3\.0/);
  end = 'The key was revoked.';
  assert.equal(await client.command('MAIL FROM:<>'), '530 5.7.0 The key was revoked.');
  assert.equal(await client.command('MAIL FROM:<a@example.org>'), '530 5.7.0 The key was revoked.');
  assert.match(await client.command('RCPT TO:<b@example.com>'), /^503/);
  assert.equal(accepted.length, 1);
  client.end();
});

test('says 454 where a login cannot be checked', async () => {
  const { port } = await start({ authenticate: () => Promise.reject(new Error('store is away')) });
  const client = await greet(port);
  assert.match(await client.command(`AUTH PLAIN ${PLAIN}`), /^454 4\.7\.0/);
  client.end();
});

test('offers STARTTLS only with a certificate, and takes mail through it', async () => {
  const plain = await start();
  const first = await connectRawClient(plain.port);
  await first.reply();
  assert.doesNotMatch(await first.command('EHLO app.test'), /STARTTLS/);
  assert.match(await first.command('STARTTLS'), /^500/);
  first.end();

  const { port, accepted } = await start({ tls: TEST_CERTIFICATE, requireTls: true });
  const client = await connectRawClient(port);
  await client.reply();
  assert.match(await client.command('EHLO app.test'), /STARTTLS/);
  assert.match(await client.command(`AUTH PLAIN ${PLAIN}`), /^538 5\.7\.11/);
  assert.match(await client.command('STARTTLS'), /^220/);
  await client.startTls();
  assert.doesNotMatch(await client.command('EHLO app.test'), /STARTTLS/);
  assert.match(await client.command(`AUTH PLAIN ${PLAIN}`), /^235/);
  await client.command('MAIL FROM:<a@example.org>');
  await client.command('RCPT TO:<b@example.com>');
  await client.command('DATA');
  assert.match(await client.command('\r\nhi\r\n.'), /^250/);
  assert.equal(accepted.length, 1);
  client.end();
});

test('speaks TLS from the first byte where it is asked to', async () => {
  const { port, accepted } = await start({
    tls: TEST_CERTIFICATE,
    requireTls: true,
    implicitTls: true,
  });
  const client = await connectRawClient(port);
  await client.startTls();
  assert.match(await client.reply(), /^220/);
  assert.doesNotMatch(await client.command('EHLO app.test'), /STARTTLS/);
  assert.match(await client.command(`AUTH PLAIN ${PLAIN}`), /^235/);
  for (const line of ['MAIL FROM:<a@example.org>', 'RCPT TO:<b@example.com>', 'DATA']) {
    await client.command(line);
  }
  assert.match(await client.command('\r\n.'), /^250/);
  assert.equal(accepted.length, 1);
  client.end();
  const plain = await connectRawClient(port);
  plain.send('EHLO app.test\r\n');
  assert.doesNotMatch(await plain.rest(), /250/);
});

test('drops what was sent in plain text behind STARTTLS', async () => {
  const { port } = await start({ tls: TEST_CERTIFICATE });
  const client = await greet(port);
  client.send('STARTTLS\r\nEHLO injected.test\r\nNOOP\r\n');
  assert.match(await client.reply(), /^220/);
  await client.startTls();
  assert.match(await client.command('NOOP'), /^250 2\.0\.0 OK/);
  // The injected EHLO would have made this 530.
  assert.match(await client.command('MAIL FROM:<a@example.org>'), /^503/);
  client.end();
});

test('advertises its size and refuses a larger one before and after the fact', async () => {
  const { port, accepted } = await start();
  const client = await connectRawClient(port);
  await client.reply();
  assert.match(await client.command('EHLO app.test'), /SIZE 10000/);
  await client.command(`AUTH PLAIN ${PLAIN}`);
  assert.match(await client.command('MAIL FROM:<a@example.org> SIZE=10001'), /^552 5\.3\.4/);
  await client.command('MAIL FROM:<a@example.org> SIZE=100');
  await client.command('RCPT TO:<b@example.com>');
  await client.command('DATA');
  for (let sent = 0; sent < 40; sent += 1) client.send(`${'x'.repeat(998)}\r\n`);
  assert.match(await client.command('.'), /^552 5\.3\.4/);
  assert.equal(accepted.length, 0);
  assert.match(await client.command('NOOP'), /^250/);
  client.end();
});

test('takes a message of exactly the size that it advertises', async () => {
  const { port, accepted } = await start({ maxSizeBytes: 10 });
  const client = await inData(port);
  assert.match(await client.command('12345678\r\n.'), /^250/);
  assert.equal(accepted[0]?.raw.length, 10);
  client.end();
});

test('refuses more recipients than allowed with 452 and keeps the first ones', async () => {
  const { port, accepted } = await start();
  const client = await login(port);
  await client.command('MAIL FROM:<a@example.org>');
  for (const name of ['b', 'c', 'd']) await client.command(`RCPT TO:<${name}@example.com>`);
  assert.match(await client.command('RCPT TO:<e@example.com>'), /^452 4\.5\.3/);
  await client.command('DATA');
  await client.command('\r\n.');
  assert.equal(accepted[0]?.recipients.length, 3);
  client.end();
});

test('refuses addresses that cannot be delivered to', async () => {
  const { port } = await start();
  const client = await login(port);
  assert.match(await client.command('MAIL FROM:<a@[127.0.0.1]>'), /^501 5\.1\.3/);
  assert.match(await client.command('MAIL FROM:<a@example.org>'), /^250/);
  for (const address of [
    'b@[127.0.0.1]',
    'b@127.0.0.1',
    'b@localhost',
    'b',
    `${'l'.repeat(65)}@example.com`,
    'b@exa mple.com',
    'b@-x.com',
  ]) {
    assert.match(await client.command(`RCPT TO:<${address}>`), /^501 5\.1\.3/, address);
  }
  assert.match(await client.command('RCPT TO:<jösé@example.com>'), /^553 5\.6\.7/);
  client.end();
});

test('takes SMTPUTF8 addresses, and international domains in either form', async () => {
  const { port, accepted } = await start();
  const client = await login(port);
  assert.match(await client.command('MAIL FROM:<a@example.org> SMTPUTF8 BODY=8BITMIME'), /^250/);
  await client.command('RCPT TO:<jösé@bücher.example>');
  await client.command('RCPT TO:<b@xn--bcher-kva.example>');
  await client.command('DATA');
  await client.command('\r\n.');
  assert.deepEqual(accepted[0]?.recipients, [
    'jösé@xn--bcher-kva.example',
    'b@xn--bcher-kva.example',
  ]);
  assert.equal(accepted[0]?.smtputf8, true);
  client.end();
});

test('takes the notifications that are asked for with the message', async () => {
  const { port, accepted } = await start();
  const client = await login(port);
  assert.match(await client.command('EHLO app.test'), /DSN/);
  assert.match(await client.command('MAIL FROM:<a@example.org> RET=HDRS ENVID=x+2B1'), /^250/);
  const rcpt = 'RCPT TO:<b@Example.com> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;c@example.com';
  assert.match(await client.command(rcpt), /^250/);
  assert.match(await client.command('RCPT TO:<d@example.com> NOTIFY=NEVER,DELAY'), /^501/);
  assert.match(await client.command('RCPT TO:<d@example.com> NOTIFY=SOON'), /^501/);
  assert.match(await client.command(`RCPT TO:<d@example.com> ORCPT=x;${'y'.repeat(500)}`), /^501/);
  await client.command('DATA');
  assert.match(await client.command('\r\n.'), /^250/);
  assert.deepEqual(accepted[0]?.dsn, {
    ret: 'hdrs',
    envid: 'x+1',
    recipients: [
      {
        recipient: 'b@example.com',
        notify: ['success', 'failure'],
        orcpt: 'rfc822;c@example.com',
      },
    ],
  });
  client.end();
});

test('refuses parameters that it does not offer, and keeps nothing of a refused MAIL', async () => {
  const { port, accepted } = await start({ tls: TEST_CERTIFICATE });
  const client = await greet(port);
  await client.command('STARTTLS');
  await client.startTls();
  assert.doesNotMatch(await client.command('EHLO app.test'), /REQUIRETLS/);
  await client.command(`AUTH PLAIN ${PLAIN}`);
  assert.equal(
    await client.command('MAIL FROM:<a@example.org> REQUIRETLS'),
    '555 5.5.4 REQUIRETLS is not offered',
  );
  const refused = 'MAIL FROM:<nobody> SMTPUTF8 RET=FULL ENVID=x';
  assert.match(await client.command(refused), /^501/);
  assert.match(await client.command('MAIL FROM:<a@example.org> AUTH=<>'), /^250/);
  assert.match(await client.command('RCPT TO:<b@example.com> XDSN=1'), /^555 5\.5\.4/);
  assert.match(await client.command('RCPT TO:<b@example.com>'), /^250/);
  await client.command('DATA');
  assert.match(await client.command('\r\n.'), /^250/);
  assert.deepEqual([accepted[0]?.dsn, accepted[0]?.smtputf8], [null, false]);
  client.end();
});

test('takes the null sender', async () => {
  const { port, accepted } = await start();
  const client = await login(port);
  assert.match(await client.command('MAIL FROM:<>'), /^250/);
  await client.command('RCPT TO:<b@example.com>');
  await client.command('DATA');
  await client.command('\r\n.');
  assert.equal(accepted[0]?.envelopeFrom, '');
  client.end();
});

test('answers commands out of order with 503 and goes on', async () => {
  const { port } = await start();
  const client = await connectRawClient(port);
  await client.reply();
  assert.match(await client.command('MAIL FROM:<a@example.org>'), /^503 5\.5\.1/);
  await client.command('EHLO app.test');
  await client.command(`AUTH PLAIN ${PLAIN}`);
  assert.match(await client.command('RCPT TO:<b@example.com>'), /^503/);
  assert.match(await client.command('DATA'), /^503/);
  await client.command('MAIL FROM:<a@example.org>');
  assert.match(await client.command('MAIL FROM:<a@example.org>'), /^503/);
  assert.match(await client.command('DATA'), /^503/);
  assert.match(await client.command('AUTH PLAIN'), /^503/);
  assert.match(await client.command('FROB'), /^500 5\.5\.2/);
  client.end();
});

test('answers a command line that is too long with 500, and hangs up on one without end', async () => {
  const { port } = await start();
  const client = await login(port);
  assert.match(
    await client.command(`MAIL FROM:<${'a'.repeat(3_000)}@example.org>`),
    /^500 5\.5\.2/,
  );
  assert.match(await client.command('NOOP'), /^250/);
  client.send('N'.repeat(20_000));
  assert.match(await client.reply(), /^421/);
  await client.rest();
});

test('survives binary rubbish, HTTP and a client that resets the connection', async () => {
  const { port, accepted } = await start();
  const rubbish = await greet(port);
  rubbish.send(Buffer.from(Array.from({ length: 4_000 }, (_, index) => (index * 37) % 256)));
  assert.match(await rubbish.rest(), /^(?:500[^\n]*\n)+421/);
  const http = await connectRawClient(port);
  await http.reply();
  assert.match(await http.command('POST / HTTP/1.1'), /^421/);
  const gone = await inData(port);
  gone.send('half a mess');
  gone.reset();
  const client = await inData(port);
  assert.match(await client.command('\r\n.'), /^250/);
  assert.equal(accepted.length, 1);
  client.end();
});

// What smtp-server's parser does with each: only CR LF . CR LF ends DATA (smtp-stream.js), the rest
// is passed on as content. Content with a bare CR or LF is then refused.
const SMUGGLING = ['\n.\n', '\n.\r\n', '\r.\r\n', '\r\n.\n', '\r\n.\r', '\r.\r', '\r\n\0.\r\n'];

for (const sequence of SMUGGLING) {
  const name = JSON.stringify(sequence);
  for (const bytewise of [false, true]) {
    test(`does not end DATA at ${name}${bytewise ? ', sent byte by byte' : ''}`, async () => {
      const { port, accepted } = await start();
      const client = await inData(port);
      const bytes = Buffer.from(
        `Subject: a\r\n\r\nfirst${sequence}MAIL FROM:<evil@example.org>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nsecond\r\n.\r\nNOOP\r\n`,
      );
      if (bytewise) for (const byte of bytes) client.send(Buffer.of(byte));
      else client.send(bytes);
      const reply = await client.reply();
      // One reply to one message: had DATA ended early, the next replies would be 250 to MAIL.
      if (sequence.includes('\0')) assert.match(reply, /^250/);
      else
        assert.match(
          reply,
          /^550 5\.6\.11 The message has a bare (?:CR|LF) at byte \d+; end every line with CR LF/,
        );
      assert.match(await client.reply(), /^250 2\.0\.0 OK/);
      assert.equal(accepted.length, sequence.includes('\0') ? 1 : 0);
      client.end();
    });
  }
}

test('does not end DATA at a first line of two dots that arrives in pieces', async () => {
  const { port, accepted } = await start();
  const client = await inData(port);
  for (const piece of ['.', '.', '\r\n', 'x\r\n', '.\r', '\n']) client.send(piece);
  assert.match(await client.reply(), /^250/);
  assert.equal(accepted[0]?.raw.toString(), '.\r\nx\r\n');
  client.end();
});

test('says 250 only after the message was accepted, and passes on a chosen refusal', async () => {
  let release: () => void = () => {};
  const stored = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { port } = await start({
    accept: async () => {
      await stored;
      return {
        messageId: 'msg_9',
        refused: [{ recipient: 'b@example.com', reason: 'suppressed' }],
      };
    },
  });
  const client = await inData(port);
  let answered = false;
  const reply = client.command('\r\n.').then((text) => {
    answered = true;
    return text;
  });
  // A second connection's whole session passes while the first one waits for its 250.
  (await greet(port)).end();
  assert.equal(answered, false);
  release();
  assert.equal(await reply, '250 2.0.0 Queued as msg_9, without 1 of its recipients');
  client.end();

  for (const [error, expected] of [
    [Object.assign(new Error('No such domain'), { smtpCode: 550 }), '550 5.7.1 No such domain'],
    [
      Object.assign(new Error('Over quota'), { smtpCode: 452, enhancedCode: '4.2.2' }),
      '452 4.2.2 Over quota',
    ],
    [new Error('disk'), '451 4.3.0 The message could not be stored; try again later'],
  ] as const) {
    const refusing = await start({ accept: () => Promise.reject(error) });
    const other = await inData(refusing.port);
    assert.equal(await other.command('\r\n.'), expected);
    other.end();
  }
});

test('refuses at MAIL FROM while the store refuses work', async () => {
  const { port } = await start({ canAccept: () => ({ ok: false, reason: 'The disk is full' }) });
  const client = await login(port);
  assert.match(await client.command('MAIL FROM:<a@example.org>'), /^451 4\.3\.1 The disk is full/);
  client.end();
});

test('says 421 to an idle client', async () => {
  const { port } = await start({ idleMs: 150 });
  const client = await greet(port);
  assert.match(await client.reply(), /^421 4\.4\.2/);
  await client.rest();
});

test('says 421 to who does not log in, although he keeps on talking', async () => {
  const { port } = await start({ loginMs: 800 });
  const known = await login(port);
  const idle = await connectRawClient(port);
  const talking = setInterval(() => idle.send('N'), 20);
  assert.match(await idle.rest(), /^421 4\.4\.2/m);
  clearInterval(talking);
  assert.match(await known.command('NOOP'), /^250/);
  known.end();
});

test('puts off what does not fit into the memory, and takes it afterwards', async () => {
  const taken = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  const { port } = await start({
    memoryBytes: 1,
    accept: async () => {
      taken.resolve();
      await letGo.promise;
      return { messageId: 'msg_1' };
    },
  });
  const first = await inData(port);
  const second = await inData(port);
  const body = `${'x'.repeat(72)}\r\n`.repeat(100);
  const answer = first.command(`${body}.`);
  await taken.promise;
  assert.match(await second.command(`${body}.`), /^452 4\.3\.1/);
  letGo.resolve();
  assert.match(await answer, /^250/);
  for (const line of ['MAIL FROM:<a@example.org>', 'RCPT TO:<b@example.com>', 'DATA']) {
    await second.command(line);
  }
  assert.match(await second.command(`${body}.`), /^250/);
  first.end();
  second.end();
});

test('bounds connections for each address and in total', async () => {
  for (const bound of [{ maxConnectionsPerAddress: 1 }, { maxConnections: 1 }]) {
    const { port } = await start(bound);
    const first = await greet(port);
    const second = await connectRawClient(port);
    assert.match(await second.reply(), /^421/);
    await second.rest();
    first.end();
  }
});

test('closes idle connections with 421 and lets an open transaction end', async () => {
  const { port, server, accepted } = await start();
  const idle = await greet(port);
  const busy = await inData(port);
  const closed = server.close({ graceMs: 60_000 });
  assert.match(await idle.reply(), /^421 4\.3\.2/);
  await assert.rejects(connectRawClient(port));
  assert.match(await busy.command('late\r\n.'), /^250 2\.0\.0 Queued/);
  assert.match(await busy.reply(), /^421 4\.3\.2/);
  busy.end();
  idle.end();
  await closed;
  assert.equal(accepted.length, 1);
});

test('says 421 to what is left when the grace is over', async () => {
  const { port, server } = await start();
  const stuck = await inData(port);
  const closed = server.close({ graceMs: 20 });
  assert.match(await stuck.reply(), /^421 4\.3\.2/);
  await closed;
  assert.equal(await stuck.rest(), '');
});
