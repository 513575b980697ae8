import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import {
  findFreePort,
  findProgram,
  makeFolder,
  startTestServer,
  writeCertificate,
} from '../fixtures/test-server.ts';
import { type Destination, testSinkKind } from '../fixtures/test-sink-kind.ts';

const program = findProgram('nats-server');

async function startTestNats(): Promise<Destination> {
  const folder = makeFolder();
  const port = await findFreePort();
  const { cert, key } = writeCertificate(folder);
  const file = join(folder, 'nats.conf');
  writeFileSync(
    file,
    `listen: "127.0.0.1:${port}"
jetstream { store_dir: "${folder}" }
allow_non_tls: true
tls { cert_file: "${cert}", key_file: "${key}" }
authorization { user: "posthorn", password: "right" }
`,
  );
  const server = await startTestServer({
    folder,
    command: program ?? '',
    args: ['-c', file],
    ready: /Server is ready/,
  });
  const login = { user: 'posthorn', pass: 'right', tls: null };
  const dial = () => connect({ servers: `127.0.0.1:${port}`, reconnect: false, ...login });
  const first = await dial();
  const manager = await jetstreamManager(first);
  await manager.streams.add({ name: 'events', subjects: ['posthorn.>'], storage: 'file' });
  await first.close();

  async function read(): Promise<string[]> {
    const client = await dial();
    try {
      const stream = await jetstream(client).streams.get('events');
      const { state } = await stream.info();
      const ids: string[] = [];
      for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
        const message = await stream.getMessage({ seq });
        ids.push(message?.header.get('Nats-Msg-Id') ?? '');
      }
      return ids;
    } finally {
      await client.close();
    }
  }

  const settings = { host: 'localhost', port, username: 'posthorn', password: 'right' };
  return {
    server,
    settings,
    wrongCredentials: { password: 'wrong' },
    wrongTarget: { subject: 'elsewhere.events' },
    tls: { tls: true },
    read,
  };
}

testSinkKind(
  {
    kind: 'nats',
    missing: program === undefined && 'NATS is not installed (Debian: nats-server)',
    dropsRepeats: true,
    survivesKill: true,
  },
  startTestNats,
);
