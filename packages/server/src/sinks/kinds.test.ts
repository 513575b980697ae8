import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, beforeEach, describe, test } from 'node:test';
import { sampleEvent } from '../core/events/event-samples.ts';
import { systemClock } from '../lib/clock.ts';
import type { SinkConnection, SinkItem } from './contract.ts';
import { SinkTrouble } from './contract.ts';
import { createSinkHttp } from './dialing/sink-http.ts';
import { toItem } from './fixtures/to-item.ts';
import { SINK_KINDS } from './sink-kinds.ts';

/** What each kind that speaks HTTP has to do, whatever it says to its destination. */

interface Seen {
  path: string;
  headers: IncomingMessage['headers'];
  body: Record<string, unknown>;
}

const seen: Seen[] = [];
let answer: { status: number; headers?: Record<string, string>; text?: string } = { status: 200 };
const server = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  request.on('end', () => {
    seen.push({ path: request.url ?? '', headers: request.headers, body: JSON.parse(text) });
    response.writeHead(answer.status, answer.headers).end(answer.text ?? 'ok');
  });
}).listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;

const http = createSinkHttp({
  guard: {
    refuse: (address) => (address === '10.0.0.1' ? '10.0.0.1 is not a public address' : null),
  },
  lookup: (_host, _options, found) => found(new Error('nobody knows it'), []),
});
after(async () => {
  await http.close();
  server.close();
});
beforeEach(() => {
  seen.length = 0;
  answer = { status: 200 };
});

const SETTINGS: Record<string, object> = {
  http: { url, headers: { authorization: 'Bearer secret' } },
  slack: { url },
  teams: { url },
  discord: { url },
  pagerduty: { url, routing_key: '0123456789abcdef0123456789abcdef' },
  opsgenie: { url, api_key: 'key' },
};

const items: SinkItem[] = (['email.bounced', 'endpoint.recovered'] as const).map((type, i) => {
  const endpoint = { id: 'ep_1', uid: null, url: 'https://example.com/<hook>', description: null };
  const event = sampleEvent(type, { id: `evt_${i}`, atMs: 1_795_168_800_000, endpoint });
  return toItem(i + 1, event);
});

function open(kind: string, settings: object | undefined): Promise<SinkConnection> {
  const found = SINK_KINDS.find((one) => one.kind === kind);
  assert.ok(found !== undefined && settings !== undefined, kind);
  const surroundings = {
    http,
    addressOf: async () => '',
    mail: () => assert.fail(),
    clock: systemClock,
    projectId: 'prj_1',
    sinkId: 'snk_1',
  };
  return found.open(found.settings.parse(settings), surroundings);
}

const never = new AbortController().signal;

for (const [kind, settings] of Object.entries(SETTINGS)) {
  describe(kind, () => {
    const send = async (some = items) => (await open(kind, settings)).send(some, never);

    test('each event arrives, in its order', async () => {
      assert.deepEqual(await send(), []);
      assert.equal(seen.length, 2);
      assert.ok(JSON.stringify(seen[0]?.body).includes('evt_0'));
    });

    test('a transformation decides what arrives', async () => {
      const [first] = items;
      assert.ok(first);
      await send([toItem(first.position, first.event, { marked: 'by us' })]);
      assert.match(JSON.stringify(seen[0]?.body), /"marked":"by us"/);
    });

    test('what is refused is put aside, and the next one is sent', async () => {
      answer = { status: 400, text: 'invalid_payload' };
      const refused = await send();
      assert.deepEqual(
        refused.map(({ index }) => index),
        [0, 1],
      );
      assert.match(refused[0]?.detail ?? '', /400: invalid_payload/);
    });

    const troubles: [number, SinkTrouble['code'], Record<string, string>?][] = [
      [301, 'not_found'],
      [401, 'credentials'],
      [404, 'not_found'],
      [429, 'rate_limited', { 'retry-after': '7' }],
      [503, 'unavailable'],
    ];
    for (const [status, code, headers = {}] of troubles) {
      test(`${status} is ${code}: nothing is given up`, async () => {
        answer = { status, headers };
        await assert.rejects(send(), (error) => {
          assert.ok(error instanceof SinkTrouble);
          assert.deepEqual([error.code, error.taken], [code, 0]);
          assert.equal(error.retryAfterMs, status === 429 ? 7_000 : null);
          return true;
        });
      });
    }

    test('its secrets are no part of what is shown, and its settings say what is missing', () => {
      const found = SINK_KINDS.find((one) => one.kind === kind);
      assert.ok(found?.secrets.every((name) => name in (found.settings.shape ?? {})));
      assert.equal(found?.settings.safeParse({}).success, false);
      assert.equal(found?.settings.safeParse({ ...settings, unknown: 1 }).success, false);
    });
  });
}

test('every kind is tried here', () => {
  // Those of clouds and warehouses are tried in aws/, google/ and warehouse/.
  const clouds = [
    'sqs',
    'sns',
    'kinesis',
    'eventbridge',
    'pubsub',
    's3',
    'clickhouse',
    'bigquery',
    'postgres',
    'mysql',
    'redshift',
    'snowflake',
  ];
  // Those of queues are tried in queues/, on real servers; mails in people/.
  const others = ['email', 'kafka', 'mqtt', 'nats', 'rabbitmq', 'redis', ...clouds];
  const tried = [...Object.keys(SETTINGS), ...others];
  assert.deepEqual(tried.sort(), SINK_KINDS.map(({ kind }) => kind).sort());
});

