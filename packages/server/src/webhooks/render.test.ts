import assert from 'node:assert/strict';
import test from 'node:test';
import { encodeSecret, importSecret, verifyStandardWebhook } from '@posthorn/sdk';
import { renderHeaders } from './render.ts';

const body = Buffer.from('{"type":"email.delivered","data":{"subject":"Grüße"}}');

function render(secrets: string[], nowMs: number): Record<string, string> {
  const keys = secrets.map(importSecret);
  const flat = renderHeaders({ eventId: 'evt_1', keys, body, nowMs });
  const named: Record<string, string> = {};
  for (let i = 0; i < flat.length; i += 2) named[flat[i] ?? ''] = flat[i + 1] ?? '';
  return named;
}

/** Published with Standard Webhooks: github.com/standard-webhooks/standard-webhooks, JavaScript tests. */
test("the specification's own vector comes out", () => {
  const headers = renderHeaders({
    eventId: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    keys: [importSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')],
    body: Buffer.from('{"test": 2432232314}'),
    nowMs: 1_614_265_330_000,
  });
  const at = headers.indexOf('webhook-signature');
  assert.equal(headers[at + 1], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('the stamp is whole seconds, and the signature is over just these bytes', () => {
  const secret = encodeSecret(Buffer.alloc(32, 3));
  const headers = render([secret], 1_700_000_000_999);
  assert.equal(headers['webhook-timestamp'], '1700000000');
  assert.equal(headers['content-type'], 'application/json');
  const nowMs = 1_700_000_000_000;
  assert.equal(verifyStandardWebhook({ secret, body, headers, nowMs }).id, 'evt_1');
  const changed = Buffer.concat([body, Buffer.from(' ')]);
  assert.throws(() => verifyStandardWebhook({ secret, body: changed, headers, nowMs }));
});

test('while a secret is replaced, a receiver with either of the two can verify', () => {
  const [old, fresh] = [encodeSecret(Buffer.alloc(32, 1)), encodeSecret(Buffer.alloc(32, 2))];
  const headers = render([fresh, old], 0);
  assert.equal(headers['webhook-signature']?.split(' ').length, 2);
  for (const secret of [old, fresh]) {
    assert.doesNotThrow(() => verifyStandardWebhook({ secret, body, headers, nowMs: 0 }));
  }
  const other = encodeSecret(Buffer.alloc(32, 9));
  assert.throws(() => verifyStandardWebhook({ secret: other, body, headers, nowMs: 0 }));
});
