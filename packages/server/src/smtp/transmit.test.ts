import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createSourceAddresses, type SourceAddresses } from './client/source-addresses.ts';
import {
  type Answer,
  type Conversation,
  converse,
  type Peer,
  type ScriptedServer,
  startScriptedServer,
} from './fixtures/scripted-server.ts';
import { TEST_CERTIFICATE } from './fixtures/test-certificate.ts';
import type { Destination } from './resolve-destination.ts';
import type { RecipientResult } from './transmission.ts';
import {
  createTransmitter,
  type TransmitJob,
  type Transmitter,
  type TransmitterOptions,
} from './transmit.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const closing: { close(): Promise<void> }[] = [];
after(async () => {
  for (const part of closing) await part.close();
});

type Script = (peer: Peer, number: number) => Promise<void>;

async function serve(script: Script | Conversation): Promise<ScriptedServer> {
  const run: Script = typeof script === 'function' ? script : (peer) => converse(peer, script);
  const server = await startScriptedServer(run);
  closing.unshift(server);
  return server;
}

/** A resolver that knows one answer: mx1.test, mx2.test ... at these addresses. */
function pointing(...addresses: string[]): TransmitterOptions['resolver'] {
  const hosts = addresses.map((address, at) => ({
    host: `mx${at + 1}.test`,
    addresses: [address],
  }));
  return { resolve: async () => ({ ok: true, hosts }) };
}

function transmitter(port: number, overrides: Partial<TransmitterOptions> = {}): Transmitter {
  const made = createTransmitter({
    resolver: pointing('127.0.0.1'),
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
    log: quiet,
    ...overrides,
  });
  closing.unshift(made);
  return made;
}

function job(overrides: Partial<TransmitJob> = {}): TransmitJob {
  return {
    domain: 'example.com',
    envelopeFrom: 'a@example.org',
    recipients: ['b@example.com'],
    raw: Buffer.from('Subject: x\r\n\r\n.dot\r\n'),
    smtputf8: false,
    signal: new AbortController().signal,
    ...overrides,
  };
}

async function sendOne(
  to: Transmitter,
  overrides: Partial<TransmitJob> = {},
): Promise<RecipientResult> {
  const { results } = await to.transmit(job(overrides));
  return results[0] ?? assert.fail('no result');
}

const brief = (result: RecipientResult) =>
  [result.outcome, result.stage, result.errorCode, result.smtpCode].join(' ');

const drop: Answer = (peer) => peer.drop();
/** Says nothing, to nothing that follows either. */
const silence: Answer = () => new Promise(() => {});

/** Whether DATA leaves with the envelope or after it must make no difference. */
const MODES = [
  {
    name: 'pipelined',
    extensions: ['PIPELINING', '8BITMIME', 'SIZE 1000000', 'ENHANCEDSTATUSCODES'],
  },
  { name: 'step by step', extensions: [] },
];