test('addresses that must not be dialled are refused, and strangers are unreachable', async () => {
  const [first] = items;
  assert.ok(first);
  const codeOf = async (target: string): Promise<string> => {
    const connection = await open('http', { url: target });
    const trouble = await connection.send([first], never).catch((error: unknown) => error);
    assert.ok(trouble instanceof SinkTrouble);
    return trouble.code;
  };
  assert.equal(await codeOf('http://10.0.0.1/'), 'address_refused');
  assert.equal(await codeOf('http://nobody.test/'), 'unreachable');
});

test('PagerDuty and Opsgenie know what has failed, and that it has recovered', async () => {
  await (await open('pagerduty', SETTINGS['pagerduty'])).send(items, never);
  const [bounce, recovery] = seen.map(({ body }) => body);
  assert.deepEqual([bounce?.['event_action'], bounce?.['dedup_key']], ['trigger', 'evt_0']);
  assert.deepEqual(
    [recovery?.['event_action'], recovery?.['dedup_key']],
    ['resolve', 'endpoint:ep_1'],
  );
  await (await open('opsgenie', SETTINGS['opsgenie'])).send(items, never);
  assert.equal(seen[2]?.path, '/hook/v2/alerts');
  assert.equal(seen[2]?.headers.authorization, 'GenieKey key');
  assert.equal(seen[2]?.body['alias'], 'evt_0');
  assert.equal(seen[3]?.path, '/hook/v2/alerts/endpoint%3Aep_1/close?identifierType=alias');
  assert.equal(seen[3]?.body['note'], 'Endpoint recovered');
});

test('of a body of its own an incident system has the same key, and is told of the end', async () => {
  const own = items.map(({ position, event }) => toItem(position, event, { message: 'by us' }));
  await (await open('pagerduty', SETTINGS['pagerduty'])).send(own, never);
  await (await open('opsgenie', SETTINGS['opsgenie'])).send(own, never);
  const keys = ({ body }: Seen) => [body['event_action'], body['dedup_key'], body['alias']];
  assert.deepEqual(seen.slice(0, 3).map(keys), [
    ['trigger', 'evt_0', undefined],
    ['resolve', 'endpoint:ep_1', undefined],
    [undefined, undefined, 'evt_0'],
  ]);
  assert.match(seen[3]?.path ?? '', /\/endpoint%3Aep_1\/close/);
});

test('an alert of Opsgenie that somebody has closed already is closed', async () => {
  answer = { status: 404 };
  const connection = await open('opsgenie', SETTINGS['opsgenie']);
  assert.deepEqual(await connection.send(items.slice(1), never), []);
  await assert.rejects(connection.send(items.slice(0, 1), never), { code: 'not_found' });
});

test('an alert is told in its own words, and closes the incident that it opened', async () => {
  const alert = {
    id: 'alt_1',
    rule_id: 'alr_1',
    rule_name: 'Bounce rate over 5%',
    type: 'bounce_rate',
    about: null,
    sentence: '7.3% of the messages bounced in the last hour; the line is 5%.',
    value: 0.073,
    threshold: 0.05,
    fired_at: '2026-11-21T16:00:00.000Z',
  };
  const told = (['alert.fired', 'alert.resolved'] as const).map((type, position) => {
    const event = { id: `evt_${position}`, type, timestamp: alert.fired_at, data: { alert } };
    return toItem(position, event);
  });
  await (await open('pagerduty', SETTINGS['pagerduty'])).send(told, never);
  assert.deepEqual(
    seen.map(({ body }) => [body['event_action'], body['dedup_key']]),
    [
      ['trigger', 'alert:alt_1'],
      ['resolve', 'alert:alt_1'],
    ],
  );
  assert.match(JSON.stringify(seen[0]?.body), /"summary":"Firing: Bounce rate over 5%"/);
  await (await open('slack', SETTINGS['slack'])).send(told, never);
  assert.match(JSON.stringify(seen[2]?.body), /7\.3% of the messages bounced/);
  await (await open('opsgenie', SETTINGS['opsgenie'])).send(told, never);
  assert.equal(seen[4]?.body['alias'], 'alert:alt_1');
  assert.equal(seen[5]?.path, '/hook/v2/alerts/alert%3Aalt_1/close?identifierType=alias');
});

test('a list of events is one request, with a key that a retry has too', async () => {
  const connection = await open('http', { url, batch: 10 });
  await connection.send(items, never);
  assert.equal(seen[0]?.headers['idempotency-key'], 'evt_0-evt_1');
  assert.deepEqual(Object.keys(seen[0]?.body ?? {}), ['0', '1']);
});

test('an address of its own for each event, with its id and type', async () => {
  const connection = await open('http', { url: `${url}/{type}?id={id}`, method: 'PUT' });
  await connection.send(items, never);
  assert.deepEqual(
    seen.map(({ path }) => path),
    ['/hook/email.bounced?id=evt_0', '/hook/endpoint.recovered?id=evt_1'],
  );
  const found = SINK_KINDS.find((one) => one.kind === 'http');
  const list = found?.settings.safeParse({ url: `${url}/{id}`, batch: 10 });
  assert.deepEqual(
    list?.error?.issues.map(({ path }) => path),
    [['batch']],
  );
});
