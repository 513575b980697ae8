import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { decideRole, parseRoleValues } from '../../../core/oidc-role.ts';
import {
  type Lie,
  type OidcProviderFixture,
  startOidcProvider,
} from '../../fixtures/oidc-provider.ts';
import { addPortalUser, openBrowser, type TestBrowser } from '../../fixtures/portal-browser.ts';
import { type Json, startTestApi, type TestApi } from '../../fixtures/test-api.ts';

const START = '/portal/api/oidc/start';

let provider: OidcProviderFixture;
let api: TestApi;
let browser: TestBrowser;
before(async () => {
  provider = await startOidcProvider();
  api = await startTestApi({
    oidc: {
      provider: provider.provider,
      admission: {
        roleClaim: 'groups',
        roles: parseRoleValues('owner=admins,developer=engineering'),
        defaultRole: null,
        domains: ['example.com'],
      },
      trustsEmail: false,
      publicUrl: 'https://posthorn.test',
    },
  });
  await addPortalUser(api, 'owner');
});
after(async () => {
  await api.close();
  await provider.close();
});
beforeEach(() => {
  api.turnAccessClock(60_000);
  browser = openBrowser(api);
});

const person = (name: string, more: object = {}) => ({
  sub: `sub-${name}`,
  email: `${name}@example.com`,
  email_verified: true,
  name: 'Somebody',
  groups: ['staff', 'engineering'],
  ...more,
});

/** To the provider and back, up to where the browser would come back to the server. */
async function goAndComeBack(start = START): Promise<string> {
  const { headers } = await browser.ask('GET', start);
  const back = await provider.visit(String(headers['location']));
  assert.equal(back.origin + back.pathname, 'https://posthorn.test/portal/api/oidc/callback');
  return `/portal/api/oidc/callback${back.search}`;
}

/** Where somebody ends up. */
async function signIn(claims: Record<string, Json>, lie: Lie = {}, userinfo = {}): Promise<string> {
  provider.present(claims, lie, userinfo);
  const { headers } = await browser.ask('GET', await goAndComeBack());
  return String(headers['location']);
}

const session = async (): Promise<Json> => (await browser.ask('GET', '/portal/api/session')).body;

