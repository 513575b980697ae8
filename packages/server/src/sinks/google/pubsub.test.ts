import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { test } from 'node:test';
import { itemAt, itemsTo, openScripted, type Said, troubleOf } from '../fixtures/scripted-http.ts';
import { findSinkKind } from '../sink-kinds.ts';

// Answers are those of the API reference: neither Google nor its emulator can run here.

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const service_account = JSON.stringify({
  type: 'service_account',
  client_email: 'posthorn@my-project.iam.gserviceaccount.com',
  private_key_id: 'k1',
  private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  token_uri: 'https://oauth2.googleapis.com/token',
});
const topic = 'projects/my-project/topics/events';
const TOKEN = { json: { access_token: 'ya29.token', expires_in: 3_599, token_type: 'Bearer' } };
const isToken = (url: string) => url.endsWith('/token');

const openTopic = (settings: object, answer: () => Said = () => ({ json: { messageIds: [] } })) =>
  openScripted('pubsub', { topic, service_account, ...settings }, ({ url }) =>
    isToken(url) ? TOKEN : answer(),
  );

test('an assertion is exchanged for a token, which is kept until it is about to end', async () => {
  const { asked, clock, send } = await openTopic({});
  await send(itemsTo(1));
  await send(itemsTo(1));
  clock.nowMs += 3_480_000;
  await send(itemsTo(1));
  const urls = asked.map(({ url }) => (isToken(url) ? 'token' : url));
  const publish = `https://pubsub.googleapis.com/v1/${topic}:publish`;
  assert.deepEqual(urls, ['token', publish, publish, 'token', publish]);
  assert.equal(asked[1]?.headers['authorization'], 'Bearer ya29.token');
  const form = new URLSearchParams(asked[0]?.body);
  assert.equal(form.get('grant_type'), 'urn:ietf:params:oauth:grant-type:jwt-bearer');
  const [header = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.');
  assert.ok(
    verify(
      'sha256',
      Buffer.from(`${header}.${claims}`),
      publicKey,
      Buffer.from(signature, 'base64url'),
    ),
  );
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
  assert.deepEqual(read(header), { alg: 'RS256', typ: 'JWT', kid: 'k1' });
  assert.deepEqual(read(claims), {
    iss: 'posthorn@my-project.iam.gserviceaccount.com',
    scope: 'https://www.googleapis.com/auth/pubsub',
    aud: 'https://oauth2.googleapis.com/token',
    iat: 1_795_341_600,
    exp: 1_795_345_200,
  });
});

test('a batch is one request; with an ordering key, each run of a key is one', async () => {
  const items = [itemAt(1, {}, 'a'), itemAt(2, {}, 'a'), itemAt(3, {}, 'b'), itemAt(4, {}, 'a')];
  const plain = await openTopic({});
  await plain.send(items);
  const messages = JSON.parse(plain.asked[1]?.body ?? '').messages;
  assert.equal(messages.length, 4);
  assert.deepEqual(messages[0], {
    data: Buffer.from('{}').toString('base64'),
    attributes: { event_id: 'evt_1', event_type: 'email.bounced' },
  });
  const ordered = await openTopic({ order_by: 'message' });
  await ordered.send(items);
  const runs = ordered.asked.slice(1).map(({ body }) => JSON.parse(body).messages);
  assert.deepEqual(
    runs.map((run) => run.length),
    [2, 1, 1],
  );
  const keys = runs.map(([first]) => first.orderingKey);
  assert.equal(keys[0], keys[2]);
  assert.notEqual(keys[0], keys[1]);
});

test('an emulator is asked without credentials; Google is not', async () => {
  const endpoint = 'http://localhost:8085';
  const { asked, send } = await openScripted('pubsub', { topic, endpoint }, () => ({}));
  await send(itemsTo(1));
  assert.equal(asked[0]?.url, `${endpoint}/v1/${topic}:publish`);
  assert.equal(asked[0]?.headers['authorization'], undefined);
  const { error } = findSinkKind('pubsub')?.settings.safeParse({ topic }) ?? {};
  assert.deepEqual(error?.issues[0]?.path, ['service_account']);
  const broken = { topic, service_account: '{"client_email":"a","private_key":"b"}' };
  assert.equal(findSinkKind('pubsub')?.settings.safeParse(broken).success, false);
});

const troubles: [Said, string][] = [
  [{ status: 404, json: { error: { status: 'NOT_FOUND', message: 'no topic' } } }, 'not_found'],
  [{ status: 403, json: { error: { status: 'PERMISSION_DENIED' } } }, 'credentials'],
  [{ status: 429, json: { error: { status: 'RESOURCE_EXHAUSTED' } } }, 'rate_limited'],
  [{ status: 400, json: { error: { status: 'FAILED_PRECONDITION' } } }, 'unavailable'],
  [{ status: 400, json: { error: { status: 'INVALID_ARGUMENT' } } }, 'refused'],
];
for (const [said, code] of troubles) {
  test(`${JSON.stringify(said.json)} is ${code}`, async () => {
    const { send } = await openTopic({}, () => said);
    assert.equal((await troubleOf(send(itemsTo(2)))).code, code);
  });
}

test('an account that Google does not know is refused credentials', async () => {
  const said = { status: 400, text: '{"error":"invalid_grant","error_description":"Not found"}' };
  const { send } = await openScripted('pubsub', { topic, service_account }, () => said);
  const { code, message } = await troubleOf(send(itemsTo(1)));
  assert.equal(code, 'credentials');
  assert.match(message, /invalid_grant/);
});
