import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import {
  type CanonicalEvent,
  decodeSecret,
  encodeSecret,
  signStandardWebhook,
} from '@posthorn/sdk';
import { Webhook } from 'standardwebhooks';
import { createFetchReceiver } from './receiver-fetch.ts';
import { createReceiver } from './receiver-node-http.ts';

const secret = encodeSecret(randomBytes(32));
const BODY = JSON.stringify({
  id: 'evt_1',
  type: 'email.delivered',
  timestamp: '2026-11-21T16:00:00.000Z',
  data: { recipient: 'zoë@example.com' },
});

type Sign = (id: string, at: Date, body: string) => string;
const SIGNERS: Record<string, Sign> = {
  '@posthorn/sdk': (id, at, body) =>
    signStandardWebhook({ key: decodeSecret(secret), id, timestamp: secondsOf(at), body }),
  standardwebhooks: (id, at, body) => new Webhook(secret).sign(id, at, body),
};

function secondsOf(at: Date): number {
  return Math.floor(at.getTime() / 1_000);
}

function headersOf(sign: Sign, id: string, at = new Date()): Record<string, string> {
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(secondsOf(at)),
    'webhook-signature': sign(id, at, BODY),
  };
}

type Send = (headers: Record<string, string>, body: string) => Promise<number>;

async function serveNodeHttp(onEvent: (event: CanonicalEvent) => void): Promise<Send> {
  const server = createServer(createReceiver(secret, onEvent));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return async (headers, body) =>
    (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body })).status;
}

async function serveFetch(onEvent: (event: CanonicalEvent) => void): Promise<Send> {
  const receive = createFetchReceiver(secret, onEvent);
  return async (headers, body) =>
    (await receive(new Request('http://app.test/', { method: 'POST', headers, body }))).status;
}

for (const [name, serve] of Object.entries({ 'node:http': serveNodeHttp, fetch: serveFetch })) {
  describe(`the receiver for ${name}`, () => {
    for (const [signer, sign] of Object.entries(SIGNERS)) {
      test(`takes what ${signer} signs, once for each id`, async () => {
        const events: CanonicalEvent[] = [];
        const send = await serve((event) => void events.push(event));
        for (const id of ['evt_1', 'evt_1', 'evt_2']) {
          assert.equal(await send(headersOf(sign, id), BODY), 204);
        }
        assert.deepEqual(events, [JSON.parse(BODY), JSON.parse(BODY)]);
      });
    }

    test('answers 401 to a changed body, an old signature and none', async () => {
      const send = await serve(() => assert.fail('nothing may get through'));
      const sign = SIGNERS['standardwebhooks'] as Sign;
      assert.equal(await send(headersOf(sign, 'evt_1'), BODY.replace('delivered', 'bounced')), 401);
      const old = new Date(Date.now() - 3_600_000);
      assert.equal(await send(headersOf(sign, 'evt_1', old), BODY), 401);
      assert.equal(await send({}, BODY), 401);
    });
  });
}

test('the receiver for node:http handles an event again after its handler failed', async () => {
  let calls = 0;
  const send = await serveNodeHttp(() => {
    calls += 1;
    if (calls === 1) throw new Error('The database is away.');
  });
  const headers = headersOf(SIGNERS['@posthorn/sdk'] as Sign, 'evt_1');
  assert.deepEqual([await send(headers, BODY), await send(headers, BODY)], [500, 204]);
});
