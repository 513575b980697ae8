import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deliveryId } from '../core/ids.ts';
import { fireAlert } from './fixtures/fire-alert.ts';
import { receiveMail } from './fixtures/receive-mail.ts';
import { assertProblem, startTestApi } from './fixtures/test-api.ts';
import { toJsonSchema } from './openapi.ts';
import type { Route } from './route.ts';

const api = await startTestApi();
after(() => api.close());

/** What only the first project's answers may hold. */
const MARK = 'only-for-the-first-project';

/** Ids of the first project, by what stands before the parameter in a path. */
const owned: Record<string, string> = { projects: api.projectId };
/** What belongs to nobody, in the same way. */
const SHARED: Record<string, string> = { 'event-types': 'email.bounced', attachments: '1' };

before(async () => {
  // Both projects get domains, and messages are sent all the same.
  const sending = { require_verified_domain: false };
  for (const id of [api.projectId, api.otherProjectId]) {
    await api.send('PATCH', `/v1/projects/${id}`, { body: { sending } });
  }
  const endpoint = await api.send('POST', '/v1/endpoints', {
    body: { url: `https://app.example.com/${MARK}`, signature: 'v1a' },
  });
  const message = await api.send('POST', '/v1/messages', {
    body: {
      from: 'a@example.com',
      to: `${MARK}@example.com`,
      subject: MARK,
      text: 'x',
      tags: [MARK],
      headers: { 'Message-ID': `<${MARK}@example.com>` },
    },
  });
  const key = await api.send('POST', '/v1/keys', { body: { name: MARK, scopes: ['read'] } });
  await api.send('PATCH', `/v1/projects/${api.projectId}`, { body: { name: MARK } });
  const [event] = (await api.send('GET', '/v1/events')).body.data;
  owned['endpoints'] = endpoint.body.id;
  owned['messages'] = message.body.id;
  owned['events'] = event.id;
  owned['deliveries'] = deliveryId(event.id, endpoint.body.id);
  owned['keys'] = key.body.id;
  await api.recordAttempts(endpoint.body.id, 500);
  const job = await api.send('POST', '/v1/replays', { body: { message_id: message.body.id } });
  owned['jobs'] = job.body.id;
  const suppression = await api.send('POST', '/v1/suppressions', {
    body: { address: `${MARK}@example.com`, note: MARK },
  });
  owned['suppressions'] = suppression.body.id;
  owned['exports'] = await exportList();
  const domain = await api.send('POST', '/v1/domains', { body: { name: `${MARK}.example` } });
  owned['domains'] = domain.body.id;
  const link = await api.send('POST', '/v1/portal-links', { body: { metadata: { name: MARK } } });
  owned['portal-links'] = link.body.id;
  const source = await api.send('POST', '/v1/sources', { body: { provider: 'ses', name: MARK } });
  owned['sources'] = source.body.id;
  const sink = await api.send('POST', '/v1/sinks', {
    body: { kind: 'http', name: MARK, settings: { url: `https://app.example.com/${MARK}` } },
  });
  owned['sinks'] = sink.body.id;
  const rule = await api.send('POST', '/v1/alert-rules', {
    body: { type: 'complaints', name: MARK, to: { sinks: [sink.body.id] } },
  });
  owned['alert-rules'] = rule.body.id;
  owned['alerts'] = await fireAlert(api, { ruleId: rule.body.id, name: MARK });
  const route = await api.send('POST', '/v1/inbound/routes', {
    body: { address: `${MARK}@in.example`, description: MARK },
  });
  owned['inbound/routes'] = route.body.id;
  const recipient = `${MARK}@example.com`;
  const received = await receiveMail(api, { recipient, subject: MARK, routeId: route.body.id });
  owned['inbound/messages'] = received.id;
});

/** A list that was exported, as the job leaves it. */
async function exportList(): Promise<string> {
  const { body: job } = await api.send('POST', '/v1/suppressions/exports', { body: {} });
  const { jobs, jobParts } = api.store;
  const at = { projectId: api.projectId, id: job.id, kind: job.kind };
  const part = { projectId: api.projectId, jobId: job.id, number: 0, content: MARK };
  await api.engine.commit({
    events: [],
    statements: [
      jobParts.insertion({ ...part, retainUntilMs: api.now() + 86_400_000 }),
      jobs.change(at, ['queued'], { state: 'done', updatedAtMs: api.now() }),
    ],
  });
  return job.id;
}

