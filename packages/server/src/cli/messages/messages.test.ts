import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CommandResult, type RunOptions, runCommand } from '../fixtures/run-command.ts';
import {
  API_KEY,
  type InProcessServer,
  startInProcessServer,
} from '../whole/fixtures/in-process-server.ts';
import { type MailSink, startMailSink } from '../whole/fixtures/mail-sink.ts';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-messages-command-'));
let sink: MailSink;
let server: InProcessServer;
before(async () => {
  sink = await startMailSink({ defers: () => false });
  server = await startInProcessServer({ smarthost: `smtp://127.0.0.1:${sink.port}` });
});
after(async () => {
  await server.stop();
  await sink.close();
  rmSync(folder, { recursive: true, force: true });
});

function run(args: string[], options: RunOptions = {}): Promise<CommandResult> {
  const env = { XDG_CONFIG_HOME: folder, POSTHORN_API_KEY: API_KEY };
  return runCommand(args, { env: { ...env, POSTHORN_URL: server.httpUrl }, ...options });
}

const ENVELOPE = ['--from', 'Shop <orders@shop.test>', '--to', 'jane@example.com'];

test('sends what flags, files and standard input say', async () => {
  const file = join(folder, 'invoice.pdf');
  writeFileSync(file, 'not really');
  const args = ['send', ...ENVELOPE, '--cc', 'joe@example.com', '--subject', 'Hello', '--tag', 'a'];
  const more = [
    '--metadata',
    'order=1001',
    '--header',
    'X-Shop: brass',
    '--attach',
    `${file}:text/plain`,
  ];
  const { code, out, err } = await run([...args, ...more, '--json'], { input: 'It works: ü\n' });
  assert.equal(code, 0, err);
  const { id, recipients } = JSON.parse(out.join(''));
  assert.deepEqual(
    recipients.map((one: { kind: string }) => one.kind),
    ['to', 'cc'],
  );
  const message = await server.client.get(`/v1/messages/${id}`);
  assert.equal(message.subject, 'Hello');
  assert.deepEqual([message.tags, message.metadata], [['a'], { order: '1001' }]);
});

test('says which fields are wrong, and what standard input cannot be', async () => {
  const wrong = await run(['send', ...ENVELOPE, '--text', 'x', '--reply-to', 'nobody']);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /^posthorn: .*reply_to.*\(422 invalid_field\)\n$/s);
  const twice = await run(['send', ...ENVELOPE, '--text', '@-', '--html', '@-']);
  assert.deepEqual([twice.code, twice.out], [2, []]);
  assert.match(twice.err, /Only one of --text, --html/);
  const bare = await run(['send', ...ENVELOPE, '--fields', '-'], {
    input: '{"subject": "No text"}',
  });
  assert.deepEqual([bare.code, bare.out], [1, []]);
  assert.match(bare.err, /invalid_field/);
  const pair = await run(['send', ...ENVELOPE, '--text', 'x', '--metadata', 'order']);
  assert.match(pair.err, /--metadata: "order" is not name=value/);
  const gone = await run(['send', ...ENVELOPE, '--text', `@${folder}/none.txt`, '--json']);
  assert.equal(gone.code, 2);
  assert.deepEqual(JSON.parse(gone.err).code, 'misuse');
  const bytes = await run(['send', ...ENVELOPE], { input: new Uint8Array([0x66, 0xfc, 0x72]) });
  assert.match(bytes.err, /--text: standard input is not UTF-8/);
});

test('the same idempotency key sends once', async () => {
  const args = ['send', ...ENVELOPE, '--text', 'once', '--idempotency-key', 'order-1', '--json'];
  const [first, second] = [await run(args), await run(args)];
  assert.equal(first.code, 0, first.err);
  assert.deepEqual(first.out, second.out);
});

test('a server that is not there is named, with the key that makes a repetition safe', async () => {
  const args = ['send', ...ENVELOPE, '--text', 'x', '--idempotency-key', 'order-2'];
  const { code, err } = await run(args, {
    env: { POSTHORN_URL: 'http://127.0.0.1:9', POSTHORN_API_KEY: API_KEY },
  });
  assert.equal(code, 3);
  assert.match(
    err,
    /^posthorn: http:\/\/127\.0\.0\.1:9, which is from POSTHORN_URL, cannot be reached/,
  );
  assert.match(err, /--idempotency-key order-2, and it is sent once\.\n$/);
  assert.ok(!err.includes(API_KEY));
});

