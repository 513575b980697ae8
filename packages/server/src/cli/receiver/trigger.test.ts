import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { EVENT_TYPES, encodeSecret, findProvider, verifyStandardWebhook } from '@posthorn/sdk';
import {
  API_KEY,
  type InProcessServer,
  startInProcessServer,
} from '../whole/fixtures/in-process-server.ts';
import { type TriggerInput, triggerEvent } from './trigger.ts';
import { type LocalReceiver, startLocalReceiver } from './webhook/fixtures/local-receiver.ts';

const SECRET = encodeSecret(Buffer.alloc(32, 7));
let server: InProcessServer;
let receiver: LocalReceiver;
before(async () => {
  server = await startInProcessServer();
  receiver = await startLocalReceiver();
});
after(async () => {
  await server.stop();
  await receiver.close();
});

async function trigger(input: Partial<TriggerInput> & { type: string }) {
  const out: string[] = [];
  let err = '';
  const code = await triggerEvent(
    { dialect: 'standard', json: true, url: server.httpUrl, key: API_KEY, ...input },
    {
      env: {},
      nowMs: () => Date.now(),
      out: (line) => void out.push(line),
      writeError(text) {
        err += text;
      },
    },
  );
  return { code, out, err };
}

test('puts a sample of each type into the log, marked as one', async () => {
  for (const type of EVENT_TYPES) {
    const { code, out, err } = await trigger({ type });
    assert.equal(code, 0, err);
    const { event_id: id } = JSON.parse(out[0] ?? '');
    const event = await server.client.get(`/v1/events/${id}`);
    assert.equal(event.type, type);
    assert.equal(event.data.test, true);
  }
});

test('takes the short name of a type, and another recipient', async () => {
  const { out } = await trigger({ type: 'bounced', recipient: 'me@example.org' });
  const { event_id: id, type } = JSON.parse(out[0] ?? '');
  assert.equal(type, 'email.bounced');
  assert.equal((await server.client.get(`/v1/events/${id}`)).data.recipient, 'me@example.org');
});

test('sends straight to a URL, signed, with no server in between', async () => {
  const { code, out } = await trigger({
    type: 'email.bounced',
    to: receiver.url,
    secret: SECRET,
    url: 'http://127.0.0.1:1',
  });
  assert.equal(code, 0);
  const { event_id: id, status, error } = JSON.parse(out[0] ?? '');
  assert.deepEqual([status, error], [204, null]);
  const { headers, body } = receiver.received.at(-1) ?? assert.fail('nothing came');
  assert.equal(verifyStandardWebhook({ headers, body, secret: SECRET }).event.id, id);
});

test('speaks the dialect that it is asked for, and says what that has no word for', async () => {
  const to = { to: receiver.url, secret: 's3cret', dialect: 'sendarix' };
  assert.equal((await trigger({ type: 'email.opened', ...to })).code, 0);
  const { headers, body } = receiver.received.at(-1) ?? assert.fail('nothing came');
  const request = { method: 'POST', url: '', headers, body: Buffer.from(body) };
  const provider = findProvider('sendarix');
  await provider?.verify(request, { secrets: ['s3cret'], nowMs: Date.now() });
  assert.equal(provider?.decode(request)[0]?.type, 'email.opened');

  const unsaid = await trigger({ type: 'domain.dns_error', ...to });
  assert.equal(unsaid.code, 1);
  assert.match(JSON.parse(unsaid.out[0] ?? '').error, /sendarix has no word for it/);
});

test('ends with 1 when the receiver does not take it', async () => {
  receiver.answerWith(500);
  const { code, out } = await trigger({
    type: 'email.opened',
    to: receiver.url,
    secret: SECRET,
    json: false,
  });
  receiver.answerWith(204);
  assert.equal(code, 1);
  assert.match(out[0] ?? '', /^email\.opened evt_\w+ -> 500 in \d+ ms$/);
});

test('sends to one endpoint of the server', async () => {
  const endpoint = await server.client.post('/v1/endpoints', { url: receiver.url });
  const count = receiver.received.length;
  const { code, out, err } = await trigger({ type: 'email.clicked', endpoint: endpoint.id });
  assert.equal(code, 0, err);
  const { event_id: id } = JSON.parse(out[0] ?? '');
  await receiver.until(count + 1);
  assert.equal(JSON.parse(receiver.received.at(-1)?.body ?? '').id, id);
});

test('misuse ends with 2, a refusal of the server with 1, both said on standard error', async () => {
  const cases: [Partial<TriggerInput> & { type: string }, number, RegExp][] = [
    [{ type: 'email.bouncd' }, 2, /Did you mean "email.bounced"/],
    [{ type: 'email.opened', secret: SECRET }, 2, /--secret goes with --to/],
    [{ type: 'email.opened', to: receiver.url }, 2, /--to needs --secret/],
    [{ type: 'email.opened', to: 'hook', secret: SECRET }, 2, /--to: "hook" is not a URL/],
    [{ type: 'email.opened', key: '' }, 2, /needs an API key/],
    [{ type: 'email.opened', endpoint: 'ep_none' }, 1, /ep_none/],
    [{ type: 'email.opened', endpoint: 'x', recipient: 'a@b.example' }, 2, /--recipient/],
  ];
  for (const [input, wanted, message] of cases) {
    const { code, err, out } = await trigger(input);
    assert.equal(code, wanted, err);
    assert.match(err, message);
    assert.deepEqual(out, []);
  }
});
