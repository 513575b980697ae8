import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfig } from '../../config/load-config.ts';
import { systemClock } from '../../lib/clock.ts';
import { type Log, silentLog } from '../../lib/log.ts';
import { type RunningPosthorn, startPosthorn } from '../../main.ts';
import { connectRawClient, type RawClient } from '../../smtp/fixtures/raw-client.ts';
import { openSqliteEngine } from '../../store/sqlite/engine.ts';
import { createStore, type Store } from '../../store/store.ts';
import { loadKeyMaterial } from '../key-material.ts';
import { createTestClient, type Json, type TestClient } from './fixtures/test-client.ts';

const OPERATOR_KEY = 'phk_the-operators';

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-tenants-'));
  folders.push(folder);
  return folder;
}

/** Posthorn on this folder; mail goes nowhere, since no mail server is on that port. */
async function start(data: string, apiKey: string, log: Log = silentLog): Promise<RunningPosthorn> {
  const flags = {
    data,
    apiKey,
    port: '0',
    smtpPort: '0',
    smarthost: 'smtp://127.0.0.1:9',
    shutdownGrace: '0s',
  };
  const config = loadConfig({ flags });
  return startPosthorn(config, loadKeyMaterial(config), { log });
}

/** The store of a Posthorn that is stopped. */
async function withStore<T>(folder: string, work: (store: Store) => Promise<T>): Promise<T> {
  const engine = await openSqliteEngine({ folder, clock: systemClock, maxSizeBytes: null });
  try {
    return await work(createStore(engine));
  } finally {
    await engine.close();
  }
}

async function logIn(running: RunningPosthorn, key: string): Promise<[RawClient, string]> {
  const smtp = await connectRawClient(running.smtp?.port ?? 0);
  await smtp.reply();
  await smtp.command('EHLO app.test');
  const login = Buffer.from(`\0any\0${key}`).toString('base64');
  return [smtp, await smtp.command(`AUTH PLAIN ${login}`)];
}

const remove = (running: RunningPosthorn, path: string): Promise<Response> =>
  fetch(running.httpUrl + path, { method: 'DELETE', headers: { 'x-api-key': OPERATOR_KEY } });

async function createTenant(operator: TestClient): Promise<{ path: string; key: string }> {
  const { id } = await operator.post('/v1/projects', { name: 'Tenant' });
  const path = `/v1/projects/${id}`;
  const scopes = ['send', 'events', 'read', 'manage'];
  const { key } = await operator.post(`${path}/keys`, { name: 'First', scopes });
  return { path, key };
}

test('submission wants the scope send, and ends with the key also on an open connection', async () => {
  const running = await start(await newFolder(), OPERATOR_KEY);
  try {
    const operator = createTestClient(running.httpUrl, OPERATOR_KEY);
    const reader = await operator.post('/v1/keys', { name: 'Reader', scopes: ['read'] });
    const [refused, answer] = await logIn(running, reader.key);
    assert.match(answer, /^535 5\.7\.8 .*scope "send"; this key has "read"\.$/);
    refused.end();
    const [unknown, unknownAnswer] = await logIn(running, 'phk_nobody');
    assert.match(unknownAnswer, /^535 5\.7\.8 .*must be an API key/);
    unknown.end();

    const sender = await operator.post('/v1/keys', { name: 'Sender', scopes: ['send'] });
    const [smtp, welcome] = await logIn(running, sender.key);
    assert.match(welcome, /^235/);
    const send = async (): Promise<string> => {
      const mail = await smtp.command('MAIL FROM:<a@example.org>');
      if (!mail.startsWith('250')) return mail;
      await smtp.command('RCPT TO:<b@example.com>');
      await smtp.command('DATA');
      return smtp.command('From: a@example.org\r\n\r\nHello\r\n.');
    };
    assert.match(await send(), /^250 2\.0\.0 Queued/);
    assert.equal((await remove(running, `/v1/keys/${sender.id}`)).status, 204);
    assert.match(await send(), /^530 5\.7\.0 /);
    smtp.end();
  } finally {
    await running.stop();
  }
});

test('a project lives through a restart with its limits, and stays deleted', async () => {
  const data = await newFolder();
  const running = await start(data, OPERATOR_KEY);
  const operator = createTestClient(running.httpUrl, OPERATOR_KEY);
  const kept = await operator.post('/v1/projects', { name: 'Kept', limits: { endpoints: 0 } });
  const keptKey = await operator.post(`/v1/projects/${kept.id}/keys`, {
    name: 'First',
    scopes: ['manage'],
  });
  const gone = await createTenant(operator);
  await createTestClient(running.httpUrl, gone.key).post('/v1/messages', {
    from: 'a@example.org',
    to: 'b@example.com',
    text: 'Hello',
  });
  assert.equal((await remove(running, gone.path)).status, 204);
  await running.stop();

  const again = await start(data, OPERATOR_KEY);
  try {
    const projects = await createTestClient(again.httpUrl, OPERATOR_KEY).get('/v1/projects');
    assert.deepEqual(
      projects.data.map(({ name }: Json) => name),
      ['Kept', 'default'],
    );
    const tenant = createTestClient(again.httpUrl, keptKey.key);
    const endpoint = { url: 'https://app.example.com/' };
    await assert.rejects(tenant.post('/v1/endpoints', endpoint), /endpoint_limit_reached/);
    await assert.rejects(createTestClient(again.httpUrl, gone.key).get('/v1/events'), /wrong_key/);
    const [smtp, answer] = await logIn(again, gone.key);
    assert.match(answer, /^535/);
    smtp.end();
  } finally {
    await again.stop();
  }
});

test('what a crash left of a deleted project is ended at the next start', async () => {
  const data = await newFolder();
  const running = await start(data, OPERATOR_KEY);
  const tenant = await createTenant(createTestClient(running.httpUrl, OPERATOR_KEY));
  const endpoint = await createTestClient(running.httpUrl, tenant.key).post('/v1/endpoints', {
    url: 'https://app.example.com/',
  });
  await running.stop();
  const id = tenant.path.slice('/v1/projects/'.length);
  await withStore(data, (store) => store.projects.remove(id, Date.now()));

  await (await start(data, OPERATOR_KEY)).stop();
  const left = await withStore(data, (store) => store.endpoints.get(id, endpoint.id));
  assert.equal(left, null);
});

test('the key of the settings that was revoked stays out, and the log says so', async () => {
  const data = await newFolder();
  await (await start(data, OPERATOR_KEY)).stop();
  const leaked = 'phk_leaked-once';
  const second = await start(data, leaked);
  const keys = (await createTestClient(second.httpUrl, leaked).get('/v1/keys')).data;
  assert.deepEqual(
    keys.map(({ name, scopes }: Json) => [name, scopes.length]),
    [
      ['from settings', 5],
      ['from settings', 5],
    ],
  );
  assert.equal((await remove(second, `/v1/keys/${keys[0].id}`)).status, 204);
  await second.stop();

  const warnings: string[] = [];
  const log = { ...silentLog, warn: (_: object, text: string) => void warnings.push(text) };
  const third = await start(data, leaked, log);
  try {
    assert.ok(warnings.some((text) => /api_key was revoked/.test(text)));
    await assert.rejects(createTestClient(third.httpUrl, leaked).get('/v1/keys'), /wrong_key/);
  } finally {
    await third.stop();
  }
});
