import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findProvider } from '@posthorn/sdk';
import { isId } from '../../core/ids.ts';
import { dataSchema } from '../../http/api/events/event-data-schema.ts';
import { type DecodeInput, decodeWebhook } from './decode.ts';

const NOW_MS = Date.UTC(2026, 10, 21, 16);
const folder = mkdtempSync(join(tmpdir(), 'posthorn-decode-'));
after(() => rmSync(folder, { recursive: true, force: true }));

async function decode(request: unknown, input: Partial<DecodeInput> & { provider: string }) {
  const out: string[] = [];
  const err: string[] = [];
  const world = {
    readInput: () => (typeof request === 'string' ? request : JSON.stringify(request)),
    out: (line: string) => out.push(line),
    err: (line: string) => err.push(line),
    nowMs: () => NOW_MS,
    fetchKey: async () => assert.fail('fetched'),
  };
  const code = await decodeWebhook({ secrets: [], verify: true, json: true, ...input }, world);
  return {
    code,
    events: out.map((line) => JSON.parse(line)),
    lines: out,
    errors: err.map((line) => JSON.parse(line)),
  };
}

const BODY =
  '{"event":"delivered","messageId":"m1","recipient":"Jane@Example.com","timestamp":"2024-11-15T09:32:00Z"}';

const sendarix = (body: string, secret = 's3cret') => ({
  headers: { 'X-Sendarix-Signature': createHmac('sha256', secret).update(body).digest('hex') },
  body,
});

test('prints each event on a line, as the log would hold it, with the same id each time', async () => {
  const first = await decode({ headers: {}, body: BODY }, { provider: 'flexmail' });
  const again = await decode({ headers: {}, body: BODY }, { provider: 'FLEXMAIL' });
  assert.equal(first.code, 0);
  const [event] = first.events;
  assert.equal(event.type, 'email.delivered');
  assert.equal(event.timestamp, '2024-11-15T09:32:00Z');
  assert.equal(event.data.recipient, 'Jane@example.com');
  assert.equal(event.data.received_at, '2026-11-21T16:00:00.000Z');
  assert.deepEqual(event.data.raw, JSON.parse(BODY));
  assert.ok(isId('event', event.id));
  assert.deepEqual(again.events, first.events);
  const other = await decode({ body: BODY.replace('m1', 'm2') }, { provider: 'flexmail' });
  assert.notEqual(other.events[0].id, event.id);
});

test('takes the body as base64, and a body that was given as JSON', async () => {
  const encoded = await decode(
    { body_b64: Buffer.from(BODY).toString('base64') },
    { provider: 'flexmail' },
  );
  assert.equal(encoded.events.length, 1);
  const parsed = await decode({ body: JSON.parse(BODY) }, { provider: 'flexmail' });
  assert.deepEqual(parsed.events, encoded.events);
});

test('ids stay exact from the body to the output', async () => {
  const body =
    '{"event":"open","time":1433333949,"MessageID":104427216766056451,"email":"a@b.example"}';
  const { lines } = await decode({ body }, { provider: 'mailjet' });
  assert.match(lines[0] ?? '', /"provider_id":"104427216766056451"/);
  assert.match(lines[0] ?? '', /"MessageID":104427216766056451,/);
});

test('ends with 1 and the code when it is not from the provider, or not what it sends', async () => {
  const request = sendarix('{"event":"delivered","recipient":"a@b.example"}');
  const codeOf = async (input: unknown, more: Partial<DecodeInput> = {}) => {
    const { code, errors, events } = await decode(input, {
      provider: 'sendarix',
      secrets: ['s3cret'],
      ...more,
    });
    if (code !== 0) assert.equal(events.length, 0);
    return [code, errors[0]?.code];
  };
  assert.deepEqual(await codeOf(request), [0, undefined]);
  assert.deepEqual(await codeOf(request, { secrets: ['old', 's3cret'] }), [0, undefined]);
  assert.deepEqual(await codeOf(request, { secrets: ['wrong'] }), [1, 'bad_signature']);
  assert.deepEqual(await codeOf({ ...request, headers: {} }), [1, 'missing_signature']);
  assert.deepEqual(await codeOf(request, { secrets: [] }), [1, 'missing_secret']);
  assert.deepEqual(await codeOf(request, { secrets: [], verify: false }), [0, undefined]);
  assert.deepEqual(await codeOf(sendarix('nonsense')), [1, 'invalid_payload']);
  assert.deepEqual(await codeOf(sendarix('{}')), [1, 'invalid_payload']);
  for (const input of ['', 'nonsense', '[]', '{"headers":[]}', '{"method":1}']) {
    assert.deepEqual(await codeOf(input), [1, 'invalid_input'], input);
  }
});

