import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  API_KEY,
  type InProcessServer,
  startInProcessServer,
} from './fixtures/in-process-server.ts';
import { type MailSink, startMailSink } from './fixtures/mail-sink.ts';
import type { Json } from './fixtures/test-client.ts';

let server: InProcessServer;
let sink: MailSink;
before(async () => {
  sink = await startMailSink({ defers: () => false });
  server = await startInProcessServer({ smarthost: `smtp://127.0.0.1:${sink.port}` });
});
after(async () => {
  await server.stop();
  await sink.close();
});

async function ask(
  path: string,
  body?: unknown,
  options: { key?: string; method?: string; onceAs?: string } = {},
) {
  const { key = API_KEY, method = 'POST', onceAs } = options;
  const isForm = body instanceof URLSearchParams;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${server.httpUrl}/api/v1${path}`, {
    method,
    headers: {
      ...(isForm ? {} : { 'content-type': 'application/json' }),
      ...(key === '' ? {} : { 'x-server-api-key': key }),
      ...(onceAs === undefined ? {} : { 'idempotency-key': onceAs }),
    },
    ...(body === undefined ? {} : { body: isForm ? body : text }),
  });
  const answer = (await response.json()) as Json;
  assert.deepEqual(Object.keys(answer), ['status', 'time', 'flags', 'data']);
  assert.equal(typeof answer.time, 'number');
  return { status: response.status, answer };
}

/** Of the message that came last: its state may change at any time. */
async function latestId(): Promise<string> {
  const { data } = await server.client.get('/v1/messages?limit=1');
  return data[0].id;
}

const MAIL = {
  to: ['jane@example.com'],
  from: 'Shop <orders@shop.example>',
  subject: 'Your order',
  plain_body: 'It is on its way.',
  html_body: '<p>It is on its way.</p>',
  tag: 'order',
  headers: { 'X-Order': '1001' },
  attachments: [{ name: 'a.txt', content_type: 'text/plain', data: 'aGVs\nbG8=\n' }],
};

/** What became of a message, as soon as all of it has ended. */
async function ended(id: number | string, count = 1): Promise<Json[]> {
  let place = 'start';
  for (;;) {
    const { answer } = await ask('/messages/deliveries', { id });
    if (answer.data.length >= count) return answer.data;
    const page = await server.client.get(`/v1/events?after=${place}&wait=10s&limit=100`);
    assert.ok(page.data.length > 0, 'nothing became of it');
    place = page.next_cursor;
  }
}

test('sends a message, and tells what became of it by its number and by its token', async () => {
  const { status, answer } = await ask('/send/message', MAIL);
  assert.equal(status, 200);
  assert.equal(answer.status, 'success', JSON.stringify(answer));
  const { id, token } = answer.data.messages['jane@example.com'];
  assert.ok(Number.isSafeInteger(id));
  const [delivery] = await ended(id);
  assert.equal(delivery.status, 'Sent');
  assert.match(delivery.output, /^250 /);
  assert.equal(delivery.sent_with_ssl, false);
  assert.equal(typeof delivery.timestamp, 'number');
  assert.ok(sink.taken.has(`<${answer.data.message_id}> jane@example.com`));

  const plain = await ask('/messages/message', { id });
  assert.deepEqual(plain.answer.data, { id, token });
  const some = await ask('/messages/message', { id: token, _expansions: ['status', 'details'] });
  assert.deepEqual(Object.keys(some.answer.data), ['id', 'token', 'status', 'details']);
  assert.equal(some.answer.data.status.status, 'Sent');
  assert.equal(some.answer.data.status.held, false);
  const { timestamp, size, ...details } = some.answer.data.details;
  assert.equal(typeof timestamp, 'number');
  assert.ok(Number(size) > 100);
  assert.deepEqual(details, {
    rcpt_to: 'jane@example.com',
    mail_from: 'orders@shop.example',
    subject: 'Your order',
    message_id: answer.data.message_id,
    direction: 'outgoing',
    bounce: false,
    bounce_for_id: null,
    bounce_type: null,
    tag: 'order',
    received_with_ssl: null,
  });
  const { answer: all } = await ask('/messages/message', { id: String(id), _expansions: true });
  assert.match(all.data.plain_body, /It is on its way/);
  assert.match(all.data.html_body, /<p>It is/);
  assert.deepEqual(all.data.headers['x-order'], ['1001']);
  const [attachment] = all.data.attachments;
  assert.equal(Buffer.from(attachment.data, 'base64').toString(), 'hello');
  assert.deepEqual([attachment.filename, attachment.size], ['a.txt', 5]);
  assert.match(Buffer.from(all.data.raw_message, 'base64').toString(), /X-Order: 1001/i);
  assert.deepEqual(all.data.activity_entries, { loads: [], clicks: [] });
  assert.equal(all.data.inspection.inspected, false);
});

test('under an Idempotency-Key a message is sent once, a raw one too', async () => {
  const data = Buffer.from('From: orders@shop.example\r\nSubject: Raw\r\n\r\nHello').toString(
    'base64',
  );
  const rawMail = { mail_from: 'orders@shop.example', rcpt_to: ['jane@example.com'], data };
  for (const [path, body] of [
    ['/send/message', MAIL],
    ['/send/raw', rawMail],
  ] as const) {
    const send = (given: unknown) => ask(path, given, { onceAs: `once${path}` });
    const first = await send(body);
    assert.equal(first.answer.status, 'success', JSON.stringify(first.answer));
    assert.deepEqual((await send(body)).answer.data, first.answer.data);
    const other = await send({ ...body, tag: 'another' });
    assert.equal(other.answer.status, 'parameter-error');
    assert.match(other.answer.data.message, /new Idempotency-Key/);
  }
});

test('several recipients have one message; one that is refused shows in its deliveries', async () => {
  const { answer } = await ask('/send/message', {
    ...MAIL,
    to: 'a@example.com',
    cc: ['b@example.com'],
    bcc: ['bounce@example.com'],
  });
  const { messages } = answer.data;
  assert.deepEqual(Object.keys(messages), ['a@example.com', 'b@example.com', 'bounce@example.com']);
  const { id } = messages['a@example.com'];
  const deliveries = await ended(id, 3);
  assert.deepEqual(deliveries.map(({ status }) => status).sort(), ['HardFail', 'Sent', 'Sent']);
  const { answer: shown } = await ask('/messages/message', { id, _expansions: ['status'] });
  assert.equal(shown.data.status.status, 'HardFail');
});

test('sends raw mail, with the lines that it has and a Message-ID where it has none', async () => {
  const raw = 'From: orders@shop.example\nTo: jane@example.com\nSubject: raw\n\nbody\n';
  const { answer } = await ask('/send/raw', {
    rcpt_to: ['jane@example.com'],
    mail_from: 'bounces@shop.example',
    data: Buffer.from(raw).toString('base64'),
  });
  assert.equal(answer.status, 'success', JSON.stringify(answer));
  const { id } = answer.data.messages['jane@example.com'];
  const [delivery] = await ended(id);
  assert.equal(delivery.status, 'Sent');
  assert.ok(sink.taken.has(`<${answer.data.message_id}> jane@example.com`));
  const { answer: shown } = await ask('/messages/message', { id, _expansions: ['details'] });
  assert.equal(shown.data.details.mail_from, 'bounces@shop.example');
  assert.equal(shown.data.details.subject, 'raw');

  const named = Buffer.from(`Message-ID: <own@shop.example>\r\n${raw}`).toString('base64');
  const kept = await ask('/send/raw', {
    rcpt_to: ['jane@example.com'],
    mail_from: 'bounces@shop.example',
    data: named,
  });
  assert.equal(kept.answer.data.message_id, 'own@shop.example');
});

test('takes parameters as a form, and by the methods that Postal takes', async () => {
  const form = new URLSearchParams({ params: JSON.stringify(MAIL) });
  assert.equal((await ask('/send/message', form)).answer.status, 'success');
  assert.equal((await ask('/send/message', MAIL, { method: 'PUT' })).answer.status, 'success');
  const { answer } = await ask('/messages/message', undefined, { method: 'GET' });
  assert.equal(answer.status, 'parameter-error');
});

test('what is wrong is said with 200 and in the words of Postal', async () => {
  const before = await latestId();
  const raw = { rcpt_to: ['a@example.com'], mail_from: 'b@shop.example', data: 'x' };
  const many = Array.from({ length: 51 }, (_, i) => `u${i}@example.com`);
  const cases: [string, unknown, string, RegExp][] = [
    ['/send/message', { ...MAIL, to: [] }, 'error', /^NoRecipients/],
    ['/send/message', { ...MAIL, plain_body: '', html_body: null }, 'error', /^NoContent/],
    ['/send/message', { ...MAIL, from: null }, 'error', /^FromAddressMissing/],
    ['/send/message', { ...MAIL, to: many }, 'error', /^TooManyToAddresses/],
    ['/send/message', { ...MAIL, bcc: many }, 'error', /^TooManyBCCAddresses/],
    [
      '/send/message',
      { ...MAIL, attachments: [{ data: 'eA==' }] },
      'error',
      /^AttachmentMissingName/,
    ],
    ['/send/message', { ...MAIL, attachments: [{ name: 'x' }] }, 'error', /^AttachmentMissingData/],
    ['/send/message', { ...MAIL, to: ['nobody'] }, 'parameter-error', /nobody/],
    ['/send/message', { ...MAIL, to: [7] }, 'parameter-error', /`to`/],
    ['/send/message', { ...MAIL, headers: 'x' }, 'parameter-error', /`headers`/],
    [
      '/send/message',
      { ...MAIL, headers: { Received: 'x' } },
      'parameter-error',
      /Posthorn writes/,
    ],
    ['/send/message', '{"to"', 'parameter-error', /not JSON/],
    ['/send/message', [1], 'parameter-error', /JSON object/],
    ['/send/raw', { ...raw, rcpt_to: 'a@example.com' }, 'parameter-error', /`rcpt_to`.*missing/],
    ['/send/raw', { ...raw, rcpt_to: ['a'] }, 'parameter-error', /"a" is no address/],
    ['/send/raw', { ...raw, mail_from: '' }, 'parameter-error', /`mail_from`.*missing/],
    ['/send/raw', { ...raw, data: null }, 'parameter-error', /`data`.*missing/],
    [
      '/send/raw',
      { ...raw, data: Buffer.from('Subject: x\r\n\r\ny').toString('base64') },
      'error',
      /^UnauthenticatedFromAddress/,
    ],
    ['/messages/message', { id: 17 }, 'error', /^MessageNotFound/],
    ['/messages/message', { id: 7_352_000_000_000_000 }, 'error', /^MessageNotFound/],
    ['/messages/message', { id: {} }, 'parameter-error', /string or integer/],
    ['/messages/deliveries', {}, 'parameter-error', /`id`.*missing/],
    ['/messages/nothing', {}, 'error', /^NotFound/],
  ];
  for (const [path, body, wanted, message] of cases) {
    const { status, answer } = await ask(path, body);
    assert.equal(status, 200);
    assert.equal(answer.status, wanted, `${message} ${JSON.stringify(answer)}`);
    assert.match(`${answer.data.code ?? ''} ${answer.data.message}`.trim(), message);
  }
  assert.equal(await latestId(), before);
});

test('keys are those of Posthorn, in the header of Postal', async () => {
  const codeOf = async (key: string) =>
    (await ask('/send/message', MAIL, { key })).answer.data.code;
  assert.equal(await codeOf(''), 'AccessDenied');
  assert.equal(await codeOf('phk_wrong'), 'InvalidServerAPIKey');
  const { key } = await server.client.post('/v1/keys', { name: 'reader', scopes: ['read'] });
  assert.equal(await codeOf(key), 'AccessDenied');
  const other = await server.client.post('/v1/projects', { name: 'other' });
  const { key: stranger } = await server.client.post(`/v1/projects/${other.id}/keys`, {
    name: 'x',
    scopes: ['read', 'send'],
  });
  const { answer } = await ask('/send/message', MAIL);
  const { id, token } = answer.data.messages['jane@example.com'];
  for (const one of [id, token]) {
    const hidden = await ask('/messages/message', { id: one }, { key: stranger });
    assert.equal(hidden.answer.data.code, 'MessageNotFound');
  }
});
