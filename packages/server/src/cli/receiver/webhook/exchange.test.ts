import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { makeCertificate } from '../../../webhooks/fixtures/make-certificate.ts';
import { isLoopback } from './command-url.ts';
import { createExchanger } from './exchange.ts';

test('a certificate that nobody knows is taken only from hosts that are trusted', async () => {
  const server = createServer(makeCertificate('localhost'), (_, response) => response.end('ok'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(`https://localhost:${(server.address() as AddressInfo).port}/`);
  const send = async (isTrusted: boolean) => {
    const trusts = () => isTrusted;
    const exchanger = createExchanger({
      nowMs: Date.now,
      timeoutMs: 10_000,
      connections: 1,
      trusts,
    });
    const reply = await exchanger.send({ url, method: 'GET', headers: {}, body: null });
    exchanger.close();
    return reply;
  };
  const refused = await send(false);
  assert.equal(refused.status, null);
  assert.equal(refused.status === null && refused.code, 'DEPTH_ZERO_SELF_SIGNED_CERT');
  assert.equal((await send(true)).status, 200);
  await new Promise((resolve) => server.close(resolve));
});

test('this machine is known by its names, and no other host looks like it', () => {
  const judge = (text: string) => isLoopback(new URL(text));
  for (const url of [
    'http://localhost:3000/',
    'http://127.0.0.1/',
    'http://[::1]:80/',
    'http://127.1/',
  ]) {
    assert.equal(judge(url), true, url);
  }
  const others = [
    'http://127.0.0.1.example.com/',
    'http://localhost.example.com/',
    'http://128.0.0.1/',
  ];
  for (const url of others) assert.equal(judge(url), false, url);
});