for (const { name, extensions } of MODES) {
  test(`delivers, ${name}`, async () => {
    const bodies: string[] = [];
    const server = await serve({
      extensions,
      onBody: (body) => bodies.push(body),
      body: '250 2.0.0 Ok: queued as 4711',
    });
    const result = await sendOne(transmitter(server.port));
    assert.deepEqual(result, {
      recipient: 'b@example.com',
      outcome: 'delivered',
      stage: 'reply',
      errorCode: null,
      smtpCode: 250,
      enhancedCode: '2.0.0',
      response: '250 2.0.0 Ok: queued as 4711',
      mx: 'mx1.test',
      remoteIp: '127.0.0.1',
      tls: false,
      reachedServer: true,
      latencyMs: 0,
    });
    assert.deepEqual(bodies, ['Subject: x\r\n\r\n..dot']);
    const size = extensions.length > 0 ? ' SIZE=20' : '';
    assert.deepEqual(server.lines[0], [
      'EHLO out.posthorn.test',
      `MAIL FROM:<a@example.org>${size}`,
      'RCPT TO:<b@example.com>',
      'DATA',
    ]);
  });

  test(`gives each recipient its own result, and the message to those accepted, ${name}`, async () => {
    const bodies: string[] = [];
    const server = await serve({
      extensions,
      rcpt: (line) =>
        line.includes('<no@')
          ? '550-5.1.1 No such\r\n550 5.1.1 user'
          : line.includes('<later@')
            ? '450 4.2.1 Later'
            : '250 OK',
      onBody: (body) => bodies.push(body),
    });
    const recipients = [
      'yes@example.com',
      'no@example.com',
      'later@example.com',
      'also@example.com',
    ];
    const { results } = await transmitter(server.port).transmit(job({ recipients }));
    assert.deepEqual(results.map(brief), [
      'delivered reply  250',
      'refused rcpt smtp_reply 550',
      'deferred rcpt smtp_reply 450',
      'delivered reply  250',
    ]);
    assert.equal(results[1]?.response, '550 5.1.1 No such user');
    assert.equal(results[1]?.enhancedCode, '5.1.1');
    assert.deepEqual(
      results.map((result) => result.recipient),
      recipients,
    );
    assert.equal(bodies.length, 1);
  });

  test(`sends no message where every recipient is refused, and keeps the connection, ${name}`, async () => {
    const bodies: string[] = [];
    const server = await serve({
      extensions,
      rcpt: (line) => (line.includes('<no@') ? '550 5.1.1 No' : '250 OK'),
      // RFC 2920 allows a server to say 354 although no recipient is left.
      onBody: (body) => bodies.push(body),
      data: (peer) => peer.send('503 5.5.1 No recipients\r\n'),
    });
    const to = transmitter(server.port);
    assert.equal(
      brief(await sendOne(to, { recipients: ['no@example.com'] })),
      'refused rcpt smtp_reply 550',
    );
    assert.equal(brief(await sendOne(to)), 'refused data smtp_reply 503');
    assert.equal(server.connections(), 1);
    assert.deepEqual(bodies, []);
  });

  for (const [stage, talk, expected] of [
    ['the greeting', { greeting: '554 5.7.1 Go away' }, 'deferred greeting smtp_reply 554'],
    ['the greeting, RFC 7504', { greeting: '521 No mail here' }, 'refused greeting smtp_reply 521'],
    [
      'EHLO and HELO',
      { ehlo: '550 Who?', helo: '550 5.7.1 Bad name' },
      'refused ehlo smtp_reply 550',
    ],
    ['MAIL', { mail: '550 5.7.1 Not you' }, 'refused mail smtp_reply 550'],
    ['MAIL for now', { mail: '451 4.7.1 Greylisted' }, 'deferred mail smtp_reply 451'],
    ['DATA', { data: '554 5.5.1 No' }, 'refused data smtp_reply 554'],
    ['the message', { body: '550 5.7.1 Spam' }, 'refused reply smtp_reply 550'],
    ['the message for now', { body: '452 4.3.1 Full' }, 'deferred reply smtp_reply 452'],
  ] as const) {
    test(`passes on a refusal of ${stage}, ${name}`, async () => {
      const server = await serve({ extensions, ...talk });
      assert.equal(brief(await sendOne(transmitter(server.port))), expected);
    });
  }

  for (const [stage, talk] of [
    ['greeting', { greeting: '421 4.3.2 Down' }],
    ['ehlo', { ehlo: '421 4.3.2 Down' }],
    ['mail', { mail: '421 4.3.2 Down' }],
    ['rcpt', { rcpt: () => '421 4.3.2 Down' }],
    ['data', { data: '421 4.3.2 Down' }],
    ['reply', { body: '421 4.3.2 Down' }],
  ] as const) {
    test(`defers at a 421 to ${stage} and opens another connection next time, ${name}`, async () => {
      const server = await serve(async (peer, number) => {
        await converse(peer, number === 1 ? { extensions, ...talk } : { extensions });
      });
      const to = transmitter(server.port);
      const { results } = await to.transmit(
        job({ recipients: ['b@example.com', 'c@example.com'] }),
      );
      for (const result of results) {
        assert.equal(brief(result), `deferred ${stage} smtp_reply 421`);
        assert.equal(result.response, '421 4.3.2 Down');
      }
      assert.equal((await sendOne(to)).outcome, 'delivered');
      assert.equal(server.connections(), 2);
    });
  }

  for (const [stage, talk] of [
    ['greeting', { greeting: drop }],
    ['ehlo', { ehlo: drop }],
    ['mail', { mail: drop }],
    ['rcpt', { rcpt: () => drop }],
    ['data', { data: drop }],
  ] as const) {
    test(`asks the next host when the connection breaks at ${stage}, ${name}`, async () => {
      const server = await serve(async (peer, number) => {
        await converse(peer, number === 1 ? { extensions, ...talk } : { extensions });
      });
      const resolver = pointing('127.0.0.1', '127.0.0.1');

      const result = await sendOne(transmitter(server.port, { resolver }));
      assert.equal(result.outcome, 'delivered');
      assert.equal(result.mx, 'mx2.test');
    });

    test(`defers when the only host breaks off at ${stage}, ${name}`, async () => {
      const server = await serve({ extensions, ...talk });
      const result = await sendOne(transmitter(server.port));
      assert.equal(brief(result), `deferred ${stage} connection_lost `);
      assert.equal(result.reachedServer, stage !== 'greeting');
      assert.equal(result.mx, 'mx1.test');
    });
  }

  test(`asks nobody else when the connection breaks after the final dot, ${name}`, async () => {
    const server = await serve({ extensions, body: (peer) => peer.drop('reset') });
    const to = transmitter(server.port, { resolver: pointing('127.0.0.1', '127.0.0.1') });
    assert.equal(brief(await sendOne(to)), 'deferred reply connection_lost_after_data ');
    assert.equal(server.connections(), 1);
  });

  test(`takes silence after the final dot for the same, ${name}`, async () => {
    const server = await serve({ extensions, body: silence });
    const to = transmitter(server.port, { dataTimeoutMs: 100 });
    assert.equal(brief(await sendOne(to)), 'deferred reply connection_lost_after_data ');
  });

  test(`waits no longer than it may at any stage, ${name}`, async () => {
    const stages = [
      ['greeting', { greeting: silence }],
      ['ehlo', { ehlo: silence }],
      ['mail', { mail: silence }],
      ['rcpt', { rcpt: () => silence }],
      ['data', { data: silence }],
    ] as const;
    // All at once, so that the stages before have the time that they take on a busy machine.
    const timeoutMs = 2_000;
    await Promise.all(
      stages.map(async ([stage, talk]) => {
        const server = await serve({ extensions, ...talk });
        const limits = { replyTimeoutMs: timeoutMs, greetingTimeoutMs: timeoutMs };
        const result = await sendOne(transmitter(server.port, limits));
        assert.equal(brief(result), `deferred ${stage} reply_timeout `);
      }),
    );
  });

  test(`hears a refusal in the middle of the message, with the connection lost behind it, ${name}`, async () => {
    const server = await serve({
      extensions,
      data: async (peer) => {
        peer.send('354 Go ahead\r\n');
        peer.send('552 5.3.4 Too big\r\n');
        peer.drop();
      },
    });
    const raw = Buffer.alloc(8_000_000, 'x');
    assert.equal(
      brief(await sendOne(transmitter(server.port), { raw })).replace(/data|reply/, '?'),
      'refused ? smtp_reply 552',
    );
  });
}

