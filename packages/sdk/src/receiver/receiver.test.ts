import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import { PermanentError } from '../errors.ts';
import type { CanonicalEvent } from '../event.ts';
import type { Inbox } from '../inbox/inbox.ts';
import { createMemoryInbox } from '../inbox/memory.ts';
import { encodeSecret } from '../standard-webhooks/standard-webhooks-keys.ts';
import { settle } from './fixtures/manual-clock.ts';
import {
  eventBody,
  idOf,
  NOW_MS,
  SECRET,
  setUpReceiver,
  webhookOf,
} from './fixtures/set-up-receiver.ts';
import { createReceiver } from './receiver.ts';
import { routeWebhooks } from './route-webhooks.ts';
import type { WebhookAnswer } from './webhook.ts';

const kindsOf = (records: readonly { kind: string }[]): string[] => records.map(({ kind }) => kind);

describe('a receiver answers', () => {
  test('200 when the event is in the inbox, before any handler runs', async () => {
    const handled: string[] = [];
    const { receiver, send } = setUpReceiver({
      handlers: { '*': (event) => void handled.push(event.id) },
    });
    const { status, received, duplicate } = await send(eventBody(1));
    assert.deepEqual([status, received, duplicate, handled], [200, 1, 0, []]);
    assert.equal(await receiver.drain(), 1);
    assert.deepEqual(handled, [idOf(1)]);
  });

  test('200 to duplicates, and runs nothing for them', async () => {
    const handled: string[] = [];
    const { receiver, send } = setUpReceiver({
      handlers: { '*': (event) => void handled.push(event.id) },
    });
    await send(eventBody(1));
    await receiver.drain();
    const again = await send(eventBody(1));
    assert.deepEqual([again.status, again['received'], again['duplicate']], [200, 0, 1]);
    const batch = `[${[1, 2, 2, 3].map((n) => eventBody(n)).join(',')}]`;
    const { received, duplicate } = await send(batch);
    assert.deepEqual([received, duplicate], [2, 2]);
    await receiver.drain();
    assert.deepEqual(handled, [1, 2, 3].map(idOf));
  });

  test('401 to what is not genuine, with its code, and stores nothing', async () => {
    const { receiver, send, records } = setUpReceiver();
    const body = eventBody(1);
    const cases: [string, Parameters<typeof send>[1]][] = [
      ['bad_signature', { secret: encodeSecret(randomBytes(32)) }],
      ['missing_signature', { headers: { 'webhook-signature': undefined } }],
      ['timestamp_out_of_range', { atMs: NOW_MS - 301_000 }],
      ['timestamp_out_of_range', { atMs: NOW_MS + 301_000 }],
      ['invalid_timestamp', { headers: { 'webhook-timestamp': 'now' } }],
    ];
    for (const [code, sent] of cases) {
      const answer = await send(body, sent);
      assert.deepEqual([answer.status, answer.code], [401, code]);
      const record = records.at(-1);
      assert.ok(record?.kind === 'refused');
      assert.deepEqual(
        [record.code, record.status, record.path, record.remoteAddress, record.bodyBytes],
        [code, 401, '/webhooks/v1/email', '192.0.2.1', body.length],
      );
    }
    const metrics = await receiver.metrics();
    assert.deepEqual([metrics.requests, metrics.received, metrics.waiting], [5, 0, 0]);
    assert.deepEqual(metrics.refused, {
      bad_signature: 1,
      missing_signature: 1,
      timestamp_out_of_range: 2,
      invalid_timestamp: 1,
    });
    assert.equal((await send(body, { atMs: NOW_MS - 299_000 })).status, 200);
  });

  test('405 with Allow to every other method, without reading a body', async () => {
    const { receiver } = setUpReceiver();
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'BREW', '']) {
      const readBody = async () => assert.fail('read');
      const answer = await receiver.handle({ ...webhookOf('{}', { method }), readBody });
      assert.deepEqual([answer.status, answer.headers['allow']], [405, 'POST']);
    }
  });

  test('413 to what is too large, by its length or by its bytes', async () => {
    const { receiver, send } = setUpReceiver({ maxBodyBytes: 10 });
    const told = await send('{}', { headers: { 'content-length': '11' } });
    assert.deepEqual([told.status, told.code], [413, 'body_too_large']);
    assert.equal(receiver.maxBodyBytes, 10);
  });

  test('415 to other types and to compressed bodies, and takes every type that providers send', async () => {
    const { send } = setUpReceiver();
    const withType = (type: string | undefined) =>
      send(eventBody(1), { headers: { 'content-type': type } });
    for (const type of ['text/html', 'image/png', 'application/xml', 'x', 'application/jsonx']) {
      const answer = await withType(type);
      assert.deepEqual([answer.status, answer.code], [415, 'unsupported_media_type'], type);
    }
    for (const type of [
      undefined,
      'application/json; charset=utf-8',
      'Application/JSON',
      'application/cloudevents+json',
      'application/cloudevents-batch+json',
      'text/plain; charset=UTF-8',
      'application/x-ndjson',
    ]) {
      assert.equal((await withType(type)).status, 200, type);
    }
    const packed = await send(eventBody(1), { headers: { 'content-encoding': 'gzip' } });
    assert.deepEqual([packed.status, packed.code], [415, 'unsupported_media_type']);
  });

  test('400 to a body that is signed and no event', async () => {
    const { send } = setUpReceiver();
    for (const body of ['', '{', '[]x', '{"a":'.repeat(500), '7', '"text"']) {
      const { status, code } = await send(body);
      assert.deepEqual([status, code], [400, 'invalid_payload'], body.slice(0, 20));
    }
  });

  test('503 with Retry-After while the inbox is away, and 429 where a 5xx would lose the event', async () => {
    const away: Inbox = {
      ...createMemoryInbox(),
      put: async () => Promise.reject(new Error('connect ECONNREFUSED db.internal')),
    };
    const { send, records } = setUpReceiver({ inbox: away });
    const { status, code, headers } = await send(eventBody(1));
    assert.deepEqual([status, code], [503, 'inbox_unavailable']);
    assert.deepEqual((headers as WebhookAnswer['headers'])['retry-after'], '30');
    assert.ok(kindsOf(records).includes('refused'));
    const { receiver } = setUpReceiver({ inbox: away, provider: 'brevo', secrets: 'header:x-a:b' });
    const answer = await receiver.handle(
      webhookOf(JSON.stringify({ event: 'opened', email: 'a@b.example' }), {
        headers: { 'x-a': 'b' },
      }),
    );
    assert.equal(answer.status, 429);
  });

  test('503 when the inbox takes too long, and knows the duplicate when it comes again', async () => {
    const inner = createMemoryInbox();
    let let_go = (): void => {};
    const slow: Inbox = {
      ...inner,
      put: async (batch) => {
        await new Promise<void>((resolve) => {
          let_go = resolve;
        });
        return inner.put(batch);
      },
    };
    const { send, clock } = setUpReceiver({ inbox: slow, storeTimeoutMs: 1_000 });
    const first = send(eventBody(1));
    await clock.advance(1_000);
    assert.equal((await first).status, 503);
    let_go();
    await settle();
    const second = send(eventBody(1));
    await settle();
    let_go();
    assert.equal((await second)['duplicate'], 1);
  });

  test('its own faults with nothing of its settings, which only the log gets', async () => {
    const { send, records } = setUpReceiver({ secrets: () => ['whsec_broken!'] });
    const answer = await send(eventBody(1));
    assert.deepEqual([answer.status, answer.code], [500, 'invalid_secret']);
    assert.equal(answer['detail'], 'The receiver cannot take webhooks now.');
    const record = records.at(-1);
    assert.ok(record?.kind === 'refused' && record.message !== answer['detail']);
  });

  test('a refusal as 403 or 406 where that is wanted, and never leaks a query into the log', async () => {
    const { receiver, records } = setUpReceiver({
      provider: 'postmark',
      secrets: 'query:token:right',
      refusedStatus: 403,
    });
    const url = 'https://app.example/hook?token=wrong';
    assert.equal((await receiver.handle(webhookOf('{}', { url }))).status, 403);
    assert.ok(!JSON.stringify(records).includes('wrong'));
  });

  test('after a change of secrets: old and new count, and a function is asked each time', async () => {
    const old = encodeSecret(randomBytes(32));
    const { send } = setUpReceiver({ secrets: [SECRET, old] });
    assert.equal((await send(eventBody(1), { secret: old })).status, 200);
    assert.equal((await send(eventBody(2))).status, 200);
    let secrets = [old];
    const { send: ask } = setUpReceiver({ secrets: async () => secrets });
    assert.equal((await ask(eventBody(3), { secret: old })).status, 200);
    secrets = [SECRET];
    assert.equal((await ask(eventBody(4), { secret: old })).status, 401);
    secrets = [];
    assert.equal((await ask(eventBody(4), { secret: old })).code, 'missing_secret');
  });
});

