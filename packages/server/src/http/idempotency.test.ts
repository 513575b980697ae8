import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fireAlert } from './fixtures/fire-alert.ts';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

const toBase64 = (text: string): string => Buffer.from(text).toString('base64');

const CASES: { path: string; body?: Json; other?: Json; list: string }[] = [
  {
    path: '/v1/messages',
    body: { from: 'a@example.com', to: 'b@example.com', text: 'x' },
    other: { from: 'a@example.com', to: 'c@example.com', text: 'x' },
    list: '/v1/messages',
  },
  {
    path: '/v1/messages/batch',
    body: { from: 'a@example.com', text: 'x', personalizations: [{ to: 'b@example.com' }] },
    other: { from: 'a@example.com', text: 'x', personalizations: [{ to: 'c@example.com' }] },
    list: '/v1/messages',
  },
  {
    path: '/v1/messages/raw',
    body: { raw: toBase64('From: a@example.com\n\nx'), to: 'b@example.com' },
    other: { raw: toBase64('From: a@example.com\n\nx'), to: 'c@example.com' },
    list: '/v1/messages',
  },
  {
    path: '/v1/events',
    body: [
      {
        type: 'email.opened',
        timestamp: '2026-11-21T16:00:00Z',
        data: { recipient: 'a@b.example' },
      },
    ],
    other: {
      type: 'email.opened',
      timestamp: '2026-11-21T16:00:00Z',
      data: { recipient: 'a@c.example' },
    },
    list: '/v1/events?type=email.opened',
  },
  {
    path: '/v1/endpoints',
    body: { url: 'https://app.example.com/', event_types: ['system.test'] },
    other: { url: 'https://app.example.com/other', event_types: ['system.test'] },
    list: '/v1/endpoints',
  },
  {
    path: '/v1/projects',
    body: { name: 'again' },
    other: { name: 'other' },
    list: '/v1/projects',
  },
];

