import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Role } from '../../core/roles.ts';
import { addPortalUser, openBrowser, PASSWORD } from '../fixtures/portal-browser.ts';
import { startTestApi, type TestApi } from '../fixtures/test-api.ts';

const DAY_MS = 86_400_000;

describe('the first user', () => {
  let api: TestApi;
  before(async () => {
    api = await startTestApi();
  });
  after(() => api.close());
  const fields = { email: 'Anna@Example.com', password: PASSWORD };

  test('is missed, and made by who has the key of the operator', async () => {
    const { ask } = openBrowser(api);
    assert.deepEqual((await ask('GET', '/portal/api/session')).body, { reason: 'no_owner' });
    const wrong = await ask('POST', '/portal/api/owner', {
      body: { ...fields, setup_token: api.otherKey },
    });
    assert.equal(wrong.status, 422);
    assert.equal(wrong.body.errors[0].pointer, '/setup_token');
    const short = await ask('POST', '/portal/api/owner', {
      body: { ...fields, password: 'short', setup_token: api.key },
    });
    assert.equal(short.body.errors[0].pointer, '/password');
    const made = await ask('POST', '/portal/api/owner', {
      body: { ...fields, setup_token: api.key },
    });
    assert.equal(made.status, 201);
    assert.equal(made.body.user.role, 'owner');
    assert.equal(made.body.user.email, 'anna@example.com');
    assert.match(String(made.headers['set-cookie']), /; HttpOnly; SameSite=Lax; Max-Age=\d+$/);
    assert.equal((await ask('GET', '/portal/api/session')).body.projects.length, 2);
  });

  test('is made once', async () => {
    const second = await openBrowser(api).ask('POST', '/portal/api/owner', {
      body: { ...fields, email: 'ben@example.com', setup_token: api.key },
    });
    assert.equal(second.status, 409);
    assert.deepEqual((await openBrowser(api).ask('GET', '/portal/api/session')).body, {
      reason: 'signed_out',
    });
  });
});

describe('a session', () => {
  let api: TestApi;
  before(async () => {
    api = await startTestApi();
  });
  after(() => api.close());

  const addUser = (role: Role, projectIds: string[] | null = null) =>
    addPortalUser(api, role, projectIds);

  let browser: ReturnType<typeof openBrowser>;
  beforeEach(() => {
    browser = openBrowser(api);
  });

  test('stands in for a key; a change needs its token', async () => {
    await browser.signIn(await addUser('owner'));
    assert.equal((await browser.ask('GET', '/v1/messages')).status, 200);
    const event = {
      type: 'email.delivered',
      timestamp: '2026-11-21T16:00:00Z',
      data: { provider: 'portal', message: { provider_id: 'm1' }, recipient: 'a@b.example' },
    };
    const without = await browser.ask('POST', '/v1/events', {
      body: event,
      headers: { 'x-posthorn-csrf': 'guessed' },
    });
    assert.deepEqual([without.status, without.body.code], [403, 'csrf']);
    const sent = await browser.ask('POST', '/v1/events', { body: event });
    assert.equal(sent.status, 202, JSON.stringify(sent.body));
  });

  test('sees the projects of its user and no others', async () => {
    const email = await addUser('developer', [api.projectId]);
    const { body } = await browser.signIn(email);
    assert.deepEqual(
      body.projects.map(({ id }: { id: string }) => id),
      [api.projectId],
    );
    assert.equal((await browser.ask('GET', '/v1/messages')).status, 200);
    for (const project of [api.otherProjectId, 'prj_unknown', '']) {
      const headers = { 'x-posthorn-project': project };
      assert.equal((await browser.ask('GET', '/v1/messages', { headers })).status, 404, project);
    }
  });

  test('may do what its role may', async () => {
    await browser.signIn(await addUser('read_only'));
    assert.equal((await browser.ask('GET', '/v1/endpoints')).status, 200);
    const refused = await browser.ask('POST', '/v1/endpoints', {
      body: { url: 'http://127.0.0.1:1/' },
    });
    assert.deepEqual([refused.status, refused.body.code], [403, 'missing_scope']);
    assert.equal((await browser.ask('GET', '/v1/projects')).status, 403);
  });

  test('ends when it is signed out, lies idle or is too old', async () => {
    const email = await addUser('developer');
    const status = async () => (await browser.ask('GET', '/v1/messages')).status;
    await browser.signIn(email);
    assert.equal((await browser.ask('DELETE', '/portal/api/session')).status, 204);
    assert.equal(await status(), 401);
    await browser.signIn(email);
    api.turnAccessClock(DAY_MS - 1);
    assert.equal(await status(), 200);
    api.turnAccessClock(DAY_MS);
    assert.equal(await status(), 401);
    await browser.signIn(email);
    for (let day = 0; day < 28; day++) {
      api.turnAccessClock(DAY_MS / 2 - 1);
      await status();
    }
    assert.equal(await status(), 200);
    api.turnAccessClock(1_000);
    assert.equal(await status(), 401);
  });

  test('may be opened as often as one likes', async () => {
    const email = await addUser('developer');
    for (let i = 0; i < 12; i++) assert.equal((await browser.signIn(email)).status, 201);
  });

  test('is not to be guessed: the same answer for a wrong address and a wrong password', async () => {
    const email = await addUser('owner');
    const [wrong, nobody] = [
      await browser.signIn(email, 'another password'),
      await browser.signIn('nobody@example.com'),
    ];
    assert.deepEqual(wrong.body.detail, nobody.body.detail);
    assert.deepEqual([wrong.status, nobody.status], [401, 401]);
    for (let guess = 2; guess <= 10; guess++) await browser.signIn(email, 'another password');
    const limited = await browser.signIn(email);
    assert.deepEqual([limited.status, limited.body.code], [429, 'rate_limited']);
    api.turnAccessClock(60_000);
    assert.equal((await browser.signIn(email)).status, 201);
  });

  test('counts for nothing beside a key', async () => {
    await browser.signIn(await addUser('owner'));
    const headers = { 'x-api-key': 'phk_wrong' };
    assert.equal((await browser.ask('GET', '/v1/messages', { headers })).body.code, 'wrong_key');
  });

  test('the address of the server leads to the portal, which says when it was not built', async () => {
    const start = await api.app.inject('/');
    assert.deepEqual([start.statusCode, start.headers.location], [302, '/portal/']);
    const missing = await api.app.inject('/portal/messages');
    assert.equal(missing.statusCode, 404);
    assert.match(missing.json().detail, /npm run build -w @posthorn\/portal/);
  });
});
