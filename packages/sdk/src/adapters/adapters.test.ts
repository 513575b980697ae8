import assert from 'node:assert/strict';
import { createServer, request as httpRequest, type RequestListener } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, describe, test } from 'node:test';
import express from 'express';
import fc from 'fast-check';
import fastify from 'fastify';
import { Hono } from 'hono';
import { eventBody, setUpReceiver, signedHeaders } from '../receiver/fixtures/set-up-receiver.ts';
import type { WebhookTarget } from '../receiver/webhook.ts';
import { toFastifyPlugin } from './fastify.ts';
import { toFetchHandler } from './fetch.ts';
import { toHonoHandler } from './hono.ts';
import { type LambdaEvent, type LambdaResult, toLambdaHandler } from './lambda.ts';
import { toNextRoute } from './next.ts';
import { toExpressHandler, toNodeHandler } from './node.ts';

const PATH = '/webhooks/v1/email';
const MAX_BYTES = 2_000;

interface Sent {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: Uint8Array;
}

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

type Send = (sent: Sent) => Promise<Answer>;

async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Over node:http, for fetch sends no body with a GET. */
function overHttp(port: number): Send {
  return ({ method, url, headers, body }) =>
    new Promise((resolve, reject) => {
      const length = body.length > 0 ? { 'content-length': String(body.length) } : {};
      const request = httpRequest(
        { port, host: '127.0.0.1', method, path: url, headers: { ...length, ...headers } },
        async (response) => {
          const text = Buffer.concat(await Array.fromAsync(response)).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
        },
      );
      request.on('error', reject);
      request.end(body);
    });
}

function overFetch(handle: (request: Request) => Promise<Response>): Send {
  return async ({ method, url, headers, body }) => {
    const hasBody = method !== 'GET' && method !== 'HEAD';
    const response = await handle(
      new Request(`https://app.example${url}`, {
        method,
        headers,
        body: hasBody ? body : null,
      } as RequestInit),
    );
    const text = await response.text();
    return { status: response.status, headers: Object.fromEntries(response.headers), body: text };
  };
}

const fromLambda = ({
  statusCode,
  headers = {},
  multiValueHeaders,
  body,
}: LambdaResult): Answer => ({
  status: statusCode,
  headers: { ...headers, ...multiValueHeaders },
  body,
});

function toLambda2({ method, url, headers, body }: Sent): LambdaEvent {
  const [rawPath = '', rawQueryString = ''] = url.split('?');
  return {
    version: '2.0',
    rawPath,
    rawQueryString,
    headers,
    requestContext: { http: { method, sourceIp: '192.0.2.1' } },
    body: Buffer.from(body).toString('base64'),
    isBase64Encoded: true,
  };
}

function toLambda1({ method, url, headers, body }: Sent): LambdaEvent {
  const [path = '', query = ''] = url.split('?');
  return {
    httpMethod: method,
    path,
    headers,
    multiValueHeaders: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, [value]]),
    ),
    queryStringParameters: Object.fromEntries(new URLSearchParams(query)),
    body: Buffer.from(body).toString('utf8'),
    isBase64Encoded: false,
  };
}

const ADAPTERS: Record<string, (target: WebhookTarget) => Promise<Send>> = {
  'node:http': async (target) => overHttp(await listen(toNodeHandler(target))),
  Express: async (target) => {
    const app = express().all(PATH, toExpressHandler(target)).use(express.json());
    return overHttp(await listen(app));
  },
  'Express with raw bodies': async (target) => {
    const app = express().use(express.raw({ type: '*/*', limit: '1mb' }));
    return overHttp(await listen(app.use('/webhooks', toExpressHandler(target))));
  },
  Fastify: async (target) => {
    const app = fastify({ bodyLimit: 10, exposeHeadRoutes: false });
    app.register(toFastifyPlugin(target, PATH));
    await app.listen({ port: 0, host: '127.0.0.1' });
    after(() => app.close());
    return overHttp((app.server.address() as AddressInfo).port);
  },
  fetch: async (target) => overFetch(toFetchHandler(target)),
  Hono: async (target) => {
    const app = new Hono().all(PATH, toHonoHandler(target));
    return overFetch(async (request) => app.fetch(request));
  },
  'Next.js': async (target) => {
    const route = toNextRoute(target);
    return overFetch((request) => route[request.method as keyof typeof route](request));
  },
  'Lambda 2.0': async (target) => {
    const handle = toLambdaHandler(target);
    return async (sent) => fromLambda(await handle(toLambda2(sent)));
  },
  'Lambda 1.0': async (target) => {
    const handle = toLambdaHandler(target);
    return async (sent) => fromLambda(await handle(toLambda1(sent)));
  },
};