test('lists messages in 80 columns, newest first, page by page', async () => {
  for (let i = 0; i < 3; i++) {
    await run([
      'send',
      '--from',
      'a@shop.test',
      '--to',
      'many@example.com',
      '--text',
      'x',
      '--subject',
      `A rather long subject, number ${i}`,
    ]);
  }
  const wanted = ['messages', 'list', '--recipient', 'many@example.com'];
  const table = await run(wanted, { columns: 80 });
  assert.match(table.out[0] ?? '', /^message +accepted +from +subject$/);
  assert.equal(table.out.length, 4);
  for (const line of table.out) assert.ok(line.length <= 80, line);
  const found = await run(['messages', 'list', '--subject', 'number 1', '--since', '1h', '--json']);
  assert.deepEqual(
    found.out.map((line) => JSON.parse(line).subject),
    ['A rather long subject, number 1'],
  );
  const two = await run([...wanted, '--limit', '2', '--json']);
  const subjects = two.out.map((line) => JSON.parse(line).subject.slice(-1));
  assert.deepEqual(subjects, ['2', '1']);
  const more = await run([...wanted, '--limit', '2']);
  assert.match(more.err, /There are more; --all/);
  const none = await run(['messages', 'list', '--recipient', 'nobody@example.com']);
  assert.deepEqual([none.code, none.out], [0, []]);
  assert.match(none.err, /There is no such message/);
});

test('shows what the mail server answered, and who was told', async () => {
  await server.client.post('/v1/endpoints', { url: 'http://127.0.0.1:9/hook' });
  const args = [
    'send',
    '--from',
    'a@shop.test',
    '--to',
    'bounce@example.com',
    '--text',
    'x',
    '--json',
  ];
  const { id } = JSON.parse((await run(args)).out.join(''));
  // A stream from the beginning ends with the event that says that it is over.
  const types = ['--type', 'email.bounced', '--message', id];
  await run(['events', 'tail', '--after', 'start', '--count', '1', ...types]);
  const shown = await run(['messages', 'show', id]);
  assert.match(shown.out.join('\n'), /to bounce@example\.com: bounced after 1 attempt/);
  assert.match(shown.out.join('\n'), /email\.bounced .*\n.*No such user.*\n {4}-> http:\/\/127/);
});

test('lets a held message go, or drops it', async () => {
  const made = await run(['keys', 'create', 'held', '--scope', 'send', '--mode', 'hold', '--json']);
  const { key } = JSON.parse(made.out.join(''));
  for (const [verb, outcome] of [
    ['release', 'released'],
    ['drop', 'dropped'],
  ] as const) {
    const sent = await run(['send', ...ENVELOPE, '--text', 'x', '--key', key, '--json']);
    const { id } = JSON.parse(sent.out.join(''));
    const listed = await run(['messages', 'list', '--state', 'held']);
    assert.match(listed.out.join('\n'), new RegExp(id));
    const decided = await run(['messages', verb, id]);
    assert.deepEqual([decided.code, decided.out], [0, [`jane@example.com: ${outcome}`]]);
    const again = await run(['messages', verb, id]);
    assert.equal(again.code, 1);
    assert.match(again.err, /not held/);
  }
});

test('shows where a message is, and cancels one that waits', async () => {
  const later = new Date(Date.now() + 3_600_000).toISOString();
  const sent = await run(['send', ...ENVELOPE, '--text', 'x', '--send-at', later, '--json']);
  const { id } = JSON.parse(sent.out.join(''));
  const soon = ['--text', 'x', '--expect-within', 'soon'];
  assert.match((await run(['send', ...ENVELOPE, ...soon])).err, /expect_within/);
  const shown = await run(['messages', 'show', id]);
  assert.equal(shown.code, 0, shown.err);
  assert.match(shown.out.join('\n'), /^message +msg_.*\nto jane@example\.com: .*email\.accepted/s);
  const again = await run(['messages', 'resend', id, '--to', 'joe@example.com', '--json']);
  assert.equal(again.code, 0, again.err);
  const resent = JSON.parse(again.out.join(''));
  assert.notEqual(resent.id, id);
  assert.equal(resent.recipients[0].address, 'joe@example.com');
  const canceled = await run(['messages', 'cancel', id]);
  assert.deepEqual(canceled.out, ['jane@example.com: canceled']);
  const none = await run(['messages', 'show', 'msg_none']);
  assert.deepEqual([none.code, none.out], [1, []]);
  assert.match(none.err, /There is no message msg_none/);
});