/** A body that each route takes, so that it is not the body that is refused. */
const BODIES: Record<string, unknown> = {
  'POST /v1/messages': { from: 'a@example.com', to: 'b@example.com', text: 'x' },
  'POST /v1/messages/batch': {
    from: 'a@example.com',
    text: 'x',
    personalizations: [{ to: 'b@example.com' }],
  },
  'POST /v1/messages/{id}/cancel': undefined,
  'POST /v1/messages/{id}/resend': {},
  get 'POST /v1/dead-letters/drop'() {
    return { endpoint_id: owned['endpoints'] };
  },
  'POST /v1/messages/release': { ids: ['msg_x'] },
  'POST /v1/messages/drop': { ids: ['msg_x'] },
  'POST /v1/messages/raw': {
    raw: Buffer.from('From: a@example.com\n\nx').toString('base64'),
    to: 'b@example.com',
  },
  'POST /v1/events': { type: 'email.opened', timestamp: '2026-11-21T16:00:00Z', data: {} },
  'POST /v1/endpoints': { url: 'https://app.example.com/' },
  'PATCH /v1/endpoints/{id}': { description: 'taken over' },
  'POST /v1/endpoints/{id}/secret/rotate': { overlap: '1h' },
  'POST /v1/endpoints/{id}/replay': {},
  'POST /v1/replays': { dry_run: true },
  'POST /v1/erasures': { recipient: 'somebody@example.com' },
  'POST /v1/endpoints/{id}/test': { type: 'email.bounced' },
  'POST /v1/endpoints/{id}/preview': {},
  'POST /v1/domains': { name: 'taken-over.example' },
  'PATCH /v1/domains/{id}': { tracking: 'taken' },
  'POST /v1/inbound/routes': { address: 'taken-over@in.example' },
  'PATCH /v1/inbound/routes/{id}': { priority: 1 },
  'POST /v1/suppressions': { address: 'somebody@example.com' },
  'POST /v1/suppressions/imports': { format: 'ndjson', content: '"somebody@example.com"' },
  'POST /v1/suppressions/exports': {},
  'POST /v1/portal-links': { metadata: { name: 'taken over' } },
  'POST /v1/sinks': { kind: 'http', settings: { url: 'https://app.example.com/' } },
  'PATCH /v1/sinks/{id}': { name: 'taken over' },
  'POST /v1/sinks/{id}/test': {},
  'POST /v1/sinks/{id}/preview': {},
  'POST /v1/sinks/{id}/backfill': {},
  'POST /v1/sinks/{id}/refused/resend': {},
  'POST /v1/alert-rules': { type: 'complaints' },
  'POST /v1/alert-rules/defaults': { names: ['Bounce rate over 5%'] },
  'POST /v1/alert-rules/preview': { type: 'complaints' },
  'POST /v1/alert-rules/test': { rule: { type: 'complaints' } },
  'POST /v1/alert-rules/{id}/test': {},
  'PATCH /v1/alert-rules/{id}': { name: 'taken over' },
  'POST /v1/alerts/{id}/snooze': { until: null },
  'POST /v1/sources': { provider: 'postmark' },
  'PATCH /v1/sources/{id}': { name: 'taken over' },
  'POST /v1/sources/{id}/secret/rotate': { secret: 'taken over' },
  'POST /v1/sources/{id}/url/rotate': {},
  'POST /v1/redecodes': { dry_run: true },
  'POST /v1/keys': { name: 'taken over', scopes: ['read'] },
  'POST /v1/projects': { name: 'taken over' },
  'PATCH /v1/projects/{id}': { name: 'taken over' },
  'POST /v1/projects/{id}/keys': { name: 'taken over', scopes: ['read'] },
};

/** For each field of a query, a value that leads to what the first project has. */
const FILTERS: Record<string, () => string | undefined> = {
  recipient: () => `${MARK}@example.com`,
  subject: () => MARK,
  tag: () => MARK,
  smtp_id: () => `${MARK}@example.com`,
  period: () => '1h',
  type: () => 'email.accepted',
  state: () => 'dead',
  error_code: () => 'http_status',
  since: () => '2026-01-01T00:00:00Z',
  until: () => '2036-01-01T00:00:00Z',
  message_id: () => owned['messages'],
  event_id: () => owned['events'],
  endpoint_id: () => owned['endpoints'],
  include: () => 'body',
  after: () => 'start',
  wait: () => '1s&after=start',
  kind: () => 'replay',
  address: () => `${MARK}@example.com`,
  route_id: () => owned['inbound/routes'],
  reason: () => 'manual',
  source: () => 'api',
  stream: () => 'all',
  interval: () => 'hour',
  group_by: () => 'tag',
  sending_domain: () => 'example.com',
  receiving_domain: () => 'example.com',
  provider: () => 'posthorn',
  compare: () => 'previous',
  rule_id: () => owned['alert-rules'],
};
/** Where a field means something else. */
const FILTERS_AT: Record<string, string> = {
  '/v1/jobs?state': 'queued',
  '/v1/messages?state': 'accepted',
  '/v1/alerts?state': 'open',
};
const PAGE_FIELDS = ['limit', 'cursor'];

