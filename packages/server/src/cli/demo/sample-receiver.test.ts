import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { decodeSecret, encodeSecret, signStandardWebhook } from '@posthorn/sdk';
import { Webhook } from 'standardwebhooks';
import { createFaultPlan } from './fault-plan.ts';
import { startSampleReceiver } from './sample-receiver.ts';

const secret = encodeSecret(randomBytes(32));
const receiver = await startSampleReceiver({ seed: 1 });
receiver.useSecret(secret);
after(() => receiver.stop());

const BODY = JSON.stringify({ id: 'evt_1', type: 'system.test', timestamp: 'now', data: {} });

function headersFor(id: string, body: string): Record<string, string> {
  const timestamp = Math.floor(Date.now() / 1_000);
  const signature = signStandardWebhook({ key: decodeSecret(secret), id, timestamp, body });
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signature,
  };
}

/** The status of the answer; 0 where the connection was closed instead. */
async function post(id: string, body = BODY, sent = body): Promise<number> {
  const headers = headersFor(id, body);
  const response = await fetch(receiver.url, { method: 'POST', headers, body: sent }).catch(
    () => null,
  );
  return response?.status ?? 0;
}

test('refuses a tampered body and one without a signature', async () => {
  assert.equal(await post('evt_t', BODY, BODY.replace('system', 'sYstem')), 401);
  assert.equal((await fetch(receiver.url, { method: 'POST', body: BODY })).status, 401);
  assert.equal(receiver.tally().rejected, 2);
  assert.equal(receiver.tally().verified.size, 0);
});

test('takes a signed event, fails some first attempts, and takes every second one', async () => {
  const first = [];
  for (const id of ['evt_1', 'evt_2', 'evt_3', 'evt_4']) first.push(await post(id));
  assert.deepEqual(first, [200, 500, 503, 0]);
  for (const id of ['evt_2', 'evt_3', 'evt_4']) assert.equal(await post(id), 200);
  const { verified, retried } = receiver.tally();
  assert.deepEqual([...verified.keys()], ['evt_1', 'evt_2', 'evt_3', 'evt_4']);
  assert.deepEqual([...retried], ['evt_2', 'evt_3', 'evt_4']);
});

test('handles an id that comes again once', async () => {
  const before = receiver.tally().verified.size;
  assert.equal(await post('evt_1'), 200);
  assert.equal(receiver.tally().verified.size, before);
});

test('takes what the Standard Webhooks library signs', async () => {
  const at = new Date();
  const signature = new Webhook(secret).sign('evt_1', at, BODY);
  const headers = {
    'webhook-id': 'evt_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': signature,
  };
  assert.equal((await fetch(receiver.url, { method: 'POST', headers, body: BODY })).status, 200);
});

test('plans the same failures for the same seed, about one in four', () => {
  const [plan, again] = [createFaultPlan(7), createFaultPlan(7)];
  const faults = Array.from({ length: 1_000 }, plan);
  assert.deepEqual(Array.from({ length: 1_000 }, again), faults);
  const count = faults.filter((fault) => fault !== null).length;
  assert.ok(count > 200 && count < 300, `${count} of 1,000`);
});
