import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { BrokerSettings, StoredRecord } from '../fixtures/kafka/broker.ts';
import { crc32c } from '../fixtures/kafka/record-batch.ts';
import { itemAt as messageAt } from '../fixtures/scripted-http.ts';
import { findFreePort, makeFolder, startTestServer } from '../fixtures/test-server.ts';
import {
  type Destination,
  itemAt,
  openSink,
  testSinkKind,
  troubleOf,
} from '../fixtures/test-sink-kind.ts';

/** Kafka's protocol by a broker of our own; queues/kafka-server.test.ts has the same on Kafka itself. */
const BROKER = fileURLToPath(new URL('../fixtures/kafka/broker.ts', import.meta.url));

const TOPICS = {
  'posthorn.events': { partitions: 1 },
  spread: { partitions: 4 },
  lossy: { partitions: 1, losesAnswer: true },
  full: { partitions: 1, answer: 19 },
  narrow: { partitions: 1, answer: 10 },
  closed: { partitions: 1, answer: 29 },
};

async function startBroker(): Promise<Destination & { stored(topic: string): StoredRecord[] }> {
  const folder = makeFolder();
  const [open, login, tls] = await Promise.all([findFreePort(), findFreePort(), findFreePort()]);
  const settings: BrokerSettings = {
    ports: { open, login, tls },
    passwords: { posthorn: 'right' },
    topics: TOPICS,
    file: join(folder, 'records.ndjson'),
  };
  const server = await startTestServer({
    folder,
    command: process.execPath,
    args: [BROKER, JSON.stringify(settings)],
    ready: /Broker started/,
  });
  const stored = (topic: string): StoredRecord[] => {
    if (!existsSync(settings.file)) return [];
    const lines = readFileSync(settings.file, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line)).filter((one) => one.topic === topic);
  };
  return {
    server,
    settings: { brokers: `localhost:${open}` },
    wrongCredentials: { brokers: `localhost:${login}`, username: 'posthorn', password: 'wrong' },
    wrongTarget: { topic: 'nobody' },
    tls: { brokers: `localhost:${tls}`, tls: true },
    read: async () => stored('posthorn.events').map(({ headers }) => headers['id'] ?? ''),
    stored,
  };
}

testSinkKind(
  { kind: 'kafka', missing: false, dropsRepeats: false, survivesKill: true },
  startBroker,
);

const broker = await startBroker();
after(() => broker.server.stop());
const never = new AbortController().signal;

async function send(
  items: Parameters<Awaited<ReturnType<typeof openSink>>['send']>[0],
  settings: object,
) {
  const sink = await openSink('kafka', { ...broker.settings, ...settings });
  try {
    return await sink.send(items, never);
  } finally {
    await sink.close();
  }
}

test('the checksum is the one of the specification', () => {
  // RFC 3720 appendix B.4: 32 bytes of zeros, and of ones.
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
});

test('what belongs to one message stands in one partition, in order, with its headers', async () => {
  const items = Array.from({ length: 40 }, (_, i) =>
    messageAt(i + 1, { n: i + 1 }, `msg_${i % 8}`),
  );
  assert.deepEqual(await send(items, { topic: 'spread' }), []);
  const stored = broker.stored('spread');
  assert.equal(stored.length, 40);
  assert.ok(new Set(stored.map(({ partition }) => partition)).size > 1);
  for (let message = 0; message < 8; message++) {
    const ours = stored.filter(({ key }) => key === `msg_${message}`);
    assert.equal(new Set(ours.map(({ partition }) => partition)).size, 1);
    assert.deepEqual(
      ours.map(({ value }) => JSON.parse(value ?? '').n),
      [0, 1, 2, 3, 4].map((round) => round * 8 + message + 1),
    );
  }
  assert.deepEqual(stored.find(({ value }) => value === '{"n":1}')?.headers, {
    id: 'evt_1',
    type: 'email.bounced',
  });
});

test('a batch whose answer was lost stands there once: the broker knows its number', async () => {
  assert.deepEqual(await send([itemAt(1), itemAt(2)], { topic: 'lossy' }), []);
  assert.deepEqual(
    broker.stored('lossy').map(({ value }) => value),
    ['{"n":1}', '{"n":2}'],
  );
});

test('the right password lets it in', async () => {
  const { brokers, username } = broker.wrongCredentials;
  await send([itemAt(7)], { brokers, username, password: 'right' });
  assert.deepEqual((await broker.read()).slice(-1), [itemAt(7).event.id]);
});

test('what the broker says is told apart', async () => {
  const codeOf = async (topic: string) => (await troubleOf(send([itemAt(1)], { topic }))).code;
  assert.equal(await codeOf('full'), 'unavailable');
  assert.equal(await codeOf('narrow'), 'refused');
  assert.equal(await codeOf('closed'), 'credentials');
});