describe('a receiver of', () => {
  test("Mailgun refuses a signature that comes again with another event, and takes Mailgun's retry", async () => {
    const timestamp = String(Math.floor(NOW_MS / 1_000));
    const signature = {
      timestamp,
      token: 'token',
      signature: createHmac('sha256', 'key').update(`${timestamp}token`).digest('hex'),
    };
    const body = (id: string) =>
      JSON.stringify({
        signature,
        'event-data': {
          event: 'delivered',
          id,
          timestamp: NOW_MS / 1_000,
          recipient: 'a@b.example',
        },
      });
    const { send } = setUpReceiver({ provider: 'mailgun', secrets: 'key' });
    assert.equal((await send(body('a')))['received'], 1);
    assert.equal((await send(body('a')))['duplicate'], 1);
    const forged = await send(body('b'));
    assert.deepEqual([forged.status, forged.code], [401, 'replayed']);
  });

  test('Mandrill answers its HEAD, and no other', async () => {
    const { receiver } = setUpReceiver({ provider: 'mandrill', secrets: 'key' });
    assert.equal((await receiver.handle(webhookOf('', { method: 'HEAD' }))).status, 200);
    assert.equal((await receiver.handle(webhookOf('', { method: 'PUT' }))).status, 405);
  });

  test('CloudEvents allows the origin that asks by OPTIONS', async () => {
    const { receiver } = setUpReceiver({ provider: 'cloudevents', secrets: 'header:x-a:b' });
    const headers = { 'webhook-request-origin': 'events.example' };
    const answer = await receiver.handle(webhookOf('', { method: 'OPTIONS', headers }));
    assert.deepEqual(
      [answer.status, answer.headers['webhook-allowed-origin']],
      [200, 'events.example'],
    );
  });

  test('Elastic Email takes events by GET, and says so', async () => {
    const { receiver } = setUpReceiver({ provider: 'elasticemail', secrets: 'query:t:s' });
    const url = '/hook?t=s&status=Sent&to=a@b.example&transaction=1&date=1/1/2026';
    const answer = await receiver.handle(webhookOf('', { method: 'GET', url }));
    assert.deepEqual([answer.status, JSON.parse(answer.body).received], [200, 1]);
    const other = await receiver.handle(webhookOf('', { method: 'PUT', url }));
    assert.equal(other.headers['allow'], 'POST, GET');
  });

  test('SNS confirms a subscription of an allowed topic, and asks to come again when it cannot', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const topic = 'arn:aws:sns:eu-west-1:1:mail';
    const confirmUrl = 'https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription';
    const envelope = (arn: string) => {
      const fields: Record<string, string> = {
        Message: 'Confirm',
        MessageId: '1',
        SubscribeURL: confirmUrl,
        Timestamp: '2026-11-21T16:00:00Z',
        Token: 't',
        TopicArn: arn,
        Type: 'SubscriptionConfirmation',
      };
      const text = Object.entries(fields)
        .map(([name, value]) => `${name}\n${value}\n`)
        .join('');
      const signature = sign('sha256', Buffer.from(text), privateKey).toString('base64');
      return JSON.stringify({ ...fields, SignatureVersion: '2', Signature: signature });
    };
    const asked: string[] = [];
    let status = 200;
    const { send } = setUpReceiver({
      provider: 'ses',
      secrets: [topic, publicKey.export({ type: 'spki', format: 'pem' }).toString()],
      fetch: async (url) => {
        asked.push(String(url));
        return new Response('', { status });
      },
    });
    assert.equal((await send(envelope('arn:aws:sns:eu-west-1:2:evil'))).code, 'topic_not_allowed');
    assert.deepEqual(asked, []);
    assert.equal((await send(envelope(topic))).status, 200);
    assert.deepEqual(asked, [confirmUrl]);
    status = 500;
    assert.equal((await send(envelope(topic))).code, 'confirmation_failed');
  });
});

