import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { WebhookError } from '@posthorn/sdk';
import {
  makeWebhooks,
  mandrillForm,
  SNS_KEY,
  snsWebhook,
  TOPIC,
} from '../sources/fixtures/provider-webhooks.ts';
import { startTestApi } from './fixtures/test-api.ts';
import { createWebhookSender } from './fixtures/webhook-sender.ts';

const confirmed: string[] = [];
let confirm = async (url: string): Promise<void> => void confirmed.push(url);
let key = async (_url: string): Promise<string> => SNS_KEY;

const api = await startTestApi({
  providerFetch: { key: (url) => key(url), confirm: (url) => confirm(url) },
});
const { createSource, send, eventsOf } = await createWebhookSender(api);
after(() => api.close());

const AT = new Date(api.now()).toISOString();
const SUBSCRIBE = 'https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=1';

const subscription = (more: Record<string, string> = {}) =>
  snsWebhook(
    {
      Type: 'SubscriptionConfirmation',
      Message: 'You have chosen to subscribe',
      Token: '1',
      SubscribeURL: SUBSCRIBE,
      ...more,
    },
    AT,
  );

test('SNS: a subscription of an allowed topic is confirmed', async () => {
  const { id, path } = await createSource({ provider: 'ses', topics: [TOPIC] });
  confirmed.length = 0;
  assert.equal((await send(path, subscription())).status, 200);
  assert.deepEqual(confirmed, [SUBSCRIBE]);
  assert.deepEqual(await eventsOf(id), []);
});

test('SNS: one of another topic, of a forger or to another host is not', async () => {
  const { id, path } = await createSource({ provider: 'ses', topics: [TOPIC] });
  confirmed.length = 0;
  const signed = subscription();
  const forged = { ...signed, body: Buffer.from(signed.body.toString().replace('Token=1', 'T=2')) };
  const cases = [
    [subscription({ TopicArn: `${TOPIC}-other` }), 403, 'topic_not_allowed'],
    [subscription({ SubscribeURL: 'https://evil.example/?x=1' }), 401, 'untrusted_subscription'],
    [
      subscription({ SubscribeURL: 'https://sns.x.amazonaws.com.evil.test/?x' }),
      401,
      'untrusted_subscription',
    ],
    [
      subscription({ SubscribeURL: 'http://sns.eu-west-1.amazonaws.com/?x' }),
      401,
      'untrusted_subscription',
    ],
    [forged, 401, 'bad_signature'],
  ] as const;
  for (const [webhook, status, code] of cases) {
    const answer = await send(path, webhook);
    assert.equal(answer.status, status, code);
    const { body } = await api.send('GET', `/v1/sources/${id}`);
    assert.equal(body.activity.last_refusal.code, code);
  }
  const { path: without } = await createSource({ provider: 'ses', secrets: [SNS_KEY] });
  assert.equal((await send(without, subscription())).status, 403);
  assert.deepEqual(confirmed, []);
});

test('SNS: what cannot be reached now is asked for again', async (t) => {
  const { path } = await createSource({ provider: 'ses', topics: [TOPIC] });
  confirm = async () => {
    throw new Error('it answered 500');
  };
  t.after(() => {
    confirm = async (url) => void confirmed.push(url);
    key = async () => SNS_KEY;
  });
  const unconfirmed = await send(path, subscription());
  assert.equal(unconfirmed.status, 503);
  assert.equal(unconfirmed.headers.get('retry-after'), '5');
  key = async (url) => {
    throw new WebhookError('key_unavailable', `${url} cannot be fetched`);
  };
  const [ses] = makeWebhooks(api.now(), '').filter(({ provider }) => provider === 'ses');
  assert.ok(ses);
  assert.equal((await send(path, ses)).status, 503);
});

test('Mandrill: HEAD, then an empty batch that is signed with a key of its own', async () => {
  const { id, path, url } = await createSource({ provider: 'mandrill', secrets: ['drill'] });
  const head = await send(path, { method: 'HEAD' });
  assert.deepEqual([head.status, head.text], [200, '']);
  const probe = await send(path, mandrillForm([], 'test-webhook', url));
  assert.deepEqual([probe.status, probe.body], [200, { events: 0, duplicates: 0 }]);
  const forged = mandrillForm([{ event: 'send', msg: {} }], 'test-webhook', url);
  assert.equal((await send(path, forged)).status, 401);
  assert.deepEqual(await eventsOf(id), []);
});

test('Mandrill: the URL that it was given is signed, where a proxy has changed it', async () => {
  const given = 'https://other.example/hook?a=1';
  const { path } = await createSource({ provider: 'mandrill', secrets: ['k'], signed_url: given });
  const event = { event: 'send', msg: { email: 'a@b.test' } };
  assert.equal((await send(path, mandrillForm([event], 'k', given))).status, 200);
});

test('Event Grid: the validation code comes back, to who has the secret', async () => {
  const { path } = await createSource({ provider: 'azure', secrets: ['query:code:azure'] });
  const body = Buffer.from(
    JSON.stringify([
      {
        id: '1',
        eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
        data: { validationCode: '512d38b6' },
      },
    ]),
  );
  const answer = await send(path, { body, query: '?code=azure' });
  assert.deepEqual([answer.status, answer.body], [200, { validationResponse: '512d38b6' }]);
  assert.equal((await send(path, { body })).status, 401);
});

test('CloudEvents: OPTIONS is answered for the origin that asks', async () => {
  for (const provider of ['cloudevents', 'azure']) {
    const { path } = await createSource({ provider });
    const answer = await send(path, {
      method: 'OPTIONS',
      headers: { 'webhook-request-origin': 'events.example', 'webhook-request-rate': '100' },
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('webhook-allowed-origin'), 'events.example');
    assert.equal(answer.headers.get('webhook-allowed-rate'), '100');
  }
});

test('Elastic Email: a GET without parameters is its try of the URL', async () => {
  const { id, path } = await createSource({ provider: 'elasticemail' });
  assert.equal((await send(path, { method: 'GET' })).status, 200);
  const query = '?status=Sent&to=a%40b.test&transaction=t&token=x';
  assert.deepEqual((await send(path, { method: 'GET', query })).body, {
    events: 1,
    duplicates: 0,
  });
  assert.equal((await eventsOf(id))[0].type, 'email.delivered');
});

test('who only looks at a URL of any provider is told that it is there', async () => {
  for (const provider of ['sendgrid', 'standard', 'brevo', 'sparkpost']) {
    const { id, path } = await createSource({ provider });
    assert.equal((await send(path, { method: 'HEAD' })).status, 200);
    assert.equal((await send(path, { method: 'GET' })).status, 200);
    const options = await send(path, { method: 'OPTIONS' });
    assert.deepEqual(
      [options.status, options.headers.get('allow')],
      [204, 'GET, HEAD, OPTIONS, POST'],
    );
    const { body } = await api.send('GET', `/v1/sources/${id}`);
    assert.deepEqual([body.activity.requests, body.activity.refused], [0, 0]);
  }
});

test("a ping of SparkPost and SNS's greeting bring no events", async () => {
  const { path } = await createSource({ provider: 'sparkpost' });
  const ping = await send(path, { body: Buffer.from('[{"msys":{}}]') });
  assert.deepEqual([ping.status, ping.body], [200, { events: 0, duplicates: 0 }]);
});
