import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importJwks, verifyStandardWebhook, WebhookError } from '@posthorn/sdk';
import { Webhook } from 'standardwebhooks';
import { type Post, startEndpointFarm } from '../fixtures/endpoint-farm.ts';
import { startInProcessServer } from '../fixtures/in-process-server.ts';
import { postEvents } from '../fixtures/make-events.ts';
import { startSteadyLoad } from '../fixtures/steady-load.ts';

/** Events that are on their way or through before the next key comes. */
const BETWEEN = 150;

/** A consumer: whether it accepts a post with the one key that it knows. */
type Consumer = (post: Post) => boolean;

/** Knows a shared secret, and verifies with the public library. */
function knowsSecret(secret: string): Consumer {
  const webhook = new Webhook(secret);
  return ({ body, headers }) => {
    try {
      webhook.verify(body, headers);
      return true;
    } catch {
      return false;
    }
  };
}

/** Has asked the server for its public keys, and verifies with the SDK. */
async function knowsPublicKeys(httpUrl: string, endpointId: string): Promise<Consumer> {
  const answer = await fetch(`${httpUrl}/v1/endpoints/${endpointId}/jwks.json`);
  assert.equal(answer.status, 200);
  const secret = importJwks(await answer.json());
  return ({ body, headers }) => {
    try {
      verifyStandardWebhook({ secret, body, headers });
      return true;
    } catch (error) {
      assert.ok(error instanceof WebhookError);
      return false;
    }
  };
}

test('under load, from v1 to v1a and back, whoever knows a key that signs accepts every post', async (t) => {
  const farm = await startEndpointFarm(t);
  const server = await startInProcessServer({ apiRate: '10000' });
  t.after(() => server.stop());
  const { client } = server;
  const { id, secret } = await client.post('/v1/endpoints', { url: farm.url('well') });
  const rotate = (body: object) => client.post(`/v1/endpoints/${id}/secret/rotate`, body);

  const load = startSteadyLoad(client);
  await load.untilMore(BETWEEN);
  await rotate({ signature: 'v1a' });
  load.phase = 1;
  const publicKeys = await knowsPublicKeys(server.httpUrl, id);
  await load.untilMore(BETWEEN);
  const third = await rotate({ signature: 'v1' });
  load.phase = 2;
  await load.untilMore(BETWEEN);
  await load.stop();
  await farm.until('all are there', () => farm.taken('well').length >= load.sent.length);
  assert.deepEqual(farm.taken('well').sort(), load.sent.map((one) => one.id).sort());

  // What was posted before a rotation may have been signed before it; what came after it was not.
  const consumers = [
    { knows: 'the first secret', accepts: knowsSecret(secret), since: 0 },
    { knows: 'the public key', accepts: publicKeys, since: 1 },
    { knows: 'the third secret', accepts: knowsSecret(third.secret), since: 2 },
  ];
  for (const { knows, accepts, since } of consumers) {
    const ids = new Set(load.sent.filter((one) => one.phase >= since).map((one) => one.id));
    const posts = farm.posts.filter(({ eventIds: [eventId = ''] }) => ids.has(eventId));
    assert.ok(posts.length > BETWEEN / 2, knows);
    const refused = posts.filter((post) => !accepts(post));
    assert.deepEqual(refused, [], `whoever knows ${knows}`);
  }

  // Without an overlap the new key is alone.
  const last = await rotate({ overlap: '0s' });
  const before = farm.posts.length;
  await postEvents(client, 20);
  await farm.until('the last are there', () => farm.posts.length >= before + 20);
  for (const post of farm.posts.slice(before)) {
    assert.deepEqual(
      consumers.map(({ accepts }) => accepts(post)),
      [false, false, false],
    );
    assert.ok(knowsSecret(last.secret)(post));
  }
});