describe('handlers', () => {
  test('are chosen by type, then family, then *, and an event without one is done', async () => {
    const ran: string[] = [];
    const { receiver, send } = setUpReceiver({
      handlers: {
        'email.bounced': () => void ran.push('type'),
        'email.*': () => void ran.push('family'),
      },
    });
    await send(eventBody(1, 'email.bounced'));
    await send(eventBody(2, 'email.opened'));
    await send(eventBody(3, 'system.test'));
    await receiver.drain();
    assert.deepEqual(ran, ['type', 'family']);
    const { handled, ignored, waiting } = await receiver.metrics();
    assert.deepEqual([handled, ignored, waiting], [2, 1, 0]);
  });

  test('get the event as it was sent, with numbers beyond 2^53, and what they need to be idempotent', async () => {
    const seen: [CanonicalEvent, number, boolean, string][] = [];
    const { receiver, send } = setUpReceiver({
      provider: 'mailjet',
      secrets: 'header:x-a:b',
      handlers: {
        '*': (event, { attempt, isLastAttempt, key }) =>
          void seen.push([event, attempt, isLastAttempt, key]),
      },
      source: 'shop',
    });
    const body = `{"event":"sent","time":1795000000,"email":"a@b.example","MessageID":12345678901234567890}`;
    await send(body, { headers: { 'x-a': 'b' } });
    await receiver.drain();
    const [[event, attempt, isLast, key] = []] = seen;
    assert.equal(event?.data.message?.provider_id, '12345678901234567890');
    assert.match(JSON.stringify(event?.data.raw), /"MessageID":12345678901234567890/);
    assert.deepEqual([event?.data.source, event?.data.provider], ['shop', 'mailjet']);
    assert.deepEqual([attempt, isLast, key?.length], [1, false, 64]);
  });

  test('that fail are tried again after each wait, and then the event is a dead letter', async () => {
    const attempts: number[] = [];
    const { receiver, send, clock, records } = setUpReceiver({
      retryDelaysMs: [1_000, 60_000],
      handlers: {
        '*': (_event, { attempt, isLastAttempt }) => {
          attempts.push(clock.now() - NOW_MS);
          throw new Error(`no ${attempt} ${isLastAttempt}`);
        },
      },
    });
    await send(eventBody(1));
    receiver.start();
    await clock.advance(70_000);
    assert.deepEqual(attempts, [0, 1_000, 61_000]);
    const failures = records.filter(({ kind }) => kind === 'handler_failed');
    assert.deepEqual(
      failures.map((one) => (one.kind === 'handler_failed' ? one.retryInMs : null)),
      [1_000, 60_000],
    );
    const [dead] = await receiver.deadLetters.list();
    assert.deepEqual(
      [dead?.event.id, dead?.attempts, dead?.error, records.at(-1)?.kind],
      [idOf(1), 3, 'no 3 true', 'dead_letter'],
    );
    const metrics = await receiver.metrics();
    assert.deepEqual(
      [metrics.failed, metrics.dead, metrics.deadLetters, metrics.waiting],
      [3, 1, 1, 0],
    );
    await receiver.stop();
  });

  test('that fail for good are not tried again, also by an error of another class', async () => {
    const errors = [
      new PermanentError('no such user'),
      Object.assign(new Error('gone'), { permanent: true }),
    ];
    let runs = 0;
    const { receiver, send } = setUpReceiver({
      handlers: {
        '*': () => {
          throw errors[runs++];
        },
      },
    });
    await send(eventBody(1));
    await send(eventBody(2));
    await receiver.drain();
    assert.deepEqual(
      (await receiver.deadLetters.list()).map(({ error }) => error),
      ['gone', 'no such user'],
    );
    assert.equal(runs, 2);
  });

  test('get a dead letter again when it is retried, and never when it is discarded', async () => {
    let isBroken = true;
    let runs = 0;
    const { receiver, send } = setUpReceiver({
      handlers: {
        '*': () => {
          runs += 1;
          if (isBroken) throw new PermanentError('broken');
        },
      },
    });
    await send(eventBody(1));
    await send(eventBody(2));
    await receiver.drain();
    isBroken = false;
    const [second, first] = await receiver.deadLetters.list();
    assert.equal(await receiver.deadLetters.retry(first?.key ?? ''), true);
    assert.equal(await receiver.deadLetters.discard(second?.key ?? ''), true);
    assert.equal(await receiver.deadLetters.retry(second?.key ?? ''), false);
    await receiver.drain();
    assert.equal(runs, 3);
    assert.deepEqual(await receiver.deadLetters.list(), []);
  });

  test('run so many at once and no more', async () => {
    let now = 0;
    let most = 0;
    const { receiver, send } = setUpReceiver({
      concurrency: 3,
      handlers: {
        '*': async () => {
          now += 1;
          most = Math.max(most, now);
          await settle();
          now -= 1;
        },
      },
    });
    for (let n = 1; n <= 10; n++) await send(eventBody(n));
    assert.equal(await receiver.drain(), 10);
    assert.equal(most, 3);
  });

  test('of one message run in order where that is asked for, the failing one first again', async () => {
    const ran: string[] = [];
    let isBroken = true;
    const { receiver, send, clock } = setUpReceiver({
      order: 'per-message',
      retryDelaysMs: [1_000],
      handlers: {
        '*': (event) => {
          if (event.id === idOf(1) && isBroken) throw new Error('not yet');
          ran.push(event.id);
        },
      },
    });
    const other = eventBody(9, 'email.opened', { message: { id: 'msg_2' } });
    await send(`[${eventBody(1)},${eventBody(2)},${other},${eventBody(3)}]`);
    await receiver.drain();
    assert.deepEqual(ran, [idOf(9)]);
    isBroken = false;
    await clock.advance(1_000);
    await receiver.drain();
    assert.deepEqual(ran, [9, 1, 2, 3].map(idOf));
  });

  test('that hang are told to stop, and tried again', async () => {
    let wasAborted = false;
    let runs = 0;
    const { receiver, send, clock, records } = setUpReceiver({
      handlerTimeoutMs: 5_000,
      retryDelaysMs: [0],
      handlers: {
        '*': (_event, { signal }) => {
          runs += 1;
          if (runs > 1) return;
          signal.addEventListener('abort', () => {
            wasAborted = true;
          });
          return new Promise(() => {});
        },
      },
    });
    await send(eventBody(1));
    receiver.start();
    await clock.advance(5_000);
    await clock.advance(1_000);
    assert.deepEqual([wasAborted, runs], [true, 2]);
    assert.ok(records.some((one) => one.kind === 'handler_failed' && /5000 ms/.test(one.message)));
    await receiver.stop();
  });

  test('that run longer than a lease keep it', async () => {
    const inbox = createMemoryInbox();
    let runs = 0;
    let end = (): void => {};
    const handlers = {
      '*': () => {
        runs += 1;
        return new Promise<void>((resolve) => {
          end = resolve;
        });
      },
    };
    const { receiver, send, clock } = setUpReceiver({
      inbox,
      handlers,
      leaseMs: 3_000,
      handlerTimeoutMs: 60_000,
    });
    await send(eventBody(1));
    receiver.start();
    await clock.advance(20_000);
    assert.equal(runs, 1);
    end();
    await settle();
    assert.equal((await receiver.metrics()).handled, 1);
    await receiver.stop();
  });

  test('whose process died run elsewhere once the lease has ended, and not for ever', async () => {
    const inbox = createMemoryInbox();
    const ran: number[] = [];
    const { receiver, send, clock } = setUpReceiver({
      inbox,
      leaseMs: 1_000,
      retryDelaysMs: [1, 1],
      handlers: { '*': (_event, { attempt }) => void ran.push(attempt) },
    });
    await send(eventBody(1));
    const crash = () =>
      inbox.claim({
        queue: 'standard',
        lease: 'dead',
        nowMs: clock.now(),
        leaseMs: 1_000,
        limit: 9,
      });
    await crash();
    assert.equal(await receiver.drain(), 0);
    await clock.advance(1_000);
    assert.equal(await receiver.drain(), 1);
    assert.deepEqual(ran, [2]);
    await send(eventBody(2));
    for (let i = 0; i < 3; i++) {
      await crash();
      await clock.advance(1_000);
    }
    await receiver.drain();
    assert.deepEqual(ran, [2], 'the event that ends processes is not run a fourth time');
    assert.match((await receiver.deadLetters.list())[0]?.error ?? '', /came to no end/);
  });

  test('that are under way when the receiver stops are waited for, then told, and run later', async () => {
    const inbox = createMemoryInbox();
    const handlers = { '*': () => new Promise(() => {}) };
    const { receiver, send, clock } = setUpReceiver({ inbox, handlers });
    await send(eventBody(1));
    receiver.start();
    await settle();
    const stopped = receiver.stop({ timeoutMs: 2_000 });
    await clock.advance(2_000);
    await stopped;
    await send(eventBody(2));
    await clock.advance(5_000);
    const { waiting, handled } = await receiver.metrics();
    assert.deepEqual([waiting, handled], [2, 0]);
    const next = setUpReceiver({ inbox, handlers: { '*': () => {} } });
    await next.clock.advance(10_000);
    assert.equal(await next.receiver.drain(), 2);
  });

  test('run in one of several processes on one inbox', async () => {
    const inbox = createMemoryInbox();
    const ran: string[] = [];
    const handlers = {
      '*': async (event: CanonicalEvent) => {
        await settle();
        ran.push(event.id);
      },
    };
    const setups = Array.from({ length: 3 }, () =>
      setUpReceiver({ inbox, handlers, concurrency: 2 }),
    );
    for (let n = 1; n <= 30; n++) await setups[n % 3]?.send(eventBody(n));
    await Promise.all(setups.map(({ receiver }) => receiver.drain()));
    assert.deepEqual(
      ran.sort(),
      Array.from({ length: 30 }, (_, i) => idOf(i + 1)),
    );
  });
});

