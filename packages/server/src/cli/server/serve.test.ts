import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connectRawClient } from '../../smtp/fixtures/raw-client.ts';
import {
  killPosthornProcesses,
  readLog,
  runPosthorn,
  startPosthornProcess,
} from '../whole/fixtures/posthorn-process.ts';
import { createTestClient } from '../whole/fixtures/test-client.ts';
import { startWebhookReceiver } from '../whole/fixtures/webhook-receiver.ts';

let root: string;
let folders = 0;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'posthorn-serve-'));
});
after(() => {
  killPosthornProcesses();
  return rm(root, { recursive: true, force: true });
});

const newFolder = (): string => {
  folders += 1;
  return join(root, String(folders));
};

/** Runs until it ends by itself, as it should with settings that cannot be. */
async function refused(args: readonly string[], env: Record<string, string> = {}) {
  const run = runPosthorn(args, env);
  const code = await run.ended;
  return { code, stdout: run.stdout(), stderr: run.stderr() };
}

test('prints the key that it made once, at the first start, and never logs a secret', async () => {
  const data = newFolder();
  const first = await startPosthornProcess({
    data,
    'log-level': 'trace',
    hostname: 'posthorn.test',
  });
  const receiver = await startWebhookReceiver();
  const [key = ''] = /phk_[\w-]{32}/.exec(first.stdout()) ?? [];
  assert.notEqual(key, '');
  const client = createTestClient(first.httpUrl, key);
  const { secret } = await client.post('/v1/endpoints', { url: receiver.url });
  receiver.useSecret(secret);
  const smtp = await connectRawClient(first.smtpPort);
  await smtp.reply();
  await smtp.command('EHLO a.test');
  const login = Buffer.from(`\0any\0${key}`).toString('base64');
  assert.match(await smtp.command(`AUTH PLAIN ${login}`), /^235/);
  smtp.end();
  const event = { type: 'email.opened', timestamp: '2026-11-21T16:00:00Z', data: {} };
  const [{ id }] = (await client.post('/v1/events', event)).data;
  await receiver.until((one) => one.id === id);
  await assert.rejects(client.get('/v1/messages/none'), /404/);
  first.child.kill('SIGTERM');
  assert.equal(await first.ended, 0);

  const again = await startPosthornProcess({ data });
  again.child.kill('SIGINT');
  assert.equal(await again.ended, 0);
  assert.equal(again.stdout(), '');

  const master = (await readFile(join(data, 'master.key'), 'utf8')).trim();
  const secrets = [key, secret, secret.replace('whsec_', ''), login, master];
  for (const text of [first.stderr(), again.stderr()]) {
    for (const one of secrets) assert.ok(!text.includes(one), `in the log: ${one}`);
    // Line by line JSON, with a level, a time and a message each.
    const lines = text.trimEnd().split('\n');
    assert.equal(readLog(text).length, lines.length, text);
    for (const line of readLog(text)) {
      assert.ok(line.level && line.msg && !Number.isNaN(Date.parse(String(line['time']))));
    }
  }
  // Nor does the store have them in the clear.
  for (const name of await readdir(data)) {
    if (name === 'master.key') continue;
    const bytes = await readFile(join(data, name), 'latin1');
    for (const one of secrets) assert.ok(!bytes.includes(one), `in ${name}: ${one}`);
  }
  await receiver.close();
});

test('takes the key of the settings, and prints none then', async () => {
  const data = newFolder();
  const own = await startPosthornProcess({ data, 'api-key': 'phk_of-the-settings' });
  assert.equal(own.stdout(), '');
  const client = createTestClient(own.httpUrl, 'phk_of-the-settings');
  assert.deepEqual((await client.get('/v1/events')).data, []);
  own.child.kill('SIGTERM');
  assert.equal(await own.ended, 0);
});

