import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { Webhook } from 'standardwebhooks';
import { WebhookError } from '../errors.ts';
import { signStandardWebhook, verifyStandardWebhook } from './standard-webhooks.ts';
import { decodeSecret, encodeSecret } from './standard-webhooks-keys.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const NOW_MS = 1_614_265_330_000;
const BODY = '{"test": 2432232314}';

function headersFor(body: string, secret = SECRET): Record<string, string> {
  const timestamp = NOW_MS / 1_000;
  return {
    'webhook-id': ID,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signStandardWebhook({
      key: decodeSecret(secret),
      id: ID,
      timestamp,
      body,
    }),
  };
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof WebhookError, String(error));
    return error.code;
  }
  return 'accepted';
}

const vectors = new URL('../../../../../shared/corpora/signatures/', import.meta.url);
const skip = existsSync(vectors) ? false : 'allowed: the folder shared/corpora is not here';

test('the published vectors come out the same', { skip }, () => {
  const list = JSON.parse(readFileSync(new URL('standard-webhooks.json', vectors), 'utf8'));
  const symmetric = list.filter((one: { signature: string }) => one.signature.startsWith('v1,'));
  assert.ok(symmetric.length > 0);
  for (const { secret, id, timestamp, body, signature } of symmetric) {
    assert.equal(
      signStandardWebhook({ key: decodeSecret(secret), id, timestamp, body }),
      signature,
    );
  }
});

test('the vectors of Svix and Resend verify, under their own header names too', { skip }, () => {
  const list = JSON.parse(readFileSync(new URL('svix-resend.json', vectors), 'utf8'));
  let checked = 0;
  for (const vector of list) {
    const { headers } = vector;
    const nowMs = Number(headers['svix-timestamp']) * 1_000;
    const verified = verifyStandardWebhook({
      secret: vector.secret,
      body: vector.body,
      headers,
      nowMs,
    });
    assert.equal(verified.id, headers['svix-id']);
    checked += 1;
  }
  assert.ok(checked > 0);
});

test('the reference library accepts what we sign', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: NOW_MS });
  assert.deepEqual(new Webhook(SECRET).verify(BODY, headersFor(BODY)), JSON.parse(BODY));
});

test('we accept what the reference library signs', () => {
  const signature = new Webhook(SECRET).sign(ID, new Date(NOW_MS), BODY);
  const headers = { ...headersFor(BODY), 'webhook-signature': signature };
  assert.equal(
    verifyStandardWebhook({ secret: SECRET, body: BODY, headers, nowMs: NOW_MS }).id,
    ID,
  );
});

test('a changed body, a missing header and a wrong secret are told apart', () => {
  const headers = headersFor(BODY);
  const verify = (change: object) => () =>
    verifyStandardWebhook({ secret: SECRET, body: BODY, headers, nowMs: NOW_MS, ...change });
  assert.equal(codeOf(verify({})), 'accepted');
  assert.equal(codeOf(verify({ body: `${BODY} ` })), 'bad_signature');
  assert.equal(codeOf(verify({ secret: encodeSecret(Buffer.alloc(24, 7)) })), 'bad_signature');
  assert.equal(codeOf(verify({ secret: 'whsec_' })), 'invalid_secret');
  for (const name of Object.keys(headers)) {
    assert.equal(
      codeOf(verify({ headers: { ...headers, [name]: undefined } })),
      'missing_signature',
    );
  }
  const soon = { ...headers, 'webhook-timestamp': 'soon' };
  assert.equal(codeOf(verify({ headers: soon })), 'invalid_timestamp');
});

test('five minutes of difference are the limit, in both directions', () => {
  const headers = headersFor(BODY);
  const at = (nowMs: number) =>
    codeOf(() => verifyStandardWebhook({ secret: SECRET, body: BODY, headers, nowMs }));
  assert.equal(at(NOW_MS + 300_000), 'accepted');
  assert.equal(at(NOW_MS - 300_000), 'accepted');
  assert.equal(at(NOW_MS + 301_000), 'timestamp_out_of_range');
  assert.equal(at(NOW_MS - 301_000), 'timestamp_out_of_range');
});

test('one valid signature among unknown ones is enough, and any of several secrets', () => {
  const headers = headersFor(BODY);
  const signature = `v1a,AAAA v2,x ${headers['webhook-signature']} v1,bm90aGluZw==`;
  const secret = [encodeSecret(Buffer.alloc(32, 1)), SECRET];
  const many = { ...headers, 'webhook-signature': signature };
  assert.equal(verifyStandardWebhook({ secret, body: BODY, headers: many, nowMs: NOW_MS }).id, ID);
});

test('bytes that are no UTF-8 are verified as they are', () => {
  const body = Buffer.from([0x22, 0xff, 0xfe, 0x22]);
  const timestamp = NOW_MS / 1_000;
  const signature = signStandardWebhook({ key: decodeSecret(SECRET), id: ID, timestamp, body });
  const headers = { ...headersFor(BODY), 'webhook-signature': signature };
  assert.equal(verifyStandardWebhook({ secret: SECRET, body, headers, nowMs: NOW_MS }).id, ID);
});