test('reuses a connection, and no more often than it may', async () => {
  const server = await serve({ extensions: ['PIPELINING'] });
  const to = transmitter(server.port, { maxMessagesPerConnection: 2 });
  for (let count = 0; count < 4; count += 1) assert.equal((await sendOne(to)).outcome, 'delivered');
  assert.equal(server.connections(), 2);
  assert.equal(server.lines[0]?.at(-1), 'QUIT');
});

test('opens no more connections to a host than it may, and serves all who wait', async () => {
  let open = 0;
  let most = 0;
  const server = await serve(async (peer) => {
    open += 1;
    most = Math.max(most, open);
    await converse(peer);
    open -= 1;
  });
  const to = transmitter(server.port, {
    maxConnectionsPerDestination: 2,
    maxMessagesPerConnection: 1,
  });
  const results = await Promise.all(Array.from({ length: 8 }, () => sendOne(to)));
  assert.equal(
    results.every((result) => result.outcome === 'delivered'),
    true,
  );
  assert.equal(server.connections(), 8);
  // A QUIT crosses with the next connect, so the server may still see one that we have left.
  assert.equal(most <= 4, true);
});

test('replaces a connection that died while it was idle', async () => {
  for (const dying of [drop, '421 4.4.2 Idle too long'] as const) {
    const server = await serve(async (peer, number) => {
      let mails = 0;
      await converse(peer, {
        mail: (client) => {
          mails += 1;
          if (number > 1 || mails === 1) return client.send('250 OK\r\n');
          return typeof dying === 'string' ? client.send(`${dying}\r\n`) : dying(client);
        },
      });
    });
    const to = transmitter(server.port);
    assert.equal((await sendOne(to)).outcome, 'delivered');
    assert.equal((await sendOne(to)).outcome, 'delivered');
    assert.equal(server.connections(), 2);
  }
});