test('ends with 2 on wrong settings, and says what to write', async () => {
  const data = newFolder();
  const cases: [string[], Record<string, string>, RegExp][] = [
    [['--prot', '1'], {}, /unknown option '--prot'[\s\S]*Did you mean --port\?/],
    [['--port', 'http'], {}, /--port: "http" is not a whole number from 0 to 65535/],
    [['--port'], {}, /argument missing/],
    [[], { POSTHORN_SMPT_PORT: '25' }, /Did you mean POSTHORN_SMTP_PORT\?/],
    [['--config', join(root, 'none.yaml')], {}, /none\.yaml cannot be read/],
    [['--smarthost', 'mail.example.com'], {}, /--smarthost: .*smtp:\/\//],
    [['--smtp-require-tls', 'true'], {}, /smtp_require_tls needs smtp_tls_key and smtp_tls_cert/],
    [['--smtp-tls-port', '465'], {}, /smtp_tls_port needs smtp_tls_key and smtp_tls_cert/],
    [['--master-key', 'short'], {}, /master_key: .*openssl/],
    [['--database-url', 'mysql://a/b'], {}, /--database-url: it has to be a URL such as postgres/],
    [[], { DATABASE_URL: 'postgres://a:s3cret@b' }, /DATABASE_URL: it names no database/],
  ];
  await Promise.all(
    cases.map(async ([args, env, message]) => {
      const { code, stdout, stderr } = await refused(['serve', '--data', data, ...args], env);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n\s+at /);
      assert.equal(stdout, '');
    }),
  );
  await assert.rejects(readdir(data), /ENOENT/);
});

