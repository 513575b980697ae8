import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PosthornError } from '../../lib/errors.ts';
import type { ApiKeyRecord } from '../../store/access/api-keys.ts';
import { newProject } from '../../store/projects.ts';
import {
  createAuthenticator,
  generateApiKey,
  hashApiKey,
  requireScope,
  toApiKeyRecord,
} from './authenticate.ts';

const KEY = generateApiKey();
const HASH = hashApiKey(KEY);
const RECORD = toApiKeyRecord(KEY, {
  projectId: 'prj_1',
  id: 'key_1',
  name: 'App',
  scopes: ['send'],
  createdAtMs: 0,
});

/** An authenticator over a store whose look-ups a test answers one by one. */
function setUp() {
  const asked: ((record: ApiKeyRecord | null) => void)[] = [];
  const used: string[] = [];
  const projects = new Set(['prj_1']);
  /** Made by another node, and not told of yet. */
  const elsewhere = new Set<string>();
  let nowMs = 0;
  const authenticator = createAuthenticator({
    apiKeys: { find: () => new Promise((resolve) => asked.push(resolve)) },
    projects: {
      find: (id) => (projects.has(id) ? newProject(id, 'Test', 0) : null),
      async refresh() {
        for (const id of elsewhere) projects.add(id);
      },
    },
    usage: { note: ({ keyId }) => used.push(keyId) },
    now: () => nowMs,
  });
  /** What became of asking for the key: its id, or the code of the refusal. */
  const identify = () =>
    authenticator.identify(HASH).then(
      ({ keyId }) => keyId,
      (error: PosthornError) => error.code,
    );
  return {
    authenticator,
    asked,
    used,
    projects,
    elsewhere,
    identify,
    /** Asks, and answers the look-up that this leads to. */
    async lookUp(record: ApiKeyRecord | null) {
      const outcome = identify();
      asked.pop()?.(record);
      return outcome;
    },
    advance(ms: number) {
      nowMs += ms;
    },
  };
}

test('a look-up is remembered for a moment, and so is that nobody has a key', async () => {
  const { lookUp, identify, asked, advance, used } = setUp();
  assert.equal(await lookUp(null), 'wrong_key');
  advance(4_999);
  assert.equal(await identify(), 'wrong_key');
  advance(1);
  assert.equal(await lookUp(RECORD), 'key_1');
  assert.equal(await identify(), 'key_1');
  assert.equal(asked.length, 0);
  assert.deepEqual(used, ['key_1', 'key_1']);
});

test('what is forgotten is looked up again', async () => {
  const { authenticator, lookUp, identify } = setUp();
  assert.equal(await lookUp(RECORD), 'key_1');
  authenticator.forget(HASH);
  assert.equal(await lookUp({ ...RECORD, revokedAtMs: 1 }), 'wrong_key');
  assert.equal(await identify(), 'wrong_key');
});

test('a look-up that began before its key was revoked is not remembered', async () => {
  const { authenticator, asked, identify, lookUp } = setUp();
  const early = identify();
  authenticator.forget(HASH);
  asked.pop()?.(RECORD);
  assert.equal(await early, 'key_1');
  assert.equal(await lookUp({ ...RECORD, revokedAtMs: 1 }), 'wrong_key');
});

test('the key of a project that another node has just made is let in', async () => {
  const { lookUp, projects, elsewhere } = setUp();
  projects.clear();
  elsewhere.add('prj_1');
  assert.equal(await lookUp(RECORD), 'key_1');
});

test('a key ends with its time and with its project, whatever is remembered of it', async () => {
  const { lookUp, identify, advance, projects } = setUp();
  assert.equal(await lookUp({ ...RECORD, expiresAtMs: 2 }), 'key_1');
  advance(1);
  assert.equal(await identify(), 'key_1');
  advance(1);
  assert.equal(await identify(), 'expired_key');
  projects.delete('prj_1');
  assert.equal(await identify(), 'wrong_key');
});

test('one scope does not include another', () => {
  requireScope({ scopes: ['read', 'send'] }, 'send');
  assert.throws(() => requireScope({ scopes: ['admin', 'manage'] }, 'read'), {
    code: 'missing_scope',
    message: 'This needs a key with the scope "read"; this key has "admin" and "manage".',
  });
});

test('a record of a key has no more of it than a hash and its end', () => {
  assert.equal(RECORD.hint, KEY.slice(-4));
  assert.match(RECORD.keyHash, /^[0-9a-f]{64}$/);
  assert.ok(!JSON.stringify(RECORD).includes(KEY.slice(4, -4)));
});