test('goes on in plain text where the TLS handshake fails, but not where TLS is required', async () => {
  const script: Script = (peer) =>
    converse(peer, {
      extensions: ['STARTTLS'],
      starttls: (client) => {
        client.send('220 Go ahead\r\n');
        client.send('this is no TLS record at all\r\n');
      },
    });
  const server = await serve(script);
  const result = await sendOne(transmitter(server.port));
  assert.deepEqual([result.outcome, result.tls, server.connections()], ['delivered', false, 2]);
  const strict = transmitter(server.port, { tlsMode: 'require' });
  assert.equal(brief(await sendOne(strict)), 'deferred tls tls_error ');
});

test('takes any certificate by chance, and only the right one by rule', async () => {
  const server = await serve({ extensions: ['STARTTLS', 'PIPELINING'] });
  const opportunistic = await sendOne(transmitter(server.port));
  assert.deepEqual([opportunistic.outcome, opportunistic.tls], ['delivered', true]);

  const unknown = await sendOne(transmitter(server.port, { tlsMode: 'require' }));
  assert.equal(brief(unknown), 'deferred tls tls_error ');
  assert.equal(unknown.response, 'self-signed certificate');
  const resolver = {
    resolve: async (): Promise<Destination> => ({
      ok: true,
      hosts: [{ host: 'mx.test', addresses: ['127.0.0.1'] }],
    }),
  };
  const tlsCa = TEST_CERTIFICATE.cert;
  const known = await sendOne(transmitter(server.port, { tlsMode: 'require', tlsCa, resolver }));
  assert.deepEqual([known.outcome, known.tls], ['delivered', true]);
  const wrongName = await sendOne(transmitter(server.port, { tlsMode: 'require', tlsCa }));
  assert.equal(brief(wrongName), 'deferred tls tls_error ');

  const off = await sendOne(transmitter(server.port, { tlsMode: 'off' }));
  assert.deepEqual([off.outcome, off.tls], ['delivered', false]);
});

test('needs STARTTLS where it is required', async () => {
  const server = await serve({ starttls: '502 5.5.1 What?' });
  const to = transmitter(server.port, { tlsMode: 'require' });
  assert.equal(brief(await sendOne(to)), 'deferred tls tls_error ');
  assert.equal((await sendOne(transmitter(server.port))).outcome, 'delivered');
});

test('forgets what was said in plain text behind the answer to STARTTLS', async () => {
  const server = await serve({
    extensions: ['STARTTLS'],
    starttls: async (peer) => {
      peer.send('220 Go ahead\r\n250-evil\r\n250 SMTPUTF8\r\n');
      await peer.startTls();
    },
  });
  const to = transmitter(server.port);
  const result = await sendOne(to);
  assert.deepEqual([result.outcome, result.tls], ['delivered', true]);
  const utf8 = await sendOne(to, { recipients: ['jösé@example.com'] });
  assert.equal(utf8.errorCode, 'smtputf8_unsupported');
});

