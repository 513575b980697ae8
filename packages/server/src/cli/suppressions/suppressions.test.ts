import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type CommandResult, type RunOptions, runCommand } from '../fixtures/run-command.ts';
import {
  API_KEY,
  type InProcessServer,
  startInProcessServer,
} from '../whole/fixtures/in-process-server.ts';
import { splitList } from './split-list.ts';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-suppressions-command-'));
let server: InProcessServer;
before(async () => {
  server = await startInProcessServer();
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

function run(args: string[], options: RunOptions = {}): Promise<CommandResult> {
  const env = { XDG_CONFIG_HOME: folder, POSTHORN_API_KEY: API_KEY };
  return runCommand(['suppressions', ...args], {
    env: { ...env, POSTHORN_URL: server.httpUrl },
    sleep: (ms) => delay(Math.min(ms, 20)),
    ...options,
  });
}

test('an address is put on the list, found, and taken off by itself', async () => {
  const added = await run([
    'add',
    'jane@example.com',
    '--note',
    'by phone',
    '--stream',
    'broadcast',
  ]);
  assert.match(
    added.out.join(''),
    /^jane@example\.com gets no mail of broadcast stream \(manual\)/,
  );
  await run(['add', 'jane@example.com', '--reason', 'complaint']);
  const listed = await run(['list', '--address', 'jane@example.com'], { columns: 80 });
  assert.equal(listed.out.length, 3);
  for (const line of listed.out) assert.ok(line.length <= 80, line);
  const removed = await run(['remove', 'jane@example.com']);
  assert.deepEqual(removed.out, [
    'Off the list: jane@example.com',
    'Off the list: jane@example.com',
  ]);
  const again = await run(['remove', 'jane@example.com']);
  assert.deepEqual([again.code, again.out], [1, []]);
  assert.match(again.err, /is not on the list/);
  assert.equal((await run(['remove', 'sup_none'])).code, 1);
});

test('a list goes in with its wrong lines named, and comes out again', async () => {
  const file = join(folder, 'list.csv');
  writeFileSync(file, 'address,reason\na@example.com,complaint\nnobody\n"b@example.com",\n');
  const read = await run(['import', file, '--reason', 'unsubscribe']);
  assert.equal(read.code, 1);
  assert.match(read.out.join('\n'), /^2 lines were taken, 1 were not\.\n {2}line 3: /);
  const target = join(folder, 'out.csv');
  const written = await run(['export', target, '--json']);
  assert.deepEqual(JSON.parse(written.out.join('')), { file: target, addresses: 2 });
  assert.match(readFileSync(target, 'utf8'), /a@example\.com,.*complaint.*b@example\.com/s);
  assert.equal(statSync(target).mode & 0o077, 0);
  const twice = await run(['export', target]);
  assert.equal(twice.code, 2);
  assert.match(twice.err, /out\.csv cannot be written: .*exist/);
  const printed = await run(['export', '--format', 'ndjson']);
  assert.equal(printed.out.length, 2);
  for (const line of printed.out) assert.match(JSON.parse(line).address, /@example\.com$/);
});

test('a list from standard input says what it is', async () => {
  const input = '"c@example.com"\n{"address": "d@example.com"}\n';
  const unknown = await run(['import', '-'], { input });
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /--format: say whether - is csv or ndjson/);
  const read = await run(['import', '-', '--format', 'ndjson', '--json'], { input });
  assert.equal(read.code, 0, read.err);
  assert.equal(JSON.parse(read.out.join('')).taken, 2);
  const wrong = await run(['import', '-', '--format', 'xls']);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /Allowed choices are csv, ndjson/);
});

test('a long list is cut between its rows, and lines keep their numbers', () => {
  const csv = 'address,note\r\na@x.test,"one\r\ntwo"\r\nb@x.test,\r\nc@x.test,\r\n';
  assert.deepEqual(splitList(csv, 'csv', 15), [
    { linesBefore: 0, content: 'address,note\r\na@x.test,"one\r\ntwo"\r\n' },
    { linesBefore: 2, content: 'address,note\r\nb@x.test,\r\nc@x.test,\r\n' },
  ]);
  const lines = '"a@x.test"\n"b@x.test"\n"c@x.test"';
  assert.deepEqual(splitList(lines, 'ndjson', 1), [
    { linesBefore: 0, content: '"a@x.test"\n' },
    { linesBefore: 1, content: '"b@x.test"\n' },
    { linesBefore: 2, content: '"c@x.test"' },
  ]);
  assert.deepEqual(splitList('address\n', 'csv', 10), [{ linesBefore: 0, content: 'address\n' }]);
});
