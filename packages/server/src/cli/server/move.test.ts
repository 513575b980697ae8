import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  startTestCluster,
  type TestCluster,
  withoutPostgres,
} from '../../store/postgres/fixtures/test-cluster.ts';
import {
  killPosthornProcesses,
  runPosthorn,
  startPosthornProcess,
} from '../whole/fixtures/posthorn-process.ts';
import { createTestClient } from '../whole/fixtures/test-client.ts';
import { startWebhookReceiver } from '../whole/fixtures/webhook-receiver.ts';

const KEY = 'phk_of-the-old-store';

async function move(from: string, to: string) {
  const run = runPosthorn(['move', '--from', from, '--to', to]);
  const code = await run.ended;
  return { code, stdout: run.stdout(), stderr: run.stderr() };
}

describe('posthorn move', { skip: withoutPostgres }, () => {
  const root = mkdtempSync(join(tmpdir(), 'posthorn-move-'));
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(async () => {
    killPosthornProcesses();
    await cluster.stop();
    rmSync(root, { recursive: true, force: true });
  });
  const newUrl = async () => cluster.url(await cluster.createDatabase());

  test('takes an installation along: its key, its endpoints with their secrets, what waits', async () => {
    const data = join(root, 'whole');
    const url = await newUrl();
    let isOpen = false;
    const receiver = await startWebhookReceiver({ refuses: () => !isOpen });
    const settings = { data, 'api-key': KEY, 'webhook-retry-ladder': '1h' };
    const old = await startPosthornProcess(settings);
    const client = createTestClient(old.httpUrl, KEY);
    const { id: endpointId, secret } = await client.post('/v1/endpoints', { url: receiver.url });
    receiver.useSecret(secret);
    const event = { type: 'email.opened', timestamp: '2026-11-21T16:00:00Z', data: {} };
    const [{ id }] = (await client.post('/v1/events', event)).data;

    const running = await move(`sqlite:${data}`, url);
    assert.deepEqual([running.code, running.stdout], [1, '']);
    assert.match(running.stderr, /^posthorn: A Posthorn server runs on .*Stop it first/);
    old.child.kill('SIGTERM');
    assert.equal(await old.ended, 0);

    const moved = await move(`sqlite:${data}`, url);
    assert.deepEqual([moved.code, moved.stderr], [0, '']);
    assert.match(moved.stdout, /copied {3}events: 1 of 1\n/);
    assert.match(moved.stdout, /compared events: 1 rows, sha256 [0-9a-f]{64}\n/);
    assert.match(moved.stdout, /The old store is kept as .*posthorn\.sqlite\.moved-2/);
    assert.match(
      moved.stdout,
      /Moved\. Start the server with database_url and the same master key/,
    );
    assert.ok(!existsSync(join(data, 'posthorn.sqlite')));
    assert.equal(readdirSync(data).filter((name) => name.includes('.moved-')).length, 1);

    isOpen = true;
    const { 'api-key': _given, ...rest } = settings;
    const next = await startPosthornProcess({ ...rest, 'database-url': url });
    assert.equal(next.stdout(), '', 'it has its first project');
    const after = createTestClient(next.httpUrl, KEY);
    const [delivery] = (await after.get(`/v1/deliveries?event_id=${id}`)).data;
    await after.post(`/v1/deliveries/${delivery.id}/retry`, {});
    await receiver.until((one) => one.id === id);
    assert.equal((await after.get(`/v1/endpoints/${endpointId}`)).url, receiver.url);
    next.child.kill('SIGTERM');
    assert.equal(await next.ended, 0);
    await receiver.close();
  });

  test('says what is wrong with its arguments, and touches nothing', async () => {
    const url = await newUrl();
    const cases: [string, string, number, RegExp][] = [
      ['postgres://a/b', url, 2, /--from: .*sqlite:posthorn-data/],
      [
        `sqlite:${join(root, 'none')}`,
        'mysql://a/b',
        2,
        /--to: it has to be a URL such as postgres/,
      ],
      [`sqlite:${join(root, 'none')}`, url, 2, /--from: there is no store in .*none/],
      [`sqlite:${root}`, url.replace(/:\d+\//, ':1/'), 1, /cannot be reached.*ECONNREFUSED/],
    ];
    for (const [from, to, expected, message] of cases) {
      const { code, stdout, stderr } = await move(from, to);
      assert.deepEqual([code, stdout], [expected, ''], stderr);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n\s+at |p%40ss|p@ss/);
    }
    assert.ok(!existsSync(join(root, 'none')));
  });

  test('a server does not start on half of a store, nor does its key change', async () => {
    const database = await cluster.createDatabase();
    const url = cluster.url(database);
    const migrated = runPosthorn(['migrate', '--database-url', url, '--data', join(root, 'half')]);
    assert.equal(await migrated.ended, 0);
    const state = JSON.stringify({ source: 's', places: {}, isVerified: false });
    await cluster.execute(`INSERT INTO posthorn.facts VALUES ('move', '${state}')`, database);
    for (const command of ['serve', 'rotate-master-key']) {
      const run = runPosthorn([command, '--database-url', url, '--data', join(root, 'half')]);
      assert.equal(await run.ended, 1);
      assert.match(run.stderr(), /A move into this database was cut short.*posthorn move again/);
    }
  });
});