test('logs in to a smarthost, and takes a refused login for our own trouble', async () => {
  const server = await serve({ extensions: ['AUTH PLAIN LOGIN', 'PIPELINING'] });
  const smarthost = { host: '127.0.0.1', port: server.port, secure: false, user: 'u', pass: 'p' };
  const to = transmitter(1, { smarthost, resolver: undefined as never });
  assert.equal((await sendOne(to)).outcome, 'delivered');
  const plain = Buffer.from('\0u\0p').toString('base64');
  assert.equal(server.lines[0]?.[1], `AUTH PLAIN ${plain}`);

  const refusing = await serve({ auth: '535 5.7.8 Wrong' });
  const other = transmitter(1, { smarthost: { ...smarthost, port: refusing.port } });
  const result = await sendOne(other);
  assert.equal(brief(result), 'deferred auth auth_failed 535');
  assert.equal(result.response, '535 5.7.8 Wrong');
});

test('gives no password to a smarthost whose TLS does not come about', async () => {
  const server = await serve({
    extensions: ['STARTTLS', 'AUTH PLAIN'],
    starttls: (peer) => peer.send('220 Go\r\nno TLS\r\n'),
  });
  const smarthost = { host: '127.0.0.1', port: server.port, secure: false, user: 'u', pass: 'p' };
  assert.equal(brief(await sendOne(transmitter(1, { smarthost }))), 'deferred tls tls_error ');
  assert.equal(
    server.lines.flat().some((line) => line.startsWith('AUTH')),
    false,
  );
});

test('speaks smtps to a smarthost', async () => {
  const server = await serve(async (peer) => {
    await peer.startTls();
    await converse(peer);
  });
  const smarthost = {
    host: 'localhost',
    port: server.port,
    secure: true,
    ca: TEST_CERTIFICATE.cert,
  };
  const result = await sendOne(transmitter(1, { smarthost }));
  assert.deepEqual([result.outcome, result.tls, result.mx], ['delivered', true, 'localhost']);
  const unverified = { host: '127.0.0.1', port: server.port, secure: true };
  assert.equal(
    brief(await sendOne(transmitter(1, { smarthost: unverified }))),
    'deferred tls tls_error ',
  );
});

test('keeps an address that is not ASCII from a server without SMTPUTF8', async () => {
  const plain = await serve({});
  const recipients = ['jösé@example.com', 'b@bücher.example'];
  const { results } = await transmitter(plain.port).transmit(job({ recipients }));
  assert.deepEqual(
    results.map((result) => `${brief(result)} ${result.enhancedCode}`),
    ['refused rcpt smtputf8_unsupported  5.6.7', 'delivered reply  250 2.0.0'],
  );
  assert.equal(plain.lines[0]?.includes('RCPT TO:<b@xn--bcher-kva.example>'), true);

  const modern = await serve({ extensions: ['SMTPUTF8', '8BITMIME'] });
  const raw = Buffer.from('Subject: ü\r\n\r\n');
  const result = await sendOne(transmitter(modern.port), { recipients: ['jösé@example.com'], raw });
  assert.equal(result.outcome, 'delivered');
  assert.equal(modern.lines[0]?.[1], 'MAIL FROM:<a@example.org> BODY=8BITMIME SMTPUTF8');
});

test('says SMTPUTF8 for a header in UTF-8, and not for a body', async () => {
  const server = await serve({ extensions: ['SMTPUTF8', '8BITMIME'] });
  const to = transmitter(server.port);
  await sendOne(to, { raw: Buffer.from('Subject: ü\r\n\r\nx\r\n') });
  await sendOne(to, { raw: Buffer.from('Subject: x\r\n\r\nü\r\n') });
  assert.deepEqual(
    server.lines[0]?.filter((line) => line.startsWith('MAIL')),
    ['MAIL FROM:<a@example.org> BODY=8BITMIME SMTPUTF8', 'MAIL FROM:<a@example.org> BODY=8BITMIME'],
  );
});

