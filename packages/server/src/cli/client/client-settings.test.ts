import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type ClientFlags, readClientSettings } from './client-settings.ts';
import { loadProfiles, profilesFile, saveProfiles } from './profiles.ts';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-profiles-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const NONE = { XDG_CONFIG_HOME: join(folder, 'none') };
const SAVED = { XDG_CONFIG_HOME: join(folder, 'saved') };
saveProfiles(SAVED, {
  current: 'live',
  profiles: {
    live: { url: 'https://live.test', key: 'phk_live' },
    staging: { url: 'https://staging.test', key: 'phk_staging' },
  },
});

/** URL and key, or the error. */
function read(flags: ClientFlags, env: NodeJS.ProcessEnv): string {
  const { url, key } = readClientSettings(flags, env);
  return `${url} ${key}`;
}

test('takes flags before variables, and the usual URL without either', () => {
  const env = { ...NONE, POSTHORN_URL: 'https://mail.test/', POSTHORN_API_KEY: 'phk_env' };
  assert.equal(read({}, env), 'https://mail.test phk_env');
  assert.equal(read({ url: 'http://[::1]:1', key: 'phk_flag' }, env), 'http://[::1]:1 phk_flag');
  assert.equal(read({ key: 'k' }, NONE), 'http://127.0.0.1:8480 k');
  for (const url of [
    'mail.test',
    'ftp://mail.test',
    'http://',
    'http://a b',
    'http://u:p@a.test',
  ]) {
    assert.throws(() => read({ url, key: 'k' }, NONE), /--url: .*http:\/\/127/);
    const env = { ...NONE, POSTHORN_URL: url, POSTHORN_API_KEY: 'k' };
    assert.throws(() => read({}, env), /POSTHORN_URL: /);
  }
  assert.throws(
    () => read({ url: 'http://me:hunter2@a.test', key: 'k' }, NONE),
    (error: Error) => {
      assert.ok(!error.message.includes('hunter2'), error.message);
      return true;
    },
  );
  assert.throws(() => read({}, NONE), /posthorn login.*POSTHORN_API_KEY.*--key/);
  assert.throws(() => read({ key: 'phk_1\r\nhost: evil' }, NONE), /Was it copied whole/);
});

test('a key in a file is given as @FILE', () => {
  const file = join(folder, 'key.txt');
  writeFileSync(file, 'phk_from-a-file\n');
  assert.equal(read({ key: `@${file}` }, NONE), 'http://127.0.0.1:8480 phk_from-a-file');
  assert.throws(() => read({ key: `@${file}.none` }, NONE), /key\.txt\.none cannot be read/);
});

test('the profile in use counts where nothing else is said, another by its name', () => {
  assert.equal(read({}, SAVED), 'https://live.test phk_live');
  assert.equal(read({ profile: 'staging' }, SAVED), 'https://staging.test phk_staging');
  const env = { ...SAVED, POSTHORN_PROFILE: 'staging' };
  assert.equal(read({}, env), 'https://staging.test phk_staging');
  assert.equal(read({ profile: 'live' }, env), 'https://live.test phk_live');
  const both = { ...env, POSTHORN_URL: 'https://other.test', POSTHORN_API_KEY: 'phk_other' };
  assert.equal(read({}, both), 'https://staging.test phk_staging');
  assert.throws(() => read({ profile: 'stagign' }, SAVED), /no profile "stagign".*"staging"/);
  assert.throws(() => read({ profile: '__proto__' }, SAVED), /There are: live, staging/);
  assert.throws(
    () => read({ profile: 'live', url: 'https://x.test' }, SAVED),
    /or --url and --key/,
  );
});

test('a saved key goes to the server that it was saved for, and to no other', () => {
  assert.equal(read({ url: 'https://staging.test/' }, SAVED), 'https://staging.test phk_staging');
  assert.throws(() => read({ url: 'https://evil.test' }, SAVED), /needs an API key/);
  assert.throws(
    () => read({}, { ...SAVED, POSTHORN_URL: 'https://evil.test' }),
    /needs an API key/,
  );
  // A key from elsewhere does not go to the saved server either.
  const env = { ...SAVED, POSTHORN_API_KEY: 'phk_env' };
  assert.equal(read({}, env), 'http://127.0.0.1:8480 phk_env');
});

test('the file is for its owner alone, and refused when others may read it', () => {
  const file = profilesFile(SAVED);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder, 'saved', 'posthorn')).mode & 0o777, 0o700);
  chmodSync(file, 0o644);
  assert.throws(() => loadProfiles(SAVED), /others on this machine may read it\. Run: chmod 600/);
  chmodSync(file, 0o600);
});

test('a file that somebody broke is named, and what it holds is not repeated', () => {
  const env = { XDG_CONFIG_HOME: join(folder, 'broken') };
  saveProfiles(env, { current: null, profiles: {} });
  for (const text of ['{"profiles": {"a": {"key": "phk_x"', '[]', '{"profiles":{"a":{"url":1}}}']) {
    writeFileSync(profilesFile(env), text);
    assert.throws(() => loadProfiles(env), /profiles\.json is not as "posthorn login" writes it/);
  }
  writeFileSync(profilesFile(env), '{"current":"gone","profiles":{}}');
  assert.deepEqual(loadProfiles(env), { current: null, profiles: {} });
});
