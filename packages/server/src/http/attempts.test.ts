import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { deliveryId } from '../core/ids.ts';
import { encodeAttemptTrace } from '../core/webhooks/attempt-trace.ts';
import { type Json, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

const STARTED_MS = Date.UTC(2026, 10, 21, 16, 0, 5, 678);

/** An endpoint, an event for it, and one attempt of it with these facts. */
async function attempt(endpoint: object, facts: object): Promise<{ path: string; event: string }> {
  const { body } = await api.send('POST', '/v1/endpoints', {
    body: { url: 'https://app.example.com/hook?x=1', event_types: ['email.opened'], ...endpoint },
  });
  const sent = await api.send('POST', '/v1/events', {
    body: {
      type: 'email.opened',
      timestamp: '2026-11-21T16:00:00Z',
      data: { recipient: 'anna@person.test', engagement: { url: `https://${body.id}.test/` } },
    },
  });
  const [{ id: eventId }] = sent.body.data;
  const claim = { projectId: api.projectId, endpointId: body.id, urgency: 2, nowMs: 8e15 } as const;
  await api.engine.claimDeliveries({ ...claim, limit: 9, node: 'n' });
  await api.engine.recordAttempt({
    projectId: api.projectId,
    endpointId: body.id,
    eventId,
    node: 'n',
    attemptId: api.ids.next('attempt'),
    number: 1,
    startedAtMs: STARTED_MS,
    latencyMs: 84,
    status: null,
    errorCode: null,
    errorDetail: null,
    responseExcerpt: null,
    trace: null,
    retainUntilMs: 8e15,
    orderKey: null,
    next: { state: 'dead', endedAtMs: STARTED_MS },
    ...facts,
  });
  // Others have events of the same type; only this one is looked at.
  await api.send('PATCH', `/v1/endpoints/${body.id}`, { body: { event_types: ['system.test'] } });
  return { path: `/v1/deliveries/${deliveryId(eventId, body.id)}`, event: eventId };
}

const headersOf = (list: Json): Record<string, string> =>
  Object.fromEntries(list.map(({ name, value }: Json) => [name, value]));

test('an attempt shows the request, the answer and where the time went', async () => {
  const trace = encodeAttemptTrace({
    signature: 'v1,c2lnbmF0dXJl v1,b2xk',
    responseHeaders: ['set-cookie', 'a=1', 'set-cookie', 'b=2', 'server', 'nginx'],
    timing: {
      dnsMs: 1.5,
      connectMs: 10,
      tlsMs: 20.25,
      firstByteMs: 50,
      remoteAddress: '192.0.2.7',
      reused: false,
    },
    sharedId: null,
  });
  const { path, event } = await attempt(
    { headers: { 'x-tenant': 'blue', 'x-token': { value: 'tell-nobody', secret: true } } },
    {
      status: 503,
      errorCode: 'http_status',
      errorDetail: 'The endpoint answered 503.',
      responseExcerpt: 'Down for maintenance',
      trace,
    },
  );
  const { body } = await api.send('GET', path);
  const [one] = body.attempts;
  assert.deepEqual(
    [one.outcome, one.status, one.error_code, one.error_detail, one.fault, one.latency_ms],
    ['failed', 503, 'http_status', 'The endpoint answered 503.', 'endpoint', 84],
  );
  assert.deepEqual(
    [one.request.method, one.request.url],
    ['POST', 'https://app.example.com/hook?x=1'],
  );
  assert.deepEqual(headersOf(one.request.headers), {
    'content-type': 'application/json',
    'user-agent': 'Posthorn/0.1 (+webhooks)',
    'webhook-id': event,
    'webhook-timestamp': String(Math.floor(STARTED_MS / 1_000)),
    'webhook-signature': 'v1,c2lnbmF0dXJl v1,b2xk',
    'x-tenant': 'blue',
    'x-token': '***',
  });
  assert.deepEqual(one.response, {
    status: 503,
    headers: [
      { name: 'set-cookie', value: 'a=1' },
      { name: 'set-cookie', value: 'b=2' },
      { name: 'server', value: 'nginx' },
    ],
    excerpt: 'Down for maintenance',
  });
  assert.deepEqual(one.timing, {
    dns_ms: 1.5,
    connect_ms: 10,
    tls_ms: 20.25,
    first_byte_ms: 50,
    remote_address: '192.0.2.7',
    connection_reused: false,
  });
});

test('what never came and what was never sent is null, and whose fault it was is said', async () => {
  const { path } = await attempt({}, { errorCode: 'dns_error', errorDetail: 'No name server.' });
  const { body } = await api.send('GET', path);
  const [one] = body.attempts;
  assert.deepEqual([one.fault, one.response, one.timing], ['ours', null, null]);
  assert.deepEqual(one.request.headers, []);
  const id = body.endpoint_id;
  await api.send('DELETE', `/v1/endpoints/${id}`);
  const gone = (await api.send('GET', path)).body;
  assert.deepEqual([gone.endpoint_url, gone.attempts[0].request.url], [null, null]);
});

test('events that shared a post show its id, and the body is what the endpoint gets', async () => {
  const trace = { signature: 'v1,x', responseHeaders: [], timing: null, sharedId: 'bat_1' };
  const facts = { status: 200, trace: encodeAttemptTrace(trace) };
  const { path, event } = await attempt({ redact_recipient: 'remove' }, facts);
  const { body } = await api.send('GET', `${path}?include=body`);
  assert.equal(headersOf(body.attempts[0].request.headers)['webhook-id'], 'bat_1');
  assert.deepEqual([body.attempts[0].outcome, body.attempts[0].fault], ['succeeded', null]);
  const shown = JSON.parse(body.body);
  assert.deepEqual([shown.id, shown.data.recipient], [event, null]);
  const plain = await attempt({}, facts);
  const full = (await api.send('GET', `${plain.path}?include=body`)).body.body;
  assert.equal(full, await api.store.events.body(api.projectId, plain.event));
  assert.ok(!('body' in (await api.send('GET', plain.path)).body));
});

test('a post in another dialect shows the headers that it had', async () => {
  const headers = ['Content-Digest', 'sha-256=:00:', 'webhook-id', 'bat_1'];
  const trace = { signature: null, responseHeaders: [], timing: null, sharedId: null, headers };
  const facts = { status: 200, trace: encodeAttemptTrace(trace) };
  const { path } = await attempt({ dialect: 'mailchannels', headers: { 'X-Tenant': '7' } }, facts);
  const { body } = await api.send('GET', path);
  const shown = headersOf(body.attempts[0].request.headers);
  assert.deepEqual(
    [shown['Content-Digest'], shown['X-Tenant'], shown['webhook-signature']],
    ['sha-256=:00:', '7', undefined],
  );
});