const bodyOf = ({ method, path }: Route) => {
  const body = BODIES[`${method} ${path}`];
  return body === undefined ? {} : { body };
};
const PARAMETER = /((?:inbound\/)?[a-z-]+)\/\{\w+\}/g;
const idOf = (kind: string): string | undefined => owned[kind] ?? SHARED[kind];
const pathOf = ({ path }: Route) =>
  path.replace(PARAMETER, (_, kind: string) => `${kind}/${idOf(kind)}`);
const hasParameter = ({ path }: Route) => path.includes('{');
/** Whether the path leads to something of the first project. */
const isOwned = ({ path }: Route) =>
  [...path.matchAll(PARAMETER)].some(([, kind = '']) => owned[kind] !== undefined);

const withKey = api.routes.filter(({ auth }) => auth !== 'none');
const reading = withKey.filter(({ method }) => method === 'GET');

function filtersOf({ query }: Route): string[] {
  if (query === undefined) return [];
  const names = Object.keys(toJsonSchema(query, 'input')['properties'] ?? {});
  return names.filter((name) => !PAGE_FIELDS.includes(name));
}

/** Made anew for each request. */
const SAMPLES = ['/v1/endpoints/{id}/preview', '/v1/events/volume', '/v1/inbound/messages/{id}'];
/** What grows with the clock alone is no change. */
const withoutAges = (body: unknown): unknown =>
  body === undefined
    ? body
    : JSON.parse(JSON.stringify(body, (name, value) => (/_seconds$/.test(name) ? 0 : value)));

/** All that the first project can read of itself. */
const readAll = () =>
  Promise.all(
    reading.map(async (route) => {
      const { status, body, text } = await api.send('GET', pathOf(route));
      assert.equal(
        status,
        200,
        `${route.path} finds nothing of ours, so it shows nothing: ${text}`,
      );
      return SAMPLES.includes(route.path) ? null : withoutAges(body);
    }),
  );

function assertNothingOfOurs(text: string, where: string): void {
  assert.doesNotMatch(text, new RegExp(MARK), where);
  for (const id of Object.values(owned)) assert.ok(!text.includes(id), `${where}: ${id}`);
}

