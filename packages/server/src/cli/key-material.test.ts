import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfig } from '../config/load-config.ts';
import { ConfigError, type SettingName } from '../config.ts';
import { TEST_CERTIFICATE } from '../smtp/fixtures/test-certificate.ts';
import { loadKeyMaterial, loadMasterKeys, prepareMasterKey } from './key-material.ts';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-keys-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const base64 = (byte: number): string => Buffer.alloc(32, byte).toString('base64');

test('does not say a master key that is wrong', () => {
  const masterKey = 'c2VjcmV0LXRoYXQtaXMtdG9vLXNob3J0';
  for (const flags of [{ masterKey }, { masterKey: base64(1), newMasterKey: masterKey }]) {
    assert.throws(
      () => loadKeyMaterial(loadConfig({ flags })),
      (error) => error instanceof ConfigError && !error.message.includes(masterKey),
    );
  }
});

test('makes the master key at the first start, for the owner alone, and reads it from then on', () => {
  const data = join(folder, 'first', 'nested');
  const config = loadConfig({ flags: { data } });
  const first = loadKeyMaterial(config);
  const file = join(data, 'master.key');
  assert.equal(first.masterKey.length, 32);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(data).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(data), ['master.key']);
  assert.deepEqual(loadKeyMaterial(config).masterKey, first.masterKey);
  const given = Buffer.alloc(32, 7).toString('base64');
  const other = loadKeyMaterial(loadConfig({ flags: { data, masterKey: given } }));
  assert.deepEqual(Buffer.from(other.masterKey), Buffer.alloc(32, 7));
});

test('makes no new master key beside a store that was sealed with another', () => {
  const data = join(folder, 'lost');
  mkdirSync(data);
  writeFileSync(join(data, 'posthorn.sqlite'), '');
  const config = loadConfig({ flags: { data } });
  assert.throws(() => loadKeyMaterial(config), /master\.key is missing.*POSTHORN_MASTER_KEY/);
  assert.deepEqual(readdirSync(data), ['posthorn.sqlite']);
});

test('refuses a master key that is none, and a folder that is a file', () => {
  const data = join(folder, 'damaged');
  mkdirSync(data);
  writeFileSync(join(data, 'master.key'), 'half');
  const refuses = (flags: Partial<Record<SettingName, string>>, message: RegExp) =>
    assert.throws(
      () => loadKeyMaterial(loadConfig({ flags })),
      (error) =>
        (error instanceof ConfigError && message.test(error.message)) || assert.fail(String(error)),
    );
  refuses({ data }, /master\.key: a master key is 32 bytes in base64/);
  refuses({ data, masterKey: 'abc' }, /^master_key: .*openssl rand/);
  refuses({ data: join(data, 'master.key') }, /master\.key.*cannot be used/);
});

test('reads certificates, and refuses half a pair or what is no PEM file', () => {
  const key = join(folder, 'key.pem');
  const cert = join(folder, 'cert.pem');
  const data = join(folder, 'tls');
  writeFileSync(key, TEST_CERTIFICATE.key);
  writeFileSync(cert, TEST_CERTIFICATE.cert);
  const load = (flags: Partial<Record<SettingName, string>>) =>
    loadKeyMaterial(loadConfig({ flags: { data, ...flags } }));
  const loaded = load({
    smtpTlsKey: key,
    smtpTlsCert: cert,
    smtpRequireTls: 'true',
    endpointCa: cert,
  });
  assert.deepEqual(loaded.submissionTls, TEST_CERTIFICATE);
  assert.equal(loaded.endpointCa, TEST_CERTIFICATE.cert);
  const cut = join(folder, 'cut.pem');
  writeFileSync(cut, 'x');
  assert.throws(() => load({ smtpTlsKey: key }), /smtp_tls_key and smtp_tls_cert belong together/);
  assert.throws(() => load({ smtpRequireTls: 'true' }), /smtp_require_tls needs/);
  assert.throws(() => load({ endpointCa: cut }), /endpoint_ca: .* is not a PEM file/);
  assert.throws(() => load({ endpointCa: join(folder, 'none') }), /endpoint_ca: .* cannot be read/);
});

test('a new master key is made in a file of its own, and takes the place of the old one', () => {
  const data = join(folder, 'rotated');
  const config = loadConfig({ flags: { data } });
  const { masterKey: old, nextMasterKey: none } = loadMasterKeys(config);
  assert.equal(none, null);
  const next = prepareMasterKey(config);
  const waiting = join(data, 'master.key.new');
  assert.equal(next.where, waiting);
  assert.equal(statSync(waiting).mode & 0o777, 0o600);
  const both = loadMasterKeys(config);
  assert.deepEqual(both.masterKey, old);
  assert.deepEqual(both.nextMasterKey?.key, next.key);
  assert.notDeepEqual(next.key, old);

  const kept = join(data, 'master.key.until-2026-11-21T16-00-00-000Z');
  assert.ok(next.adopt(Date.UTC(2026, 10, 21, 16)).includes(kept));
  assert.deepEqual(loadMasterKeys(config), { masterKey: next.key, nextMasterKey: null });
  assert.deepEqual(Buffer.from(readFileSync(kept, 'utf8'), 'base64'), old);
});

test('a new master key that is given goes the same way', () => {
  const data = join(folder, 'given');
  const config = loadConfig({ flags: { data, newMasterKey: base64(9) } });
  // Left from a rotation that is over, it is no key of the next one.
  assert.equal(loadMasterKeys(config).nextMasterKey, null);
  prepareMasterKey(config).adopt(0);
  assert.deepEqual(Buffer.from(loadMasterKeys(config).masterKey), Buffer.alloc(32, 9));
});

test('where the master key is a setting, the new one is one too, and no file is written', () => {
  const data = join(folder, 'settings');
  const flags = { data, masterKey: base64(1) };
  assert.throws(() => prepareMasterKey(loadConfig({ flags })), /POSTHORN_NEW_MASTER_KEY/);
  const config = loadConfig({ flags: { ...flags, newMasterKey: base64(2) } });
  assert.deepEqual(loadMasterKeys(config).nextMasterKey?.key, Buffer.alloc(32, 2));
  assert.match(prepareMasterKey(config).adopt(0), /give it as POSTHORN_MASTER_KEY/);
  assert.equal(existsSync(data), false);
});
