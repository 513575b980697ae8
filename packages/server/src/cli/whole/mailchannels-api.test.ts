import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MailChannels, Webhooks } from 'mailchannels-sdk';
import {
  type LocalReceiver,
  startLocalReceiver,
} from '../receiver/webhook/fixtures/local-receiver.ts';
import {
  API_KEY,
  type InProcessServer,
  startInProcessServer,
} from './fixtures/in-process-server.ts';
import { type MailSink, startMailSink } from './fixtures/mail-sink.ts';
import type { Json } from './fixtures/test-client.ts';

let server: InProcessServer;
let sink: MailSink;
let receiver: LocalReceiver;
let client: MailChannels;
before(async () => {
  sink = await startMailSink({ defers: () => false });
  receiver = await startLocalReceiver();
  server = await startInProcessServer({ smarthost: `smtp://127.0.0.1:${sink.port}` });
  client = new MailChannels(API_KEY, { baseUrl: server.httpUrl });
});
after(async () => {
  await server.stop();
  await receiver.close();
  await sink.close();
});

/** Of the message that came last: its state may change at any time. */
async function latestId(): Promise<string> {
  const { data } = await server.client.get('/v1/messages?limit=1');
  return data[0].id;
}

const MAIL = {
  from: { email: 'orders@shop.example', name: 'Shop' },
  to: 'jane@example.com',
  subject: 'Your order',
  text: 'It is on its way.',
  html: '<p>It is on its way.</p>',
};

