import assert from 'node:assert/strict';
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createTlsServer, globalAgent } from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { type EventType, findProvider, type SigningKind } from '@posthorn/sdk';
import { EventWebhook } from '@sendgrid/eventwebhook';
import { CloudEvent, HTTP } from 'cloudevents';
import { Webhooks as MailChannelsWebhooks } from 'mailchannels-sdk';
import { Resend } from 'resend';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { dialectOf } from '../core/webhooks/dialects.ts';
import {
  DIALECTS,
  type DialectName,
  type SigningKeyRecord,
} from '../core/webhooks/endpoint-settings.ts';
import { certificateOf } from '../core/webhooks/signing-certificate.ts';
import { createSigningKey, publicTextOf, toPublicJwk } from '../core/webhooks/signing-keys.ts';
import { createTestClock, until } from '../lib/fixtures/test-clock.ts';
import { createAddressGuard } from '../lib/network/address-guard.ts';
import { makeCertificate } from './fixtures/make-certificate.ts';
import type { EndpointFields } from './fixtures/make-endpoint.ts';
import { setUpDispatcher } from './fixtures/set-up-dispatcher.ts';
import { createPostClient } from './post/post-client.ts';

/** What the providers' own verifiers say to what is posted, over real connections. */

interface Post {
  method: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A site that answers with these statuses, the last one for ever; to OPTIONS as `options` does. */
async function startSite(t: TestContext, statuses: readonly number[], options?: RequestListener) {
  const posts: Post[] = [];
  const questions: Post[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request)).toString();
    const { method = '', headers } = request;
    if (method === 'OPTIONS' && options !== undefined) {
      questions.push({ method, headers, body });
      options(request, response);
      return;
    }
    posts.push({ method, headers, body });
    response.writeHead(statuses[Math.min(posts.length, statuses.length) - 1] ?? 200).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { posts, questions, url: `http://127.0.0.1:${port}/hook` };
}

const letIn: RequestListener = (request, response) => {
  response.writeHead(200, { 'WebHook-Allowed-Origin': request.headers['webhook-request-origin'] });
  response.end();
};

/** A dispatcher whose time begins now, since the verifiers go by the system's clock. */
async function setUp(t: TestContext, publicUrl = 'https://posthorn.test') {
  return setUpDispatcher(t, {
    clock: createTestClock(Date.now()),
    client: (clock) =>
      createPostClient({
        guard: createAddressGuard(['loopback']),
        clock,
        connectionsPerOrigin: 8,
        idleConnections: 8,
      }),
    defaults: { ladderMs: [1_000, 1_000], sender: { host: 'posthorn.test', publicUrl } },
  });
}

function makeKey(kind: SigningKind, id = 'sk_1'): Promise<SigningKeyRecord> {
  const random = createHash('sha256').update(id).digest();
  return createSigningKey({ id, kind, random, nowMs: Date.now() });
}

const DATA = {
  recipient: 'mila@example.com',
  message: {
    id: 'msg_01KAJ8K6A4Q2T0W3N1B7R5X9ZC',
    smtp_id: '<b@mail.example>',
    from: 'shop@example.com',
    subject: 'Grüße',
  },
  delivery: { smtp_code: 550, enhanced_code: '5.1.1', response: '550 5.1.1 No such user' },
  bounce: { type: 'hard', category: 'invalid_address', scope: 'recipient', suppressed: true },
  tags: ['order'],
  metadata: { order: '12' },
} as const;

