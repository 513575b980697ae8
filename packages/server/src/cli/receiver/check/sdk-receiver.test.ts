import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  createMemoryInbox,
  createReceiver,
  encodePrivateKey,
  encodeSecret,
  publicKeyOf,
  toNodeHandler,
} from '@posthorn/sdk';
import pc from 'picocolors';
import { checkEndpoint } from '../check.ts';

const seed = encodePrivateKey(Buffer.alloc(32, 9));
const shared = encodeSecret(Buffer.alloc(32, 7));

function pair({ privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }) {
  return {
    secret: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    known: String(publicKey.export({ type: 'spki', format: 'pem' })),
  };
}

const same = (secret: string) => ({ secret, known: secret });

const KEYS: [string, { secret: string; known: string }][] = [
  ['standard', same(shared)],
  ['standard', { secret: seed, known: publicKeyOf(seed) }],
  ['cloudevents', same(shared)],
  ['resend', same(shared)],
  ['frontengine', same('s3cret')],
  ['sendarix', same('s3cret')],
  ['mailfloss', same('s3cret')],
  ['mailgun', same('s3cret')],
  ['mailchannels', pair(generateKeyPairSync('ed25519'))],
  ['postal', pair(generateKeyPairSync('rsa', { modulusLength: 2_048 }))],
  ['sendgrid', pair(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }))],
];

for (const [provider, { secret, known }] of KEYS) {
  test(`the receiver of the SDK passes in the dialect ${provider} (${secret.slice(0, 6)})`, async () => {
    let handled = 0;
    const receiver = createReceiver({
      provider,
      secrets: known,
      inbox: createMemoryInbox(),
      handlers: {
        '*': () => {
          handled++;
        },
      },
    });
    receiver.start();
    const handle = toNodeHandler(receiver);
    const server = createServer((request, response) => {
      if (request.url === '/effects') response.end(String(handled));
      else void handle(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const out: string[] = [];
    const startedMs = performance.now();
    try {
      const code = await checkEndpoint(
        {
          url: `${origin}/hook`,
          secret,
          dialect: provider,
          effects: `${origin}/effects`,
          json: true,
        },
        {
          // Frozen: no machine is too slow to pass. The receiver has the real one, minutes are its tolerance.
          nowMs: () => Math.floor(startedMs + performance.timeOrigin),
          sleep: (ms) => delay(ms / 20).then(() => undefined),
          timeoutMs: 30_000,
          out: (line) => void out.push(line),
          err: (line) => assert.fail(line),
          colors: pc.createColors(false),
        },
      );
      const { checks } = JSON.parse(out[0] ?? '') as { checks: { result: string }[] };
      assert.deepEqual(
        checks.filter(({ result }) => result === 'fail'),
        [],
      );
      assert.equal(code, 0);
    } finally {
      await receiver.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
}