async function ask(
  method: string,
  path: string,
  body?: unknown,
  key: string | null = API_KEY,
  more: Record<string, string> = {},
) {
  const response = await fetch(`${server.httpUrl}/tx/v1${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...more,
      ...(key === null ? {} : { 'x-api-key': key }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as Json };
}

const raw = (more: object = {}) => ({
  from: { email: 'orders@shop.example' },
  personalizations: [{ to: [{ email: 'jane@example.com' }] }],
  subject: 'Hi',
  content: [{ type: 'text/plain', value: 'x' }],
  ...more,
});

test('its SDK enrols a webhook, sends mail, and verifies what the webhook gets', async () => {
  assert.deepEqual(await client.webhooks.enroll(receiver.url), { success: true, error: null });
  const again = await client.webhooks.enroll(receiver.url);
  assert.equal(again.error?.statusCode, 409);
  assert.deepEqual((await client.webhooks.list()).data, [receiver.url]);

  const { data, success, error } = await client.emails.send(MAIL);
  assert.equal(error, null);
  assert.equal(success, true);
  const [result] = data?.results ?? [];
  assert.equal(result?.status, 'sent');
  assert.match(data?.requestId ?? '', /^msg_/);

  const told = (): Json[] => receiver.received.flatMap(({ body }) => JSON.parse(body));
  const find = () => told().find(({ event }) => event === 'delivered');
  while (find() === undefined) await receiver.until(receiver.received.length + 1);
  const delivered = find();
  assert.equal(delivered.request_id, data?.requestId);
  assert.equal(delivered.smtp_id, result?.messageId);
  assert.deepEqual(delivered.recipients, ['jane@example.com']);
  assert.ok(sink.taken.has(`${result?.messageId} jane@example.com`));

  const { headers, body } = receiver.received.at(-1) ?? assert.fail('nothing came');
  const keyId = /keyid="([^"]+)"/.exec(headers['signature-input'] ?? '')?.[1] ?? '';
  const { data: key } = await client.webhooks.getSigningKey(keyId);
  assert.equal(key?.id, keyId);
  const publicKey = key?.key ?? '';
  const signed = {
    'content-digest': headers['content-digest'] ?? '',
    signature: headers['signature'] ?? '',
    'signature-input': headers['signature-input'] ?? '',
  };
  assert.equal(await Webhooks.verify({ payload: body, headers: signed, publicKey }), true);
  assert.equal(await Webhooks.verify({ payload: `${body} `, headers: signed, publicKey }), false);
});

test('its SDK validates webhooks, lists what was posted, and has it sent again', async () => {
  const passed = await client.webhooks.validate();
  assert.equal(passed.data?.allPassed, true);
  assert.deepEqual(passed.data?.results[0]?.response, { status: 204, body: '' });

  receiver.answerWith(500);
  const failed = await client.webhooks.validate();
  assert.equal(failed.data?.allPassed, false);
  assert.equal(failed.data?.results[0]?.response?.status, 500);

  const { data: batches } = await client.webhooks.batches({ statuses: ['5xx'] });
  const [batch] = batches ?? [];
  assert.equal(batches?.length, 1);
  assert.equal(batch?.status, '5xx_response');
  assert.equal(batch?.statusCode, 500);
  receiver.answerWith(204);
  const count = receiver.received.length;
  const resent = await client.webhooks.resendBatch(batch?.batchId ?? 0);
  assert.equal(resent.error, null);
  assert.equal(resent.data?.statusCode, 204);
  assert.equal(receiver.received.length, count + 1);
  const { data: rest } = await client.webhooks.batches({ statuses: ['5xx', 'no_response'] });
  assert.deepEqual(rest, []);
  const { data: paged } = await client.webhooks.batches({ limit: 1, offset: 1 });
  assert.equal(paged?.length, 1);
  const unknown = await client.webhooks.resendBatch(1);
  assert.equal(unknown.error?.statusCode, 404);
});

test('several personalizations are several messages, and its SDK queues mail too', async () => {
  const { data } = await client.emails.send({
    from: 'orders@shop.example',
    subject: 'News',
    text: 'x',
    campaignId: 'spring',
    personalizations: [
      { to: 'one@example.com', headers: { 'X-Seat': '1' } },
      { to: ['two@example.com'], cc: ['three@example.com'], subject: 'Other' },
    ],
  });
  assert.deepEqual(
    data?.results?.map(({ index, status }) => [index, status]),
    [
      [0, 'sent'],
      [1, 'sent'],
    ],
  );
  const { data: messages } = await server.client.get('/v1/messages?limit=2');
  assert.deepEqual(
    messages.map(({ subject, tags }: Json) => [subject, tags]),
    [
      ['Other', ['spring']],
      ['News', ['spring']],
    ],
  );
  const queued = await client.emails.sendAsync(MAIL);
  assert.match(queued.data?.requestId ?? '', /^msg_/);
  assert.ok(Date.parse(queued.data?.queuedAt ?? '') > 0);
});

test('many personalizations are answered in their order', async () => {
  const names = Array.from({ length: 250 }, (_, i) => `u${i}@example.com`);
  const personalizations = names.map((email) => ({ to: [{ email }] }));
  const { status, body } = await ask('POST', '/send', raw({ personalizations }));
  assert.equal(status, 202);
  const { results } = body;
  assert.deepEqual(
    results.map(({ index }: Json) => index),
    [...names.keys()],
  );
  const { data } = await server.client.get('/v1/messages?recipient=u249@example.com');
  assert.equal(data[0].smtp_id, results[249].message_id);
});

test('under an Idempotency-Key each message is sent once, and the answer is the same', async () => {
  const body = raw({
    personalizations: [
      { to: [{ email: 'one@example.com' }] },
      { to: [{ email: 'two@example.com' }] },
    ],
  });
  const send = (given: unknown) =>
    ask('POST', '/send', given, API_KEY, { 'idempotency-key': 'order-1001' });
  const [first, second] = await Promise.all([send(body), send(body)]);
  assert.equal(first.status, 202, JSON.stringify(first.body));
  assert.deepEqual(second, first);
  assert.deepEqual(await send(body), first);
  assert.equal(new Set(first.body.results.map((one: Json) => one.message_id)).size, 2);
  const { data } = await server.client.get('/v1/messages?limit=100&recipient=two@example.com');
  const sent = data.filter((one: Json) => one.smtp_id === first.body.results[1].message_id);
  assert.equal(sent.length, 1);
  const other = await send(raw({ subject: 'Other' }));
  assert.equal(other.status, 400);
  assert.match(other.body.errors[0], /new Idempotency-Key/);
});

test('a dry run shows the mail and sends none', async () => {
  const before = await latestId();
  const { data } = await client.emails.send(MAIL, true);
  assert.match(data?.rendered?.[0] ?? '', /^From: Shop <orders@shop\.example>/m);
  assert.match(data?.rendered?.[0] ?? '', /Message-ID: <\S+@shop\.example>/);
  for (const [spelling, status] of [
    ['1', 200],
    ['True', 200],
    ['', 200],
    ['perhaps', 400],
  ]) {
    assert.equal((await ask('POST', `/send?dry-run=${spelling}`, raw())).status, status);
  }
  assert.equal(await latestId(), before);
});

test('its SDK keeps the suppression list', async () => {
  const made = await client.suppressions.create({
    entries: [
      { recipient: 'gone@example.com', notes: 'asked by phone' },
      { recipient: 'all@example.com', types: ['transactional', 'non-transactional'] },
    ],
  });
  assert.deepEqual(made, { success: true, error: null });
  const again = await client.suppressions.create({ entries: [{ recipient: 'gone@example.com' }] });
  assert.equal(again.error?.statusCode, 409);
  const { data } = await client.suppressions.list({ recipient: 'gone@example.com' });
  assert.deepEqual(
    data?.map(({ recipient, source, types, notes }) => ({ recipient, source, types, notes })),
    [
      {
        recipient: 'gone@example.com',
        source: 'api',
        types: ['non-transactional'],
        notes: 'asked by phone',
      },
    ],
  );
  const { data: all } = await client.suppressions.list({ recipient: 'all@example.com' });
  assert.deepEqual(all?.[0]?.types, ['transactional', 'non-transactional']);
  await client.suppressions.delete('all@example.com', 'hard_bounce');
  assert.equal((await client.suppressions.list()).data?.length, 2);
  assert.deepEqual(await client.suppressions.delete('all@example.com'), {
    success: true,
    error: null,
  });
  assert.equal((await client.suppressions.list()).data?.length, 1);
});

test('what is wrong is said as MailChannels does, and nothing is sent', async () => {
  const before = await latestId();
  const bad: [unknown, RegExp][] = [
    [raw({ personalizations: [] }), /\/personalizations/],
    [raw({ from: undefined }), /\/from/],
    [raw({ content: [{ type: 'text/calendar', value: 'x' }] }), /text\/calendar/],
    [
      raw({ content: [{ type: 'text/plain', value: 'x', template_type: 'mustache' }] }),
      /Templates/,
    ],
    [raw({ campaign_id: 'two words' }), /campaign_id/],
    [raw({ headers: { 'DKIM-Signature': 'x' } }), /writes this header itself/],
    [
      raw({
        personalizations: [
          { to: [{ email: 'jane@example.com' }] },
          { to: [{ email: 'not an address' }] },
        ],
      }),
      /personalizations\[1\].*not an address/,
    ],
    ['{"from"', /not JSON/],
    ['', /empty|JSON/],
    ['[1]', /./],
  ];
  for (const [body, message] of bad) {
    const { status, body: answer } = await ask('POST', '/send', body);
    assert.equal(status, 400, JSON.stringify(answer));
    assert.deepEqual(Object.keys(answer), ['errors']);
    assert.match(answer.errors.join('\n'), message);
  }
  assert.equal(await latestId(), before);
});

test('keys, paths and queries that are wrong are answered in its words too', async () => {
  const cases: [Promise<{ status: number; body: Json }>, number, RegExp][] = [
    [ask('POST', '/send', raw(), null), 401, /X-Api-Key/],
    [ask('POST', '/send', raw(), 'phk_wrong'), 401, /API key/],
    [ask('GET', '/nothing'), 404, /nothing for GET/],
    [ask('PUT', '/webhook'), 404, /nothing for PUT/],
    [ask('POST', '/webhook'), 400, /\?endpoint/],
    [ask('POST', '/webhook?endpoint=ftp://x.example/'), 400, /url/],
    [ask('POST', '/webhook/validate', { request_id: 'x'.repeat(29) }), 400, /request_id/],
    [ask('GET', '/webhook/public-key?id=mckey', undefined, null), 404, /public key "mckey"/],
    [ask('GET', '/webhook-batch?statuses=2xx,2xx'), 400, /Name each status once/],
    [ask('GET', '/webhook-batch?statuses=9xx'), 400, /statuses/],
    [ask('GET', '/webhook-batch?limit=501'), 400, /limit/],
    [ask('GET', '/webhook-batch?created_after=yesterday'), 400, /2026-11-21/],
    [
      ask('GET', '/webhook-batch?created_after=2026-01-01&created_before=2026-03-01'),
      400,
      /31 days/,
    ],
    [
      ask('POST', '/suppression-list', { suppression_entries: [{ recipient: 'nobody' }] }),
      400,
      /no address/,
    ],
  ];
  for (const [asked, wanted, message] of cases) {
    const { status, body } = await asked;
    assert.equal(status, wanted, JSON.stringify(body));
    assert.match(body.errors.join('\n'), message);
  }
});

test('a key without the scope is refused', async () => {
  const { key } = await server.client.post('/v1/keys', { name: 'reader', scopes: ['read'] });
  const { status, body } = await ask('POST', '/send', raw(), key);
  assert.equal(status, 403);
  assert.match(body.errors[0], /scope "send"/);
});

test('its SDK removes all webhooks', async () => {
  assert.deepEqual(await client.webhooks.delete(), { success: true, error: null });
  assert.deepEqual((await client.webhooks.list()).data, []);
  assert.equal((await client.webhooks.validate()).error?.statusCode, 404);
});
