import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import { verifyStandardWebhook } from '@posthorn/sdk';
import { silentLog } from '../../lib/log.ts';
import { makeDelivery, makeLiveEndpoint, SECRET } from '../fixtures/make-endpoint.ts';
import type { RenderUnit } from '../render.ts';
import { createConfiguredPoster } from './create-configured-poster.ts';
import type { Poster } from './poster.ts';

interface Post {
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

async function setUp(t: TestContext, threads = 2) {
  const posts: Post[] = [];
  let hangs = false;
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request));
    posts.push({ path: request.url ?? '', headers: request.headers, body });
    const allowed = { 'webhook-allowed-origin': '*', 'webhook-allowed-rate': '120' };
    const seen = { 'x-seen': String(posts.length), ...allowed };
    if (!hangs) response.writeHead(201, seen).end('thanks');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const poster = createConfiguredPoster({
    threads,
    settings: {
      networks: ['loopback'],
      connectionsPerOrigin: 8,
      idleConnections: 8,
      ca: null,
      proxy: null,
    },
    clock: { now: Date.now, after: () => () => {} },
    log: silentLog,
  });
  t.after(() => poster.close());
  const { port } = server.address() as AddressInfo;
  return {
    poster,
    posts,
    url: (path: string) => `http://127.0.0.1:${port}/${path}`,
    hang() {
      hangs = true;
    },
  };
}

function plain(eventId: string, body: string): RenderUnit {
  return { deliveries: [makeDelivery(eventId, { body })], groups: null, isBatch: false };
}

const post = (
  poster: Poster,
  endpoint: Awaited<ReturnType<typeof makeLiveEndpoint>>,
  unit: RenderUnit,
) => poster.post(endpoint, unit, Date.now());

test('posts from a thread as from the main one: signed, with headers, result and timing', async (t) => {
  const { poster, posts, url } = await setUp(t);
  const settings = { headers: { 'x-own': 'yes' } };
  const endpoints = await Promise.all(
    ['a', 'b', 'c', 'd', 'e'].map((id) =>
      makeLiveEndpoint({ id: `ep_${id}`, url: url(id), settings }),
    ),
  );
  const ended = await Promise.all(
    endpoints.flatMap((endpoint, i) =>
      Array.from({ length: 20 }, (_, k) =>
        post(poster, endpoint, plain(`evt_${i}_${k}`, `{"id":"evt_${i}_${k}","data":{"k":${k}}}`)),
      ),
    ),
  );
  assert.equal(posts.length, 100);
  for (const { path, headers, body } of posts) {
    const verified = verifyStandardWebhook({ secret: SECRET, body, headers });
    assert.equal(path, `/${'abcde'[Number(verified.id.split('_')[1])]}`);
    assert.equal(headers['x-own'], 'yes');
  }
  for (const { id, signature, result } of ended) {
    const sent = posts.find(({ headers }) => headers['webhook-id'] === id);
    assert.equal(sent?.headers['webhook-signature'], signature);
    assert.deepEqual([result.status, result.errorCode], [201, null]);
    assert.equal(result.responseExcerpt, 'thanks');
    assert.ok(result.responseHeaders?.includes('x-seen'));
    assert.equal(result.timing?.remoteAddress, '127.0.0.1');
  }
});

test('batches cross as they are', async (t) => {
  const { poster, posts, url } = await setUp(t);
  const endpoint = await makeLiveEndpoint({ url: url('batch') });
  const groups = ['evt_1', 'evt_2'].map((id) => [makeDelivery(id, { body: `{"id":"${id}"}` })]);
  const { id } = await post(poster, endpoint, { deliveries: groups.flat(), groups, isBatch: true });
  assert.match(id, /^bat_/);
  assert.equal(posts[0]?.body.toString(), '[{"id":"evt_1"},{"id":"evt_2"}]');
});

test('another dialect is signed on the thread, and what its receiver allows comes back', async (t) => {
  const { poster, posts, url } = await setUp(t);
  const settings = { dialect: 'cloudevents' } as const;
  const endpoint = await makeLiveEndpoint({ url: url('events'), settings });
  const body = '{"id":"evt_1","type":"email.sent","timestamp":"2026-11-21T16:00:00Z","data":{}}';
  const { id, dialectHeaders, allowedPerMinute } = await post(
    poster,
    endpoint,
    plain('evt_1', body),
  );
  const [asked, sent] = posts;
  assert.equal(asked?.headers['webhook-request-origin'], 'posthorn.test');
  assert.equal(sent?.headers['content-type'], 'application/cloudevents+json; charset=utf-8');
  assert.deepEqual([id, allowedPerMinute], ['evt_1', 120]);
  const at = dialectHeaders?.indexOf('webhook-signature') ?? -1;
  assert.equal(dialectHeaders?.[at + 1], sent?.headers['webhook-signature']);
  const { result } = await post(poster, endpoint, plain('evt_2', body.replace('sent', 'nothing')));
  assert.equal(result.errorCode, 'not_in_dialect');
});

test('what a transformation has made is what a thread posts and signs', async (t) => {
  const { poster, posts, url } = await setUp(t, 1);
  const endpoint = await makeLiveEndpoint({ url: url('made') });
  await post(poster, endpoint, { ...plain('evt_1', '{"id":"evt_1"}'), text: '{"made":1}' });
  const [sent] = posts;
  assert.ok(sent);
  assert.equal(sent.body.toString(), '{"made":1}');
  const signed = { secret: SECRET, body: sent.body, headers: sent.headers };
  assert.equal(verifyStandardWebhook(signed).id, 'evt_1');
});

test('a changed endpoint is used from the next post on, and the guard holds there too', async (t) => {
  const { poster, posts, url } = await setUp(t, 1);
  const before = await makeLiveEndpoint({ url: url('old') });
  await post(poster, before, plain('evt_1', '{}'));
  const after = await makeLiveEndpoint({ url: url('new'), version: 2 });
  poster.forget(before, false);
  await post(poster, after, plain('evt_2', '{}'));
  assert.deepEqual(
    posts.map(({ path }) => path),
    ['/old', '/new'],
  );
  const inside = await makeLiveEndpoint({ id: 'ep_2', url: 'http://10.0.0.1/hook' });
  const { result } = await post(poster, inside, plain('evt_3', '{}'));
  assert.equal(result.errorCode, 'address_not_allowed');
});

test('a close aborts what hangs, and nothing is posted afterwards', async (t) => {
  const { poster, posts, url, hang } = await setUp(t);
  hang();
  const endpoint = await makeLiveEndpoint({ url: url('hang') });
  const hanging = post(poster, endpoint, plain('evt_1', '{}'));
  while (posts.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await poster.close();
  assert.equal((await hanging).result.errorCode, 'aborted');
  assert.equal((await post(poster, endpoint, plain('evt_2', '{}'))).result.errorCode, 'aborted');
  assert.equal(posts.length, 1);
});