/** One bounce to an endpoint of this dialect; resolves when so many posts have come. */
async function deliver(
  t: TestContext,
  dialect: DialectName,
  options: { kind?: SigningKind; statuses?: readonly number[]; publicUrl?: string } = {},
) {
  const { kind = dialectOf(dialect).signs[0] ?? 'v1', statuses = [200] } = options;
  const site = await startSite(t, statuses, letIn);
  const system = await setUp(t, options.publicUrl);
  const key = await makeKey(kind);
  const settings = { dialect, signature: kind };
  await system.addEndpoint({ url: site.url, settings }, { keys: [key] });
  const { bounce, ...data } = DATA;
  const [eventId = ''] = await system.appendEvents([
    { type: 'email.bounced', data: { ...data, tags: ['order'], bounce: { ...bounce } } },
  ]);
  // So long it would wait for others of its list.
  if (typeof dialectOf(dialect).lists === 'object') await system.clock.advance(1_000);
  for (let count = 1; count <= statuses.length; count++) {
    await system.untilRecorded(count);
    const [{ due_at: dueAtMs = null } = {}] = await system.deliveries();
    if (dueAtMs !== null) await system.clock.advance(dueAtMs + 1_000 - system.clock.now());
  }
  const [post] = site.posts;
  assert.ok(post);
  return { site, system, key, post, eventId };
}

const header = (post: Post, name: string): string => String(post.headers[name] ?? '');
const stringHeaders = (post: Post): Record<string, string> =>
  Object.fromEntries(Object.entries(post.headers).map(([name, value]) => [name, String(value)]));

const require = createRequire(import.meta.url);

interface SnsValidator {
  validate(message: string, done: (error: Error | null) => void): void;
}
const SnsMessageValidator: new (hosts: RegExp) => SnsValidator = require('sns-validator');

type Accepts = (post: Post, key: SigningKeyRecord) => void | Promise<void>;

/** As the seeds' own samples verify, where a provider publishes no library. */
const equal = (given: string, expected: string): void =>
  assert.ok(timingSafeEqual(Buffer.from(given), Buffer.from(expected)));
const hexOf = (secret: string, text: string): string =>
  createHmac('sha256', secret).update(text).digest('hex');
const byStandardWebhooks: Accepts = (post, { secret }) => {
  new StandardWebhook(secret).verify(post.body, stringHeaders(post));
};