test('an unknown command, or none, shows what there is', async () => {
  const unknown = await refused(['sevre']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /unknown command 'sevre'[\s\S]*Did you mean serve\?/);
  const help = await refused(['serve', '--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /--smtp-port <value>/);
  assert.match((await refused(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
});

test('ends with 1 and a plain sentence where a port is taken', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', () => resolve()));
  const { port } = other.address() as { port: number };
  for (const flags of [
    ['--port', `${port}`, '--smtp-port', '0'],
    ['--port', '0', '--smtp-port', `${port}`],
  ]) {
    const { code, stdout, stderr } = await refused(['serve', '--data', newFolder(), ...flags]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      new RegExp(`Port ${port} is in use.*--port, --smtp-port or --return-path-port`),
    );
    assert.doesNotMatch(stderr, /\n\s+at /);
    assert.equal(stdout, '', 'a key that nobody can use yet is not shown');
  }
  other.close();
});

test('ends with 1 where the database cannot be reached, and opens no port and shows no key', async () => {
  const url = 'postgres://posthorn:s3cret@127.0.0.1:1/posthorn';
  const flags = ['--port', '0', '--smtp-port', '0', '--database-url', url];
  const { code, stdout, stderr } = await refused(['serve', '--data', newFolder(), ...flags]);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /database cannot be reached. Check that it runs.*ECONNREFUSED/);
  assert.doesNotMatch(stderr, /s3cret|\n\s+at |"msg"/);
});

test('a start that failed did not swallow the key: the next one shows it', async () => {
  const data = newFolder();
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', () => resolve()));
  const { port } = other.address() as { port: number };
  const failed = await refused(['serve', '--data', data, '--port', `${port}`, '--smtp-port', '0']);
  assert.equal(failed.code, 1);
  other.close();
  const next = await startPosthornProcess({ data });
  const [key = ''] = /phk_[\w-]{32}/.exec(next.stdout()) ?? [];
  next.child.kill('SIGTERM');
  assert.equal(await next.ended, 0);
  assert.notEqual(key, '', 'no key was ever shown');
});

test('a second server on the same folder is refused, and the first goes on', async () => {
  const data = newFolder();
  const first = await startPosthornProcess({ data, 'api-key': 'phk_the-first-one' });
  const second = await refused(['serve', '--data', data, '--port', '0', '--smtp-port', '0']);
  assert.equal(second.code, 1);
  assert.match(second.stderr, /is in use by another Posthorn process.*another --data/);
  const client = createTestClient(first.httpUrl, 'phk_the-first-one');
  assert.deepEqual((await client.get('/v1/events')).data, []);
  first.child.kill('SIGTERM');
  assert.equal(await first.ended, 0);
});

test('on SIGTERM what is under way ends, nothing new begins, and the exit code is 0', async () => {
  const data = newFolder();
  const arrived = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const receiver = await startWebhookReceiver({
    hold: () => {
      arrived.resolve();
      return release.promise;
    },
  });
  const settings = { data, 'api-key': 'phk_to-be-stopped', 'endpoint-concurrency': '1' };
  const running = await startPosthornProcess(settings);
  const client = createTestClient(running.httpUrl, 'phk_to-be-stopped');
  const endpoint = await client.post('/v1/endpoints', { url: receiver.url });
  receiver.useSecret(endpoint.secret);
  const events = Array.from({ length: 3 }, (_, i) => ({
    type: 'email.opened',
    timestamp: `2026-11-21T16:00:0${i}Z`,
    data: {},
  }));
  const { data: stored } = await client.post('/v1/events', events);
  await arrived.promise;
  running.child.kill('SIGTERM');
  await running.logged('Stopping: no new work, what is under way ends');
  release.resolve();
  assert.equal(await running.ended, 0, running.stderr());
  assert.equal(receiver.taken.size, 1);
  assert.ok(readLog(running.stderr()).some(({ msg }) => msg === 'Stopped'));

  const next = await startPosthornProcess(settings);
  for (const { id } of stored) await receiver.until((one) => one.id === id);
  assert.equal(receiver.repeated(), 0, 'what had been answered was sent again');
  const after = createTestClient(next.httpUrl, 'phk_to-be-stopped');
  const [first] = [...receiver.taken.keys()];
  const { data: deliveries } = await after.get(`/v1/deliveries?event_id=${first}`);
  assert.equal(deliveries[0].state, 'delivered');
  next.child.kill('SIGTERM');
  assert.equal(await next.ended, 0);
  await receiver.close();
});

test('a store that is full makes HTTP say 503 and SMTP 451, and keeps what it has taken', async () => {
  const data = newFolder();
  const key = 'phk_small-store';
  const small = await startPosthornProcess({
    data,
    'api-key': key,
    'store-max-size': '600kb',
    smarthost: 'smtp://127.0.0.1:1',
    'shutdown-grace': '1s',
  });
  const client = createTestClient(small.httpUrl, key);
  const text = 'x'.repeat(50_000);
  const accepted: string[] = [];
  const refusal = await (async () => {
    for (let i = 0; i < 100; i++) {
      try {
        const body = { from: 'a@example.com', to: 'b@example.com', text };
        accepted.push((await client.post('/v1/messages', body)).id);
      } catch (error) {
        return String(error);
      }
    }
    return 'never';
  })();
  assert.match(refusal, /503 .*store_unavailable/);
  const smtp = await connectRawClient(small.smtpPort);
  await smtp.reply();
  await smtp.command('EHLO a.test');
  await smtp.command(`AUTH PLAIN ${Buffer.from(`\0any\0${key}`).toString('base64')}`);
  const replies = [await smtp.command('MAIL FROM:<a@example.com>')];
  if (replies[0]?.startsWith('250')) {
    // The probe has found room for itself meanwhile, but not for a message.
    await smtp.command('RCPT TO:<b@example.com>');
    await smtp.command('DATA');
    replies.push(await smtp.command(`From: a@example.com\r\n\r\n${text}\r\n.`));
  }
  assert.match(replies.at(-1) ?? '', /^451 4\.3\.[01] /);
  smtp.end();
  for (const id of accepted) assert.equal((await client.get(`/v1/messages/${id}`)).id, id);
  small.child.kill('SIGTERM');
  await small.ended;
});

test('a start that waits for a database that says nothing can be stopped', async (t) => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  t.after(() => silent.close());
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const run = runPosthorn([
    ...['serve', '--data', newFolder(), '--shutdown-grace', '50ms'],
    ...['--database-url', `postgres://nobody@127.0.0.1:${port}/none`],
  ]);
  await once(silent, 'connection');
  run.child.kill('SIGTERM');
  assert.equal(await run.ended, 0, run.stderr());
  assert.match(run.stderr(), /Stopped in the middle of the start/);
});
