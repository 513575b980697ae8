import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { startSecureDnsServer } from '../fixtures/secure-dns-server.ts';
import { createSecureQuery, parseAnswer } from './dns-query.ts';
import { parseServerAddress } from './server-address.ts';

const TLSA = Buffer.from([3, 1, 1, 0xab, 0xcd]);
const dns = await startSecureDnsServer({
  'TLSA _25._tcp.mx1.test': { records: [TLSA, Buffer.from([2, 0, 1, 1])] },
  'TLSA _25._tcp.plain.test': { records: [TLSA], authentic: false },
  'TLSA _25._tcp.broken.test': { isBroken: true },
});
after(() => dns.close());

test('records come with whether DNSSEC vouches for them', async () => {
  const query = createSecureQuery([dns.address]);
  const signed = await query('_25._tcp.mx1.test', 'TLSA');
  assert.equal(signed.authentic, true);
  assert.deepEqual(signed.records, [TLSA, Buffer.from([2, 0, 1, 1])]);
  assert.equal((await query('_25._tcp.plain.test', 'TLSA')).authentic, false);
  assert.deepEqual((await query('mx1.test', 'A')).records, []);
});

test('no answer is not the same as no record', async () => {
  const query = createSecureQuery([dns.address]);
  await assert.rejects(query('_25._tcp.broken.test', 'TLSA'), /code 2/);
  await assert.rejects(createSecureQuery(['127.0.0.1:1'])('mx1.test', 'A'), /ECONNREFUSED/);
  await assert.rejects(createSecureQuery([])('mx1.test', 'A'), /no resolver/);
});

test('the next resolver is asked where one does not answer', async () => {
  const query = createSecureQuery(['127.0.0.1:1', dns.address]);
  assert.equal((await query('_25._tcp.mx1.test', 'TLSA')).records.length, 2);
});

test('whatever bytes a resolver answers, they are read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        const { records } = parseAnswer(Buffer.from(bytes), 'TLSA');
        assert.ok(records.every((record) => record.length <= bytes.length));
      } catch (error) {
        assert.ok(error instanceof Error && /resolver answered/.test(error.message), `${error}`);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('addresses of resolvers are read as node:dns writes them', () => {
  assert.deepEqual(parseServerAddress('192.0.2.1'), { host: '192.0.2.1', port: 53 });
  assert.deepEqual(parseServerAddress('192.0.2.1:5353'), { host: '192.0.2.1', port: 5353 });
  assert.deepEqual(parseServerAddress('2001:db8::1'), { host: '2001:db8::1', port: 53 });
  assert.deepEqual(parseServerAddress('[2001:db8::1]:5353'), { host: '2001:db8::1', port: 5353 });
});