describe('a receiver tells', () => {
  test('that nothing runs the handlers, once, when it is clear', async () => {
    const { send, records, clock } = setUpReceiver();
    await send(eventBody(1));
    assert.deepEqual(kindsOf(records), ['inbox_warning']);
    await clock.advance(60_000);
    await send(eventBody(2));
    await send(eventBody(3));
    assert.deepEqual(kindsOf(records), ['inbox_warning', 'not_started']);
  });

  test('that the traffic has stopped, and when it goes on', async () => {
    const silent: (number | null)[] = [];
    const { receiver, send, clock, records } = setUpReceiver({
      silence: { afterMs: 60_000, onSilent: (lastMs) => silent.push(lastMs) },
      handlers: { '*': () => {} },
    });
    receiver.start();
    await clock.advance(50_000);
    await send(eventBody(1), { atMs: clock.now() });
    await clock.advance(59_000);
    assert.deepEqual(silent, []);
    await clock.advance(200_000);
    assert.deepEqual(silent, [NOW_MS + 50_000], 'once');
    // Refused traffic is none.
    await send(eventBody(2), { atMs: 0 });
    assert.equal(kindsOf(records).at(-1), 'refused');
    await send(eventBody(2), { atMs: clock.now() });
    assert.equal(kindsOf(records).filter((kind) => kind === 'talking_again').length, 1);
    await clock.advance(80_000);
    assert.equal(silent.length, 2);
    await receiver.stop();
  });

  test('nothing of silence while another process gets the traffic', async () => {
    const inbox = createMemoryInbox();
    const silent: unknown[] = [];
    const { receiver, clock } = setUpReceiver({
      inbox,
      silence: { afterMs: 60_000, onSilent: () => silent.push(1) },
    });
    receiver.start();
    for (let n = 0; n < 10; n++) {
      await clock.advance(30_000);
      const nowMs = clock.now();
      const entries = [{ key: `k${n}`, lane: null, event: '{"type":"email.opened"}' }];
      await inbox.put({ queue: 'standard', entries, nowMs, retainUntilMs: nowMs, replay: null });
    }
    assert.deepEqual(silent, []);
    await receiver.stop();
  });

  test('how long events wait, and survives a log that throws', async () => {
    const { receiver, send, clock } = setUpReceiver({
      handlers: { '*': () => {} },
      log: () => {
        throw new Error('no log');
      },
    });
    await send(eventBody(1));
    await clock.advance(7_000);
    assert.equal((await receiver.metrics()).lagMs, 7_000);
    await receiver.drain();
    const { lagMs, lagMsMax, lagMsSum, silentForMs } = await receiver.metrics();
    assert.deepEqual([lagMs, lagMsMax, lagMsSum, silentForMs], [0, 7_000, 7_000, 7_000]);
  });

  test('a database that is away while handlers run, and goes on when it is back', async () => {
    const inner = createMemoryInbox();
    let isAway = false;
    const inbox: Inbox = {
      ...inner,
      claim: async (claim) => (isAway ? Promise.reject(new Error('away')) : inner.claim(claim)),
    };
    const { receiver, send, clock, records } = setUpReceiver({
      inbox,
      handlers: { '*': () => {} },
    });
    receiver.start();
    await settle();
    isAway = true;
    await send(eventBody(1));
    await clock.advance(2_000);
    assert.ok(records.some((one) => one.kind === 'inbox_failed' && one.message === 'away'));
    isAway = false;
    await clock.advance(1_000);
    assert.equal((await receiver.metrics()).handled, 1);
    await receiver.stop();
  });
});

