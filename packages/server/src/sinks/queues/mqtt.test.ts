import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import mqtt from 'mqtt';
import {
  findFreePort,
  findProgram,
  makeFolder,
  startTestServer,
  writeCertificate,
} from '../fixtures/test-server.ts';
import { type Destination, itemAt, openSink, testSinkKind } from '../fixtures/test-sink-kind.ts';

const program = findProgram('mosquitto');

async function startTestMosquitto(): Promise<Destination> {
  const folder = makeFolder();
  const [port, tlsPort] = [await findFreePort(), await findFreePort()];
  const { cert, key } = writeCertificate(folder);
  const [file, users] = [join(folder, 'mosquitto.conf'), join(folder, 'users')];
  writeFileSync(users, 'posthorn:right\n', { mode: 0o600 });
  spawnSync(findProgram('mosquitto_passwd') ?? '', ['-U', users]);
  writeFileSync(
    file,
    `listener ${port} 127.0.0.1
listener ${tlsPort} 127.0.0.1
certfile ${cert}
keyfile ${key}
allow_anonymous false
password_file ${users}
max_queued_messages 0
max_packet_size 20000
log_dest stderr
${process.getuid?.() === 0 ? 'user root' : ''}
`,
  );
  const server = await startTestServer({
    folder,
    command: program ?? '',
    args: ['-c', file],
    ready: / running/,
  });

  // A broker keeps nothing by itself: somebody has to listen, and comes again after a break.
  const ids: string[] = [];
  const reader = mqtt.connect({
    host: '127.0.0.1',
    port,
    username: 'posthorn',
    password: 'right',
    protocolVersion: 5,
    reconnectPeriod: 20,
  });
  reader.on('error', () => {});
  reader.on('message', (_topic, _body, { properties }) => {
    ids.push(String(properties?.userProperties?.['id']));
  });
  await reader.subscribeAsync('posthorn/#', { qos: 1 });

  const settings = { host: 'localhost', port, username: 'posthorn', password: 'right' };
  return {
    server: {
      ...server,
      async start() {
        const again = new Promise((resolve) => reader.once('packetreceive', resolve));
        await server.start();
        await again;
        await reader.subscribeAsync('posthorn/#', { qos: 1 });
      },
      async stop() {
        await reader.endAsync(true);
        await server.stop();
      },
    },
    settings,
    wrongCredentials: { password: 'wrong' },
    wrongTarget: null,
    tls: { tls: true, port: tlsPort },
    read: async () => [...ids],
  };
}

const missing = program === undefined && 'Mosquitto is not installed (Debian: mosquitto)';

testSinkKind(
  { kind: 'mqtt', missing, dropsRepeats: false, survivesKill: false },
  startTestMosquitto,
);

test('an event that is larger than what the broker takes is put aside alone', {
  skip: missing,
}, async (t) => {
  const { server, settings, read } = await startTestMosquitto();
  t.after(() => server.stop());
  const sink = await openSink('mqtt', settings);
  t.after(() => sink.close());
  const items = [itemAt(1), { ...itemAt(2), body: 'x'.repeat(20_000) }, itemAt(3)];
  const refusals = await sink.send(items, new AbortController().signal);
  assert.deepEqual(
    refusals.map(({ index }) => index),
    [1],
  );
  assert.match(refusals[0]?.detail ?? '', /takes packets of 20000 bytes: the event has 20002/);
  assert.ok((await read()).every((id) => id !== 'evt_000002'));
});