before(async () => {
  // The domains below are not verified, and messages are sent all the same.
  const sending = { require_verified_domain: false };
  await api.send('PATCH', `/v1/projects/${api.projectId}`, { body: { sending } });
  const { body: endpoint } = await api.send('POST', '/v1/endpoints', {
    body: { url: 'https://app.example.com/deliveries', event_types: ['email.clicked'] },
  });
  const event = { type: 'email.clicked', timestamp: '2026-11-21T16:00:00Z', data: {} };
  await api.send('POST', '/v1/events', { body: event });
  await api.recordAttempts(endpoint.id, 200);
  const [delivery] = (await api.send('GET', '/v1/deliveries')).body.data;
  const newKey = { name: 'again', scopes: ['read'] };
  for (const path of ['/v1/keys', `/v1/projects/${api.projectId}/keys`]) {
    CASES.push({ path, body: newKey, other: { ...newKey, name: 'other' }, list: path });
  }
  CASES.push({ path: `/v1/deliveries/${delivery.id}/retry`, list: '/v1/deliveries' });
  const later = { from: 'a@example.com', to: 'b@example.com', text: 'x' };
  const { body: message } = await api.send('POST', '/v1/messages', {
    body: { ...later, send_at: new Date(api.now() + 3_600_000).toISOString() },
  });
  CASES.push({ path: `/v1/messages/${message.id}/cancel`, list: '/v1/messages' });
  const { body: holding } = await api.send('POST', '/v1/keys', {
    body: { name: 'holding', scopes: ['send'], mode: 'hold' },
  });
  for (const verb of ['release', 'drop']) {
    const { body: held } = await api.send('POST', '/v1/messages', {
      key: holding.key,
      body: later,
    });
    CASES.push(
      { path: `/v1/messages/${held.id}/${verb}`, list: '/v1/messages' },
      {
        path: `/v1/messages/${verb}`,
        body: { ids: ['msg_x'] },
        other: { ids: ['msg_y'] },
        list: '/v1/messages',
      },
    );
  }
  const { body: resent } = await api.send('POST', '/v1/messages', { body: later });
  CASES.push(
    {
      path: `/v1/messages/${resent.id}/resend`,
      body: {},
      other: { to: 'c@example.com' },
      list: '/v1/messages?limit=100',
    },
    {
      path: '/v1/dead-letters/drop',
      body: { endpoint_id: endpoint.id },
      other: { endpoint_id: endpoint.id, error_code: 'timeout' },
      list: '/v1/deliveries',
    },
  );
  const path = `/v1/endpoints/${endpoint.id}`;
  CASES.push(
    {
      path: `${path}/secret/rotate`,
      body: { overlap: '1h' },
      other: { overlap: '2h' },
      list: `${path}/secret`,
    },
    {
      path: `${path}/replay`,
      body: { states: ['delivered', 'retrying'] },
      other: { states: ['delivered'] },
      list: '/v1/jobs?limit=100',
    },
    {
      path: '/v1/replays',
      body: { states: ['delivered', 'retrying'] },
      other: { states: ['delivered', 'retrying'], rate: 7 },
      list: '/v1/jobs?limit=100',
    },
    {
      path: '/v1/erasures',
      body: { recipient: 'a@b.example' },
      other: { recipient: 'a@c.example' },
      list: '/v1/jobs?limit=100',
    },
    {
      path: '/v1/portal-links',
      body: { metadata: { customer: '1' } },
      other: { metadata: { customer: '2' } },
      list: '/v1/portal-links',
    },
    { path: `${path}/test`, other: { type: 'email.sent' }, list: '/v1/events?type=system.test' },
  );
  CASES.push(
    {
      path: '/v1/suppressions',
      body: { address: 'a@b.example' },
      other: { address: 'a@c.example' },
      list: '/v1/suppressions',
    },
    {
      path: '/v1/suppressions/imports',
      body: { format: 'ndjson', content: '"a@b.example"' },
      other: { format: 'ndjson', content: '"a@c.example"' },
      list: '/v1/jobs?limit=100',
    },
    {
      path: '/v1/suppressions/exports',
      body: { format: 'csv' },
      other: { format: 'ndjson' },
      list: '/v1/jobs?limit=100',
    },
  );
  const { body: source } = await api.send('POST', '/v1/sources', {
    body: { provider: 'postmark', secrets: ['again'] },
  });
  CASES.push(
    {
      path: '/v1/sources',
      body: { provider: 'postmark' },
      other: { provider: 'brevo' },
      list: '/v1/sources',
    },
    {
      path: `/v1/sources/${source.id}/secret/rotate`,
      body: { secret: 'again' },
      other: { secret: 'other' },
      list: `/v1/sources/${source.id}/secret`,
    },
    {
      path: `/v1/sources/${source.id}/url/rotate`,
      body: { overlap: '1h' },
      other: { overlap: '2h' },
      list: `/v1/sources/${source.id}/secret`,
    },
    { path: '/v1/redecodes', body: {}, other: { dry_run: true }, list: '/v1/jobs?limit=100' },
  );
  const { body: domain } = await api.send('POST', '/v1/domains', { body: { name: 'a.example' } });
  CASES.push(
    {
      path: '/v1/domains',
      body: { name: 'b.example' },
      other: { name: 'c.example' },
      list: '/v1/domains',
    },
    { path: `/v1/domains/${domain.id}/check`, list: '/v1/domains' },
    { path: `/v1/domains/${domain.id}/dkim/rotate`, list: '/v1/domains' },
  );
  const settings = { url: 'https://app.example.com/' };
  const { body: previewed } = await api.send('POST', '/v1/endpoints', { body: settings });
  CASES.push({
    path: `/v1/endpoints/${previewed.id}/preview`,
    body: {},
    other: { limit: 3 },
    list: '/v1/endpoints',
  });
  const { body: sink } = await api.send('POST', '/v1/sinks', { body: { kind: 'http', settings } });
  const ofSink = { path: `/v1/sinks/${sink.id}`, list: '/v1/sinks' };
  CASES.push(
    {
      path: '/v1/sinks',
      body: { kind: 'http', settings },
      other: { kind: 'http', settings, name: 'other' },
      list: '/v1/sinks',
    },
    { ...ofSink, path: `${ofSink.path}/test`, body: {}, other: { type: 'email.opened' } },
    { ...ofSink, path: `${ofSink.path}/preview`, body: {}, other: { limit: 3 } },
    {
      ...ofSink,
      path: `${ofSink.path}/backfill`,
      body: {},
      other: { since: '2026-01-01T00:00:00Z' },
    },
    { ...ofSink, path: `${ofSink.path}/refused/resend`, body: {}, other: { event_ids: ['evt_x'] } },
  );
  CASES.push({ path: '/v1/stats/rebuild', list: '/v1/sinks' });
  await addAlertCases();
  const list = '/v1/inbound/routes?limit=100';
  const { body: route } = await api.send('POST', '/v1/inbound/routes', {
    body: { address: 'a@in.example' },
  });
  CASES.push(
    {
      path: '/v1/inbound/routes',
      body: { address: 'b@in.example' },
      other: { address: 'c@in.example' },
      list,
    },
    { path: `/v1/inbound/routes/${route.id}/check`, list },
  );
  for (const move of ['pause', 'resume', 'cancel']) {
    const recipient = `${move}@example.com`;
    const { body: job } = await api.send('POST', '/v1/erasures', { body: { recipient } });
    CASES.push({ path: `/v1/jobs/${job.id}/${move}`, list: '/v1/jobs?limit=100' });
  }
});

async function addAlertCases(): Promise<void> {
  const rules = '/v1/alert-rules';
  const body = { type: 'complaints' };
  const other = { type: 'bounce_rate' };
  const { body: rule } = await api.send('POST', rules, { body });
  const alert = `/v1/alerts/${await fireAlert(api, { ruleId: rule.id, name: 'again' })}`;
  const days = { body: {}, other: { days: 3 } };
  CASES.push(
    { path: rules, body, other, list: `${rules}?limit=100` },
    {
      path: `${rules}/defaults`,
      body: { names: ['Somebody complained'] },
      other: { names: ['A sink fails'] },
      list: `${rules}?limit=100`,
    },
    { path: `${rules}/preview`, body, other, list: rules },
    { path: `${rules}/test`, body: { rule: body }, other: { rule: other }, list: rules },
    { path: `${rules}/${rule.id}/test`, ...days, list: rules },
    { path: `${alert}/snooze`, body: { until: null }, list: '/v1/alerts' },
    { path: `${alert}/acknowledge`, list: '/v1/alerts' },
  );
}

