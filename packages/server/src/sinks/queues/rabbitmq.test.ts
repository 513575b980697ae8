import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'amqplib';
import {
  findFreePort,
  makeFolder,
  startTestServer,
  writeCertificate,
} from '../fixtures/test-server.ts';
import { type Destination, testSinkKind } from '../fixtures/test-sink-kind.ts';

/** The program itself: what is on the PATH changes to a user who cannot read our folder. */
const PROGRAM = '/usr/lib/rabbitmq/bin/rabbitmq-server';

async function startTestRabbit(): Promise<Destination> {
  const folder = makeFolder();
  const [port, tlsPort, namePort, nodePort] = await Promise.all(
    [1, 2, 3, 4].map(() => findFreePort()),
  );
  const { cert, key } = writeCertificate(folder);
  writeFileSync(
    join(folder, 'rabbitmq.conf'),
    `listeners.tcp.1 = 127.0.0.1:${port}
listeners.ssl.1 = 127.0.0.1:${tlsPort}
ssl_options.certfile = ${cert}
ssl_options.keyfile = ${key}
ssl_options.verify = verify_none
log.console = true
log.file = false
`,
  );
  writeFileSync(join(folder, 'plugins'), '[].\n');
  const epmdEnv = { ERL_EPMD_ADDRESS: '127.0.0.1', ERL_EPMD_PORT: String(namePort) };
  // Otherwise the server starts one that outlives it.
  const epmd = spawn('epmd', [], { stdio: 'ignore', env: { ...process.env, ...epmdEnv } });
  const server = await startTestServer({
    folder,
    command: PROGRAM,
    args: [],
    env: {
      ...epmdEnv,
      HOME: folder,
      RABBITMQ_NODENAME: `posthorn${port}@localhost`,
      RABBITMQ_DIST_PORT: String(nodePort),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
      RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
      RABBITMQ_MNESIA_BASE: folder,
      RABBITMQ_LOG_BASE: folder,
    },
    ready: /Server startup complete/,
  });
  const dial = () => connect({ protocol: 'amqp', hostname: '127.0.0.1', port });
  const first = await dial();
  const channel = await first.createChannel();
  await channel.assertQueue('posthorn.events', { durable: true });
  await first.close();

  /** Reads all that stands there, and lets it stand. */
  async function read(): Promise<string[]> {
    const client = await dial();
    try {
      const reader = await client.createChannel();
      const ids: string[] = [];
      for (;;) {
        const message = await reader.get('posthorn.events');
        if (message !== false) ids.push(String(message.properties.messageId));
        else return ids;
      }
    } finally {
      await client.close();
    }
  }

  return {
    server: {
      ...server,
      async stop() {
        await server.stop();
        epmd.kill('SIGKILL');
      },
    },
    settings: { host: 'localhost', port },
    wrongCredentials: { password: 'wrong' },
    wrongTarget: { routing_key: 'nobody' },
    tls: { tls: true, port: tlsPort },
    read,
  };
}

testSinkKind(
  {
    kind: 'rabbitmq',
    missing: !existsSync(PROGRAM) && 'RabbitMQ is not installed (Debian: rabbitmq-server)',
    dropsRepeats: false,
    survivesKill: true,
  },
  startTestRabbit,
);
