import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { systemClock } from '../lib/clock.ts';
import { type SinkHttp, SinkTrouble } from './contract.ts';
import { createSinkHttp } from './dialing/sink-http.ts';
import { itemsTo } from './fixtures/scripted-http.ts';
import { SINK_KINDS } from './sink-kinds.ts';

/**
 * What can go wrong on the way to whatever speaks HTTP, over real sockets: nothing there, no answer, a server
 * that dies under a request or an answer, credentials that are refused. (Kinds with a protocol of their own
 * have the same by fixtures/test-sink-kind.ts.)
 */

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' });
const aws = { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'secret', region: 'eu-west-1' };
const hook = { url: 'https://hooks.example.com/services/x' };
const service_account = JSON.stringify({
  type: 'service_account',
  client_email: 'posthorn@my-project.iam.gserviceaccount.com',
  private_key_id: 'k1',
  private_key: pem,
  token_uri: 'https://oauth2.googleapis.com/token',
});

const SETTINGS: Record<string, object> = {
  http: hook,
  slack: hook,
  teams: hook,
  discord: hook,
  pagerduty: { routing_key: '0123456789abcdef0123456789abcdef' },
  opsgenie: { api_key: 'key' },
  sqs: { ...aws, queue_url: 'https://sqs.eu-west-1.amazonaws.com/123456789012/events' },
  sns: {
    access_key_id: 'AKIDEXAMPLE',
    secret_access_key: 'secret',
    topic_arn: 'arn:aws:sns:eu-west-1:123456789012:events',
  },
  kinesis: { ...aws, stream_name: 'events' },
  eventbridge: aws,
  s3: { ...aws, bucket: 'mail-events' },
  redshift: {
    ...aws,
    workgroup: 'mail',
    database: 'dev',
    bucket: 'loads',
    iam_role: 'arn:aws:iam::123456789012:role/redshift',
  },
  pubsub: { topic: 'projects/my-project/topics/events', service_account },
  bigquery: { project: 'my-project', dataset: 'mail', service_account },
  clickhouse: { url: 'https://clickhouse.example.com:8443', username: 'mail', password: 'pw' },
  snowflake: {
    account: 'my_org-account',
    username: 'posthorn',
    private_key: pem,
    database: 'mail',
    warehouse: 'loads',
  },
};
const WITH_OWN_PROTOCOL = ['kafka', 'mqtt', 'nats', 'rabbitmq', 'redis', 'postgres', 'mysql'];

const real = createSinkHttp({
  guard: { refuse: () => null },
  lookup: (_host, _options, found) => found(new Error('not asked'), []),
});
after(() => real.close());

/** Whatever is asked for goes to this server. */
function leadingTo(port: number): SinkHttp {
  return {
    request(asked) {
      const { pathname, search } = new URL(asked.url);
      return real.request({ ...asked, url: `http://127.0.0.1:${port}${pathname}${search}` });
    },
  };
}

/** Sends a batch to a server that does this with each request; resolves to why it was not taken. */
async function troubleWith(
  kindName: string,
  answer: RequestListener | 'closed',
  signal = new AbortController().signal,
): Promise<SinkTrouble> {
  const server = createServer(answer === 'closed' ? undefined : answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  if (answer === 'closed') await new Promise((resolve) => server.close(resolve));
  const kind = SINK_KINDS.find((one) => one.kind === kindName);
  assert.ok(kind, kindName);
  try {
    const connection = await kind.open(kind.settings.parse(SETTINGS[kindName]), {
      http: leadingTo(port),
      addressOf: async () => assert.fail(),
      mail: async () => assert.fail(),
      clock: systemClock,
      projectId: 'prj_1',
      sinkId: 'snk_1',
    });
    const error: unknown = await connection.send(itemsTo(3), signal).catch((reason) => reason);
    await connection.close();
    assert.ok(error instanceof SinkTrouble, `${kindName}: ${error}`);
    return error;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

for (const kind of Object.keys(SETTINGS)) {
  describe(kind, () => {
    const faults: [string, RequestListener | 'closed', SinkTrouble['code']][] = [
      ['nobody listens', 'closed', 'unreachable'],
      [
        'the server is killed when it has the request',
        (request) => request.on('end', () => request.socket.destroy()).resume(),
        'unreachable',
      ],
      [
        'the server is killed within its answer',
        (_, response) => {
          response.writeHead(200, { 'content-length': '100' }).write('{');
          setImmediate(() => response.destroy());
        },
        'unreachable',
      ],
      [
        'the credentials are refused',
        (request, response) => request.on('end', () => response.writeHead(401).end('{}')).resume(),
        'credentials',
      ],
      [
        'the server cannot take anything',
        (request, response) => request.on('end', () => response.writeHead(502).end('')).resume(),
        'unavailable',
      ],
    ];
    for (const [what, answer, code] of faults) {
      test(`${what}: ${code}, and all of it comes again`, async () => {
        const trouble = await troubleWith(kind, answer);
        assert.deepEqual([trouble.code, trouble.taken, trouble.refusals], [code, 0, []]);
      });
    }

    test('no answer comes: timeout, and all of it comes again', async () => {
      const late = new AbortController();
      const { code, taken } = await troubleWith(kind, () => late.abort(), late.signal);
      assert.deepEqual([code, taken], ['timeout', 0]);
    });
  });
}

test('every kind is tried, here or with its own protocol', () => {
  // Mails go into our own queue, which is no server.
  const tried = [...Object.keys(SETTINGS), ...WITH_OWN_PROTOCOL, 'email'];
  assert.deepEqual(tried.sort(), SINK_KINDS.map(({ kind }) => kind).sort());
});
