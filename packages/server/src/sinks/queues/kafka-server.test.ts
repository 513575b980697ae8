import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Admin, Consumer } from '@platformatic/kafka';
import {
  findFreePort,
  findProgram,
  makeFolder,
  startTestServer,
  writeCertificate,
} from '../fixtures/test-server.ts';
import { type Destination, testSinkKind } from '../fixtures/test-sink-kind.ts';

/** Where its jars are looked for: `mvn dependency:copy-dependencies` of org.apache.kafka:kafka_2.13 and org.slf4j:slf4j-simple. */
const JARS = process.env['KAFKA_JARS'] ?? '/opt/posthorn-tests/kafka';
const java = findProgram('java');
const isThere = java !== undefined && globSync(join(JARS, 'kafka_2.13-*.jar')).length > 0;

async function startTestKafka(): Promise<Destination> {
  const folder = makeFolder();
  const ports = await Promise.all(Array.from({ length: 4 }, findFreePort));
  const [open = 0, login = 0, tls = 0, control = 0] = ports;
  const { cert, key } = writeCertificate(folder);
  writeFileSync(join(folder, 'store.pem'), `${readFileSync(key)}\n${readFileSync(cert)}\n`);
  const file = join(folder, 'server.properties');
  const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule';
  writeFileSync(
    file,
    `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${control}
controller.listener.names=CONTROL
listeners=OPEN://127.0.0.1:${open},LOGIN://127.0.0.1:${login},TLS://127.0.0.1:${tls},CONTROL://127.0.0.1:${control}
advertised.listeners=OPEN://localhost:${open},LOGIN://localhost:${login},TLS://localhost:${tls}
listener.security.protocol.map=CONTROL:PLAINTEXT,OPEN:PLAINTEXT,LOGIN:SASL_PLAINTEXT,TLS:SSL
inter.broker.listener.name=OPEN
sasl.enabled.mechanisms=PLAIN
listener.name.login.plain.sasl.jaas.config=${plain} required user_posthorn="right";
ssl.keystore.type=PEM
ssl.keystore.location=${join(folder, 'store.pem')}
log.dirs=${join(folder, 'data')}
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
`,
  );
  const args = ['-Xmx400m', '-cp', join(JARS, '*')];
  const id = 'AAAAAAAAQACAAAAAAAAAAQ';
  spawnSync(java ?? '', [...args, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', file]);
  const server = await startTestServer({
    folder,
    command: java ?? '',
    args: [...args, 'kafka.Kafka', file],
    ready: /Kafka Server started/,
  });
  const client = { clientId: 'test', bootstrapBrokers: [`localhost:${open}`] };
  const admin = new Admin(client);
  await admin.createTopics({ topics: ['posthorn.events'], partitions: 1, replicas: 1 });
  await admin.close();

  let readers = 0;
  async function read(): Promise<string[]> {
    readers += 1;
    const consumer = new Consumer({ ...client, groupId: `reader-${readers}` });
    const topics = ['posthorn.events'];
    const [end = 0n] = (await consumer.listOffsets({ topics })).get('posthorn.events') ?? [];
    const stream = await consumer.consume({ topics, mode: 'earliest' });
    const ids: string[] = [];
    if (end > 0n) {
      for await (const { headers, offset } of stream) {
        const [, id] = [...headers].find(([name]) => name.toString() === 'id') ?? [];
        ids.push(String(id));
        if (offset >= end - 1n) break;
      }
    }
    await consumer.close(true);
    return ids;
  }

  return {
    server,
    settings: { brokers: `localhost:${open}` },
    wrongCredentials: { brokers: `localhost:${login}`, username: 'posthorn', password: 'wrong' },
    wrongTarget: { topic: 'nobody' },
    tls: { brokers: `localhost:${tls}`, tls: true },
    read,
  };
}

testSinkKind(
  {
    kind: 'kafka',
    missing: !isThere && `allowed: neither Debian nor npm has Kafka; Java and its jars in ${JARS}`,
    dropsRepeats: false,
    survivesKill: true,
  },
  startTestKafka,
);
