/** Receivers as processes: they die, they share a file, and they are started as the documentation says. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { eventBody, idOf, SECRET, signedHeaders } from './fixtures/set-up-receiver.ts';

const root = join(import.meta.dirname, '..', '..', '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'posthorn-receiver-'));
const children: ChildProcess[] = [];
after(async () => {
  for (const child of children) await kill(child);
  rmSync(folder, { recursive: true, force: true });
});

interface Program {
  child: ChildProcess;
  /** Resolves with the rest of the first line that begins so; each line is given once. */
  line(start: string): Promise<string>;
  post(body: string): Promise<number>;
}

async function run(args: string[], env: NodeJS.ProcessEnv = {}): Promise<Program> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout ?? process.stdin })[Symbol.asyncIterator]();
  const unread: string[] = [];
  const line = async (start: string): Promise<string> => {
    for (;;) {
      const at = unread.findIndex((one) => one.startsWith(start));
      if (at !== -1) return unread.splice(at, 1).join('').slice(start.length);
      const { value, done } = await lines.next();
      if (done) throw new Error(`The process ended before it said "${start}".`);
      unread.push(value);
    }
  };
  const port = await line('port ');
  return {
    child,
    line,
    async post(body) {
      const headers = signedHeaders(body, { atMs: Date.now() });
      const url = `http://127.0.0.1:${port}/webhooks/v1/email`;
      return (await fetch(url, { method: 'POST', headers, body })).status;
    },
  };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

const program = join(import.meta.dirname, 'fixtures', 'receiver-process.ts');
const start = (file: string, behaviour = '') =>
  run([program, join(folder, file), SECRET, behaviour]);

test('what was acknowledged is handled by another process when the first one dies', async () => {
  const first = await start('crash.db', 'hang');
  assert.equal(await first.post(eventBody(1)), 200);
  assert.equal(await first.line('handling '), idOf(1));
  await kill(first.child);
  const second = await start('crash.db');
  assert.equal(await second.line('handling '), idOf(1));
  assert.equal(await second.post(eventBody(1)), 200, 'still known as a duplicate');
  assert.equal(await second.post(eventBody(2)), 200);
  assert.equal(await second.line('handling '), idOf(2));
});

test('two processes on one file handle each event once', async () => {
  const programs = [await start('shared.db'), await start('shared.db')];
  const ids = Array.from({ length: 40 }, (_, i) => i + 1);
  // Each event goes to both, as a provider does that got its answer too late.
  const statuses = await Promise.all(
    ids.flatMap((n) => programs.map(({ post }) => post(eventBody(n)))),
  );
  assert.deepEqual(new Set(statuses), new Set([200]));
  const handled: string[] = [];
  const all = Promise.withResolvers<void>();
  const collect = async ({ line }: Program): Promise<void> => {
    for (;;) {
      handled.push(await line('handling '));
      if (new Set(handled).size === ids.length) all.resolve();
    }
  };
  // Each ends with its process.
  const collecting = programs.map((one) => collect(one).catch(() => {}));
  await all.promise;
  for (const { child } of programs) await kill(child);
  await Promise.all(collecting);
  assert.deepEqual(handled.sort(), ids.map(idOf));
});

test('the first receiver of the documentation runs as it stands there', async () => {
  const page = readFileSync(join(root, 'docs', 'receiving.md'), 'utf8');
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(page) ?? [];
  const listen = ".listen(3000, '127.0.0.1')";
  assert.ok(code.includes(listen));
  const told =
    ".listen(0, '127.0.0.1', function () { console.log('port ' + this.address().port); })";
  writeFileSync(join(folder, 'receiver.mjs'), code.replace(listen, told));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const { post, line } = await run(['receiver.mjs'], { WEBHOOK_SECRET: SECRET });
  assert.equal(await post(eventBody(1, 'email.delivered', { recipient: 'zoe@b.example' })), 200);
  assert.equal(await line('email.delivered '), 'zoe@b.example');
});