/** It changes what is there, and makes nothing. */
const isChange = (path: string) =>
  /\/(retry|pause|resume|cancel|release|drop|check|rebuild|dkim\/rotate)$|sources\/\w+\/secret\/rotate$|\/sinks\/\w+\/|\/alerts\/\w+\/|alert-rules.*\/test$|\/preview$/.test(
    path,
  );

const send = (path: string, key: string, body: Json) =>
  api.send('POST', path, {
    headers: { 'idempotency-key': key },
    ...(body === undefined ? {} : { body }),
  });
async function count(list: string): Promise<number> {
  const { body } = await api.send('GET', list);
  return (body.data ?? body.keys ?? body.urls).length;
}

test('covers every POST', () => {
  // What providers post has no key.
  const posts = api.routes.filter(
    ({ method, raw }) => method === 'POST' && raw === undefined,
  ).length;
  assert.equal(CASES.length, posts);
});

test('the same key with the same request gives the first answer again, and nothing twice', async () => {
  for (const [i, { path, body, list }] of CASES.entries()) {
    const before = await count(list);
    const first = await send(path, `again-${i}`, body);
    const stored = await count(list);
    assert.ok(first.status < 300, first.text);
    assert.equal(stored, isChange(path) ? before : before + 1);
    const second = await send(path, `again-${i}`, body);
    assert.equal(second.status, first.status);
    assert.deepEqual(second.body, first.body);
    assert.equal(second.headers['idempotency-replayed'], 'true');
    assert.equal(await count(list), stored);
  }
});

/** Done once, it is refused: there is nothing for a key to keep. */
const isOnce = (path: string) => /^\/v1\/messages\/msg_\w+\/(release|drop)$/.test(path);

test('the same key with another body, or at another path, is refused', async () => {
  for (const [i, { path, body, other }] of CASES.entries()) {
    if (isOnce(path)) continue;
    await send(path, `mismatch-${i}`, body);
    if (other !== undefined) {
      assertProblem(await send(path, `mismatch-${i}`, other), 'idempotency_mismatch');
    }
    const elsewhere = CASES[(i + 1) % CASES.length] ?? assert.fail();
    assertProblem(
      await send(elsewhere.path, `mismatch-${i}`, elsewhere.body),
      'idempotency_mismatch',
    );
  }
});

/** Bodies of what can be there once only, changed into ones that are not there yet. */
const NEW_ONES: Record<string, (body: Json) => Json> = {
  '/v1/events': ([event]) => [{ ...event, timestamp: '2026-11-21T17:00:00Z' }],
  '/v1/alert-rules/defaults': () => ({ names: ['A sink fails'] }),
  '/v1/domains': () => ({ name: 'at-once.example' }),
  '/v1/suppressions': () => ({ address: 'at-once@b.example' }),
  '/v1/inbound/routes': () => ({ address: 'at-once@in.example' }),
};

test('two equal requests at once have one effect and one answer', async () => {
  for (const [i, { path, body, list }] of CASES.entries()) {
    if (isChange(path)) continue;
    const given = NEW_ONES[path]?.(body) ?? body;
    const before = await count(list);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => send(path, `at-once-${i}`, given)),
    );
    for (const answer of answers) {
      assert.equal(answer.status, answers[0]?.status);
      assert.deepEqual(answer.body, answers[0]?.body);
    }
    assert.equal(await count(list), before + 1);
  }
});

test('an answer that named duplicates names the same ones when it is given again', async () => {
  const event = { type: 'email.opened', timestamp: '2026-11-21T18:00:00Z', data: {} };
  const [{ id }] = (await api.send('POST', '/v1/events', { body: event })).body.data;
  const list = [event, { ...event, timestamp: '2026-11-21T18:00:01Z' }];
  const first = await send('/v1/events', 'duplicates', list);
  assert.deepEqual(first.body.data[0], { id, duplicate: true });
  assert.equal(first.body.data[1].duplicate, false);
  assert.deepEqual((await send('/v1/events', 'duplicates', list)).body, first.body);
});

test('a request that was refused leaves its key free', async () => {
  const [{ path, body }] = CASES as [(typeof CASES)[0]];
  assertProblem(await send(path, 'refused', { ...body, to: 'nobody' }), 'invalid_field');
  assert.equal((await send(path, 'refused', body)).status, 202);
});

test('a key that is too long, empty, or has spaces is refused', async () => {
  for (const { path, body } of CASES) {
    for (const key of ['x'.repeat(256), '', 'a b', 'tab\there', 'ümlaut']) {
      assertProblem(await send(path, key, body), 'invalid_idempotency_key');
    }
  }
  assert.equal((await send('/v1/messages', 'x'.repeat(255), CASES[0]?.body)).status, 202);
});
