import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { addPortalUser, openBrowser } from './fixtures/portal-browser.ts';
import { RECEIVED_RAW, receiveMail } from './fixtures/receive-mail.ts';
import { startTestApi, type TestApi } from './fixtures/test-api.ts';

const DAY_MS = 86_400_000;
async function start(t: TestContext): Promise<TestApi> {
  const api = await startTestApi();
  t.after(() => api.close());
  return api;
}

test('a route is added, read, changed by its version, listed and removed', async (t) => {
  const api = await start(t);
  const added = await api.send('POST', '/v1/inbound/routes', {
    body: { address: 'Support+*@In.Test', tags: ['support'] },
  });
  assert.equal(added.status, 201);
  const { id, address, action, priority, ready, detail } = added.body;
  assert.deepEqual(
    [address, action, priority, ready],
    ['support+*@in.test', 'receive', 100, false],
  );
  assert.match(detail, /POST \/v1\/domains/);
  const path = `/v1/inbound/routes/${id}`;
  assert.deepEqual((await api.send('GET', path)).body, added.body);
  const headers = { 'if-match': '"1"' };
  const changed = await api.send('PATCH', path, {
    headers,
    body: { action: 'refuse', address: '*@*.in.test' },
  });
  assert.deepEqual(
    [changed.status, changed.body.action, changed.body.address, changed.body.tags],
    [200, 'refuse', '*@*.in.test', ['support']],
  );
  const stale = await api.send('PATCH', path, { headers, body: { priority: 1 } });
  assert.equal(stale.status, 412);
  const list = await api.send('GET', '/v1/inbound/routes');
  assert.deepEqual(
    list.body.data.map((one: { id: string }) => one.id),
    [id],
  );
  assert.equal((await api.send('GET', path, { key: api.otherKey })).status, 404);
  assert.equal((await api.send('DELETE', path)).status, 204);
  assert.equal((await api.send('GET', path)).status, 404);
});

test('what is no address is refused, and one that there is already is there once', async (t) => {
  const api = await start(t);
  const add = (address: string) => api.send('POST', '/v1/inbound/routes', { body: { address } });
  for (const address of ['support', '@in.test', 'a b@in.test', 'a@localhost', '*@*']) {
    const answer = await add(address);
    assert.deepEqual([answer.status, answer.body.errors?.[0]?.pointer], [422, '/address'], address);
  }
  assert.equal((await add('a@in.test')).status, 201);
  assert.equal((await add('A@in.test')).status, 200);
  const other = await add('b@in.test');
  const moved = await api.send('PATCH', `/v1/inbound/routes/${other.body.id}`, {
    body: { address: 'a@in.test' },
  });
  assert.equal(moved.status, 409);
  // The same address in another project is no secret, and nobody's yet.
  const foreign = { key: api.otherKey, body: { address: 'a@in.test' } };
  assert.equal((await api.send('POST', '/v1/inbound/routes', foreign)).status, 201);
});

test('a mail is shown whole, with URLs that need no key and expire', async (t) => {
  const api = await start(t);
  const { id } = await receiveMail(api);
  const { status, body } = await api.send('GET', `/v1/inbound/messages/${id}`);
  assert.equal(status, 200);
  assert.deepEqual(
    [body.recipient, body.subject, body.reply_text, body.from.address],
    ['support@in.test', 'Hello', 'Yes.', 'jane@sender.test'],
  );
  const url = new URL(body.attachments[0].url);
  assert.equal(url.origin, 'https://posthorn.test');
  const file = await api.send('GET', url.pathname, { key: null });
  assert.equal(file.status, 200);
  assert.equal(file.text.trim(), '<script>alert(1)</script>');
  assert.equal(file.headers['content-type'], 'text/html');
  assert.equal(
    file.headers['content-disposition'],
    "attachment; filename*=UTF-8''a%26b%20%C3%BC.html",
  );
  assert.match(String(file.headers['content-security-policy']), /sandbox/);
  assert.equal(file.headers['x-content-type-options'], 'nosniff');
  const whole = await api.send('GET', new URL(body.url).pathname, { key: null });
  assert.deepEqual([whole.headers['content-type'], whole.text], ['message/rfc822', RECEIVED_RAW]);
  const changed = `${url.pathname.slice(0, -1)}${url.pathname.endsWith('A') ? 'B' : 'A'}`;
  assert.equal((await api.send('GET', changed, { key: null })).status, 404);
  api.advance(DAY_MS + 1);
  assert.equal((await api.send('GET', url.pathname, { key: null })).status, 404);
});