test('passes on to a server with DSN which notifications were asked for', async () => {
  const dsn: TransmitJob['dsn'] = {
    ret: 'hdrs',
    envid: 'order 7',
    recipients: [
      {
        recipient: 'b@bücher.example',
        notify: ['failure', 'delay'],
        orcpt: 'rfc822;c@example.com',
      },
      { recipient: 'd@example.com', notify: [], orcpt: null },
    ],
  };
  const recipients = ['b@bücher.example', 'd@example.com', 'e@example.com'];
  const modern = await serve({ extensions: ['DSN', 'PIPELINING'] });
  const { results } = await transmitter(modern.port).transmit(job({ recipients, dsn }));
  assert.deepEqual(modern.lines[0]?.slice(1, 5), [
    'MAIL FROM:<a@example.org> RET=HDRS ENVID=order+207',
    'RCPT TO:<b@xn--bcher-kva.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;c@example.com',
    'RCPT TO:<d@example.com> NOTIFY=NEVER',
    'RCPT TO:<e@example.com>',
  ]);
  assert.deepEqual(
    results.map(({ offersDsn }) => offersDsn),
    [true, true, true],
  );

  for (const [server, more] of [
    [await serve({ extensions: ['PIPELINING'] }), {}],
    [await serve({ extensions: ['DSN'] }), { envelopeFrom: '' }],
  ] as const) {
    await transmitter(server.port).transmit(job({ recipients, dsn, ...more }));
    assert.doesNotMatch(server.lines[0]?.join('\n') ?? '', /NOTIFY|ORCPT|ENVID|RET=/);
  }
});

test('sends 8-bit bytes as they are to a server that does not offer 8BITMIME', async () => {
  const bodies: string[] = [];
  const server = await serve({ onBody: (body) => bodies.push(body) });
  await sendOne(transmitter(server.port), { raw: Buffer.from('\r\n\xfc\r\n', 'latin1') });
  assert.deepEqual(bodies, ['\r\n\xfc']);
});

test('lets no address carry a command', async () => {
  const server = await serve({});
  const recipients = [
    'b@example.com>\r\nRCPT TO:<c@example.com',
    'b>@example.com',
    'b',
    'ok@example.com',
  ];
  const { results } = await transmitter(server.port).transmit(job({ recipients }));
  assert.deepEqual(
    results.map((result) => result.errorCode),
    ['invalid_address', 'invalid_address', 'invalid_address', null],
  );
  assert.equal(server.lines[0]?.filter((line) => line.startsWith('RCPT')).length, 1);
  const { results: none } = await transmitter(server.port).transmit(
    job({ envelopeFrom: 'a>\r\n@x.test' }),
  );
  assert.equal(none[0]?.enhancedCode, '5.1.7');
});

test('answers what DNS has to say without a connection', async () => {
  for (const [permanent, outcome] of [
    [true, 'refused'],
    [false, 'deferred'],
  ] as const) {
    const failure = {
      ok: false,
      errorCode: 'dns_error',
      permanent,
      enhancedCode: '4.4.3',
      message: 'No answer',
    } as const;
    const to = transmitter(1, { resolver: { resolve: async () => failure } });
    const result = await sendOne(to);
    assert.equal(brief(result), `${outcome} dns dns_error `);
    assert.deepEqual(
      [result.response, result.enhancedCode, result.mx, result.tls, result.reachedServer],
      ['No answer', '4.4.3', null, null, false],
    );
  }
});

test('says so where nobody listens', async () => {
  const server = await serve({});
  await server.close();
  const result = await sendOne(transmitter(server.port));
  assert.equal(brief(result), 'deferred connect connection_refused ');
  assert.deepEqual([result.remoteIp, result.reachedServer], ['127.0.0.1', false]);
});

test('ends a conversation with a server that speaks no SMTP', async () => {
  for (const greeting of ['SSH-2.0-OpenSSH_9.2', `220 ${'x'.repeat(2_000_000)}`, '\0\xff\0']) {
    const server = await serve({ greeting });
    assert.equal(
      brief(await sendOne(transmitter(server.port))),
      'deferred greeting protocol_error ',
    );
  }
});

