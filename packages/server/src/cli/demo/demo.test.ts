import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { DEMO_MESSAGES } from './demo-messages.ts';

const POSTHORN = join(import.meta.dirname, '../../../bin/posthorn.mjs');

interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs `posthorn demo`; `onOutput` may act on what it has said so far. */
function runDemo(args: string[], onOutput: (text: string, pid: number) => void): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [POSTHORN, 'demo', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 120_000,
    });
    const run: Run = { code: null, stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        run[name] += text;
        onOutput(run[name], child.pid ?? 0);
      });
    }
    child.once('error', reject);
    child.once('close', (code) => resolve({ ...run, code }));
  });
}

test('posthorn demo --once --json ends well when every owed event has arrived', async () => {
  const { code, stdout, stderr } = await runDemo(['--once', '--json'], () => {});
  assert.equal(code, 0, stderr);
  const report = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  assert.deepEqual(Object.keys(report), ['messages', 'events', 'webhooks', 'missing', 'ok']);
  const { messages, events, webhooks, missing, ok } = report;
  assert.deepEqual([messages, missing, ok], [DEMO_MESSAGES.length, 0, true]);
  const total = Object.values<number>(events).reduce((sum, count) => sum + count, 0);
  assert.deepEqual([webhooks.sent, webhooks.verified], [total, total]);
  assert.ok(webhooks.retried > 0);
  assert.match(stderr, /✗ bounced +550 5\.1\.1 No such user here/);
  assert.match(stderr, /✗ 500, ✓ 200 \(2nd\)/);
});

test('posthorn demo runs on until it is interrupted, however often the signal is passed on', async () => {
  let interrupted = false;
  const { code, stdout } = await runDemo(['--port', '0'], (text, pid) => {
    if (interrupted || !text.includes('Press Ctrl-C')) return;
    interrupted = true;
    process.kill(pid, 'SIGINT');
    process.kill(pid, 'SIGINT');
  });
  assert.equal(code, 0, stdout);
  assert.match(stdout, /✓ Stopped\n$/);
  assert.match(stdout, /Portal +http:\S+\/portal\/\n +Sign in as +owner@demo\.test, password \S+/);
  assert.match(stdout, /curl -s \S+\/v1\/messages -H 'Authorization: Bearer phk_/);
});
