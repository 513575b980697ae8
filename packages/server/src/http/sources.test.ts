import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  mailgunWebhook,
  mailomatWebhook,
  makeWebhooks,
  RECIPIENT,
} from '../sources/fixtures/provider-webhooks.ts';
import { type Json, startTestApi } from './fixtures/test-api.ts';
import { createWebhookSender } from './fixtures/webhook-sender.ts';

const api = await startTestApi();
const { createSource, send, eventsOf } = await createWebhookSender(api);
after(() => api.close());

const activityOf = async (id: string): Promise<Json> =>
  (await api.send('GET', `/v1/sources/${id}`)).body.activity;

describe('a webhook of each provider', () => {
  for (const { provider } of makeWebhooks(api.now(), '')) {
    test(`${provider}: is taken, is a duplicate the second time, and is refused when changed`, async () => {
      const fields = makeWebhooks(api.now(), '').find((one) => one.provider === provider)?.fields;
      const { id, path, url } = await createSource({ provider, ...fields });
      const webhook = makeWebhooks(api.now(), url).find((one) => one.provider === provider);
      assert.ok(webhook);
      const first = await send(path, webhook);
      assert.equal(first.status, 200, first.text);
      assert.deepEqual(first.body, { events: 1, duplicates: 0 });
      const [event] = await eventsOf(id);
      assert.equal(event.type, webhook.type);
      assert.equal(event.data.recipient, RECIPIENT);
      assert.equal(event.data.provider, provider);
      // Where it stood in the log of another Posthorn is not where it stands here.
      assert.notEqual(event.data.sequence, 99);
      const again = await send(path, webhook);
      assert.deepEqual([again.status, again.body], [200, { events: 0, duplicates: 1 }]);
      assert.equal((await eventsOf(id)).length, 1);
      const forged = await send(path, {
        ...webhook,
        query: '',
        headers: { 'content-type': webhook.headers['content-type'] ?? 'text/plain' },
        // Where the signature is in the body, it is another one.
        body: Buffer.from(webhook.body.toString().replace(/("([Ss]ignature|auth)":")/g, '$10')),
      });
      // A GET without its parameters is somebody who looks.
      const refused = webhook.method === 'GET' ? 200 : 401;
      assert.equal(forged.status, refused, forged.text);
      assert.equal((await eventsOf(id)).length, 1);
      const activity = await activityOf(id);
      assert.deepEqual([activity.requests, activity.events, activity.duplicates], [2, 1, 1]);
      assert.equal(activity.refused, webhook.method === 'GET' ? 0 : 1);
    });
  }
});

test('before it has a secret, a provider that signs is refused, and another one taken', async () => {
  const unsigned = [
    'postmark',
    'brevo',
    'sparkpost',
    'mailjet',
    'elasticemail',
    'azure',
    'cloudevents',
  ];
  for (const { provider, fields } of makeWebhooks(api.now(), '')) {
    const { secrets: _secrets, topics: _topics, ...rest } = fields;
    const { id, path, url } = await createSource({ provider, ...rest });
    const webhook = makeWebhooks(api.now(), url).find((one) => one.provider === provider);
    const { status, text } = await send(path, webhook ?? {});
    assert.equal(status, unsigned.includes(provider) ? 200 : 401, `${provider} ${text}`);
    const { refused, last_refusal: last } = await activityOf(id);
    assert.equal(refused, status === 401 ? 1 : 0);
    if (status === 401) assert.equal(last.code, 'missing_secret', provider);
  }
});

test('what was taken and refused is in the metrics, by provider and reason', async () => {
  const { path } = await createSource({ provider: 'flexmail', secrets: ['query:key:flex'] });
  const body = Buffer.from('{"event":"Delivered","messageId":"1","email":"a@b.test"}');
  assert.equal((await send(path, { body })).status, 401);
  assert.equal((await send(path, { body, query: '?key=flex' })).status, 200);
  const { text } = await api.send('GET', '/metrics', { key: null });
  const name = 'posthorn_source_webhooks_total';
  const of = (outcome: string, reason: string) =>
    `${name}{provider="flexmail",outcome="${outcome}",reason="${reason}"} 1`;
  assert.ok(text.includes(of('refused', 'bad_signature')), text);
  assert.ok(text.includes(of('taken', '')), text);
});

test('numbers stay exact, in the fields and in the kept report', async () => {
  const { id, path } = await createSource({ provider: 'mailjet' });
  const body = Buffer.from(
    `{"event":"open","time":1,"MessageID":19421777835146490123,"email":"a@b.test","x":1.10000000000000000001}`,
  );
  assert.equal((await send(path, { body })).status, 200);
  const [event] = await eventsOf(id);
  assert.equal(event.data.message.provider_id, '19421777835146490123');
  const row = await api.engine.db
    .selectFrom('events')
    .select('raw')
    .where('id', '=', event.id)
    .executeTakeFirstOrThrow();
  assert.match(row.raw ?? '', /"MessageID":19421777835146490123,.*"x":1\.10000000000000000001/);
});

test('a batch is stored whole, each event once, in one answer', async () => {
  const { id, path } = await createSource({ provider: 'sparkpost' });
  const entry = (n: number) => ({
    msys: {
      message_event: {
        type: 'delivery',
        event_id: `${n}`,
        rcpt_to: `u${n}@b.test`,
        timestamp: '9',
      },
    },
  });
  const entries = Array.from({ length: 500 }, (_, n) => entry(n));
  const body = Buffer.from(JSON.stringify([...entries, entry(0), { odd: true }]));
  const answer = await send(path, { body, headers: { 'content-type': 'application/json' } });
  assert.equal(answer.status, 200);
  assert.equal(answer.body.duplicates, 1);
  assert.equal((await activityOf(id)).events, answer.body.events);
  assert.ok(answer.body.events >= 500);
});

describe('a signature that does not cover the body', () => {
  const cases = [
    {
      provider: 'mailgun',
      make: (nowMs: number, eventId: string) =>
        mailgunWebhook(nowMs, 'same-token', { event: 'delivered', id: eventId }),
    },
    {
      provider: 'mailomat',
      make: (nowMs: number, eventId: string) => mailomatWebhook(nowMs, 'same-id', eventId),
    },
  ];
  for (const { provider, make } of cases) {
    test(`${provider}: counts for one body only`, async () => {
      const nowMs = api.now();
      const first = make(nowMs, 'e1');
      const { id, path } = await createSource({ provider, ...first.fields });
      assert.equal((await send(path, first)).status, 200);
      const repeated = await send(path, first);
      assert.deepEqual([repeated.status, repeated.body], [200, { events: 0, duplicates: 1 }]);
      const forged = await send(path, make(nowMs, 'e2'));
      assert.equal(forged.status, 401);
      assert.match(forged.body.detail, /^replayed: /);
      assert.equal((await eventsOf(id)).length, 1);
      assert.equal((await activityOf(id)).last_refusal.code, 'replayed');
    });
  }
});

test('the status of a refusal is the one that the provider goes by', async () => {
  const cases = [
    ['mailgun', 'retry', 401],
    ['mailgun', 'stop', 406],
    ['postmark', 'stop', 403],
  ] as const;
  for (const [provider, on_refusal, status] of cases) {
    const { path } = await createSource({ provider, secrets: ['basic:a:b'], on_refusal });
    const answer = await send(path, { body: Buffer.from('{"RecordType":"Open"}') });
    assert.equal(answer.status, status, provider);
    assert.equal(answer.body.code, 'webhook_refused');
  }
});

test('while the store takes nothing the provider is asked to come again, Brevo by 429', async (t) => {
  let ok = true;
  const down = await startTestApi({
    health: () => (ok ? { ok } : { ok: false, code: 'disk_full', detail: 'The disk is full now.' }),
  });
  t.after(() => down.close());
  const sender = await createWebhookSender(down);
  for (const [provider, status] of [
    ['postmark', 503],
    ['brevo', 429],
  ] as const) {
    ok = true;
    const { path } = await sender.createSource({ provider });
    ok = false;
    const body = Buffer.from('{"RecordType":"Open","event":"opened","email":"a@b.test"}');
    const answer = await sender.send(path, { body });
    assert.equal(answer.status, status);
    assert.equal(answer.headers.get('retry-after'), '5');
  }
});

test('several secrets count while one is being replaced, and the old one ends', async () => {
  const { id, path } = await createSource({ provider: 'postmark', secrets: ['bearer:old'] });
  const post = async (token: string, n: number) => {
    const body = Buffer.from(`{"RecordType":"Open","MessageID":"m${n}","Recipient":"a@b.test"}`);
    return (await send(path, { body, headers: { authorization: `Bearer ${token}` } })).status;
  };
  const rotated = await api.send('POST', `/v1/sources/${id}/secret/rotate`, {
    body: { secret: 'bearer:new', overlap: '1h' },
  });
  assert.equal(rotated.status, 200, rotated.text);
  assert.equal(rotated.body.secrets.length, 2);
  assert.doesNotMatch(rotated.text, /bearer/);
  assert.deepEqual([await post('old', 1), await post('new', 2)], [200, 200]);
  api.advance(3_600_000);
  assert.deepEqual([await post('old', 3), await post('new', 4)], [401, 200]);
  const same = await api.send('POST', `/v1/sources/${id}/secret/rotate`, {
    body: { secret: 'bearer:new' },
  });
  assert.equal(same.body.secrets.length, 1);
});

test('the URL can be replaced, and the old one ends with its overlap or at once', async () => {
  const { id, path } = await createSource({ provider: 'postmark' });
  const look = async (one: string) => (await send(one, { method: 'GET' })).status;
  const rotate = async (body: object) =>
    (await api.send('POST', `/v1/sources/${id}/url/rotate`, { body })).body;
  const second = await rotate({ overlap: '1h' });
  assert.equal(second.urls.length, 2);
  assert.deepEqual([await look(path), await look(second.path)], [200, 200]);
  const third = await rotate({ overlap: '0s' });
  assert.equal(third.urls.length, 1);
  assert.deepEqual(
    [await look(path), await look(second.path), await look(third.path)],
    [404, 404, 200],
  );
});

test('stream and tags are stamped where the provider says nothing', async () => {
  const { id, path } = await createSource({
    provider: 'postmark',
    stream: 'shop',
    tags: ['eu', 'b'],
  });
  const post = (more: object) =>
    send(path, {
      body: Buffer.from(
        JSON.stringify({ RecordType: 'Open', MessageID: 'm1', Recipient: 'a@b.test', ...more }),
      ),
    });
  await post({ Tag: 'a' });
  await post({ MessageStream: 'outbound', MessageID: 'm2' });
  const [second, first] = await eventsOf(id);
  assert.deepEqual(first.data.tags, ['eu', 'b', 'a']);
  assert.equal(first.data.message.stream, 'shop');
  assert.equal(second.data.message.stream, 'outbound');
});

test('mail that a provider took in becomes email.received', async () => {
  const { id, path } = await createSource({ provider: 'postmark' });
  const body = Buffer.from(
    JSON.stringify({
      FromFull: { Email: 'anna@a.test' },
      ToFull: [{ Email: 'in@b.test' }],
      OriginalRecipient: 'in@b.test',
      Subject: 'Hi',
      MessageID: 'in-1',
      Date: 'Sat, 21 Nov 2026 16:00:00 +0000',
      TextBody: 'Hello',
    }),
  );
  assert.equal((await send(path, { body })).status, 200);
  const [event] = await eventsOf(id);
  assert.equal(event.type, 'email.received');
  assert.equal(event.data.message.subject, 'Hi');
});

test('an event of a source is owed to endpoints as any other', async () => {
  const endpoint = await api.send('POST', '/v1/endpoints', {
    body: { url: 'http://127.0.0.1:9/', event_types: ['email.opened'] },
  });
  const { id, path } = await createSource({ provider: 'postmark' });
  const body = Buffer.from('{"RecordType":"Open","MessageID":"owed","Recipient":"a@b.test"}');
  assert.equal((await send(path, { body })).status, 200);
  const [event] = await eventsOf(id);
  const owed = await api.send('GET', `/v1/deliveries?endpoint_id=${endpoint.body.id}`);
  assert.deepEqual(
    owed.body.data.map((one: Json) => one.event_id),
    [event.id],
  );
});

test('what cannot be a webhook is refused before it is read', async () => {
  const { id, path } = await createSource({ provider: 'postmark' });
  const body = Buffer.from('<a/>');
  const cases = [
    [{ 'content-type': 'text/xml' }, 415],
    [{ 'content-type': 'image/png' }, 415],
    [{ 'content-encoding': 'gzip' }, 415],
    [{ 'content-type': 'application/json' }, 400],
    [{ 'content-type': 'multipart/form-data' }, 400],
    [{ 'content-type': ';;;' }, 415],
  ] as const;
  for (const [headers, status] of cases) {
    const answer = await send(path, { body, headers: headers as Record<string, string> });
    assert.equal(answer.status, status, `${JSON.stringify(headers)} ${answer.text}`);
  }
  assert.ok((await activityOf(id)).refused >= 5);
  assert.equal((await send(path, { body: Buffer.alloc(33 * 1_048_576, 32) })).status, 413);
  assert.equal((await send('/in/phs_guess', { body })).status, 404);
  const put = await send(path, { method: 'PUT' });
  assert.equal(put.status, 405);
  assert.match(put.headers.get('allow') ?? '', /POST/);
});

test('a project that puts more events into the log than it may is asked to wait', async (t) => {
  const path = `/v1/projects/${api.projectId}`;
  t.after(() => api.send('PATCH', path, { body: { limits: { events_per_second: null } } }));
  const limited = await api.send('PATCH', path, { body: { limits: { events_per_second: 1 } } });
  assert.equal(limited.status, 200, limited.text);
  const source = await createSource({ provider: 'postmark' });
  const post = (n: number) =>
    send(source.path, {
      body: Buffer.from(`{"RecordType":"Open","MessageID":"rate-${n}","Recipient":"a@b.test"}`),
    });
  const statuses = [];
  for (let n = 0; n < 4; n++) statuses.push((await post(n)).status);
  assert.deepEqual(statuses, [200, 200, 503, 503]);
  const { requests, refused } = await activityOf(source.id);
  assert.deepEqual([requests, refused], [2, 0]);
});

test('with its source or its project deleted, a URL leads nowhere', async () => {
  const { id, path } = await createSource({ provider: 'postmark' });
  assert.equal((await api.send('DELETE', `/v1/sources/${id}`)).status, 204);
  assert.equal((await send(path, { method: 'GET' })).status, 404);
  assert.equal((await api.send('GET', `/v1/sources/${id}`)).status, 404);
  const project = await api.send('POST', '/v1/projects', { body: { name: 'Tenant' } });
  const tenant = `/v1/projects/${project.body.id}`;
  const key = await api.send('POST', `${tenant}/keys`, {
    body: { name: 'k', scopes: ['manage'] },
  });
  const made = await api.send('POST', '/v1/sources', {
    key: key.body.key,
    body: { provider: 'postmark' },
  });
  assert.equal(made.status, 201, made.text);
  assert.equal((await send(made.body.path, { method: 'GET' })).status, 200);
  assert.equal((await api.send('DELETE', tenant)).status, 204);
  assert.equal((await send(made.body.path, { method: 'GET' })).status, 404);
});
