import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestRedis, withoutRedis } from '@posthorn/sdk/src/inbox/fixtures/test-redis.ts';
import { Redis } from 'ioredis';
import { sampleEvent } from '../core/events/event-samples.ts';
import { systemClock } from '../lib/clock.ts';
import { type SinkItem, SinkTrouble } from './contract.ts';
import { findSinkKind } from './sink-kinds.ts';

const never = new AbortController().signal;

function itemAt(position: number): SinkItem {
  const event = sampleEvent('email.bounced', { id: `evt_${position}`, atMs: 1_795_168_800_000 });
  return { position, event, body: { n: position } };
}

async function open(settings: object) {
  const kind = findSinkKind('redis');
  assert.ok(kind);
  return kind.open(kind.settings.parse({ host: '127.0.0.1', ...settings }), {
    http: { request: () => assert.fail() },
    addressOf: async (host) => host,
    clock: systemClock,
    projectId: 'prj_1',
    sinkId: 'snk_1',
  });
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(() => null).catch((reason: unknown) => reason);
  assert.ok(error instanceof SinkTrouble, String(error));
  return error.code;
};

test('each event stands in the stream once, whatever comes twice or late', async (t) => {
  if (withoutRedis !== false) return t.skip(withoutRedis);
  const server = await startTestRedis();
  t.after(() => server.stop());
  const reader = new Redis(server.port, '127.0.0.1');
  t.after(() => reader.disconnect());
  const sink = await open({ port: server.port, stream: 'events' });
  t.after(() => sink.close());
  await sink.send([itemAt(10), itemAt(20)], never);
  // The answer to the first try was lost.
  await sink.send([itemAt(10), itemAt(20), itemAt(30)], never);
  // A backfill: 5 was never there.
  await sink.send([itemAt(5), itemAt(10)], never);
  const entries = await reader.xrange('events', '-', '+');
  assert.deepEqual(
    entries.map(([, fields]) => fields[1]),
    ['evt_10', 'evt_20', 'evt_30', 'evt_5'],
  );
  assert.deepEqual(entries[0], [
    '10-1',
    ['id', 'evt_10', 'type', 'email.bounced', 'event', '{"n":10}'],
  ]);
  await sink.send([itemAt(2 ** 45)], never);
  assert.equal(await reader.xlen('events'), 5);
});

test('what is wrong is told apart', async (t) => {
  if (withoutRedis !== false) return t.skip(withoutRedis);
  const server = await startTestRedis();
  const reader = new Redis(server.port, '127.0.0.1');
  t.after(() => reader.disconnect());
  await reader.set('text', 'x');
  const wrong = await open({ port: server.port, stream: 'text' });
  assert.equal(await codeOf(wrong.send([itemAt(1)], never)), 'not_found');
  await wrong.close();
  await reader.config('SET', 'requirepass', 'right');
  assert.equal(await codeOf(open({ port: server.port, password: 'wrong' })), 'credentials');
  const trusted = await open({ port: server.port, password: 'right' });
  await trusted.send([itemAt(1)], never);
  reader.disconnect();
  await server.stop();
  assert.equal(await codeOf(trusted.send([itemAt(2)], never)), 'unreachable');
  await trusted.close();
  assert.equal(await codeOf(open({ port: server.port })), 'unreachable');
});
