import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { timeOfId } from '../core/ids.ts';
import { startTestApi } from './fixtures/test-api.ts';

// Each answer is held against its route's schema by `send`.
const api = await startTestApi();
after(() => api.close());

const EVENT = {
  type: 'email.clicked',
  timestamp: '2026-11-21T17:00:00+01:00',
  data: {
    message: { provider_id: 'other-1' },
    recipient: 'Someone@EXAMPLE.com',
    engagement: { url: 'https://example.com/' },
    raw: { anything: ['goes', null] },
  },
};

test('creates, lists, reads, changes and deletes an endpoint, and shows its secret once', async () => {
  const created = await api.send('POST', '/v1/endpoints', {
    body: { url: 'https://app.example.com/hook', event_types: ['email.*'], description: 'mine' },
  });
  assert.equal(created.status, 201);
  const { secret, ...endpoint } = created.body;
  assert.match(secret, /^whsec_[A-Za-z0-9+/=]{44}$/);
  const path = `/v1/endpoints/${endpoint.id}`;
  assert.deepEqual((await api.send('GET', path)).body, endpoint);
  assert.deepEqual((await api.send('GET', '/v1/endpoints')).body.data, [endpoint]);
  const changed = await api.send('PATCH', path, { body: { status: 'disabled' } });
  assert.equal(changed.body.status, 'disabled');
  assert.equal(changed.body.disabled_reason, 'Disabled by a request.');
  assert.equal(changed.body.url, endpoint.url);
  assert.equal((await api.send('DELETE', path)).status, 204);
  assert.equal((await api.send('GET', path)).status, 404);
  assert.equal((await api.send('DELETE', path)).status, 404);
});

test('takes a message, and shows it with its recipients, timeline and webhook answers', async () => {
  const endpoint = await api.send('POST', '/v1/endpoints', {
    body: { url: 'https://a.example/h' },
  });
  const sent = await api.send('POST', '/v1/messages', {
    body: {
      from: 'Shop <shop@example.com>',
      to: ['"Quoted, Name" <A@Example.COM>', { email: 'b@bücher.example', name: 'Bü' }],
      cc: 'c@example.com, d@example.com',
      bcc: { email: 'a@example.com' },
      reply_to: 'help@example.com',
      subject: 'Grüße 🎺',
      text: 'Hello',
      html: '<p>Hello</p>',
      headers: { 'X-Shop': '7', 'Message-ID': '<order-7@example.com>' },
      attachments: [
        { filename: 'rechnung ü.pdf', content: 'aGVsbG8=', content_type: 'application/pdf' },
      ],
      tags: ['receipt'],
      metadata: { order: 7, constructor: 'kept' },
    },
  });
  assert.equal(sent.status, 202);
  assert.deepEqual(sent.body.webhooks, { enabled: 1, disabled: 0 });
  assert.deepEqual(sent.body.recipients, [
    { address: 'A@example.com', kind: 'to' },
    { address: 'b@xn--bcher-kva.example', kind: 'to' },
    { address: 'c@example.com', kind: 'cc' },
    { address: 'd@example.com', kind: 'cc' },
    { address: 'a@example.com', kind: 'bcc' },
  ]);
  await api.recordAttempts(endpoint.body.id, 200);
  const { body: message } = await api.send('GET', `/v1/messages/${sent.body.id}`);
  assert.equal(message.smtp_id, '<order-7@example.com>');
  assert.equal(message.subject, 'Grüße 🎺');
  assert.deepEqual(message.metadata, { order: 7, constructor: 'kept' });
  assert.equal(message.recipients.length, 5);
  assert.equal(message.timeline.length, 5);
  for (const { event, deliveries } of message.timeline) {
    assert.equal(event.type, 'email.accepted');
    assert.equal(deliveries[0].state, 'delivered');
    assert.equal(deliveries[0].attempts[0].response_excerpt, 'noted');
  }
  const raw = Buffer.from(
    (await api.store.messages.raw(api.projectId, sent.body.id)) ?? [],
  ).toString();
  assert.doesNotMatch(raw, /^bcc:/im);
  assert.match(raw, /^X-Shop: 7\r$/m);
  const listed = await api.send('GET', '/v1/messages?recipient=A@EXAMPLE.com');
  assert.deepEqual(
    listed.body.data.map((one: { id: string }) => one.id),
    [sent.body.id],
  );
  assert.equal((await api.send('GET', '/v1/messages?recipient=z@example.com')).body.data.length, 0);
});