const VERIFIERS: Readonly<Record<Exclude<DialectName, 'ses'>, Accepts>> = {
  standard: byStandardWebhooks,
  flexmail: byStandardWebhooks,
  postmark: byStandardWebhooks,
  cloudevents(post, key) {
    byStandardWebhooks(post, key);
    const event = HTTP.toEvent({ headers: post.headers, body: post.body });
    assert.ok(event instanceof CloudEvent && event.validate());
    assert.deepEqual([event.type, event.source], ['email.bounced', '/sources/posthorn']);
    assert.equal(event.subject, DATA.message.id);
  },
  frontengine: (post, { secret }) =>
    equal(header(post, 'x-webhook-signature'), `sha256=${hexOf(secret, post.body)}`),
  sendarix(post, { secret }) {
    const sentAtMs = Number.parseInt(header(post, 'x-sendarix-timestamp'), 10) * 1_000;
    assert.ok(Date.now() - sentAtMs <= 300_000);
    equal(header(post, 'x-sendarix-signature'), hexOf(secret, post.body));
  },
  mailfloss(post, { secret }) {
    const anew = JSON.stringify(JSON.parse(post.body));
    equal(header(post, 'x-webhook-signature'), hexOf(secret, anew));
  },
  mailgun(post, { secret }) {
    const { signature } = JSON.parse(post.body);
    const { timestamp, token } = signature;
    equal(signature.signature, hexOf(secret, timestamp + token));
    assert.equal(token.length, 50);
  },
  async postal(post, key) {
    const request = {
      method: 'POST',
      url: '',
      headers: post.headers,
      body: Buffer.from(post.body),
    };
    const secrets = [JSON.stringify({ keys: [toPublicJwk(key)] })];
    await findProvider('postal')?.verify(request, { secrets, nowMs: Date.now() });
    assert.equal(post.headers['x-postal-signature-kid'], key.id);
    assert.match(post.body, /^\{"event":"MessageDeliveryFailed","timestamp":\d+\.\d+,/);
  },
  async mailchannels(post, key) {
    const isValid = await MailChannelsWebhooks.verify({
      payload: post.body,
      headers: {
        'content-digest': header(post, 'content-digest'),
        signature: header(post, 'signature'),
        'signature-input': header(post, 'signature-input'),
      },
      publicKey: publicTextOf(key) ?? '',
    });
    assert.ok(isValid);
  },
  sendgrid(post, key) {
    const webhook = new EventWebhook();
    const isValid = webhook.verifySignature(
      webhook.convertPublicKeyToECDSA(publicTextOf(key) ?? ''),
      post.body,
      header(post, 'x-twilio-email-event-webhook-signature'),
      header(post, 'x-twilio-email-event-webhook-timestamp'),
    );
    assert.ok(isValid);
    assert.ok(post.body.endsWith(']\r\n'));
  },
  resend(post, { secret }) {
    new SvixWebhook(secret).verify(post.body, stringHeaders(post));
    const event = new Resend('re_none').webhooks.verify({
      payload: post.body,
      headers: {
        id: header(post, 'svix-id'),
        timestamp: header(post, 'svix-timestamp'),
        signature: header(post, 'svix-signature'),
      },
      webhookSecret: secret,
    });
    assert.equal(event.type, 'email.bounced');
  },
};

for (const [dialect, accepts] of Object.entries(VERIFIERS) as [
  Exclude<DialectName, 'ses'>,
  Accepts,
][]) {
  test(`${dialect}: its verifier accepts what is posted, and a retry has the same bytes`, async (t) => {
    const { post, site, key, eventId } = await deliver(t, dialect, { statuses: [500, 200] });
    await accepts(post, key);
    const [first, second] = site.posts;
    assert.ok(first && second);
    const bytes = ({ body }: Post) => body.replace(/^\{"signature":\{.*?\},"event-data"/, '');
    assert.equal(bytes(second), bytes(first));
    const id = post.headers['webhook-id'] ?? post.headers['svix-id'];
    if (typeof dialectOf(dialect).lists === 'object') assert.match(String(id), /^bat_/);
    else assert.equal(id, eventId);
  });
}

for (const dialect of ['standard', 'cloudevents', 'flexmail', 'postmark'] as const) {
  test(`${dialect}: signs with Ed25519 too`, async (t) => {
    const { post, key } = await deliver(t, dialect, { kind: 'v1a' });
    const request = {
      method: 'POST',
      url: '',
      headers: post.headers,
      body: Buffer.from(post.body),
    };
    const secrets = [publicTextOf(key) ?? ''];
    await findProvider('standard')?.verify(request, { secrets, nowMs: Date.now() });
  });
}

test('ses: the validator of SNS accepts what is posted, by the certificate that is served', async (t) => {
  const tls = makeCertificate('localhost');
  let certificate = '';
  const asked: string[] = [];
  const server = createTlsServer(tls, (request, response) => {
    asked.push(request.url ?? '');
    response.end(certificate);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const trusted = globalAgent.options.ca;
  globalAgent.options.ca = tls.cert;
  t.after(() => {
    globalAgent.options.ca = trusted;
    globalAgent.destroy();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const publicUrl = `https://localhost:${port}`;
  const { post, key, site } = await deliver(t, 'ses', { statuses: [500, 200], publicUrl });
  certificate = certificateOf(key);
  const validator = new SnsMessageValidator(/^localhost:\d+$/);
  await promisify(validator.validate.bind(validator))(post.body);
  assert.match(asked[0] ?? '', /^\/v1\/endpoints\/ep_\w+\/certificates\/sk_1\.pem$/);
  assert.equal(site.posts[1]?.body, post.body);
  assert.match(header(post, 'content-type'), /^text\/plain/);
  const forged = post.body.replace('Permanent', 'Transient');
  await assert.rejects(
    promisify(validator.validate.bind(validator))(forged),
    /signature is invalid/,
  );
});

test('every dialect is tried above', () => {
  assert.deepEqual([...Object.keys(VERIFIERS), 'ses'].sort(), [...DIALECTS].sort());
});

test('cloudevents: the receiver is asked first, once, and its answer is kept to', async (t) => {
  const site = await startSite(t, [200], (request, response) => {
    const origin = request.headers['webhook-request-origin'];
    response.writeHead(204, { 'WebHook-Allowed-Origin': origin, 'WebHook-Allowed-Rate': '30' });
    response.end();
  });
  const system = await setUp(t);
  await system.addEndpoint({ url: site.url, settings: { dialect: 'cloudevents' } });
  await system.append(4);
  await system.untilRecorded(1);
  assert.equal(site.questions.length, 1);
  assert.equal(site.questions[0]?.headers['webhook-request-origin'], 'posthorn.test');
  // Thirty a minute are one in two seconds.
  for (let count = 2; count <= 4; count++) {
    await system.clock.advance(1_900);
    assert.equal(site.posts.length, count - 1);
    await system.clock.advance(100);
    await system.untilRecorded(count);
  }
  assert.equal(site.questions.length, 1);
});

test('cloudevents: who does not say yes gets nothing, and is asked again', async (t) => {
  let answer: Record<string, string> = {};
  const site = await startSite(t, [200], (_request, response) => {
    response.writeHead(200, answer).end();
  });
  const system = await setUp(t);
  await system.addEndpoint({ url: site.url, settings: { dialect: 'cloudevents' } });
  await system.append(1);
  await system.untilRecorded(1);
  assert.equal((await system.deliveries())[0]?.last_error, 'handshake_refused');
  answer = { 'webhook-allowed-origin': 'somebody.else' };
  await system.clock.advance(2_000);
  await system.untilRecorded(2);
  assert.equal(site.posts.length, 0);
  answer = { 'webhook-allowed-origin': '*' };
  await system.clock.advance(2_000);
  await system.untilAll('delivered');
  assert.deepEqual([site.questions.length, site.posts.length], [3, 1]);
});

test('cloudevents: the binary mode has the attributes in headers; the question can be left out', async (t) => {
  const site = await startSite(t, [200], letIn);
  const system = await setUp(t);
  const dialectOptions = { mode: 'binary', handshake: 'none' };
  await system.addEndpoint({ url: site.url, settings: { dialect: 'cloudevents', dialectOptions } });
  await system.appendEvents([{ type: 'email.delivered', data: { source: 'Größe "1"' } }]);
  await system.untilAll('delivered');
  const [post] = site.posts;
  assert.ok(post);
  assert.equal(site.questions.length, 0);
  const event = HTTP.toEvent<{ recipient: string }>({ headers: post.headers, body: post.body });
  assert.ok(!Array.isArray(event));
  assert.equal(event.type, 'email.delivered');
  assert.equal(event.data?.recipient, 'mila+0@example.com');
  assert.equal(post.headers['ce-source'], '/sources/Gr%C3%B6%C3%9Fe%20%221%22');
});

async function deliverMany(
  t: TestContext,
  settings: EndpointFields['settings'],
  types: readonly EventType[],
) {
  const site = await startSite(t, [200], letIn);
  const system = await setUp(t);
  const kind = dialectOf(settings?.dialect ?? 'standard').signs[0] ?? 'v1';
  const fields = { url: site.url, settings: { ...settings, signature: kind } };
  await system.addEndpoint(fields, { keys: [await makeKey(kind)] });
  await system.appendEvents(types.map((type) => ({ type })));
  return { site, system };
}

test('sendgrid and mailchannels gather events by themselves, cloudevents when it is told to', async (t) => {
  const types = Array.from({ length: 5 }, () => 'email.delivered' as const);
  const batch = { maxEvents: 5, maxWaitMs: 1_000, eventTypes: null };
  for (const settings of [
    { dialect: 'sendgrid' } as const,
    { dialect: 'mailchannels', dialectOptions: { customer_handle: 'acme' } } as const,
    { dialect: 'cloudevents', batch } as const,
  ]) {
    const { site, system } = await deliverMany(t, settings, types);
    await system.clock.advance(1_000);
    await system.untilAll('delivered');
    assert.equal(site.posts.length, 1, settings.dialect);
    const list = JSON.parse(site.posts[0]?.body ?? '');
    assert.equal(list.length, 5);
    if (settings.dialect === 'mailchannels') assert.equal(list[4].customer_handle, 'acme');
  }
});

test('a type without a word is not owed; one that was owed before ends visibly and alone', async (t) => {
  const { site, system } = await deliverMany(t, { dialect: 'flexmail' }, [
    'email.accepted',
    'email.delivered',
  ]);
  await system.untilAll('delivered');
  assert.equal((await system.deliveries()).length, 1);
  assert.equal(JSON.parse(site.posts[0]?.body ?? '').event, 'delivered');
  // By hand, past every filter.
  const [{ endpoint_id: onlyTo = '' } = {}] = await system.deliveries();
  await system.appendEvents([{ type: 'email.accepted', onlyTo }]);
  await until('it is dead', async () =>
    (await system.deliveries()).some(({ state }) => state === 'dead'),
  );
  const dead = (await system.deliveries()).find(({ state }) => state === 'dead');
  assert.equal(dead?.last_error, 'not_in_dialect');
  assert.equal(site.posts.length, 1);
  assert.ok(system.reports.some(({ type }) => type === 'delivery.exhausted'));
});

test('presets apply where nothing else was chosen', async (t) => {
  const system = await setUp(t);
  const effectiveOf = async (settings: EndpointFields['settings']) => {
    const { projectId, id } = await system.addEndpoint({ settings });
    const live = system.directory.find(projectId, id);
    return [live?.ladderMs, live?.timeoutMs, live?.batch?.maxEvents];
  };
  const minutes = (...all: number[]) => all.map((one) => one * 60_000);
  const postal = minutes(2, 3, 6, 10, 15);
  assert.deepEqual(await effectiveOf({ dialect: 'postal' }), [postal, 5_000, undefined]);
  assert.deepEqual(await effectiveOf({ dialect: 'sendarix' }), [
    [30_000, ...minutes(5, 30, 120, 300)],
    10_000,
    undefined,
  ]);
  assert.deepEqual(await effectiveOf({ dialect: 'mailchannels' }), [[1_000, 1_000], 15_000, 1_000]);
  assert.deepEqual(
    await effectiveOf({ dialect: 'frontengine', retryLadder: ['7s'], timeoutMs: 9_000 }),
    [[7_000], 9_000, undefined],
  );
});

test('while a secret is replaced, a format with one signature keeps to the one that is known', async (t) => {
  const site = await startSite(t, [200]);
  const system = await setUp(t);
  const [next, old] = await Promise.all([makeKey('hmac', 'sk_2'), makeKey('hmac', 'sk_1')]);
  const expiresAtMs = system.clock.now() + 60_000;
  await system.addEndpoint(
    { url: site.url, settings: { dialect: 'frontengine', signature: 'hmac' } },
    { keys: [next, { ...old, expiresAtMs }] },
  );
  await system.append(1);
  await system.untilAll('delivered');
  await system.clock.advance(60_000);
  await system.append(1);
  await system.untilAll('delivered');
  const [before, after] = site.posts;
  assert.ok(before && after);
  equal(header(before, 'x-webhook-signature'), `sha256=${hexOf(old.secret, before.body)}`);
  equal(header(after, 'x-webhook-signature'), `sha256=${hexOf(next.secret, after.body)}`);
});
