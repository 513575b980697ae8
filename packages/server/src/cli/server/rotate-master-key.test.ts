import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfig } from '../../config/load-config.ts';
import { ConfigError, type SettingName } from '../../config.ts';
import { systemClock } from '../../lib/clock.ts';
import { createSecretBox } from '../../lib/secrets/secret-box.ts';
import { createSealedValues, type SealedValues } from '../../store/sealed-values.ts';
import { openSqliteEngine } from '../../store/sqlite/engine.ts';
import { loadMasterKeys, prepareMasterKey } from '../key-material.ts';
import { findFittingKey, openSecretBox } from '../select-master-key.ts';
import {
  killPosthornProcesses,
  readLog,
  runPosthorn,
  startPosthornProcess,
} from '../whole/fixtures/posthorn-process.ts';
import { createTestClient } from '../whole/fixtures/test-client.ts';
import { startWebhookReceiver } from '../whole/fixtures/webhook-receiver.ts';
import { rotate } from './rotate-master-key.ts';

const root = mkdtempSync(join(tmpdir(), 'posthorn-rotate-'));
after(() => {
  killPosthornProcesses();
  rmSync(root, { recursive: true, force: true });
});

const API_KEY = 'phk_rotate-master-key';
const base64 = (byte: number): string => Buffer.alloc(32, byte).toString('base64');

let folders = 0;
function newFolder(): string {
  folders += 1;
  return join(root, String(folders));
}

/** The command as a process of its own. */
async function run(data: string) {
  const command = runPosthorn(['rotate-master-key', '--data', data]);
  return { code: await command.ended, stdout: command.stdout(), stderr: command.stderr() };
}

const rotateWith = (flags: Partial<Record<SettingName, string>>) => rotate(loadConfig({ flags }));

/** A store of these settings, as a start would leave it, and what has been sealed in it. */
async function withStore<T>(
  flags: Partial<Record<SettingName, string>>,
  work: (sealed: SealedValues) => Promise<T>,
): Promise<T> {
  const engine = await openSqliteEngine({ folder: flags.data ?? '', clock: systemClock });
  try {
    return await work(createSealedValues(engine));
  } finally {
    await engine.close();
  }
}

/** As `serve` does it. */
async function start(flags: Partial<Record<SettingName, string>>): Promise<{ warned: string }> {
  const warnings: string[] = [];
  const log = { warn: (_: object, text: string) => warnings.push(text) };
  const keys = loadMasterKeys(loadConfig({ flags }));
  await withStore(flags, (sealed) => openSecretBox(sealed, keys, { log, nowMs: 0 }));
  return { warned: warnings.join('\n') };
}

test('a stopped server gets a new key; what was sealed before opens with it', async () => {
  const data = newFolder();
  const settings = { data, 'api-key': API_KEY };
  const first = await startPosthornProcess(settings);
  const receiver = await startWebhookReceiver();
  after(() => receiver.close());
  const client = createTestClient(first.httpUrl, API_KEY);
  const { id, secret } = await client.post('/v1/endpoints', { url: receiver.url });
  receiver.useSecret(secret);
  const file = join(data, 'master.key');
  const before = readFileSync(file, 'utf8');

  const running = await run(data);
  assert.equal(running.code, 1);
  assert.match(running.stderr, /in use by another Posthorn process/);
  first.child.kill('SIGTERM');
  assert.equal(await first.ended, 0);

  const rotated = await run(data);
  assert.deepEqual([rotated.code, rotated.stderr], [0, '']);
  assert.match(rotated.stdout, /secrets of endpoints \(1\) .*remembered answers \(0\)/);
  const next = readFileSync(file, 'utf8');
  assert.notEqual(next, before);
  for (const key of [before, next]) assert.ok(!rotated.stdout.includes(key.trim()));
  const [kept = ''] = readdirSync(data).filter((name) => name.startsWith('master.key.until-'));
  assert.equal(readFileSync(join(data, kept), 'utf8'), before);
  assert.ok(rotated.stdout.includes(kept));

  const again = await startPosthornProcess(settings);
  const later = createTestClient(again.httpUrl, API_KEY);
  const { event_id } = await later.post(`/v1/endpoints/${id}/test`, {});
  // The receiver verifies with the secret of before.
  await receiver.until((event) => event.id === event_id);
  again.child.kill('SIGTERM');
  assert.equal(await again.ended, 0);
  assert.deepEqual(
    readLog(again.stderr()).filter(({ level }) => level === 'warn'),
    [],
  );
});

test('cut short before the commit, the old key fits, and the start says what is left', async () => {
  const flags = { data: newFolder() };
  await start(flags);
  prepareMasterKey(loadConfig({ flags }));
  const { warned } = await start(flags);
  assert.match(warned, /a rotation did not take place/);
  assert.match(await rotateWith(flags), /^Sealed with the new master key/);
  assert.equal((await start(flags)).warned, '');
});

for (const how of ['the next start', 'the command, run again,'] as const) {
  test(`cut short after the commit, ${how} puts the new key in its place`, async () => {
    const flags = { data: newFolder() };
    await start(flags);
    const config = loadConfig({ flags });
    const from = createSecretBox(loadMasterKeys(config).masterKey);
    const next = prepareMasterKey(config);
    const to = createSecretBox(next.key);
    await withStore(flags, (sealed) => sealed.reseal({ from, to }, 0));
    assert.equal(
      await withStore(flags, (sealed) => findFittingKey(sealed, loadMasterKeys(config))),
      'next',
    );
    if (how === 'the next start') {
      assert.match((await start(flags)).warned, /a rotation was cut short, and is done now/);
    } else {
      assert.match(await rotateWith(flags), /was cut short; it is done now/);
    }
    assert.deepEqual(Buffer.from(loadMasterKeys(config).masterKey), Buffer.from(next.key));
    assert.equal((await start(flags)).warned, '');
  });
}

test('keys that are settings are changed by their settings, and no file is written', async () => {
  const data = newFolder();
  const [masterKey, newMasterKey] = [base64(1), base64(2)];
  await start({ data, masterKey });
  await assert.rejects(rotateWith({ data, masterKey }), /set POSTHORN_NEW_MASTER_KEY/);
  const rotated = await rotateWith({ data, masterKey, newMasterKey });
  assert.match(rotated, /From now on give it as POSTHORN_MASTER_KEY/);
  // Until somebody has changed the settings, the start goes on with the key that fits.
  assert.match((await start({ data, masterKey, newMasterKey })).warned, /is done now/);
  assert.equal((await start({ data, masterKey: newMasterKey })).warned, '');
  await assert.rejects(start({ data, masterKey }), /does not open with this master key/);
  assert.ok(!readdirSync(data).some((name) => name.startsWith('master.key')));
});

test('a wrong key, an equal key and a folder without a store are refused', async () => {
  const data = newFolder();
  const masterKey = base64(1);
  await start({ data, masterKey });
  const wrong = { data, masterKey: base64(3), newMasterKey: base64(4) };
  await assert.rejects(rotateWith(wrong), /does not open with this master key/);
  const equal = { data, masterKey, newMasterKey: masterKey };
  await assert.rejects(rotateWith(equal), ConfigError);
  const nowhere = newFolder();
  await assert.rejects(rotateWith({ data: nowhere }), /there is no store in/);
  assert.equal(existsSync(nowhere), false);
  assert.equal((await start({ data, masterKey })).warned, '');
});