test('files and bytes are fetched with a key too, by their own project alone', async (t) => {
  const api = await start(t);
  const { id } = await receiveMail(api);
  const path = `/v1/inbound/messages/${id}`;
  assert.equal((await api.send('GET', `${path}/raw`)).text, RECEIVED_RAW);
  assert.equal((await api.send('GET', `${path}/attachments/1`)).status, 200);
  assert.equal((await api.send('GET', `${path}/attachments/2`)).status, 404);
  for (const end of ['', '/raw', '/attachments/1'])
    assert.equal((await api.send('GET', path + end, { key: api.otherKey })).status, 404, end);
  assert.equal((await api.send('DELETE', path, { key: api.otherKey })).status, 404);
  assert.equal((await api.send('DELETE', path)).status, 204);
  assert.equal((await api.send('GET', path)).status, 404);
});

test('mail is listed by recipient and by route, page by page', async (t) => {
  const api = await start(t);
  const routeId = api.ids.next('inboundRoute');
  const first = await receiveMail(api, { routeId });
  const second = await receiveMail(api, { recipient: 'x@in.test' });
  const list = async (query: string): Promise<string[]> => {
    const { body } = await api.send('GET', `/v1/inbound/messages?${query}`);
    return body.data.map((one: { id: string }) => one.id);
  };
  assert.deepEqual(await list(''), [second.id, first.id]);
  assert.deepEqual(await list('recipient=x@IN.test'), [second.id]);
  assert.deepEqual(await list(`route_id=${routeId}`), [first.id]);
  const page = await api.send('GET', '/v1/inbound/messages?limit=1');
  assert.equal(page.body.data[0].attachments, 1);
  assert.deepEqual(await list(`cursor=${page.body.next_cursor}`), [first.id]);
});

test('where the bytes are not kept the rest is still told', async (t) => {
  const api = await start(t);
  const { id } = await receiveMail(api, {}, null);
  const { body } = await api.send('GET', `/v1/inbound/messages/${id}`);
  assert.deepEqual([body.text, body.url, body.attachments[0].url], [null, null, null]);
  const raw = await api.send('GET', `/v1/inbound/messages/${id}/raw`);
  assert.equal(raw.status, 404);
  assert.match(raw.body.detail, /not kept/);
});

test('the frame that shows the HTML of a stranger loads nothing, and is for who sees the project', async (t) => {
  const api = await start(t);
  const html =
    '<link rel="preconnect" href="https://spy.example"><img src="cid:logo"><script>alert(1)</script>';
  const raw = [
    'Content-Type: multipart/related; boundary=b',
    '',
    '--b',
    'Content-Type: text/html',
    '',
    html,
    '--b',
    'Content-Type: image/png',
    'Content-ID: <logo>',
    'Content-Transfer-Encoding: base64',
    '',
    'iVBORw0KGgo=',
    '--b--',
  ].join('\r\n');
  const { id } = await receiveMail(api, {}, raw);
  const path = `/portal/api/projects/${api.projectId}/inbound/${id}/html`;
  const { ask, signIn } = openBrowser(api);
  assert.equal((await ask('GET', path)).status, 401);
  await signIn(await addPortalUser(api, 'read_only', [api.projectId]));
  const { status, headers, body } = await ask('GET', path);
  assert.equal(status, 200);
  assert.match(String(headers['content-security-policy']), /^default-src 'none';.*; sandbox$/);
  assert.ok(body.includes('<img src="data:image/png;base64,iVBORw0KGgo=">'));
  assert.doesNotMatch(body, /<link/);
  assert.equal((await ask('GET', path.replace(id, api.ids.next('received')))).status, 404);
  const stranger = openBrowser(api);
  await stranger.signIn(await addPortalUser(api, 'developer', [api.otherProjectId]));
  assert.equal((await stranger.ask('GET', path)).status, 404);
});
