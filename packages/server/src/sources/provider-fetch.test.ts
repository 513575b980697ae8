import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo, LookupFunction } from 'node:net';
import test, { type TestContext } from 'node:test';
import { createTestClock } from '../lib/fixtures/test-clock.ts';
import { createAddressGuard } from '../lib/network/address-guard.ts';
import { makeCertificate } from '../webhooks/fixtures/make-certificate.ts';
import { guardLookup } from '../webhooks/post/connect/guarded-lookup.ts';
import { createProviderFetch } from './provider-fetch.ts';

const HOST = 'sns.eu-west-1.amazonaws.com';

/** A server under a provider's name, and a name service that leads there. */
async function setUp(t: TestContext, networks: string[] = ['loopback']) {
  const { key, cert } = makeCertificate(HOST);
  const asked: string[] = [];
  const server = createServer({ key, cert }, (request, response) => {
    asked.push(request.url ?? '');
    if (request.url === '/moved') response.writeHead(302, { location: `https://${HOST}/key.pem` });
    else if (request.url === '/missing') response.writeHead(404);
    else if (request.url === '/large') response.write('x'.repeat(70_000));
    response.end(`text of ${request.url}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const lookup = guardLookup(createAddressGuard(networks), (_name, found) =>
    found(null, [{ address: '127.0.0.1', family: 4 }]),
  );
  const clock = createTestClock(0);
  const fetch = createProviderFetch({ lookup: lookup as LookupFunction, clock, ca: cert });
  return { asked, clock, fetch, base: `https://${HOST}:${port}` };
}

test('a key is fetched once a day, and a failure is tried again after a while', async (t) => {
  const { asked, clock, fetch, base } = await setUp(t);
  const both = await Promise.all([fetch.key(`${base}/key.pem`), fetch.key(`${base}/key.pem`)]);
  assert.deepEqual(both, ['text of /key.pem', 'text of /key.pem']);
  assert.equal(await fetch.key(`${base}/key.pem`), 'text of /key.pem');
  assert.equal(asked.length, 1);
  await clock.advance(86_400_000);
  await fetch.key(`${base}/key.pem`);
  assert.equal(asked.length, 2);
  for (let i = 0; i < 3; i++) {
    await assert.rejects(fetch.key(`${base}/missing`), { code: 'key_unavailable' });
  }
  assert.equal(asked.length, 3);
  await clock.advance(30_000);
  await assert.rejects(fetch.key(`${base}/missing`), /it answered 404/);
  assert.equal(asked.length, 4);
});

test('a subscription is confirmed each time that it is asked for', async (t) => {
  const { asked, fetch, base } = await setUp(t);
  await fetch.confirm(`${base}/?Action=ConfirmSubscription`);
  await fetch.confirm(`${base}/?Action=ConfirmSubscription`);
  assert.equal(asked.length, 2);
});

test('an address inside is not dialled, a redirect not followed, a long answer cut', async (t) => {
  const inside = await setUp(t, []);
  await assert.rejects(inside.fetch.confirm(`${inside.base}/x`), /not a public address/);
  assert.deepEqual(inside.asked, []);
  const { fetch, base, asked } = await setUp(t);
  await assert.rejects(fetch.confirm(`${base}/moved`), /it answered 302/);
  assert.deepEqual(asked, ['/moved']);
  await assert.rejects(fetch.confirm(`${base}/large`), /more than 65536 bytes/);
});
