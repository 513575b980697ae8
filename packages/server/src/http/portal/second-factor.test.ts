import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { decodeBase32, totpCode } from '../../lib/secrets/totp.ts';
import {
  addPortalUser,
  openBrowser,
  PASSWORD,
  type TestBrowser,
} from '../fixtures/portal-browser.ts';
import { startTestApi, type TestApi } from '../fixtures/test-api.ts';

const STEP_MS = 30_000;

let api: TestApi;
let browser: TestBrowser;
let email: string;
before(async () => {
  api = await startTestApi();
});
after(() => api.close());
beforeEach(async () => {
  api.turnAccessClock(60_000);
  browser = openBrowser(api);
  email = await addPortalUser(api, 'developer');
  await browser.signIn(email);
});

const codeOf = (secret: string, afterMs = 0): string =>
  totpCode(decodeBase32(secret) ?? new Uint8Array(), api.accessNow() + afterMs);

const enable = (secret: string, code: string, password = PASSWORD) =>
  browser.ask('PUT', '/portal/api/account/totp', {
    body: { secret, code, current_password: password },
  });

async function setUp(): Promise<{ secret: string; recovery: string[] }> {
  const { body } = await browser.ask('POST', '/portal/api/account/totp');
  const answer = await enable(body.secret, codeOf(body.secret));
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  api.turnAccessClock(STEP_MS);
  return { secret: body.secret, recovery: answer.body.recovery_codes };
}

const signIn = async (totp?: string) => {
  const { status, body } = await openBrowser(api).signIn(email, PASSWORD, totp);
  return status === 201 ? 'in' : body.code;
};

test('is set up by who has the app and the password, and asked for from then on', async () => {
  const { body } = await browser.ask('POST', '/portal/api/account/totp');
  assert.match(
    body.url,
    /^otpauth:\/\/totp\/Posthorn%20posthorn\.test:person-\d+%40example\.com\?/,
  );
  const refused = async (...given: Parameters<typeof enable>) =>
    (await enable(...given)).body.errors[0].pointer;
  assert.equal(await refused(body.secret, codeOf(body.secret), 'wrong'), '/current_password');
  assert.equal(await refused(body.secret, codeOf(body.secret, 10 * STEP_MS)), '/code');
  assert.equal(await refused('MZXW6', '000000'), '/secret');
  assert.equal(await signIn(), 'in');
  const { secret } = await setUp();
  assert.equal((await browser.ask('GET', '/portal/api/session')).body.user.has_totp, true);
  assert.equal(await signIn(), 'totp_required');
  assert.equal(await signIn(codeOf(secret)), 'in');
  // What is stored does not tell the secret.
  const user = await api.store.users.byEmail(email);
  assert.doesNotMatch(JSON.stringify(user), new RegExp(secret));
});

test('a wrong password is told before a code is asked for', async () => {
  const { secret } = await setUp();
  const { body } = await openBrowser(api).signIn(email, 'wrong', codeOf(secret));
  assert.equal(body.code, 'wrong_sign_in');
});

test('a code counts once, and none before it counts afterwards', async () => {
  const { secret } = await setUp();
  const [early, code] = [codeOf(secret, -STEP_MS), codeOf(secret)];
  const both = await Promise.all([signIn(code), signIn(code)]);
  assert.deepEqual(both.sort(), ['in', 'wrong_totp']);
  assert.equal(await signIn(code), 'wrong_totp');
  assert.equal(await signIn(early), 'wrong_totp');
  assert.equal(await signIn(codeOf(secret, STEP_MS)), 'in');
});

test('codes are not to be guessed', async () => {
  const { secret } = await setUp();
  const wrong = codeOf(secret, 100 * STEP_MS);
  // One of ten an hour was used to set it up.
  for (let guess = 2; guess <= 10; guess++) {
    assert.equal(await signIn(wrong), 'wrong_totp');
    api.turnAccessClock(6_000);
  }
  assert.equal(await signIn(codeOf(secret)), 'rate_limited');
  api.turnAccessClock(360_000);
  assert.equal(await signIn(codeOf(secret)), 'in');
});

test('a recovery code lets in once', async () => {
  const { recovery } = await setUp();
  assert.equal(new Set(recovery).size, 10);
  const [first = '', second = ''] = recovery;
  assert.match(first, /^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/);
  assert.equal(await signIn(first), 'in');
  assert.equal(await signIn(first), 'wrong_totp');
  assert.equal(await signIn(second.toUpperCase().replaceAll('-', ' ')), 'in');
  const { user } = (await browser.ask('GET', '/portal/api/session')).body;
  assert.equal(user.recovery_codes, 8);
  assert.doesNotMatch(JSON.stringify(await api.store.users.byEmail(email)), new RegExp(first));
});

test('is taken away with the password, or by an owner', async () => {
  await setUp();
  const disable = (current_password: string) =>
    browser.ask('POST', '/portal/api/account/totp/disable', { body: { current_password } });
  assert.equal((await disable('wrong')).status, 422);
  assert.equal((await disable(PASSWORD)).status, 204);
  assert.equal(await signIn(), 'in');
  await setUp();
  const owner = openBrowser(api);
  await owner.signIn(await addPortalUser(api, 'owner'));
  const { id } = (await browser.ask('GET', '/portal/api/session')).body.user;
  assert.equal((await owner.ask('DELETE', `/portal/api/users/${id}/totp`)).status, 204);
  assert.equal(await signIn(), 'in');
});
