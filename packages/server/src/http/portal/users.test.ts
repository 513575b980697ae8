import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  addPortalUser,
  openBrowser,
  PASSWORD,
  type TestBrowser,
} from '../fixtures/portal-browser.ts';
import { type Json, startTestApi, type TestApi } from '../fixtures/test-api.ts';

const DAY_MS = 86_400_000;

let api: TestApi;
let owner: TestBrowser;
before(async () => {
  api = await startTestApi();
});
after(() => api.close());
beforeEach(async () => {
  // Whoever guessed in the test before has their guesses again.
  api.turnAccessClock(60_000);
  owner = openBrowser(api);
  await owner.signIn(await addPortalUser(api, 'owner'));
});

const invite = (email: string, more: object = {}) =>
  owner.ask('POST', '/portal/api/invitations', { body: { email, role: 'developer', ...more } });
const tokenOf = ({ body }: { body: Json }): string => body.path.split('#')[1];
const accept = (browser: TestBrowser, token: string, password = PASSWORD) =>
  browser.ask('POST', '/portal/api/invitations/accept', {
    body: { token, name: 'Ben', password },
  });
async function find(email: string): Promise<Json> {
  const { body } = await owner.ask('GET', '/portal/api/users');
  return body.users.find((one: Json) => one.email === email);
}

