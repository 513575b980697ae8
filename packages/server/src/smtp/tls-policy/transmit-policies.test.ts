import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { after, test } from 'node:test';
import { silentLog } from '../../lib/log.ts';
import { ISSUED_CERTIFICATE } from '../fixtures/issued-certificate.ts';
import { type Conversation, converse, startScriptedServer } from '../fixtures/scripted-server.ts';
import { type SecureZone, startSecureDnsServer } from '../fixtures/secure-dns-server.ts';
import { TEST_CERTIFICATE } from '../fixtures/test-certificate.ts';
import { createTransmitter, type TransmitterOptions } from '../transmit.ts';
import { createDaneLookup } from './dane-lookup.ts';
import { createSecureQuery } from './dns-query.ts';

const closing: { close(): Promise<void> }[] = [];
after(async () => {
  for (const part of closing) await part.close();
});

const STARTTLS: Conversation = { extensions: ['STARTTLS'] };
const PLAIN: Conversation = { starttls: '502 5.5.1 Not here' };
/** With its issuer, as a server sends it. */
const CHAIN = {
  key: ISSUED_CERTIFICATE.key,
  cert: `${ISSUED_CERTIFICATE.cert}\n${ISSUED_CERTIFICATE.authority}`,
};

async function serve(talk: Conversation, certificate: { key: string; cert: string } = CHAIN) {
  const server = await startScriptedServer((peer) => converse(peer, talk), certificate);
  closing.unshift(server);
  return server;
}

async function send(port: number, overrides: Partial<TransmitterOptions>) {
  const hosts = [{ host: 'mx1.test', addresses: ['127.0.0.1'] }];
  const transmitter = createTransmitter({
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
    now: () => Date.parse('2027-01-01T00:00:00Z'),
    log: silentLog,
    ...overrides,
  });
  const transmit = async (domain: string) => {
    const { results, transcript } = await transmitter.transmit({
      domain,
      envelopeFrom: 'a@example.org',
      recipients: [`b@${domain}`],
      raw: Buffer.from('Subject: x\r\n\r\nHi\r\n'),
      smtputf8: false,
      signal: new AbortController().signal,
    });
    const [result] = results;
    const notes = transcript.filter(({ from }) => from === 'note').map(({ text }) => text);
    return { outcome: result?.outcome, error: result?.errorCode, tls: result?.tls, notes };
  };
  closing.unshift(transmitter);
  return { first: await transmit('shop.test'), transmit };
}

const sts = (mode: 'enforce' | 'testing', ...mx: string[]): TransmitterOptions['sts'] => ({
  find: async (domain) => (domain === 'shop.test' ? { mode, mx, maxAgeMs: 86_400_000 } : null),
});

const TRUSTED = { tlsCa: ISSUED_CERTIFICATE.authority };

test('an enforced MTA-STS policy is kept by a server with the right certificate', async () => {
  const server = await serve(STARTTLS);
  const { first } = await send(server.port, { sts: sts('enforce', 'mx1.test'), ...TRUSTED });
  assert.deepEqual([first.outcome, first.tls], ['delivered', true]);
  assert.equal(first.notes[0], 'TLS policy: MTA-STS, enforce');
});

test('an enforced policy sends nothing to a wrong certificate, to none, or to a stranger', async () => {
  const wrong = await serve(STARTTLS, TEST_CERTIFICATE);
  const policy = { sts: sts('enforce', 'mx1.test'), ...TRUSTED };
  const { first } = await send(wrong.port, policy);
  assert.deepEqual([first.outcome, first.error], ['deferred', 'tls_error']);
  assert.ok(!wrong.lines.flat().some((line) => line.startsWith('MAIL')));

  const plain = await serve(PLAIN);
  const second = (await send(plain.port, policy)).first;
  assert.deepEqual([second.outcome, second.error], ['deferred', 'tls_error']);

  const stranger = (await send(plain.port, { sts: sts('enforce', 'mx2.test') })).first;
  assert.deepEqual([stranger.outcome, stranger.error], ['deferred', 'tls_policy']);
  assert.equal(plain.connections(), 1);
});

test('a policy in testing delivers, and says what would have been', async () => {
  const plain = await serve(PLAIN);
  const { first } = await send(plain.port, { sts: sts('testing', 'mx1.test') });
  assert.deepEqual([first.outcome, first.tls], ['delivered', false]);
  assert.equal(
    first.notes.at(-2),
    'The MTA-STS policy that is being tried out would not be kept: there is no TLS',
  );
  const server = await serve(STARTTLS);
  const kept = await send(server.port, { sts: sts('testing', '*.test'), ...TRUSTED });
  assert.ok(kept.first.notes.includes('The MTA-STS policy that is being tried out would be kept'));
});

test('a connection that was made without a policy is not used for a domain that has one', async () => {
  const server = await serve(STARTTLS, TEST_CERTIFICATE);
  const { transmit } = await send(server.port, {
    sts: sts('enforce', 'mx1.test'),
    ...TRUSTED,
    resolver: {
      resolve: async () => ({ ok: true, hosts: [{ host: 'mx1.test', addresses: ['127.0.0.1'] }] }),
    },
  });
  assert.equal((await transmit('careless.test')).outcome, 'delivered');
  assert.equal((await transmit('shop.test')).outcome, 'deferred');
  assert.equal((await transmit('careless.test')).outcome, 'delivered');
});

