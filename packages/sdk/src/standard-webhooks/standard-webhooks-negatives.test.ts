import assert from 'node:assert/strict';
import { createHmac, createSecretKey } from 'node:crypto';
import test from 'node:test';
import { Webhook } from 'standardwebhooks';
import { WebhookError } from '../errors.ts';
import {
  type HeaderSource,
  signStandardWebhook,
  type VerifyOptions,
  verifyStandardWebhook,
} from './standard-webhooks.ts';
import { decodeSecret, encodeSecret, importSecret } from './standard-webhooks-keys.ts';

/** The cases that the reference libraries of Standard Webhooks test, and what goes wrong beside them. */

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const TIMESTAMP = 1_614_265_330;
const BODY = '{"test": 2432232314}';

const signed = signStandardWebhook({
  key: importSecret(SECRET),
  id: ID,
  timestamp: TIMESTAMP,
  body: BODY,
});
const HEADERS = {
  'webhook-id': ID,
  'webhook-timestamp': String(TIMESTAMP),
  'webhook-signature': signed,
};

/** Whether it verifies; whatever else goes wrong than a refusal is an error of the test. */
function accepts(change: Partial<VerifyOptions>): boolean {
  const usual = { secret: SECRET, body: BODY, headers: HEADERS, nowMs: TIMESTAMP * 1_000 };
  try {
    verifyStandardWebhook({ ...usual, ...change });
    return true;
  } catch (error) {
    assert.ok(error instanceof WebhookError, String(error));
    return false;
  }
}

const withHeader = (name: string, value: string | string[]): { headers: HeaderSource } => ({
  headers: { ...HEADERS, [name]: value },
});

test('a signature that is cut, bare, changed in one character or of another case is refused', () => {
  assert.ok(accepts({}));
  const base64 = signed.slice('v1,'.length);
  const other = base64.startsWith('A') ? 'B' : 'A';
  for (const signature of [
    '',
    ' ',
    'v1,',
    'v1',
    base64,
    signed.slice(0, -1),
    signed.slice(0, 10),
    `v1,${other}${base64.slice(1)}`,
    `V1,${base64}`,
    `v2,${base64}`,
    `v1;${base64}`,
    `v1,${base64.toLowerCase()}`,
    `v1,${base64}=`,
    `v1, ${base64}`,
  ]) {
    assert.ok(!accepts(withHeader('webhook-signature', signature)), signature);
  }
});

test('a timestamp that is no plain number of seconds is refused, though a lax reader could take it', () => {
  for (const timestamp of [
    `${TIMESTAMP}.0`,
    `+${TIMESTAMP}`,
    `-${TIMESTAMP}`,
    ` ${TIMESTAMP}`,
    `${TIMESTAMP} `,
    `${TIMESTAMP}s`,
    '1.61426533e9',
    '0x60379a72',
    '1_614_265_330',
    'NaN',
    'Infinity',
    new Date(TIMESTAMP * 1_000).toISOString(),
  ]) {
    // Signed as it stands, so that nothing but the number is wrong.
    const mac = createHmac('sha256', decodeSecret(SECRET)).update(`${ID}.${timestamp}.${BODY}`);
    const signature = `v1,${mac.digest('base64')}`;
    const headers = { ...HEADERS, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
    assert.ok(!accepts({ headers }), timestamp);
  }
});

test('a part that came twice is refused, unless it is the signature', () => {
  assert.ok(!accepts(withHeader('webhook-id', [ID, ID])));
  assert.ok(!accepts(withHeader('webhook-timestamp', [String(TIMESTAMP), String(TIMESTAMP)])));
  assert.ok(accepts(withHeader('webhook-signature', ['v1,AAAA', signed])));
});

test('what is signed cannot move from one part into the next', () => {
  const headers = { ...HEADERS, 'webhook-id': `${ID}.${TIMESTAMP}` };
  assert.ok(!accepts({ headers }));
  assert.ok(!accepts({ headers: { ...HEADERS, 'webhook-id': ID.slice(0, -1) } }));
});

test('secrets are read with and without their padding, as the reference library does', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: TIMESTAMP * 1_000 });
  for (const size of [31, 32, 34, 64]) {
    const secret = encodeSecret(Buffer.alloc(size, size));
    const unpadded = secret.replace(/=+$/, '');
    const signature = new Webhook(secret).sign(ID, new Date(), BODY);
    for (const form of [secret, unpadded, secret.slice('whsec_'.length)]) {
      const change = { ...withHeader('webhook-signature', signature), secret: form };
      assert.ok(accepts(change), form);
    }
  }
});

test('bytes that are no base64 can be a secret as a KeyObject', () => {
  const secret = createSecretKey(Buffer.from('not base64, and quite long enough'));
  const body = BODY;
  const signature = signStandardWebhook({ key: secret, id: ID, timestamp: TIMESTAMP, body });
  assert.ok(accepts({ ...withHeader('webhook-signature', signature), secret }));
  assert.ok(!accepts({ secret }));
});

test('no secret is a secret', () => {
  for (const secret of ['', 'whsec_', 'whsec_====', 'whsk_', 'whpk_']) {
    assert.ok(!accepts({ secret }), secret);
  }
  assert.ok(!accepts({ secret: [] }));
});

test('an empty body has a signature, and is no event', () => {
  const key = importSecret(SECRET);
  const signature = signStandardWebhook({ key, id: ID, timestamp: TIMESTAMP, body: '' });
  const given = { secret: SECRET, body: '', nowMs: TIMESTAMP * 1_000 };
  assert.throws(
    () => verifyStandardWebhook({ ...given, ...withHeader('webhook-signature', signature) }),
    (error) => error instanceof WebhookError && error.code === 'invalid_payload',
  );
});