const setUp = () => setUpReceiver({ maxBodyBytes: MAX_BYTES });
const sentOf = (body: string, more: Partial<Sent> = {}): Sent => ({
  method: 'POST',
  url: PATH,
  headers: signedHeaders(body),
  body: Buffer.from(body),
  ...more,
});

for (const [name, adapt] of Object.entries(ADAPTERS)) {
  describe(`the adapter for ${name}`, () => {
    test('hands over the bytes as they came, and the answer as it is', async () => {
      const { receiver } = setUp();
      const send = await adapt(receiver);
      const body = eventBody(1, 'email.clicked', { metadata: { name: 'zoë 😀  "x"' } });
      const { status, headers, body: text } = await send(sentOf(body));
      assert.deepEqual([status, text], [200, '{"received":1,"duplicate":0}']);
      assert.match(String(headers['content-type']), /^application\/json/);
      assert.equal((await send(sentOf(body))).body, '{"received":0,"duplicate":1}');
      const changed = await send(sentOf(body, { body: Buffer.from(body.replace('zoë', 'zoe')) }));
      assert.equal(changed.status, 401);
      assert.match(String(changed.headers['content-type']), /^application\/problem\+json/);
      assert.equal(JSON.parse(changed.body).code, 'bad_signature');
    });

    test('answers 405 with Allow, 413 and 415', async () => {
      const send = await adapt(setUp().receiver);
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
        const { status, headers, body } = await send(sentOf('', { method }));
        assert.deepEqual([status, headers['allow']], [405, 'POST'], method);
        if (method === 'HEAD' && !name.startsWith('Lambda')) assert.equal(body, '');
      }
      const large = eventBody(1, 'email.opened', { note: 'x'.repeat(MAX_BYTES) });
      assert.equal((await send(sentOf(large))).status, 413);
      const headers = { ...signedHeaders('<x/>'), 'content-type': 'application/xml' };
      assert.equal((await send(sentOf('<x/>', { headers }))).status, 415);
    });

    test('hands over the query, which may hold the secret', async () => {
      const { receiver } = setUpReceiver({ provider: 'postmark', secrets: 'query:key:a b+c/ü' });
      const send = await adapt(receiver);
      const body = JSON.stringify({
        RecordType: 'Delivery',
        Recipient: 'a@b.example',
        MessageID: '1',
      });
      const query = new URLSearchParams({ key: 'a b+c/ü' });
      assert.equal((await send(sentOf(body, { url: `${PATH}?${query}` }))).status, 200);
      assert.equal((await send(sentOf(body, { url: `${PATH}?key=a` }))).status, 401);
    });

    test('never throws and never answers 5xx, whatever comes', async () => {
      const { receiver } = setUp();
      const send = await adapt(receiver);
      const token = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_./;=,"+ '), maxLength: 60 });
      const names = ['content-type', 'webhook-id', 'webhook-timestamp', 'webhook-signature', 'x-y'];
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom('POST', 'POST', 'GET', 'PUT', 'OPTIONS'),
          fc.dictionary(
            fc.constantFrom(...names),
            token.map((text) => text.trim()),
          ),
          fc.uint8Array({ maxLength: 200 }),
          fc.webQueryParameters(),
          async (method, headers, body, query) => {
            const { status } = await send({ method, headers, body, url: `${PATH}?${query}` });
            assert.ok(status >= 200 && status < 500, String(status));
          },
        ),
        { numRuns: 40 },
      );
    });
  });
}