test('with mail_tls off nobody asks for a policy', async () => {
  const server = await serve(PLAIN);
  const { first } = await send(server.port, { tlsMode: 'off', sts: sts('enforce', 'mx2.test') });
  assert.deepEqual([first.outcome, first.tls], ['delivered', false]);
});

const leaf = new X509Certificate(ISSUED_CERTIFICATE.cert);
const authority = new X509Certificate(ISSUED_CERTIFICATE.authority);
const keyOf = (one: X509Certificate) => one.publicKey.export({ type: 'spki', format: 'der' });
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const tlsa = (usage: number, selector: number, type: number, data: Uint8Array) =>
  Buffer.concat([Buffer.from([usage, selector, type]), data]);

async function sendByDane(
  zones: (port: number) => Record<string, SecureZone>,
  talk = STARTTLS,
  certificate: { key: string; cert: string } = CHAIN,
) {
  const server = await serve(talk, certificate);
  const dns = await startSecureDnsServer(zones(server.port));
  closing.unshift(dns);
  const dane = createDaneLookup({
    query: createSecureQuery([dns.address]),
    port: server.port,
    now: () => 0,
  });
  const { first } = await send(server.port, { dane, sts: sts('enforce', 'mx2.test') });
  return { ...first, dns, server };
}

const at = (...records: Buffer[]) => {
  return (port: number) => ({ [`TLSA _${port}._tcp.mx1.test`]: { records } });
};

for (const [name, record] of [
  ['its own key', tlsa(3, 1, 1, sha256(keyOf(leaf)))],
  ['its own certificate, whole', tlsa(3, 0, 0, leaf.raw)],
  ['its own key by SHA-512', tlsa(3, 1, 2, createHash('sha512').update(keyOf(leaf)).digest())],
  ['its issuer', tlsa(2, 0, 1, sha256(authority.raw))],
] as const) {
  test(`DANE: a record for ${name} vouches for the server, and comes before MTA-STS`, async () => {
    const { outcome, tls, notes } = await sendByDane(at(tlsa(3, 1, 1, Buffer.alloc(32)), record));
    assert.deepEqual([outcome, tls], ['delivered', true]);
    assert.equal(notes[0], 'TLS policy: DANE, 2 records');
  });
}

test('DANE: no record fits, so nothing is sent', async () => {
  const wrong = tlsa(3, 1, 1, Buffer.alloc(32, 7));
  const { outcome, error, server } = await sendByDane(at(wrong));
  assert.deepEqual([outcome, error], ['deferred', 'tls_error']);
  assert.ok(!server.lines.flat().some((line) => line.startsWith('MAIL')));
  const plain = await sendByDane(at(wrong), PLAIN);
  assert.deepEqual([plain.outcome, plain.error], ['deferred', 'tls_error']);
});

test('DANE: the issuer vouches for the names of its certificate only', async () => {
  const self = new X509Certificate(TEST_CERTIFICATE.cert);
  const record = tlsa(2, 1, 1, sha256(keyOf(self)));
  const { outcome, error } = await sendByDane(at(record), STARTTLS, TEST_CERTIFICATE);
  assert.deepEqual([outcome, error], ['deferred', 'tls_error']);
});

test('DANE: records that say nothing we know ask for TLS with any certificate', async () => {
  const usage = tlsa(1, 1, 1, Buffer.alloc(32));
  assert.equal((await sendByDane(at(usage), STARTTLS, TEST_CERTIFICATE)).outcome, 'delivered');
  assert.equal((await sendByDane(at(usage), PLAIN)).outcome, 'deferred');
});

test('DANE: where DNS is not signed on the way, its records count for nothing', async () => {
  const record = tlsa(3, 1, 1, Buffer.alloc(32));
  for (const unsigned of ['MX shop.test', 'A mx1.test', 'TLSA']) {
    const { error } = await sendByDane((port) => {
      const name = `TLSA _${port}._tcp.mx1.test`;
      const zone = { authentic: false };
      const zones: Record<string, SecureZone> = { [name]: { records: [record] } };
      zones[unsigned === 'TLSA' ? name : unsigned] = { ...zones[unsigned], ...zone };
      if (unsigned === 'TLSA') zones[name] = { records: [record], ...zone };
      return zones;
    });
    // MTA-STS is next, and its policy names another server.
    assert.equal(error, 'tls_policy', unsigned);
  }
});

test('DANE: while it is not known whether there are records, nothing is sent', async () => {
  const { outcome, error, notes, server } = await sendByDane((port) => ({
    [`TLSA _${port}._tcp.mx1.test`]: { isBroken: true },
  }));
  assert.deepEqual([outcome, error], ['deferred', 'tls_policy']);
  assert.match(notes.at(-1) ?? '', /could not be found out/);
  assert.equal(server.connections(), 0);
});