test('takes events, one or many, stores equal ones once, and gives them back in UTC', async () => {
  const one = await api.send('POST', '/v1/events', { body: EVENT });
  assert.equal(one.status, 202);
  assert.equal(one.body.data[0].duplicate, false);
  const { id } = one.body.data[0];
  const other = { ...EVENT, timestamp: '2026-11-21T16:00:01Z' };
  const many = await api.send('POST', '/v1/events', { body: [EVENT, other, other] });
  assert.deepEqual(
    many.body.data.map((row: { duplicate: boolean }) => row.duplicate),
    [true, false, true],
  );
  assert.equal(many.body.data[0].id, id);
  assert.equal(many.body.data[1].id, many.body.data[2].id);
  const { body: stored } = await api.send('GET', `/v1/events/${id}`);
  assert.equal(stored.timestamp, '2026-11-21T16:00:00.000Z');
  assert.equal(stored.data.recipient, 'Someone@example.com');
  const listed = await api.send(
    'GET',
    '/v1/events?type=email.clicked&message_id=other-1&recipient=Someone@example.COM',
  );
  assert.equal(listed.body.data.length, 2);
});

test('lists events of some time, by the time in their ids', async () => {
  const id = api.ids.next('event');
  await api.send('POST', '/v1/events', {
    body: { ...EVENT, id, timestamp: '2026-11-21T16:45:00Z' },
  });
  const at = (ms: number) => new Date(ms).toISOString();
  const ms = timeOfId(id);
  const list = async (range: string): Promise<string[]> => {
    const { body } = await api.send('GET', `/v1/events?limit=100&${range}`);
    return body.data.map((event: { id: string }) => event.id);
  };
  assert.ok((await list(`since=${at(ms)}`)).includes(id));
  assert.ok(!(await list(`since=${at(ms + 1)}`)).includes(id));
  assert.ok((await list(`since=${at(ms)}&until=${at(ms + 1)}`)).includes(id));
  assert.ok(!(await list(`until=${at(ms)}`)).includes(id));
  const both = await api.send('GET', `/v1/events?after=start&since=${at(ms)}`);
  assert.equal(both.status, 422);
  assert.equal(both.body.errors[0].pointer, '?after');
});

test('keeps an id that the caller gave, and takes one that is there for the same event', async () => {
  const id = api.ids.next('event');
  const given = { ...EVENT, id, timestamp: '2026-11-21T16:30:00Z' };
  const twice = await api.send('POST', '/v1/events', { body: [given, given] });
  assert.deepEqual(twice.body.data, [
    { id, duplicate: false },
    { id, duplicate: true },
  ]);
  // The id of an event that Posthorn made itself.
  const [ours] = (await api.send('GET', '/v1/events?type=email.accepted&limit=1')).body.data;
  const copied = await api.send('POST', '/v1/events', { body: { ...EVENT, id: ours.id } });
  assert.deepEqual(copied.body.data, [{ id: ours.id, duplicate: true }]);
});

test('lists deliveries, shows one with its attempts, and makes a dead one due again', async () => {
  const { body: endpoint } = await api.send('POST', '/v1/endpoints', {
    body: { url: 'https://b.example/h', event_types: ['email.opened'] },
  });
  const event = { type: 'email.opened', timestamp: '2026-11-21T16:00:00Z', data: {} };
  const [{ id: eventId }] = (await api.send('POST', '/v1/events', { body: event })).body.data;
  await api.recordAttempts(endpoint.id, 500);
  const query = `endpoint_id=${endpoint.id}&event_id=${eventId}&state=dead`;
  const { body: page } = await api.send('GET', `/v1/deliveries?${query}`);
  assert.equal(page.data.length, 1);
  const [{ id }] = page.data;
  const { body: delivery } = await api.send('GET', `/v1/deliveries/${id}`);
  assert.equal(delivery.state, 'dead');
  assert.equal(delivery.last_status, 500);
  assert.deepEqual(
    delivery.attempts.map((one: { outcome: string }) => one.outcome),
    ['failed'],
  );
  const retried = await api.send('POST', `/v1/deliveries/${id}/retry`);
  assert.equal(retried.status, 202);
  assert.equal(retried.body.state, 'retrying');
  await api.recordAttempts(endpoint.id, 204);
  const { body: now } = await api.send('GET', `/v1/deliveries/${id}`);
  assert.equal(now.state, 'delivered');
  assert.equal(now.attempts.length, 2);
  await api.send('DELETE', `/v1/endpoints/${endpoint.id}`);
  const late = await api.send('POST', `/v1/deliveries/${id}/retry`);
  assert.equal(late.body.code, 'conflict');
  assert.equal((await api.send('GET', `/v1/deliveries/${id}`)).body.endpoint_url, null);
});

test('takes a POST without a body where none is needed, whatever the content type', async () => {
  const { body } = await api.send('GET', '/v1/deliveries?limit=1');
  const path = `/v1/deliveries/${body.data[0].id}/retry`;
  const headers = { 'content-type': 'application/json' };
  assert.notEqual((await api.send('POST', path, { headers })).body.code, 'malformed_json');
});

test('describes itself to machines and people without a key', async () => {
  for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs']) {
    assert.equal((await api.send('GET', path, { key: null })).status, 200, path);
  }
  const { text } = await api.send('GET', '/metrics', { key: null });
  assert.match(text, /^posthorn_store_up 1$/m);
  const types = await api.send('GET', '/v1/event-types');
  assert.ok(types.body.data.length >= 30);
});