describe('an invitation', () => {
  test('makes a user with its role and projects, once', async () => {
    const made = await invite('Ben@example.com', { project_ids: [api.projectId] });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    assert.match(made.body.path, /^\/portal\/invitation#[\w-]{43}$/);
    const token = tokenOf(made);
    const ben = openBrowser(api);
    const look = await ben.ask('POST', '/portal/api/invitations/look', { body: { token } });
    assert.deepEqual(look.body, { email: 'ben@example.com', role: 'developer' });
    const short = await accept(ben, token, 'short');
    assert.equal(short.body.errors[0].pointer, '/password');
    const joined = await accept(ben, token);
    assert.equal(joined.status, 201);
    assert.deepEqual(
      [joined.body.user.name, joined.body.user.role, joined.body.projects.length],
      ['Ben', 'developer', 1],
    );
    const again = await accept(openBrowser(api), token);
    assert.deepEqual([again.status, again.body.code], [404, 'invitation_gone']);
    assert.equal((await invite('ben@example.com')).status, 409);
    const { body } = await owner.ask('GET', '/portal/api/users');
    assert.deepEqual(body.invitations, []);
  });

  test('two who use one link at once make one user', async () => {
    const token = tokenOf(await invite('twice@example.com'));
    const both = await Promise.all([
      accept(openBrowser(api), token),
      accept(openBrowser(api), token),
    ]);
    assert.deepEqual(both.map(({ status }) => status).sort(), [201, 404]);
  });

  test('ends when it is withdrawn, replaced or a week old', async () => {
    const first = await invite('cara@example.com');
    const second = await invite('cara@example.com');
    assert.equal((await accept(openBrowser(api), tokenOf(first))).body.code, 'invitation_gone');
    await owner.ask('DELETE', `/portal/api/invitations/${second.body.id}`);
    assert.equal((await accept(openBrowser(api), tokenOf(second))).body.code, 'invitation_gone');
    const missing = await owner.ask('DELETE', `/portal/api/invitations/${second.body.id}`);
    assert.equal(missing.status, 404);
    const third = tokenOf(await invite('cara@example.com'));
    api.turnAccessClock(7 * DAY_MS);
    assert.equal((await accept(openBrowser(api), third)).body.code, 'invitation_gone');
  });

  test('names what is wrong with it', async () => {
    const pointer = async (email: string, more: object) =>
      (await invite(email, more)).body.errors[0].pointer;
    assert.equal(await pointer('no address', {}), '/email');
    assert.equal(await pointer('d@example.com', { role: 'king' }), '/role');
    assert.equal(await pointer('d@example.com', { project_ids: [] }), '/project_ids');
    assert.equal(await pointer('d@example.com', { project_ids: ['prj_x'] }), '/project_ids/0');
  });

  test('is not to be guessed', async () => {
    const stranger = openBrowser(api);
    let answer = await accept(stranger, 'guess');
    for (let guess = 1; guess <= 30; guess++) answer = await accept(stranger, `guess-${guess}`);
    assert.deepEqual([answer.status, answer.body.code], [429, 'rate_limited']);
    // Behind the same proxy there is somebody else.
    const headers = { 'x-forwarded-for': '203.0.113.7' };
    const body = { token: 'guess' };
    const look = '/portal/api/invitations/look';
    assert.equal((await stranger.ask('POST', look, { body })).status, 429);
    assert.equal((await stranger.ask('POST', look, { body, headers })).status, 404);
  });
});

describe('a user', () => {
  test('is changed, disabled, enabled and removed by an owner', async () => {
    const email = await addPortalUser(api, 'developer');
    const browser = openBrowser(api);
    await browser.signIn(email);
    const status = async () => (await browser.ask('GET', '/v1/messages')).status;
    const { id } = await find(email);
    const path = `/portal/api/users/${id}`;
    const change = (body: object) => owner.ask('PATCH', path, { body });
    const changed = await change({ role: 'read_only', project_ids: [api.otherProjectId] });
    assert.deepEqual(
      [changed.body.role, changed.body.project_ids],
      ['read_only', [api.otherProjectId]],
    );
    assert.equal(await status(), 404);
    assert.equal((await change({ project_ids: null })).status, 200);
    assert.equal(await status(), 200);
    await change({ is_disabled: true });
    assert.equal((await browser.signIn(email)).body.code, 'wrong_sign_in');
    await change({ is_disabled: false });
    assert.equal(await status(), 401);
    assert.equal((await browser.signIn(email)).status, 201);
    assert.equal((await owner.ask('DELETE', path)).status, 204);
    assert.equal(await status(), 401);
    assert.equal((await owner.ask('DELETE', path)).status, 404);
    assert.equal(await find(email), undefined);
  });

  test('who is no owner is refused, and so is who lacks the token', async () => {
    const email = await addPortalUser(api, 'developer');
    const { id } = await find(email);
    const browser = openBrowser(api);
    await browser.signIn(email);
    for (const [method, path] of [
      ['GET', '/portal/api/users'],
      ['PATCH', `/portal/api/users/${id}`],
      ['DELETE', `/portal/api/users/${id}`],
      ['DELETE', `/portal/api/users/${id}/totp`],
      ['POST', '/portal/api/invitations'],
      ['DELETE', '/portal/api/invitations/inv_1'],
      ['GET', '/portal/api/audit'],
    ] as const) {
      const body = method === 'PATCH' || method === 'POST' ? { body: { role: 'owner' } } : {};
      const refused = await browser.ask(method, path, body);
      assert.deepEqual([refused.status, refused.body.code], [403, 'missing_role'], path);
      if (method === 'GET') continue;
      const headers = { 'x-posthorn-csrf': 'guessed' };
      const forged = await owner.ask(method, path, { ...body, headers });
      assert.deepEqual([forged.status, forged.body.code], [403, 'csrf'], path);
      const stranger = await openBrowser(api).ask(method, path, body);
      assert.equal(stranger.status, 401, path);
    }
  });

  test('the last owner stays one', async () => {
    const alone = await startTestApi();
    const browser = openBrowser(alone);
    const email = await addPortalUser(alone, 'owner');
    const { body } = await browser.signIn(email);
    const path = `/portal/api/users/${body.user.id}`;
    for (const change of [{ role: 'developer' }, { is_disabled: true }]) {
      const refused = await browser.ask('PATCH', path, { body: change });
      assert.deepEqual([refused.status, refused.body.code], [409, 'conflict']);
    }
    assert.equal((await browser.ask('DELETE', path)).status, 409);
    await addPortalUser(alone, 'owner');
    assert.equal((await browser.ask('DELETE', path)).status, 204);
    await alone.close();
  });
});

describe('an account', () => {
  test('gets a name', async () => {
    const empty = await owner.ask('PATCH', '/portal/api/account', { body: { name: '' } });
    assert.equal(empty.body.errors[0].pointer, '/name');
    await owner.ask('PATCH', '/portal/api/account', { body: { name: 'Anna' } });
    assert.equal((await owner.ask('GET', '/portal/api/session')).body.user.name, 'Anna');
  });

  test('gets another password, which ends its other sessions', async () => {
    const email = await addPortalUser(api, 'support');
    const [here, there] = [openBrowser(api), openBrowser(api)];
    await here.signIn(email);
    await there.signIn(email);
    const change = (current_password: string, password: string) =>
      here.ask('POST', '/portal/api/account/password', { body: { current_password, password } });
    assert.equal(
      (await change('wrong', 'another long one')).body.errors[0].pointer,
      '/current_password',
    );
    assert.equal((await change(PASSWORD, 'short')).body.errors[0].pointer, '/password');
    assert.equal((await change(PASSWORD, 'another long one')).status, 204);
    assert.equal((await here.ask('GET', '/v1/messages')).status, 200);
    assert.equal((await there.ask('GET', '/v1/messages')).status, 401);
    assert.equal((await there.signIn(email)).status, 401);
    assert.equal((await there.signIn(email, 'another long one')).status, 201);
  });
});

describe('the audit log', () => {
  test('says who changed what, by the portal and by the API, and no more', async () => {
    const { body: me } = await owner.ask('GET', '/portal/api/session');
    const source = await owner.ask('POST', '/v1/sources', { body: { provider: 'sendgrid' } });
    assert.equal(source.status, 201, JSON.stringify(source.body));
    await owner.ask('DELETE', `/v1/sources/${source.body.id}`);
    await owner.ask('POST', '/v1/sources', { body: { provider: 'nobody' } });
    await owner.ask('GET', '/v1/sources');
    await api.send('POST', '/v1/sources', { body: { provider: 'sendgrid' } });
    await invite('dora@example.com');
    const { body } = await owner.ask('GET', '/portal/api/audit?limit=4');
    assert.deepEqual(
      body.data.map(({ action, target, project_id }: Json) => [action, target, project_id]),
      [
        ['user.invited', 'dora@example.com', null],
        ['DELETE /v1/sources/{id}', source.body.id, api.projectId],
        ['POST /v1/sources', source.body.id, api.projectId],
        ['session.opened', null, null],
      ],
    );
    for (const entry of body.data) {
      assert.equal(entry.user_email, me.user.email);
      assert.equal(entry.remote_address, '127.0.0.1');
    }
    const next = await owner.ask('GET', `/portal/api/audit?limit=4&cursor=${body.next_cursor}`);
    assert.ok(next.body.data.every(({ id }: Json) => id < body.data[3].id));
    const strange = await owner.ask('GET', '/portal/api/audit?cursor=c2FkZg');
    assert.equal(strange.body.code, 'invalid_cursor');
  });
});