test('a signature may be of any age, unless a tolerance is given', async () => {
  const body = '{"event":"delivered","recipient":"a@b.example"}';
  const { headers } = sendarix(body);
  const request = { body, headers: { ...headers, 'x-sendarix-timestamp': '1710000000' } };
  const input = { provider: 'sendarix', secrets: ['s3cret'] };
  assert.equal((await decode(request, input)).code, 0);
  const { code, errors } = await decode(request, { ...input, toleranceSeconds: 300 });
  assert.deepEqual([code, errors[0].code], [1, 'timestamp_out_of_range']);
});

test('secrets, and mappings for generic, come from files too', async () => {
  const secret = join(folder, 'secret');
  writeFileSync(secret, 's3cret\n');
  const request = sendarix('{"event":"delivered","recipient":"a@b.example"}');
  assert.equal((await decode(request, { provider: 'sendarix', secrets: [`@${secret}`] })).code, 0);
  const missing = await decode(request, { provider: 'sendarix', secrets: ['@/nowhere/at/all'] });
  assert.deepEqual([missing.code, missing.errors[0].code], [1, 'invalid_input']);
  const mapping = join(folder, 'mapping.json');
  writeFileSync(
    mapping,
    JSON.stringify({
      mapping: { fields: { type: 'k', recipient: 'to.whom' }, types: { X: 'email.clicked' } },
    }),
  );
  const { events } = await decode(
    { body: { k: 'X', to: { whom: 'a@b.example' } } },
    { provider: 'generic', mapping },
  );
  assert.equal(events[0].type, 'email.clicked');
  assert.equal(events[0].data.recipient, 'a@b.example');
  assert.equal((await decode({ body: BODY }, { provider: 'flexmail', mapping })).code, 1);
});

test('a handshake prints no event, and what to answer', async () => {
  const head = await decode({ method: 'head', body: '' }, { provider: 'mandrill' });
  assert.deepEqual([head.code, head.events, head.errors[0].handshake.status], [0, [], 200]);
  const topic = {
    Type: 'SubscriptionConfirmation',
    TopicArn: 'arn:aws:sns:eu-west-1:1:t',
    SubscribeURL: 'https://x',
  };
  const sns = await decode(
    { body: topic },
    { provider: 'ses', secrets: ['arn:aws:sns:eu-west-1:1:t'] },
  );
  assert.deepEqual([sns.code, sns.errors[0].code], [1, 'missing_signature']);
});

test('the command itself, with a name that is nearly one', () => {
  const run = (...args: string[]) =>
    spawnSync(
      process.execPath,
      [join(import.meta.dirname, '..', '..', '..', 'bin', 'posthorn.mjs'), 'decode', ...args],
      {
        input: JSON.stringify(
          sendarix('{"event":"click","recipient":"a@b.example","url":"https://a.example"}'),
        ),
        encoding: 'utf8',
      },
    );
  const right = run('sendarix', '--secret', 'old', '--secret', 's3cret');
  assert.equal(right.status, 0, right.stderr);
  assert.equal(JSON.parse(right.stdout).type, 'email.clicked');
  const wrong = run('sendarix', '--secret', 'x');
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /bad_signature/);
  const unknown = run('sendarx', '--no-verify', '--json');
  assert.equal(unknown.status, 2);
  assert.match(JSON.parse(unknown.stderr).message, /Did you mean "sendarix"\?/);
});

const corpus = join(
  import.meta.dirname,
  '..',
  '..',
  '..',
  '..',
  '..',
  '..',
  'shared',
  'corpora',
  'provider-webhooks',
  'symfony',
);
const skip = existsSync(corpus) ? false : 'allowed: the folder shared/corpora is not here';

test('what real payloads become is what POST /v1/events takes', { skip }, () => {
  const files = globSync('*/*.json', { cwd: corpus }).filter(
    (file) => !file.includes('.expected.'),
  );
  assert.ok(files.length > 50);
  for (const file of files) {
    const provider = findProvider(file.split('/')[0] ?? '');
    assert.ok(provider, file);
    const body = readFileSync(join(corpus, file));
    for (const { data } of provider.decode({ method: 'POST', url: '', headers: {}, body })) {
      const { success, error } = dataSchema.safeParse(data);
      assert.ok(success, `${file}: ${error}`);
    }
  }
});
