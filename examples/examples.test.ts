import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CanonicalEvent,
  createMemoryInbox,
  decodeSecret,
  type EventData,
  type EventType,
  encodeSecret,
  type Handlers,
  signStandardWebhook,
  toFetchHandler,
  toNodeHandler,
} from '@posthorn/sdk';
import { Webhook } from 'standardwebhooks';
import { notifySlack } from './notify-slack.ts';
import { createApp as createExpressApp } from './receiver-express.ts';
import { createApp as createHonoApp } from './receiver-hono.ts';
import { createEmailReceiver } from './receiver-node-http.ts';
import { createStatusPages } from './status-in-ui.ts';
import { createSuppressionList } from './suppress-on-bounce.ts';

const secret = encodeSecret(randomBytes(32));
const RECIPIENT = 'zoë@example.com';

let events = 0;
function bodyOf(type: EventType, data: EventData = {}): string {
  events += 1;
  return JSON.stringify({
    id: `evt_${String(events).padStart(26, '0')}`,
    type,
    timestamp: new Date(Date.UTC(2026, 10, 21) + events * 1_000).toISOString(),
    data: { recipient: RECIPIENT, message: { id: 'msg_1', subject: 'Hello <you>' }, ...data },
  });
}

type Sign = (id: string, at: Date, body: string) => string;
const SIGNERS: Record<string, Sign> = {
  '@posthorn/sdk': (id, at, body) =>
    signStandardWebhook({ key: decodeSecret(secret), id, timestamp: secondsOf(at), body }),
  standardwebhooks: (id, at, body) => new Webhook(secret).sign(id, at, body),
};

const secondsOf = (at: Date): number => Math.floor(at.getTime() / 1_000);

function headersOf(body: string, signer: Sign, at = new Date()): Record<string, string> {
  return {
    'content-type': 'application/json',
    'webhook-id': 'wh_1',
    'webhook-timestamp': String(secondsOf(at)),
    'webhook-signature': signer('wh_1', at, body),
  };
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => server.closeAllConnections());
  after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}

const post = async (url: string, body: string, headers: Record<string, string>): Promise<number> =>
  (await fetch(url, { method: 'POST', headers, body })).status;

/** Sends each of them through a real receiver and runs the handlers. */
async function deliver(handlers: Handlers, bodies: readonly string[]) {
  const receiver = createEmailReceiver(secret, createMemoryInbox(), handlers);
  const handle = toFetchHandler(receiver);
  const signer = SIGNERS['standardwebhooks'] as Sign;
  for (const body of bodies) {
    const headers = headersOf(body, signer);
    const request = new Request('http://app.test/', { method: 'POST', headers, body });
    assert.equal((await handle(request)).status, 200);
  }
  await receiver.drain();
  return receiver;
}

describe('the receiver for node:http', () => {
  for (const [name, signer] of Object.entries(SIGNERS)) {
    test(`takes what ${name} signs, and handles each event once`, async () => {
      const seen: CanonicalEvent[] = [];
      const receiver = createEmailReceiver(secret, createMemoryInbox(), {
        'email.*': (event) => void seen.push(event),
      });
      const url = await serve(toNodeHandler(receiver));
      const [one, two] = [bodyOf('email.delivered'), bodyOf('email.opened')];
      for (const body of [one, one, two]) {
        assert.equal(await post(url, body, headersOf(body, signer)), 200);
      }
      await receiver.drain();
      assert.deepEqual(
        seen.map(({ type, data }) => [type, data.recipient]),
        [
          ['email.delivered', RECIPIENT],
          ['email.opened', RECIPIENT],
        ],
      );
      const old = headersOf(one, signer, new Date(Date.now() - 3_600_000));
      assert.equal(await post(url, one, old), 401);
      assert.equal(
        await post(url, one.replace('delivered', 'bounced'), headersOf(one, signer)),
        401,
      );
      assert.equal(await post(url, one, {}), 401);
      assert.equal((await fetch(url)).status, 405);
    });
  }
});

test('the Express application takes two versions, and its other routes are parsed', async () => {
  const ran: string[] = [];
  const { app, receivers } = createExpressApp(secret, createMemoryInbox(), {
    v1: { '*': () => void ran.push('v1') },
    v2: { '*': () => void ran.push('v2') },
  });
  const url = await serve(app);
  const body = bodyOf('email.delivered');
  const headers = headersOf(body, SIGNERS['standardwebhooks'] as Sign);
  for (const version of ['v1', 'v2']) {
    assert.equal(await post(`${url}/webhooks/${version}/email`, body, headers), 200);
  }
  for (const receiver of receivers) await receiver.drain();
  assert.deepEqual(ran, ['v1', 'v2']);
  assert.equal(await post(`${url}/webhooks/v3/email`, body, headers), 404);
  const order = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"n":1}',
  };
  assert.deepEqual(await (await fetch(`${url}/orders`, order)).json(), { n: 1 });
});

test('the Hono application takes what SendGrid signs', async () => {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const verificationKey = keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  const seen: string[] = [];
  const { app, receiver } = createHonoApp(verificationKey, createMemoryInbox(), {
    'email.*': ({ type, data }) => void seen.push(`${type} ${data.recipient}`),
  });
  const timestamp = String(secondsOf(new Date()));
  const list = [{ event: 'open', email: 'a@b.example', timestamp: 1795000000, sg_event_id: '1' }];
  const body = JSON.stringify(list);
  const signature = sign('sha256', Buffer.from(timestamp + body), keys.privateKey);
  const headers = {
    'content-type': 'application/json',
    'x-twilio-email-event-webhook-signature': signature.toString('base64'),
    'x-twilio-email-event-webhook-timestamp': timestamp,
  };
  const request = { method: 'POST', headers, body };
  assert.equal((await app.request('/webhooks/v1/sendgrid', request)).status, 200);
  await receiver.drain();
  assert.deepEqual(seen, ['email.opened a@b.example']);
});

