import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Json } from '../../http/fixtures/test-api.ts';
import { readTime } from '../program/values.ts';
import { runPosthorn, startPosthornProcess } from '../whole/fixtures/posthorn-process.ts';

const KEY = 'phk_of-the-operator';

test('since is a time, or how long ago', () => {
  const nowMs = Date.UTC(2026, 10, 21);
  assert.equal(readTime('2d', nowMs, '--since'), '2026-11-19T00:00:00.000Z');
  assert.equal(readTime('2026-11-20T01:00:00+01:00', nowMs, '--since'), '2026-11-20T00:00:00.000Z');
  assert.throws(() => readTime('yesterday', nowMs, '--since'), /--since: "yesterday" is neither/);
});

test('a changed mapping makes better events of webhooks that are kept', async () => {
  const data = await mkdtemp(join(tmpdir(), 'posthorn-redecode-command-'));
  const server = await startPosthornProcess({ data, 'api-key': KEY });
  const call = async (method: string, path: string, body?: object): Promise<Json> => {
    const response = await fetch(server.httpUrl + path, {
      method,
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return response.json();
  };
  const run = async (...args: string[]) => {
    const command = runPosthorn(['redecode', '--url', server.httpUrl, '--key', KEY, ...args]);
    const code = await command.ended;
    return { code, stdout: command.stdout(), stderr: command.stderr() };
  };
  try {
    const fields = { type: 'kind', recipient: 'who' };
    const { id, path } = await call('POST', '/v1/sources', {
      provider: 'generic',
      mapping: { fields },
    });
    await call('POST', path, { kind: 'zap', who: 'anna@b.test' });
    const types = { zap: 'email.opened' };
    await call('PATCH', `/v1/sources/${id}`, { mapping: { fields, types } });
    const counted = await run('--dry-run', '--since', '1h');
    assert.match(counted.stdout, /^1 webhooks were read, .*1 would be appended again/);
    const made = await run('--source', id, '--json');
    assert.equal(made.code, 0, made.stderr);
    assert.deepEqual(JSON.parse(made.stdout).progress.redecoded, { added: 0, changed: 1, kept: 0 });
    const { data: events } = await call('GET', '/v1/events');
    assert.deepEqual(
      events.map((event: { type: string }) => event.type),
      ['email.opened', 'email.unknown'],
    );
    const wrong = await run('--source', 'src_none');
    assert.deepEqual([wrong.code, wrong.stdout], [1, '']);
    assert.match(wrong.stderr, /There is no source src_none/);
    assert.equal((await run('--since', 'yesterday')).code, 2);
  } finally {
    server.child.kill('SIGTERM');
    await server.ended;
    await rm(data, { recursive: true, force: true });
  }
});
