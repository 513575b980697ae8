import assert from 'node:assert/strict';
import type { LookupAddress, LookupAllOptions } from 'node:dns';
import test from 'node:test';
import { createSecureContext } from 'node:tls';
import { createTestClock, type TestClock, turn } from '../../lib/fixtures/test-clock.ts';
import { makeCertificate } from '../fixtures/make-certificate.ts';
import { startRawServer } from '../fixtures/raw-server.ts';
import { startConnectProxy } from './fixtures/connect-proxy.ts';
import { fakeLookup, OK, setUpPostClient, TIMEOUT_MS } from './fixtures/set-up-post-client.ts';

const pair = makeCertificate('app.example.com');
const tls = { certificate: null, privateKey: null, ca: pair.cert };
type Found = (error: Error | null, found: LookupAddress[]) => void;

const LOOKUP_MS = 30;
const HANDSHAKE_MS = 40;
const ANSWER_MS = 50;

/** Time goes by only where it is said to: in the look-up, in the handshake, before the answer. */
function slowLookup(clock: TestClock) {
  const { lookup } = fakeLookup(['127.0.0.1']);
  const slow = (hostname: string, options: LookupAllOptions, callback: Found): void => {
    void clock.advance(LOOKUP_MS).then(() => lookup(hostname, options, callback));
  };
  return slow as typeof lookup;
}

function slowServer(t: Parameters<typeof startRawServer>[0], clock: TestClock) {
  return startRawServer(
    t,
    async (socket) => {
      socket.setNoDelay(true);
      await clock.advance(ANSWER_MS);
      socket.write('HTTP/1.1 103 Early Hints\r\n\r\n');
      // What is written is read in the next turn of the loop.
      for (let i = 0; i < 10; i++) await turn();
      await clock.advance(1_000);
      socket.write(OK);
    },
    {
      ...pair,
      SNICallback: (_name, done) => {
        void clock.advance(HANDSHAKE_MS).then(() => done(null, createSecureContext(pair)));
      },
    },
  );
}

test('a new connection tells each phase, a kept one only the first byte', async (t) => {
  const clock = createTestClock(0);
  const server = await slowServer(t, clock);
  const { post } = setUpPostClient(t, { clock, lookup: slowLookup(clock) });
  const url = `https://app.example.com:${server.port}/`;
  const first = await post(url, { tls });
  assert.deepEqual(first.timing, {
    dnsMs: LOOKUP_MS,
    connectMs: 0,
    tlsMs: HANDSHAKE_MS,
    firstByteMs: ANSWER_MS,
    remoteAddress: '127.0.0.1',
    reused: false,
  });
  assert.equal(first.latencyMs, LOOKUP_MS + HANDSHAKE_MS + ANSWER_MS + 1_000);
  const second = await post(url, { tls });
  assert.deepEqual(second.timing, {
    dnsMs: null,
    connectMs: null,
    tlsMs: null,
    firstByteMs: ANSWER_MS,
    remoteAddress: '127.0.0.1',
    reused: true,
  });
  assert.equal(second.latencyMs, ANSWER_MS + 1_000);
});

test('behind a proxy, connecting includes the tunnel, and the address is that of the proxy', async (t) => {
  const clock = createTestClock(0);
  const server = await slowServer(t, clock);
  const proxy = await startConnectProxy(t);
  const options = { clock, lookup: slowLookup(clock), proxy: proxy.settings };
  const { post } = setUpPostClient(t, options);
  const { timing } = await post(`https://app.example.com:${server.port}/`, { tls });
  assert.deepEqual(timing, {
    dnsMs: LOOKUP_MS,
    connectMs: 0,
    tlsMs: HANDSHAKE_MS,
    firstByteMs: ANSWER_MS,
    remoteAddress: '127.0.0.1',
    reused: false,
  });
});

test('of a post that failed on its way the phases are told that it went through', async (t) => {
  const clock = createTestClock(0);
  const server = await slowServer(t, clock);
  const { post } = setUpPostClient(t, { clock, lookup: slowLookup(clock) });
  const untrusted = await post(`https://app.example.com:${server.port}/`);
  assert.equal(untrusted.errorCode, 'certificate_untrusted');
  assert.deepEqual(untrusted.timing, {
    dnsMs: LOOKUP_MS,
    connectMs: 0,
    tlsMs: null,
    firstByteMs: null,
    remoteAddress: '127.0.0.1',
    reused: false,
  });
  const closed = await post('http://app.example.com:1/');
  assert.equal(closed.errorCode, 'connection_refused');
  assert.deepEqual(
    [closed.timing?.dnsMs, closed.timing?.connectMs, closed.timing?.remoteAddress],
    [LOOKUP_MS, null, null],
  );
});

test('there is no timing where nothing was dialled', async (t) => {
  const silent = await startRawServer(t, () => {});
  const { client, clock, post } = setUpPostClient(t, { connectionsPerOrigin: 1 });
  assert.equal((await post('https://10.0.0.1/')).timing, null);
  const pending = [post(silent.origin), post(silent.origin, { timeoutMs: TIMEOUT_MS - 1 })];
  await clock.advance(TIMEOUT_MS);
  const [sent, queued] = await Promise.all(pending);
  assert.deepEqual([sent?.errorCode, queued?.errorCode], ['timeout', 'timeout']);
  assert.notEqual(sent?.timing, null);
  assert.equal(queued?.timing, null);
  assert.match(queued?.errorDetail ?? '', /all connections were in use\.$/);
  await client.close();
  assert.equal((await post(silent.origin)).timing, null);
});