test('keeps a long reply within its bound and free of control characters', async () => {
  const server = await serve({ mail: `550-5.7.1 ${'x'.repeat(3_000)}\r\n550 5.7.1 \u0007bell` });
  const { response } = await sendOne(transmitter(server.port));
  assert.equal(response?.length, 1_000);
  const short = await serve({ mail: '550 5.7.1 a\tb\u0007c' });
  assert.equal((await sendOne(transmitter(short.port))).response, '550 5.7.1 a b c');
});

test('understands replies that arrive byte by byte', async () => {
  const server = await serve((peer) =>
    converse(
      {
        ...peer,
        send: (bytes) => {
          for (const byte of Buffer.from(bytes as string)) peer.send(Buffer.of(byte));
        },
      },
      { extensions: ['PIPELINING'] },
    ),
  );
  assert.equal((await sendOne(transmitter(server.port))).outcome, 'delivered');
});

test('does not take a reply that nobody asked for as the answer to MAIL', async () => {
  const server = await serve(async (peer, number) => {
    const extra = number === 1 ? '\r\n250 2.0.0 one more' : '';
    await converse(peer, { body: `250 2.0.0 Queued${extra}`, mail: '250 2.1.0 OK' });
  });
  const to = transmitter(server.port);
  await sendOne(to);
  assert.equal((await sendOne(to)).outcome, 'delivered');
  assert.equal(server.connections(), 2);
});

for (const { name, extensions } of MODES) {
  for (const recipients of [
    ['no@example.com', 'yes@example.com'],
    ['yes@example.com', 'no@example.com'],
  ]) {
    test(`takes no 250 that came a step too late for a delivery, nor a refusal for another's, ${name}, ${recipients[0]} first`, async () => {
      const bodies: string[] = [];
      const server = await serve(async (peer, number) => {
        const all = ['250-mx.test', ...extensions.map((one) => `250-${one}`), '250 HELP'];
        // One reply too many: from here on each answers the command before.
        const ehlo = `${all.join('\r\n')}\r\n250 2.0.0 one more`;
        const talk = {
          extensions,
          onBody: (body: string) => bodies.push(body),
          rcpt: (line: string) => (line.includes('<no@') ? '550 5.1.1 No' : '250 2.1.5 OK'),
        };
        await converse(peer, number === 1 ? { ...talk, ehlo } : talk);
      });
      const to = transmitter(server.port, { resolver: pointing('127.0.0.1', '127.0.0.1') });
      const { results } = await to.transmit(job({ recipients }));
      assert.deepEqual(
        results.map((result) => [result.recipient.split('@')[0], brief(result)]).sort(),
        [
          ['no', 'refused rcpt smtp_reply 550'],
          ['yes', 'delivered reply  250'],
        ],
      );
      assert.equal(bodies.length, 1);
      assert.equal(server.connections(), 2);
    });
  }

  test(`a reply that has no place after the final dot is no delivery, and asks nobody else, ${name}`, async () => {
    const server = await serve({ extensions, body: '354 Go ahead' });
    const to = transmitter(server.port, { resolver: pointing('127.0.0.1', '127.0.0.1') });
    assert.equal(brief(await sendOne(to)), 'deferred reply connection_lost_after_data ');
    assert.equal(server.connections(), 1);
  });

  test(`a server that answers too little is not waited for, ${name}`, async () => {
    const server = await serve(async (peer, number) => {
      const rcpt = () => '354 Go ahead';
      await converse(peer, number === 1 ? { extensions, rcpt } : { extensions });
    });
    const to = transmitter(server.port, { resolver: pointing('127.0.0.1', '127.0.0.1') });
    assert.equal((await sendOne(to)).outcome, 'delivered');
    assert.equal(server.connections(), 2);
  });
}

test('says HELO to a server that knows no EHLO', async () => {
  const server = await serve({ ehlo: '502 5.5.1 What?' });
  assert.equal((await sendOne(transmitter(server.port))).outcome, 'delivered');
  assert.equal(server.lines[0]?.[1], 'HELO out.posthorn.test');
});

