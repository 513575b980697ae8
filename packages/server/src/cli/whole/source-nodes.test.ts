import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Json } from '../../http/fixtures/test-api.ts';
import { until } from '../../lib/fixtures/test-clock.ts';
import { mailgunWebhook } from '../../sources/fixtures/provider-webhooks.ts';
import { startTestCluster, withoutPostgres } from '../../store/postgres/fixtures/test-cluster.ts';
import { type ReadyProcess, startPosthornProcess } from './fixtures/posthorn-process.ts';

const API_KEY = 'phk_source-nodes';

test('two nodes share a source: its URL, its duplicates, its replay keys, its counters', async (t) => {
  if (withoutPostgres !== false) return t.skip(withoutPostgres);
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-source-nodes-'));
  const cluster = await startTestCluster();
  const database = await cluster.createDatabase();
  const start = (name: string): Promise<ReadyProcess> =>
    startPosthornProcess({
      data: join(folder, name),
      'database-url': cluster.url(database),
      'api-key': API_KEY,
      'master-key': Buffer.alloc(32, 9).toString('base64'),
    });
  const nodes: ReadyProcess[] = [];
  const call = async (node: ReadyProcess, method: string, path: string, body?: object) => {
    const response = await fetch(node.httpUrl + path, {
      method,
      headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as Json };
  };
  try {
    nodes.push(await start('a'), await start('b'));
    const [a, b] = nodes as [ReadyProcess, ReadyProcess];
    const webhook = (token: string, id: string) =>
      mailgunWebhook(Date.now(), token, { event: 'opened', id });
    const first = webhook('token-1', 'e1');
    const source = { provider: 'mailgun', ...first.fields };
    const { id, path } = (await call(a, 'POST', '/v1/sources', source)).body;
    const post = async (node: ReadyProcess, { body, headers }: typeof first) => {
      const response = await fetch(node.httpUrl + path, {
        method: 'POST',
        headers,
        body: new Uint8Array(body),
      });
      return { status: response.status, body: (await response.json()) as Json };
    };
    await until(
      'the other node has heard of it',
      async () => (await post(b, first)).status === 200,
    );

    const again = await post(a, first);
    assert.deepEqual([again.status, again.body], [200, { events: 0, duplicates: 1 }]);
    const forged = await post(a, webhook('token-1', 'e2'));
    assert.deepEqual([forged.status, forged.body.code], [401, 'webhook_refused']);

    const raced = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((n) => post(n % 2 ? a : b, webhook('token-2', `race-${n}`))),
    );
    assert.deepEqual(raced.map(({ status }) => status).sort(), [200, 401, 401, 401, 401, 401]);
    const { body: events } = await call(b, 'GET', '/v1/events');
    assert.equal(events.data.length, 2);

    await until('both have counted', async () => {
      const { activity } = (await call(a, 'GET', `/v1/sources/${id}`)).body;
      return activity.events === 2 && activity.duplicates === 1 && activity.refused === 6;
    });
    assert.equal((await call(b, 'DELETE', `/v1/sources/${id}`)).status, 204);
    await until('the other node has heard of its end', async () => {
      return (await post(a, first)).status === 404;
    });
  } finally {
    for (const { child } of nodes) child.kill('SIGTERM');
    await Promise.all(nodes.map(({ ended }) => ended));
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
