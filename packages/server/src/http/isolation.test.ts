import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deliveryId } from '../core/ids.ts';
import { assertProblem, startTestApi } from './fixtures/test-api.ts';
import type { Route } from './route.ts';

const api = await startTestApi();
after(() => api.close());

/** Ids of the first project, by what stands before {id} in a path. */
const owned: Record<string, string> = {};
/** What only the first project's answers may hold. */
const MARK = 'only-for-the-first-project';

before(async () => {
  const endpoint = await api.send('POST', '/v1/endpoints', {
    body: { url: `https://app.example.com/${MARK}` },
  });
  const message = await api.send('POST', '/v1/messages', {
    body: { from: 'a@example.com', to: `${MARK}@example.com`, subject: MARK, text: 'x' },
  });
  const [event] = (await api.send('GET', '/v1/events')).body.data;
  owned['endpoints'] = endpoint.body.id;
  owned['messages'] = message.body.id;
  owned['events'] = event.id;
  owned['deliveries'] = deliveryId(event.id, endpoint.body.id);
});

/** A body that each route takes, so that it is not the body that is refused. */
const BODIES: Record<string, unknown> = {
  'POST /v1/messages': { from: 'a@example.com', to: 'b@example.com', text: 'x' },
  'POST /v1/events': { type: 'email.opened', timestamp: '2026-11-21T16:00:00Z', data: {} },
  'POST /v1/endpoints': { url: 'https://app.example.com/' },
  'PATCH /v1/endpoints/{id}': { description: 'taken over' },
};
const bodyOf = ({ method, path }: Route) => {
  const body = BODIES[`${method} ${path}`];
  return body === undefined ? {} : { body };
};
const pathOf = ({ path }: Route) =>
  path.replace(/([a-z]+)\/\{id\}/, (_, kind: string) => `${kind}/${owned[kind]}`);

const withKey = api.routes.filter(({ auth }) => auth !== 'none');
/** Public keys are for everybody. */
const PUBLIC = ['/v1/endpoints/{id}/jwks.json'];

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
  for (const route of withKey) {
    const keys: Record<string, string>[] = [
      { authorization: `Bearer ${api.otherKey}` },
      { 'x-api-key': api.otherKey },
    ];
    for (const headers of keys) {
      const answer = await api.send(route.method, pathOf(route), {
        ...bodyOf(route),
        key: null,
        headers,
      });
      assert.doesNotMatch(answer.text, new RegExp(MARK), `${route.method} ${route.path}`);
      if (route.path.includes('{id}')) assertProblem(answer, 'not_found');
      else assert.ok(answer.status < 300, answer.text);
    }
  }
  for (const query of [
    `/v1/messages?recipient=${MARK}@example.com`,
    `/v1/events?message_id=${owned['messages']}`,
    `/v1/deliveries?event_id=${owned['events']}`,
    `/v1/deliveries?endpoint_id=${owned['endpoints']}`,
  ]) {
    assert.deepEqual((await api.send('GET', query, { key: api.otherKey })).body.data, [], query);
    assert.equal((await api.send('GET', query)).body.data.length, 1, query);
  }
  for (const kind of ['messages', 'events', 'endpoints', 'deliveries']) {
    const mine = await api.send('GET', `/v1/${kind}/${owned[kind]}`);
    assert.equal(mine.status, 200);
    assert.match(mine.text, kind === 'events' ? /email\.accepted/ : new RegExp(MARK));
  }
  const { body } = await api.send('GET', `/v1/endpoints/${owned['endpoints']}`);
  assert.equal(body.description, '');
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
    ...(['message', 'event', 'endpoint', 'delivery', 'project'] as const).map((kind) =>
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
  for (const route of withKey.filter(({ path }) => path.includes('{id}'))) {
    for (const id of ids) {
      const answer = await api.send(route.method, route.path.replace('{id}', id), bodyOf(route));
      assert.ok([404, 422].includes(answer.status), `${id}: ${answer.text}`);
      assertProblem(answer);
    }
  }
});
