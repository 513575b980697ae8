import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CommandResult, runCommand } from '../fixtures/run-command.ts';
import { type InProcessServer, startInProcessServer } from '../whole/fixtures/in-process-server.ts';
import { readList } from '../whole/fixtures/test-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-backup-'));
const data = join(folder, 'data');
const file = join(folder, 'monday.sqlite');
let server: InProcessServer;
/** Ids that were acknowledged before the backup began. */
const acknowledged: string[] = [];

before(async () => {
  server = await startInProcessServer({ data });
  await server.client.post('/v1/endpoints', { url: 'http://127.0.0.1:9/hook', uid: 'kept' });
  for (let i = 0; i < 5; i++) acknowledged.push(...(await append(i, 100)));
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function append(batch: number, count: number): Promise<string[]> {
  const events = Array.from({ length: count }, (_, i) => ({
    type: 'email.delivered',
    timestamp: new Date(1_790_000_000_000 + i).toISOString(),
    data: { recipient: 'jane@example.com', message: { id: `m${batch}-${i}` } },
  }));
  const { data: taken } = await server.client.post('/v1/events', events);
  return taken.map(({ id }: { id: string }) => id);
}

const run = (...args: string[]): Promise<CommandResult> =>
  runCommand(args, { env: { XDG_CONFIG_HOME: folder } });

test('copies a store while its server writes, and what comes back is whole', async () => {
  let isDone = false;
  const writing = (async () => {
    for (let batch = 100; !isDone; batch++) await append(batch, 20);
  })();
  const copied = await run('backup', '--data', data, file);
  isDone = true;
  await writing;
  assert.equal(copied.code, 0, copied.err);
  assert.match(copied.out.join('\n'), /read to its end\..*The master key is not in it/s);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('monday')),
    ['monday.sqlite', 'monday.sqlite.json'],
  );
  assert.ok(!readFileSync(file).includes(readFileSync(join(data, 'master.key'))));

  const target = join(folder, 'restored');
  mkdirSync(target);
  copyFileSync(join(data, 'master.key'), join(target, 'master.key'));
  const restored = await run('restore', file, '--data', target, '--json');
  assert.equal(restored.code, 0, restored.err);
  const { tables, checksum, master_key } = JSON.parse(restored.out.join(''));
  assert.deepEqual([checksum, master_key], [true, 'fits']);
  const second = await startInProcessServer({ data: target });
  try {
    const events = await readList(second.client, '/v1/events');
    const ids = new Set(events.map(({ id }) => id));
    for (const id of acknowledged) assert.ok(ids.has(id), `${id} is lost`);
    assert.equal(events.length, tables.events);
    assert.equal((await second.client.get('/v1/endpoints/kept')).url, 'http://127.0.0.1:9/hook');
  } finally {
    await second.stop();
  }
});

test('writes nothing over', async () => {
  const again = await run('backup', '--data', data, file);
  assert.equal(again.code, 2);
  assert.match(again.err, /monday\.sqlite is there already, and is not written over/);
  const inUse = await run('restore', file, '--data', data);
  assert.equal(inUse.code, 2);
  assert.match(inUse.err, /there is a store in .* already .*not written over\. Stop the server/);
  const nowhere = await run('backup', '--data', data, join(folder, 'none', 'x.sqlite'));
  assert.match(nowhere.err, /The folder .* is not there\. Make it first/);
  assert.match((await run('backup', '--data', join(folder, 'empty'))).err, /there is no store in/);
  assert.match((await run('restore', `${file}.gone`)).err, /There is no backup/);
});

test('a backup that was damaged is refused, and nothing of it is left in the folder', async () => {
  const damaged = join(folder, 'damaged.sqlite');
  const target = join(folder, 'untouched');
  copyFileSync(file, damaged);
  copyFileSync(`${file}.json`, `${damaged}.json`);
  truncateSync(damaged, statSync(file).size - 4_096);
  const digest = await run('restore', damaged, '--data', target);
  assert.equal(digest.code, 1);
  assert.match(digest.err, /is not as it was made: its SHA-256 is/);
  rmSync(`${damaged}.json`);
  const pages = await run('restore', damaged, '--data', target, '--json');
  assert.equal(pages.code, 1);
  assert.match(JSON.parse(pages.err).message, /cannot be read|damaged/);
  assert.deepEqual(readdirSync(target), []);
  writeFileSync(damaged, 'This is no database.');
  assert.match(
    (await run('restore', damaged, '--data', target)).err,
    /cannot be read: .*not a database/,
  );
  writeFileSync(`${damaged}.json`, '{}');
  assert.match(
    (await run('restore', damaged, '--data', target)).err,
    /not as "posthorn backup" writes/,
  );
});

test('a copy by other means is taken, and says that its checksum is unknown', async () => {
  const bare = join(folder, 'bare.sqlite');
  copyFileSync(file, bare);
  const target = join(folder, 'from-bare');
  const { code, out } = await run('restore', bare, '--data', target);
  assert.equal(code, 0);
  assert.match(
    out.join('\n'),
    /checksum is unknown.*There is no master key\. Put the one of its time/s,
  );
  const wrong = join(folder, 'wrong-key');
  mkdirSync(wrong);
  writeFileSync(join(wrong, 'master.key'), Buffer.alloc(32, 7).toString('base64'));
  const other = await run('restore', bare, '--data', wrong);
  assert.match(other.out.join('\n'), /The master key does not open its secrets/);
});

test('with PostgreSQL both say what to use instead', async () => {
  for (const args of [['backup'], ['restore', file]]) {
    const { code, err } = await run(...args, '--database-url', 'postgres://u:hunter2@db/posthorn');
    assert.equal(code, 2);
    assert.match(err, /pg_dump .*pg_restore/);
    assert.ok(!err.includes('hunter2'));
  }
});