test('a duplicate is known for its time, and then no more', async () => {
  const { receiver, send, clock } = setUpReceiver({ dedupMs: 10_000, handlers: { '*': () => {} } });
  await send(eventBody(1));
  await receiver.drain();
  await clock.advance(9_999);
  await receiver.drain();
  assert.equal((await send(eventBody(1)))['duplicate'], 1);
  await clock.advance(1);
  await receiver.drain();
  assert.equal((await send(eventBody(1)))['received'], 1);
});

test('what cannot be is refused when the receiver is made', () => {
  const options = {
    provider: 'standard',
    secrets: SECRET,
    inbox: createMemoryInbox(),
    handlers: {},
  };
  assert.throws(() => createReceiver({ ...options, secrets: '' }), { code: 'missing_secret' });
  assert.throws(() => createReceiver({ ...options, secrets: [] }), { code: 'missing_secret' });
  const mixed = ['bearer:token', 'whsec_!!'];
  assert.throws(() => createReceiver({ ...options, secrets: mixed }), { code: 'invalid_secret' });
  assert.throws(() => createReceiver({ ...options, provider: 'sendgird' }), /Known: sendgrid/);
  assert.throws(() => createReceiver({ ...options, name: 'a b' }), TypeError);
  assert.throws(() => createReceiver({ ...options, concurrency: 0 }), /concurrency/);
  assert.throws(() => createReceiver({ ...options, retryDelaysMs: [-1] }), /retryDelaysMs/);
  assert.equal(createReceiver({ ...options, secrets: [], allowUnsigned: true }).name, 'standard');
});

test('versions of a path have receivers of their own, on one inbox', async () => {
  const inbox = createMemoryInbox();
  const ran: string[] = [];
  const versions = ['v1', 'v2'].map((name) =>
    setUpReceiver({ inbox, name, handlers: { '*': () => void ran.push(name) } }),
  );
  const [v1, v2] = versions.map(({ receiver }) => receiver);
  assert.ok(v1 && v2);
  const router = routeWebhooks({ '/webhooks/v1/email': v1, '/webhooks/v2/email': v2 });
  const at = async (url: string) => (await router.handle(webhookOf(eventBody(1), { url }))).status;
  assert.equal(await at('/webhooks/v1/email'), 200);
  assert.equal(await at('https://app.example/webhooks/v2/email/?a=b'), 200);
  assert.equal(await at('/webhooks/v3/email'), 404);
  await Promise.all(versions.map(({ receiver }) => receiver.drain()));
  assert.deepEqual(ran.sort(), ['v1', 'v2']);
});