describe('over node:http', () => {
  const tooLarge = async (adapt: (target: WebhookTarget) => RequestListener) => {
    const port = await listen(adapt(setUp().receiver));
    return new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      let answer = '';
      socket.setEncoding('utf8').on('data', (text: string) => {
        answer += text;
        socket.destroy();
      });
      socket.on('close', () => resolve(answer)).on('error', reject);
      socket.write('POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
      socket.write(`${(3_000).toString(16)}\r\n${'x'.repeat(3_000)}\r\n`);
    });
  };

  test('a body without a length is cut off at the limit, before it has ended', async () => {
    assert.match(await tooLarge(toNodeHandler), /^HTTP\/1.1 413 /);
  });

  test('a connection stays usable after a refusal', async () => {
    const port = await listen(toNodeHandler(setUp().receiver));
    const large = { method: 'POST', body: 'x'.repeat(MAX_BYTES + 1) };
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) {
      const response = await fetch(`http://127.0.0.1:${port}/`, large);
      await response.text();
      statuses.push(response.status);
    }
    assert.deepEqual(statuses, [413, 413, 413]);
  });

  test('a sender that goes away harms nobody', async () => {
    const { receiver, records } = setUp();
    const handle = toNodeHandler(receiver);
    let handled: Promise<void> | undefined;
    const port = await listen((request, response) => {
      handled = handle(request, response);
    });
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf');
    while (handled === undefined) await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    await handled;
    const [record] = records;
    assert.equal(record?.kind === 'refused' && record.code, 'body_incomplete');
  });

  test('a body that was parsed before is named as the mistake that it is', async () => {
    const { receiver, records } = setUp();
    const app = express().use(express.json()).post(PATH, toExpressHandler(receiver));
    const send = overHttp(await listen(app));
    assert.equal((await send(sentOf(eventBody(1)))).status, 500);
    const [record] = records;
    assert.ok(record?.kind === 'refused');
    assert.equal(record.code, 'body_already_read');
    assert.match(record.message, /before express.json\(\)/);
  });
});

test('a fetch handler whose request was read before says so', async () => {
  const { receiver, records } = setUp();
  const request = new Request('https://a.example/', { method: 'POST', body: '{}' });
  await request.text();
  const response = await toFetchHandler(receiver)(request);
  const [record] = records;
  assert.equal(response.status, 500);
  assert.equal(record?.kind === 'refused' && record.code, 'body_already_read');
});

test('Fastify keeps the body parsers of other routes', async () => {
  const app = fastify();
  app.register(toFastifyPlugin(setUp().receiver, PATH));
  app.post('/other', async (request) => request.body);
  const answer = await app.inject({ method: 'POST', url: '/other', payload: { a: 1 } });
  assert.deepEqual(answer.json(), { a: 1 });
});

test('a load balancer that sends lists gets lists, and its query as it came', async () => {
  const { receiver } = setUpReceiver({ provider: 'postmark', secrets: 'query:key:a b' });
  const result = await toLambdaHandler(receiver)({
    httpMethod: 'POST',
    path: PATH,
    multiValueHeaders: { 'content-type': ['application/json'] },
    multiValueQueryStringParameters: { key: ['a%20b'] },
    requestContext: { elb: {} },
    body: JSON.stringify({ RecordType: 'Delivery', Recipient: 'a@b.example' }),
  });
  assert.equal(result.statusCode, 200);
  assert.deepEqual(result.multiValueHeaders?.['content-type'], ['application/json']);
});

test('where nothing runs after the answer, handlers can run before it or be called for', async () => {
  const ran: string[] = [];
  const { receiver } = setUpReceiver({ handlers: { '*': (event) => void ran.push(event.id) } });
  const lambda = toLambdaHandler(receiver, { beforeAnswer: () => receiver.drain() });
  await lambda(toLambda2(sentOf(eventBody(1))));
  assert.equal(ran.length, 1);
  let drained: Promise<number> | undefined;
  const afterAnswer = () => {
    drained = receiver.drain();
  };
  const body = eventBody(2);
  const { POST } = toNextRoute(receiver, { afterAnswer });
  await POST(
    new Request('https://a.example/', { method: 'POST', body, headers: signedHeaders(body) }),
  );
  assert.equal(await drained, 1);
});