test('these tests have an id, a body and a query for every route', () => {
  for (const route of withKey) {
    const name = `${route.method} ${route.path}`;
    const open = route.path.replace(PARAMETER, (all, kind: string) =>
      idOf(kind) === undefined ? all : kind,
    );
    assert.doesNotMatch(open, /\{/, `give owned an id of the first project for ${name}`);
    assert.equal(route.body !== undefined, BODIES[name] !== undefined, `BODIES and ${name}`);
    for (const filter of filtersOf(route)) {
      assert.ok(FILTERS[filter], `give FILTERS a value for ?${filter} of ${name}`);
    }
  }
});

/** Public keys are for everybody. */
const PUBLIC = ['/v1/endpoints/{id}/jwks.json', '/v1/endpoints/{id}/certificates/{file}'];

test('every route under /v1 wants a key, but for public keys', async () => {
  assert.deepEqual(
    withKey.map(({ path }) => path),
    api.routes
      .map(({ path }) => path)
      .filter((path) => path.startsWith('/v1/') && !PUBLIC.includes(path)),
  );
  for (const route of withKey) {
    const request = { ...bodyOf(route), key: null };
    const none = await api.send(route.method, pathOf(route), request);
    assertProblem(none, 'missing_key', /Authorization: Bearer/);
    assert.equal(none.headers['www-authenticate'], 'Bearer');
    const wrongKeys: Record<string, string>[] = [
      { authorization: 'Bearer phk_wrong' },
      { 'x-api-key': 'phk_wrong' },
      { authorization: `Bearer ${api.key.slice(0, -1)}` },
      { authorization: `Bearer ${api.key.toUpperCase()}` },
    ];
    for (const headers of wrongKeys) {
      const wrong = await api.send(route.method, pathOf(route), { ...request, headers });
      assertProblem(wrong, 'wrong_key');
    }
    for (const authorization of [`Basic ${api.key}`, api.key, 'Bearer', 'Bearer  ']) {
      const other = await api.send(route.method, pathOf(route), {
        ...request,
        headers: { authorization },
      });
      assertProblem(other, 'missing_key');
    }
  }
});

test("no route gives or changes anything under another project's key", async () => {
  const before = await readAll();
  for (const route of withKey) {
    const keys: Record<string, string>[] = [
      { authorization: `Bearer ${api.otherKey}` },
      { 'x-api-key': api.otherKey },
    ];
    for (const headers of keys) {
      const request = { ...bodyOf(route), key: null, headers };
      const answer = await api.send(route.method, pathOf(route), request);
      const where = `${route.method} ${route.path}: ${answer.text}`;
      assert.doesNotMatch(answer.text, new RegExp(MARK), where);
      if (route.auth === 'admin') assertProblem(answer, 'missing_scope');
      else if (isOwned(route)) assertProblem(answer, 'not_found');
      else assert.ok(answer.status < 300, where);
      if (route.method === 'GET' && answer.status < 300) assertNothingOfOurs(answer.text, where);
    }
  }
  assert.deepEqual(await readAll(), before);
});

test("no field of a query leads to another project's", async () => {
  for (const route of reading) {
    for (const name of filtersOf(route)) {
      const value = FILTERS_AT[`${route.path}?${name}`] ?? FILTERS[name]?.();
      const isStream = route.path.endsWith('/stream');
      const start = isStream && name !== 'after' ? '&after=start' : '';
      const path = `${pathOf(route)}?${name}=${value}${start}`;
      const mine = await api.send('GET', path);
      const theirs = await api.send('GET', path, { key: api.otherKey });
      assert.equal(mine.status, 200, mine.text);
      if (isOwned(route)) assertProblem(theirs, 'not_found');
      else {
        const { data, series, checks } = mine.body ?? {};
        const shown = data ?? series ?? checks ?? mine.text;
        const found = isStream ? mine.text.includes('data: ') : shown.length > 0;
        assert.ok(found, `${path} finds nothing of ours, so it shows nothing`);
        assert.equal(theirs.status, 200);
        assertNothingOfOurs(theirs.text, path);
      }
    }
  }
});

test("the operator's key reaches a key only by way of its own project", async () => {
  const { body: theirs } = await api.send('POST', `/v1/projects/${api.otherProjectId}/keys`, {
    body: { name: 'theirs', scopes: ['read'] },
  });
  const wrongWays = [
    `/v1/projects/${api.projectId}/keys/${theirs.id}`,
    `/v1/keys/${theirs.id}`,
    `/v1/projects/${api.otherProjectId}/keys/${owned['keys']}`,
  ];
  for (const path of wrongWays) {
    for (const method of ['GET', 'DELETE']) {
      assertProblem(await api.send(method, path), 'not_found');
    }
  }
  for (const [path, key] of [
    [`/v1/projects/${api.otherProjectId}/keys/${theirs.id}`, api.key],
    [`/v1/keys/${theirs.id}`, api.otherKey],
    [`/v1/keys/${owned['keys']}`, api.key],
  ] as const) {
    assert.equal((await api.send('GET', path, { key })).status, 200, path);
  }
});

test('the same event id, and the same Idempotency-Key, are free in another project', async () => {
  const id = owned['events'];
  const event = { id, type: 'email.opened', timestamp: '2026-11-21T16:00:00Z', data: {} };
  const headers = { 'idempotency-key': 'shared' };
  const theirs = await api.send('POST', '/v1/events', { body: event, headers, key: api.otherKey });
  assert.deepEqual(theirs.body.data, [{ id, duplicate: false }]);
  assert.equal((await api.send('GET', `/v1/events/${id}`)).body.type, 'email.accepted');
  const mine = await api.send('POST', '/v1/events', { body: { ...event, id: undefined }, headers });
  assert.equal(mine.status, 202);
});

test('ids that nobody has, and what is no id at all, are not found', async () => {
  const ids = [
    ...(['message', 'event', 'endpoint', 'delivery', 'project', 'apiKey'] as const).map((kind) =>
      api.ids.next(kind),
    ),
    'x',
    '..%2f..%2fetc%2fpasswd',
    '%00',
    "'%20OR%201=1--",
    '%F0%9F%93%AF',
    'x'.repeat(300),
    'null',
    '__proto__',
    `${owned['messages']}x`,
    String(owned['messages']).toLowerCase(),
    `dlv_${'0'.repeat(26)}_${'0'.repeat(26)}`,
  ];
  for (const route of withKey.filter(hasParameter)) {
    for (const id of ids) {
      const path = route.path.replaceAll(/\{\w+\}/g, () => id);
      const answer = await api.send(route.method, path, bodyOf(route));
      assert.ok([404, 422].includes(answer.status), `${id}: ${answer.text}`);
      assertProblem(answer);
    }
  }
});