test('stops at once when told to, wherever it is', async () => {
  for (const stuck of ['greeting', 'ehlo', 'mail', 'data', 'body'] as const) {
    const controller = new AbortController();
    const abort: Answer = () => controller.abort();
    const server = await serve({ [stuck]: abort });
    const result = await sendOne(transmitter(server.port), { signal: controller.signal });
    assert.deepEqual([result.outcome, result.errorCode], ['deferred', 'aborted'], stuck);
  }
  const before = await sendOne(transmitter(1), { signal: AbortSignal.abort() });
  assert.equal(brief(before), 'deferred connect aborted ');
  const controller = new AbortController();
  const never = transmitter(1, { resolver: { resolve: () => new Promise(() => {}) } });
  const waiting = sendOne(never, { signal: controller.signal });
  controller.abort();
  assert.equal((await waiting).errorCode, 'aborted');
});

test('ends idle connections on close, and waits for busy ones', async () => {
  let release: () => void = () => {};
  const reached = Promise.withResolvers<void>();
  const server = await serve(async (peer, number) => {
    await converse(peer, {
      body: (client) => {
        if (number === 1) return client.send('250 OK\r\n');
        release = () => client.send('250 OK\r\n');
        reached.resolve();
      },
    });
  });
  const to = transmitter(server.port, {
    maxConnectionsPerDestination: 2,
    maxMessagesPerConnection: 1,
  });
  await sendOne(to);
  const busy = sendOne(to);
  await reached.promise;
  let closed = false;
  const end = to.close().then(() => {
    closed = true;
  });
  assert.equal((await sendOne(to)).errorCode, 'aborted');
  assert.equal(closed, false);
  release();
  assert.equal((await busy).outcome, 'delivered');
  await end;
});

function sourcesOf(...addresses: string[]): SourceAddresses {
  return createSourceAddresses({
    addresses: addresses.map((address) => ({ address, weight: 1, warmingSinceMs: null })),
    warmup: [],
    usage: { sentToday: () => 0, add() {} },
    now: () => 0,
  });
}

test('connections leave from the source addresses in turn, whatever host they go to', async () => {
  const server = await serve({ extensions: [] });
  const to = transmitter(server.port, {
    sources: sourcesOf('127.0.0.7', '::1', '127.0.0.8'),
    maxMessagesPerConnection: 1,
  });
  for (let i = 0; i < 3; i++) assert.equal((await sendOne(to)).outcome, 'delivered');
  assert.deepEqual(server.clients, ['127.0.0.7', '127.0.0.8', '127.0.0.7']);
});

test('a host of a family without a source address is left out; alone, it is a failure for now', async () => {
  const server = await serve({ extensions: [] });
  const sources = sourcesOf('127.0.0.7');
  const both = transmitter(server.port, {
    sources,
    resolver: pointing('2001:db8::1', '127.0.0.1'),
  });
  assert.equal((await sendOne(both)).remoteIp, '127.0.0.1');
  const alone = transmitter(server.port, { sources, resolver: pointing('2001:db8::1') });
  const result = await sendOne(alone);
  assert.equal(brief(result), 'deferred connect connection_failed ');
  assert.match(result.response ?? '', /no source address of the family of 2001:db8::1/);
});

test('an address that has sent what it may today carries no more, not over an open connection either', async () => {
  const server = await serve({ extensions: [] });
  let sent = 0;
  const sources = createSourceAddresses({
    addresses: [{ address: '127.0.0.7', weight: 1, warmingSinceMs: 0 }],
    warmup: [2],
    usage: {
      sentToday: () => sent,
      add(_, count) {
        sent += count;
      },
    },
    now: () => 0,
  });
  const to = transmitter(server.port, { sources });
  const recipients = ['b@example.com', 'c@example.com'];
  const { results } = await to.transmit(job({ recipients }));
  assert.deepEqual(results.map(brief), Array(2).fill('delivered reply  250'));
  assert.equal(sent, 2);
  assert.equal(brief(await sendOne(to)), 'deferred connect warmup_full ');
  assert.equal(server.connections(), 1);
});
