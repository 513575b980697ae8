import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestRedis, withoutRedis } from '@posthorn/sdk/src/inbox/fixtures/test-redis.ts';
import { Redis } from 'ioredis';
import {
  findFreePort,
  findProgram,
  makeFolder,
  startTestServer,
  writeCertificate,
} from '../fixtures/test-server.ts';
import { type Destination, itemAt, openSink, testSinkKind } from '../fixtures/test-sink-kind.ts';

const never = new AbortController().signal;

/** With its data on the disk, so that it can be killed and started again. */
async function startLastingRedis(): Promise<Destination> {
  const folder = makeFolder();
  const [port, tlsPort] = [await findFreePort(), await findFreePort()];
  const { cert, key } = writeCertificate(folder);
  const settings: Record<string, string | number> = {
    bind: '127.0.0.1',
    port,
    'tls-port': tlsPort,
    'tls-cert-file': cert,
    'tls-key-file': key,
    'tls-ca-cert-file': cert,
    'tls-auth-clients': 'no',
    requirepass: 'right',
    dir: folder,
    appendonly: 'yes',
    appendfsync: 'always',
  };
  const server = await startTestServer({
    folder,
    command: findProgram('redis-server') ?? '',
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ready: /Ready to accept connections/,
  });
  async function withClient<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(port, '127.0.0.1', { password: 'right' });
    try {
      return await work(client);
    } finally {
      client.disconnect();
    }
  }
  await withClient((client) => client.set('text', 'x'));
  return {
    server,
    settings: { host: 'localhost', port, password: 'right', stream: 'events' },
    wrongCredentials: { password: 'wrong' },
    wrongTarget: { stream: 'text' },
    tls: { tls: true, port: tlsPort },
    async read() {
      const entries = await withClient((client) => client.xrange('events', '-', '+'));
      return entries.map(([, fields]) => fields[1] ?? '');
    },
  };
}

testSinkKind(
  { kind: 'redis', missing: withoutRedis, dropsRepeats: true, survivesKill: true },
  startLastingRedis,
);

test('each event stands in the stream once, whatever comes twice or late', async (t) => {
  if (withoutRedis !== false) return t.skip(withoutRedis);
  const server = await startTestRedis();
  t.after(() => server.stop());
  const reader = new Redis(server.port, '127.0.0.1');
  t.after(() => reader.disconnect());
  const sink = await openSink('redis', {
    host: 'localhost',
    port: server.port,
    stream: 'events',
  });
  t.after(() => sink.close());
  await sink.send([itemAt(10), itemAt(20)], never);
  // The answer to the first try was lost.
  await sink.send([itemAt(10), itemAt(20), itemAt(30)], never);
  // A backfill: 5 was never there.
  await sink.send([itemAt(5), itemAt(10)], never);
  const entries = await reader.xrange('events', '-', '+');
  assert.deepEqual(
    entries.map(([, fields]) => fields[1]),
    ['evt_000010', 'evt_000020', 'evt_000030', 'evt_000005'],
  );
  assert.deepEqual(entries[0], [
    '10-1',
    ['id', 'evt_000010', 'type', 'email.bounced', 'event', '{"n":10}'],
  ]);
  await sink.send([itemAt(2 ** 45)], never);
  assert.equal(await reader.xlen('events'), 5);
});