describe('sign-in by OpenID Connect', () => {
  test('makes a user with the role of their claim, once', async () => {
    assert.equal((await session()).sign_in_service, new URL(provider.provider.issuer).host);
    assert.equal(await signIn(person('anna')), '/portal/');
    const { user, projects } = await session();
    assert.deepEqual(
      [user.email, user.role, user.name, user.has_password, projects.length],
      ['anna@example.com', 'developer', 'Somebody', false, 2],
    );
    browser = openBrowser(api);
    // Their address has changed: they are the same all the same.
    assert.equal(await signIn(person('anna', { email: 'anna.new@example.com' })), '/portal/');
    assert.equal((await session()).user.id, user.id);
    const { rows } = await api.store.audit.list({ limit: 10, beforeId: null });
    assert.deepEqual(
      rows.filter(({ userId }) => userId === user.id).map(({ action, target }) => [action, target]),
      [
        ['session.opened', provider.provider.issuer],
        ['session.opened', provider.provider.issuer],
        ['user.joined', user.id],
      ],
    );
    assert.equal((await openBrowser(api).signIn('anna@example.com', '')).status, 401);
  });

  test('lets in who has an account already, and keeps its role', async () => {
    const email = await addPortalUser(api, 'support', [api.projectId]);
    assert.equal(await signIn(person('ben', { email, groups: ['admins'] })), '/portal/');
    const { user } = await session();
    assert.deepEqual([user.email, user.role, user.has_password], [email, 'support', true]);
    browser = openBrowser(api);
    assert.equal(await signIn(person('other', { email })), '/portal/#oidc=not_allowed');
    assert.equal((await session()).user, undefined);
  });

  test('takes what is missing in the token from userinfo', async () => {
    const email = 'uma@example.com';
    const more = { email, email_verified: true, groups: ['admins'] };
    assert.equal(await signIn({ sub: 'sub-uma' }, {}, more), '/portal/');
    assert.deepEqual([(await session()).user.email, (await session()).user.role], [email, 'owner']);
  });

  test('leads back to the page that was asked for, and to no other site', async () => {
    for (const [asked, end] of [
      ['/portal/messages?state=bounced', '/portal/messages?state=bounced'],
      ['//evil.example/portal/', '/portal/'],
      ['https://evil.example/portal/', '/portal/'],
      ['/portal/../v1/events', '/portal/'],
      ['/portal/api/session', '/portal/'],
    ] as const) {
      provider.present(person('anna'));
      const back = await goAndComeBack(`${START}?page=${encodeURIComponent(asked)}`);
      assert.equal((await browser.ask('GET', back)).headers['location'], end);
    }
  });

  test('refuses who may not come', async () => {
    const refused: [string, Record<string, Json>, Lie?][] = [
      ['not_allowed', person('cara', { groups: ['staff'] })],
      ['not_allowed', person('cara', { email: 'cara@elsewhere.example' })],
      ['not_allowed', person('cara', { email: 'cara@example.com.evil.example' })],
      ['email', person('cara', { email_verified: false })],
      ['email', person('cara', { email: 'nobody' })],
      ['refused', person('cara'), { error: 'access_denied' }],
    ];
    for (const [reason, claims, lie] of refused) {
      assert.equal(await signIn(claims, lie), `/portal/#oidc=${reason}`);
      assert.equal((await session()).reason, 'signed_out');
    }
    assert.equal(await api.store.users.byEmail('cara@example.com'), null);
    const dora = person('dora');
    await signIn(dora);
    const user = await api.store.users.byEmail('dora@example.com');
    assert.ok(user);
    await api.store.users.changeRights(user.id, { ...user, disabledAtMs: 1 }, []);
    assert.equal(await signIn(dora), '/portal/#oidc=not_allowed');
  });

  test('believes no token that is not for this sign-in, from this provider, now', async () => {
    const seconds = Math.floor(Date.now() / 1_000);
    const lies: Record<string, Lie> = {
      'wrong nonce': { claims: { nonce: 'another' } },
      'no nonce': { claims: { nonce: undefined } },
      'wrong audience': { claims: { aud: 'another-client' } },
      'several audiences, for another': { claims: { aud: ['posthorn', 'b'], azp: 'b' } },
      'wrong issuer': { claims: { iss: 'https://evil.example' } },
      expired: { claims: { iat: seconds - 600, exp: seconds - 60 } },
      'unknown key': { strangeKey: true },
      unsigned: { unsigned: true },
    };
    for (const [name, lie] of Object.entries(lies)) {
      assert.equal(await signIn(person('eve'), lie), '/portal/#oidc=invalid', name);
    }
    assert.equal(await api.store.users.byEmail('eve@example.com'), null);
    assert.equal(await signIn(person('eve')), '/portal/', 'without a lie she comes in');
  });

  test('lets in once, in the browser where it began, with its own state, within ten minutes', async () => {
    provider.present(person('finn'));
    const back = await goAndComeBack();
    const come = async (visitor: TestBrowser, url: string, headers = {}) =>
      (await visitor.ask('GET', url, { headers })).headers['location'];
    assert.equal(await come(openBrowser(api), back), '/portal/#oidc=expired');
    // The cookie as it was, for who would keep it.
    const { headers } = await browser.ask('GET', START);
    const [cookie = ''] = String(headers['set-cookie']).split(';');
    assert.equal(await come(browser, back), '/portal/#oidc=invalid', 'the state of an earlier one');
    const again = (await provider.visit(String(headers['location']))).search;
    const url = `/portal/api/oidc/callback${again}`;
    assert.equal(await come(openBrowser(api), url, { cookie }), '/portal/');
    assert.equal(await come(openBrowser(api), url, { cookie }), '/portal/#oidc=invalid');
    const late = await goAndComeBack();
    api.turnAccessClock(600_000);
    assert.equal(await come(browser, late), '/portal/#oidc=expired');
    assert.equal(
      await come(openBrowser(api), '/portal/api/oidc/callback'),
      '/portal/#oidc=expired',
    );
  });

  test('says when the provider does not answer, and goes on when it does', async () => {
    provider.goDown(true);
    const fresh = openBrowser(api);
    // What was found of the provider is asked for again after an hour.
    api.turnAccessClock(3_600_000);
    assert.equal((await fresh.ask('GET', START)).headers['location'], '/portal/#oidc=unreachable');
    provider.goDown(false);
    assert.match(String((await fresh.ask('GET', START)).headers['location']), /\/authorize\?/);
  });
});

test('nobody becomes an owner by default, and a value gives a role only where it is whole', () => {
  const admission = {
    roleClaim: 'groups',
    roles: parseRoleValues('owner=admins, support=help desk'),
    defaultRole: null,
    domains: [],
  };
  assert.equal(decideRole({ groups: ['admins-of-cars'] }, admission), null);
  assert.equal(decideRole({ groups: 'help desk' }, admission), 'support');
  assert.equal(decideRole({}, { ...admission, roleClaim: null }), null);
  assert.equal(decideRole({}, { ...admission, defaultRole: 'read_only' }), 'read_only');
});
