import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type CommandResult, type RunOptions, runCommand } from '../fixtures/run-command.ts';
import {
  type LocalReceiver,
  startLocalReceiver,
} from '../receiver/webhook/fixtures/local-receiver.ts';
import {
  API_KEY,
  type InProcessServer,
  startInProcessServer,
} from '../whole/fixtures/in-process-server.ts';

let server: InProcessServer;
let receiver: LocalReceiver;
before(async () => {
  server = await startInProcessServer({ webhookRetryLadder: '1h' });
  receiver = await startLocalReceiver();
});
after(async () => {
  await server.stop();
  await receiver.close();
});

function run(args: string[], options: RunOptions = {}): Promise<CommandResult> {
  const env = { XDG_CONFIG_HOME: '/nowhere', POSTHORN_API_KEY: API_KEY };
  return runCommand(args, {
    env: { ...env, POSTHORN_URL: server.httpUrl },
    sleep: (ms) => delay(Math.min(ms, 50)),
    ...options,
  });
}

test('an endpoint from its beginning to its end', async () => {
  const created = await run([
    'endpoints',
    'create',
    receiver.url,
    '--uid',
    'orders',
    '--type',
    'email.*',
  ]);
  assert.equal(created.code, 0, created.err);
  assert.match(created.out.join('\n'), /secret {2}whsec_\S+\nIt signs .* shown this once/);
  const tested = await run(['endpoints', 'test', 'orders', '--type', 'email.bounced', '--json']);
  assert.equal(tested.code, 0, tested.err);
  assert.equal(JSON.parse(tested.out.join('')).state, 'delivered');
  const rotated = await run(['endpoints', 'rotate', 'orders', '--overlap', '1h']);
  assert.match(rotated.out.join('\n'), /signs until .*secret {2}whsec_/s);
  const changed = await run(
    ['endpoints', 'update', 'orders', '--fields', '-', '--rate-limit', '7'],
    {
      input: '{"retry_ladder": ["5s"], "rate_limit": 3}',
    },
  );
  assert.equal(changed.code, 0, changed.err);
  const seen = await server.client.get('/v1/endpoints/orders');
  assert.deepEqual([seen.retry_ladder, seen.rate_limit], [['5s'], 7]);
  const made = await run(['endpoints', 'update', 'orders', '--transformation', '-'], {
    input: '{ "kind": type }',
  });
  assert.match(made.out.join('\n'), /body by +\{ "kind": type \}/);
  await run(['endpoints', 'disable', 'orders']);
  assert.match(
    (await run(['endpoints', 'show', 'orders'])).out.join('\n'),
    /state +disabled\nwhy /,
  );
  await run(['endpoints', 'enable', 'orders']);
  const listed = await run(['endpoints', 'list'], { columns: 80 });
  assert.match(listed.out[1] ?? '', /^ep_\w+ +orders +enabled +standard +http/);
  for (const line of listed.out) assert.ok(line.length <= 80, line);
  const refused = await run(['endpoints', 'delete', 'orders']);
  assert.equal(refused.code, 2);
  assert.match(refused.err, /add --yes/);
  assert.equal((await run(['endpoints', 'delete', 'orders'], { answers: ['n'] })).code, 1);
  assert.equal((await run(['endpoints', 'delete', 'orders'], { answers: ['y'] })).code, 0);
  assert.equal((await run(['endpoints', 'show', 'orders'])).code, 1);
});

test('wrong fields are named with the nearest right one', async () => {
  const wrong = await run(['endpoints', 'create', receiver.url, '--type', 'email.bouncd']);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /Did you mean "email\.bounced"/);
  const nothing = await run(['endpoints', 'update', 'orders']);
  assert.deepEqual([nothing.code, nothing.out], [2, []]);
  assert.match(nothing.err, /Nothing to change/);
  const text = await run(['endpoints', 'update', 'orders', '--fields', '-'], { input: '[1]' });
  assert.match(text.err, /--fields: standard input is not a JSON object/);
  const number = await run(['endpoints', 'update', 'orders', '--rate-limit', 'many']);
  assert.equal(number.code, 2);
  assert.match(
    number.err,
    /--rate-limit <number>' argument 'many' is invalid\. It is a whole number/,
  );
});

test('what was not taken is shown, tried again, and replayed with a count first', async () => {
  receiver.answerWith(500);
  await server.client.post('/v1/endpoints', { url: receiver.url, uid: 'failing' });
  const failed = await run(['endpoints', 'test', 'failing']);
  assert.equal(failed.code, 1);
  assert.match(failed.out.join('\n'), /state +retrying.*#1 .* in \d+ ms/s);
  const listed = await run(['deliveries', 'list', '--endpoint', 'failing', '--json']);
  const { id } = JSON.parse(listed.out[0] ?? '');
  const table = await run(['deliveries', 'list', '--endpoint', 'failing'], { columns: 80 });
  for (const line of table.out) assert.ok(line.length <= 80, line);
  const shown = await run(['deliveries', 'show', id]);
  assert.match(shown.out.join('\n'), new RegExp(`^delivery +${id}\n`));
  assert.equal((await run(['deliveries', 'retry', id])).code, 1);
  receiver.answerWith(204);
  assert.equal((await run(['deliveries', 'retry', id])).code, 0);
  const asked = ['replay', '--endpoint', 'failing', '--state', 'delivered'];
  const preview = await run([...asked, '--dry-run', '--json']);
  assert.deepEqual(JSON.parse(preview.out.join('')), { dry_run: true, deliveries: 1, missing: 0 });
  const denied = await run(asked, { answers: ['no'] });
  assert.equal(denied.code, 1);
  assert.match(denied.err, /1 deliveries would be sent again.*Nothing was sent/s);
  assert.equal((await run(asked)).code, 2);
  const done = await run([...asked, '--yes']);
  assert.equal(done.code, 0, done.err);
  assert.match(done.out.join(''), /^job_\w+ done: 1 of 1 \(100%\)$/);
  const jobs = await run(['jobs', 'list'], { columns: 80 });
  assert.match(jobs.out[1] ?? '', /^job_\w+ +replay/);
  for (const line of jobs.out) assert.ok(line.length <= 80, line);
  const nothing = await run(['replay', '--state', 'dead']);
  assert.equal(nothing.code, 1);
  assert.match(nothing.err, /nothing_found/);
});

test('Ctrl-C during a replay stops waiting and says that the server goes on', async () => {
  const asked = ['replay', '--endpoint', 'failing', '--state', 'delivered', '--rate', '1', '--yes'];
  const { err } = await run(asked, { signal: AbortSignal.abort() });
  assert.match(err, /The server goes on with job_\w+\..*posthorn jobs cancel job_/);
});
