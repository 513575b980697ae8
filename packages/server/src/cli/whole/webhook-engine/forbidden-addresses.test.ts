import assert from 'node:assert/strict';
import { type LookupAddress, Resolver } from 'node:dns';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../lib/clock.ts';
import type { AddressGuard } from '../../../lib/network/address-guard.ts';
import { startRawServer } from '../../../webhooks/fixtures/raw-server.ts';
import { createPostClient } from '../../../webhooks/post/post-client.ts';
import { parseTarget } from '../../../webhooks/post/post-target.ts';
import { startDnsServer } from '../fixtures/dns-server.ts';
import { startInProcessServer } from '../fixtures/in-process-server.ts';
import { postEvents } from '../fixtures/make-events.ts';
import { readList } from '../fixtures/test-client.ts';

/** Every form of a forbidden address is in lib/network/address-guard.test.ts and webhooks/post/post-addresses.test.ts. */

type Lookup = NonNullable<Parameters<typeof createPostClient>[0]['lookup']>;

/** Looks names up at this DNS server, each time anew. */
function lookUpAt(dnsServer: string): Lookup {
  const lookup = (
    hostname: string,
    _options: unknown,
    callback: (error: Error | null, found: LookupAddress[]) => void,
  ): void => {
    const resolver = new Resolver();
    resolver.setServers([dnsServer]);
    resolver.resolve4(hostname, (error, addresses) => {
      const found = error === null ? addresses : [];
      callback(
        error,
        found.map((address) => ({ address, family: 4 })),
      );
    });
  };
  return lookup as Lookup;
}

/** On this machine, 127.0.0.2 stands for the world, and 127.0.0.1 for what is inside. */
const PUBLIC = '127.0.0.2';
const INSIDE = '127.0.0.1';
const guard: AddressGuard = {
  refuse: (address) => (address === PUBLIC ? null : `${address} is not a public address`),
};

/** Answers 204 on the public address and hangs up, so that each post has to dial; same port as `inside`. */
async function startPublicServer(t: TestContext, port: number): Promise<{ posts: number }> {
  const seen = { posts: 0 };
  const server = createServer((request, response) => {
    seen.posts += 1;
    request.resume();
    response.writeHead(204, { connection: 'close' }).end();
  });
  await new Promise<void>((resolve) => server.listen(port, PUBLIC, resolve));
  t.after(() => server.close());
  return seen;
}

test('a name that is public first and private then never leads inside', async (t) => {
  const inside = await startRawServer(t, () => {});
  const open = await startPublicServer(t, inside.port);
  const answers = [[PUBLIC], [INSIDE], [PUBLIC, INSIDE], [INSIDE, PUBLIC], [INSIDE]];
  let asked = 0;
  const dns = await startDnsServer({
    'rebind.example.com': {
      a: () => {
        asked += 1;
        return answers[asked - 1] ?? [INSIDE];
      },
    },
  });
  t.after(() => dns.close());
  const client = createPostClient({
    guard,
    clock: systemClock,
    connectionsPerOrigin: 1,
    idleConnections: 1,
    lookup: lookUpAt(dns.address),
  });
  t.after(() => client.close());

  const results: (string | null)[] = [];
  for (const _ of answers) {
    const { errorCode } = await client.post({
      target: parseTarget(`http://rebind.example.com:${inside.port}/`, null),
      headers: ['content-type', 'application/json'],
      body: Buffer.from('{}'),
      timeoutMs: 60_000,
      startedAtMs: systemClock.now(),
    });
    results.push(errorCode);
  }
  const refused = 'address_not_allowed';
  assert.deepEqual(results, [null, refused, null, null, refused]);
  assert.equal(asked, answers.length, 'looked up for each connection');
  assert.equal(open.posts, 3);
  assert.equal(inside.connections, 0);
});

test('a redirect to where the cloud keeps its secrets, or to anywhere, is not followed', async (t) => {
  const elsewhere = await startRawServer(t, () => {});
  const server = await startInProcessServer();
  t.after(() => server.stop());
  const locations = ['http://169.254.169.254/latest/meta-data/', elsewhere.origin];
  for (const status of [301, 302, 303, 307, 308]) {
    for (const location of locations) {
      const redirecting = await startRawServer(t, (socket) => {
        const head = `HTTP/1.1 ${status} Elsewhere\r\nlocation: ${location}\r\n`;
        socket.write(`${head}content-length: 4\r\n\r\nmore`);
      });
      const url = `${redirecting.origin}/hook`;
      const settings = { event_types: ['email.*'], retry_ladder: [] };
      await server.client.post('/v1/endpoints', { url, ...settings });
    }
  }
  await postEvents(server.client, 1);
  let dead = await readList(server.client, '/v1/deliveries?state=dead');
  while (dead.length < 10) dead = await readList(server.client, '/v1/deliveries?state=dead');
  for (const { id } of dead) {
    const { attempts } = await server.client.get(`/v1/deliveries/${id}`);
    assert.equal(attempts.length, 1);
    const [{ error_code, response_excerpt, response }] = attempts;
    assert.deepEqual([error_code, response_excerpt], ['redirect', undefined]);
    assert.equal(response.excerpt, 'more');
  }
  assert.equal(elsewhere.connections, 0);
});