test('suppress-on-bounce keeps hard bounces, complaints and opt-outs, each once', async () => {
  const { handlers, isSuppressed } = createSuppressionList(new DatabaseSync(':memory:'));
  const bounce = (type: 'hard' | 'soft', scope: 'recipient' | 'infrastructure') =>
    ({ type, scope, category: 'invalid_address' }) as const;
  const hard = bodyOf('email.bounced', {
    recipient: 'No@b.test',
    bounce: bounce('hard', 'recipient'),
  });
  await deliver(handlers, [
    hard,
    hard,
    bodyOf('email.bounced', { recipient: 'full@b.test', bounce: bounce('soft', 'recipient') }),
    bodyOf('email.bounced', { recipient: 'ours@b.test', bounce: bounce('hard', 'infrastructure') }),
    bodyOf('email.complained', { recipient: 'spam@b.test' }),
    bodyOf('email.unsubscribed', { recipient: 'out@b.test' }),
    bodyOf('email.unsubscribed', { recipient: 'back@b.test' }),
    bodyOf('email.resubscribed', { recipient: 'back@b.test' }),
  ]);
  const names = ['no', 'full', 'ours', 'spam', 'out', 'back'];
  assert.deepEqual(
    names.filter((name) => isSuppressed(`${name}@B.test`)),
    ['no', 'spam', 'out'],
  );
});

test('notify-slack tells of a bounce, comes again when Slack is away, and not when it is wrong', async () => {
  const texts: string[] = [];
  const answers = [503, 200, 404];
  const url = await serve(async (request, response) => {
    texts.push(JSON.parse(Buffer.concat(await Array.fromAsync(request)).toString()).text);
    response.writeHead(answers.shift() ?? 200).end('no_service');
  });
  const [bounced, complained] = [bodyOf('email.bounced'), bodyOf('email.complained')];
  const receiver = await deliver(notifySlack(url), [bounced]);
  assert.equal(texts[0], `email.bounced: ${RECIPIENT}, "Hello &lt;you&gt;".`);
  const { waiting, failed } = await receiver.metrics();
  assert.deepEqual([waiting, failed], [1, 1]);
  answers.shift();
  const other = await deliver(notifySlack(url), [complained]);
  assert.match((await other.deadLetters.list())[0]?.error ?? '', /Slack answered 404: no_service/);
});

test('status-in-ui shows the state of each recipient, whatever the order, and follows it', async () => {
  const { handlers, listener } = createStatusPages(new DatabaseSync(':memory:'));
  const url = await serve(listener);
  const [accepted, delivered, opened] = [
    bodyOf('email.accepted'),
    bodyOf('email.delivered'),
    bodyOf('email.opened'),
  ];
  await deliver(handlers, [opened, delivered]);
  const live = await fetch(`${url}/messages/msg_1/live`);
  const reader = live.body?.pipeThrough(new TextDecoderStream()).getReader();
  const lines: string[] = [];
  const next = async (): Promise<{ recipients: Record<string, unknown>[] }> => {
    while (lines.length === 0) {
      lines.push(
        ...((await reader?.read())?.value ?? '').split('\n\n').filter((one) => one !== ''),
      );
    }
    return JSON.parse((lines.shift() ?? '').slice('data: '.length));
  };
  assert.equal((await next()).recipients[0]?.['opens'], 1);
  await deliver(handlers, [accepted, bodyOf('email.bounced', { recipient: 'b@b.test' })]);
  await next();
  const { recipients } = await next();
  const states = recipients.map(({ address, state, opens }) => [address, state, opens]);
  assert.deepEqual(states, [
    [RECIPIENT, 'delivered', 1],
    ['b@b.test', 'bounced', 0],
  ]);
  await reader?.cancel();
  assert.deepEqual(await (await fetch(`${url}/messages/msg_1`)).json(), { recipients });
  assert.equal((await fetch(`${url}/other`)).status, 404);
});

test("the README's receiver runs as it stands, and refuses what it should", async () => {
  const root = join(import.meta.dirname, '..');
  const [, code = ''] =
    /```js\n(import [^`]*)```/.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
  const free = await freePort();
  assert.match(code, /listen\(3000, '127\.0\.0\.1'\)/);
  // Beside the packages, so that the SDK resolves by its name as it does in the checkout.
  const folder = mkdtempSync(join(root, 'node_modules', '.readme-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'receiver.mjs'), code.replace('listen(3000', `listen(${free}`));
  const child = spawn(process.execPath, ['receiver.mjs'], {
    cwd: folder,
    env: { ...process.env, WEBHOOK_SECRET: secret },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  after(() => child.kill());
  const url = `http://127.0.0.1:${free}/webhooks/email`;
  let allow: string | null = null;
  while (allow === null) {
    allow = await fetch(url).then(
      (response) => response.headers.get('allow'),
      () => sleep(50, null),
    );
  }
  assert.equal(allow, 'POST');
  const body = bodyOf('email.delivered');
  const signed = headersOf(body, SIGNERS['@posthorn/sdk'] as Sign);
  assert.equal(await post(url, body, signed), 200);
  assert.equal(await post(url, body, signed), 200);
  assert.equal(await post(url, body, {}), 401);
  assert.equal(await post(url, body, { ...signed, 'content-type': 'application/xml' }), 415);
  const [line] = await once(createInterface(child.stdout), 'line');
  assert.match(line, /^evt_\S+ email\.delivered zoë@example\.com/);
});
