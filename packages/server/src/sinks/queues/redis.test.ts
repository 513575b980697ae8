import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestRedis, withoutRedis } from '@posthorn/sdk/src/inbox/fixtures/test-redis.ts';
import { Redis } from 'ioredis';
import { startLastingRedis } from '../fixtures/servers/redis.ts';
import { itemAt, openSink, testSinkKind } from '../fixtures/test-sink-kind.ts';

const never = new AbortController().signal;

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
