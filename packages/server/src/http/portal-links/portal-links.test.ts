import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deliveryId } from '../../core/ids.ts';
import { openBrowser } from '../fixtures/portal-browser.ts';
import { type Answer, assertProblem, type Json, startTestApi } from '../fixtures/test-api.ts';

const HOUR_MS = 3_600_000;

const api = await startTestApi();
after(() => api.close());

/** Endpoints of two customers of one project, each with a delivery. */
const theirs: Json = {};
const others: Json = {};

async function makeEndpoint(customer: string, key = api.key): Promise<Json> {
  const body = { url: `https://${customer}.example.com/`, metadata: { customer, plan: 'a' } };
  const answer = await api.send('POST', '/v1/endpoints', { key, body });
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

before(async () => {
  Object.assign(theirs, await makeEndpoint('anna'));
  Object.assign(others, await makeEndpoint('ben'));
  await api.send('POST', '/v1/events', {
    body: {
      type: 'email.delivered',
      timestamp: '2026-11-21T16:00:00Z',
      data: { recipient: 'a@b.example' },
    },
  });
  for (const { id } of [theirs, others]) await api.recordAttempts(id, 500);
});

async function makeLink(fields: object, key = api.key): Promise<{ id: string; token: string }> {
  const { body, status, text } = await api.send('POST', '/v1/portal-links', { key, body: fields });
  assert.equal(status, 201, text);
  const url = new URL(body.url);
  assert.equal(
    url.pathname,
    `/portal/link/${key === api.key ? api.projectId : api.otherProjectId}/${body.id}`,
  );
  return { id: body.id, token: url.hash.slice(1) };
}

const ofAnna = { metadata: { customer: 'anna' } };
const ask = (token: string, method: string, path: string, body?: object): Promise<Answer> =>
  api.send(method, path, { key: token, ...(body === undefined ? {} : { body }) });

async function deliveryOf({ id }: Json): Promise<string> {
  const { body } = await api.send('GET', `/v1/deliveries?endpoint_id=${id}`);
  return body.data[0].id;
}

test('a link shows and changes the endpoints of its customer', async () => {
  const { token } = await makeLink(ofAnna);
  const list = await ask(token, 'GET', '/v1/endpoints');
  assert.deepEqual(
    list.body.data.map(({ id }: Json) => id),
    [theirs.id],
  );
  // The newest one is somebody else's: a page of it alone would look like none.
  const { body: page } = await ask(token, 'GET', '/v1/endpoints?limit=1');
  assert.deepEqual([page.data.length, page.data[0].id], [1, theirs.id]);
  const at = `/v1/endpoints/${theirs.id}`;
  const changed = await ask(token, 'PATCH', at, {
    url: 'https://anna.example.com/new',
    event_types: ['email.bounced'],
  });
  assert.deepEqual(
    [changed.status, changed.body.url, changed.body.event_types, changed.body.metadata.customer],
    [200, 'https://anna.example.com/new', ['email.bounced'], 'anna'],
  );
  assert.match((await ask(token, 'POST', `${at}/secret/rotate`, {})).body.secret, /^whsec_/);
  assert.equal((await ask(token, 'POST', `${at}/test`, {})).status, 202);
  assert.equal((await ask(token, 'GET', `${at}/gaps`)).status, 200);
  const { body: listed } = await ask(token, 'GET', `/v1/deliveries?endpoint_id=${theirs.id}`);
  const failed = listed.data.find(({ state }: Json) => state === 'dead');
  const shown = await ask(token, 'GET', `/v1/deliveries/${failed.id}?include=body`);
  assert.equal(shown.body.attempts.length, 1);
  assert.equal((await ask(token, 'POST', `${at}/replay`, { dry_run: true })).body.deliveries, 1);
  assert.equal((await ask(token, 'POST', `/v1/deliveries/${failed.id}/retry`)).status, 202);
  await api.send('POST', `/v1/endpoints/${others.id}/replay`, { body: {} });
  await ask(token, 'POST', `${at}/replay`, { states: ['dead', 'retrying', 'delivered'] });
  const jobs = await ask(token, 'GET', '/v1/jobs');
  assert.ok(jobs.body.data.every(({ replay }: Json) => replay.endpoint_id === theirs.id));
  assert.equal((await ask(token, 'GET', '/v1/queue')).status, 200);
  assert.equal((await ask(token, 'GET', '/v1/event-types')).status, 200);
});

test('every other route and every other endpoint is out of reach', async () => {
  const { token } = await makeLink(ofAnna);
  const foreign = await makeEndpoint('anna', api.otherKey);
  const unknown = deliveryId(api.ids.next('event'), api.ids.next('endpoint'));
  const places: Record<string, string[]> = {
    endpoints: [others.id, foreign.id, 'ep_none'],
    deliveries: [await deliveryOf(others), unknown, 'dlv_none'],
  };
  let opened = 0;
  for (const { method, path, auth } of api.routes) {
    if (auth === 'none') continue;
    const noun = path.split('/')[2] ?? '';
    for (const id of places[noun] ?? ['none']) {
      const url = path.replace('{id}', id).replace(/\{\w+\}/g, 'none');
      const body = method === 'PATCH' ? { url: 'https://taken.example/' } : {};
      const answer = await ask(token, method, url, method === 'GET' ? undefined : body);
      const isList = ['/v1/endpoints', '/v1/event-types', '/v1/queue', '/v1/jobs'].includes(path);
      if (method === 'GET' && isList) {
        opened += 1;
        assert.ok(!answer.text.includes(others.id) && !answer.text.includes(foreign.id), url);
      } else {
        assert.ok([400, 403, 404, 422].includes(answer.status), `${method} ${url}: ${answer.text}`);
      }
    }
  }
  assert.equal(opened, 6);
  const { body } = await api.send('GET', `/v1/endpoints/${others.id}`);
  assert.equal(body.url, others.url);
  for (const query of [`?endpoint_id=${others.id}`, '', '?endpoint_id=none']) {
    const answer = await ask(token, 'GET', `/v1/deliveries${query}`);
    assert.ok([403, 404].includes(answer.status), query);
  }
  const at = `/v1/endpoints/${theirs.id}`;
  for (const fields of [
    { metadata: { customer: 'ben' } },
    { filter: null },
    { headers: { 'x-a': 'b' } },
    { uid: 'mine' },
    { dialect: 'ses' },
  ]) {
    assertProblem(await ask(token, 'PATCH', at, fields), 'missing_scope', /does not set/);
  }
  assertProblem(await ask(token, 'DELETE', at), 'missing_scope');
  assertProblem(
    await ask(token, 'POST', '/v1/endpoints', { url: 'https://a.example/' }),
    'missing_scope',
  );
  assertProblem(
    await ask(token, 'POST', `${at}/replay`, { include_missing: true }),
    'missing_scope',
  );
});

test('what is made with a link belongs to its customer, with the filter that was given', async () => {
  const filter = { metadata: { customer: ['anna'] } };
  const { token } = await makeLink({ ...ofAnna, may_create: true, filter });
  const made = await ask(token, 'POST', '/v1/endpoints', { url: 'https://anna.example.com/2' });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual([made.body.metadata, made.body.filter], [{ customer: 'anna' }, filter]);
  assertProblem(
    await ask(token, 'POST', '/v1/endpoints', { url: 'https://a.example/', metadata: {} }),
    'missing_scope',
  );
  assert.equal((await ask(token, 'DELETE', `/v1/endpoints/${made.body.id}`)).status, 204);
  const again = await api.send('POST', '/v1/endpoints', {
    key: token,
    headers: { 'idempotency-key': 'k' },
    body: { url: 'https://anna.example.com/3' },
  });
  const twice = await api.send('POST', '/v1/endpoints', {
    key: token,
    headers: { 'idempotency-key': 'k' },
    body: { url: 'https://anna.example.com/3' },
  });
  assert.notEqual(again.body.id, twice.body.id, 'no answer of somebody else is told again');
});

test('a link is made for endpoints by id or uid, within limits, by who may manage', async () => {
  const { token } = await makeLink({ endpoint_ids: [others.id] });
  assert.deepEqual(
    (await ask(token, 'GET', '/v1/endpoints')).body.data.map(({ id }: Json) => id),
    [others.id],
  );
  for (const [body, pointer] of [
    [{}, '/endpoint_ids'],
    [{ endpoint_ids: [others.id], metadata: { a: 'b' } }, '/endpoint_ids'],
    [{ endpoint_ids: [others.id, 'ep_none'] }, '/endpoint_ids/1'],
    [{ endpoint_ids: [others.id], may_create: true }, '/may_create'],
    [{ metadata: {} }, '/metadata'],
    [{ ...ofAnna, lifetime: '25h' }, '/lifetime'],
    [{ ...ofAnna, lifetime: '0s' }, '/lifetime'],
    [{ ...ofAnna, origins: ['https://app.example.com/path'] }, '/origins/0'],
    [{ ...ofAnna, origins: ["https://a.example; script-src 'unsafe-inline'"] }, '/origins/0'],
    [{ ...ofAnna, origins: ['http://app.example.com'] }, '/origins/0'],
    [{ ...ofAnna, filter: { nothing: 1 } }, '/filter/nothing'],
  ] as const) {
    const answer = await api.send('POST', '/v1/portal-links', { body });
    assertProblem(answer, 'invalid_field');
    assert.equal(answer.body.errors[0].pointer, pointer, answer.text);
  }
  const foreign = { key: api.otherKey, body: { endpoint_ids: [others.id] } };
  assertProblem(await api.send('POST', '/v1/portal-links', foreign), 'invalid_field');
  assertProblem(await ask(token, 'POST', '/v1/portal-links', ofAnna), 'missing_scope');
  const { rows } = await api.store.apiKeys.list({
    projectId: api.projectId,
    limit: 100,
    beforeId: null,
  });
  assert.ok(rows.every(({ link }) => link === null));
});

test('a link ends with its time, when it is ended, and when it is not whole', async () => {
  const { token, id } = await makeLink(ofAnna);
  const status = async (key: string) => (await ask(key, 'GET', '/v1/endpoints')).status;
  assert.equal(await status(token), 200);
  for (const wrong of [`${token}x`, token.slice(0, -1), `phk_${token.slice(4)}`, 'phl_']) {
    assertProblem(await ask(wrong, 'GET', '/v1/endpoints'), 'wrong_key');
  }
  const other = { key: api.otherKey };
  assertProblem(await api.send('DELETE', `/v1/portal-links/${id}`, other), 'not_found');
  assert.equal((await api.send('DELETE', `/v1/portal-links/${id}`)).status, 204);
  assertProblem(await ask(token, 'GET', '/v1/endpoints'), 'wrong_key', /expired or was ended/);
  assertProblem(await api.send('DELETE', `/v1/portal-links/${id}`), 'not_found');
  const { token: short } = await makeLink({ ...ofAnna, lifetime: '1h' });
  api.turnAccessClock(HOUR_MS - 1_000);
  assert.equal(await status(short), 200);
  // Clocks of this test: the link was made by the one of the routes, some seconds later.
  api.turnAccessClock(60_000);
  assertProblem(await ask(short, 'GET', '/v1/endpoints'), 'wrong_key');
});

test('a link is no key: not for other APIs, not as a setup token, and the page asks for no cookie', async () => {
  const { token } = await makeLink({ ...ofAnna, lifetime: '24h', may_create: true });
  const sendgrid = await api.app.inject({
    method: 'POST',
    url: '/v3/mail/send',
    headers: { authorization: `Bearer ${token}` },
    payload: {},
  });
  assert.notEqual(sendgrid.statusCode, 202);
  const owner = await openBrowser(api).ask('POST', '/portal/api/owner', {
    body: { setup_token: token, email: 'eve@example.com', password: 'a long password' },
  });
  assert.equal(owner.status, 422);
  const shown = await api.app.inject({
    url: '/portal/api/link',
    headers: { authorization: `Bearer ${token}` },
  });
  assert.deepEqual([shown.statusCode, shown.headers['set-cookie']], [200, undefined]);
  assert.equal(shown.json().link.may_create, true);
  const key = await api.app.inject({
    url: '/portal/api/link',
    headers: { authorization: `Bearer ${api.key}` },
  });
  assert.equal(key.statusCode, 401, 'a key is no link');
});
