import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createDestinationResolver,
  type DestinationResolver,
  type DestinationResolverOptions,
} from './resolve-destination.ts';

type Mx = [exchange: string, priority: number];
/** A string is an error code. */
interface Zone {
  mx?: Record<string, Mx[] | string>;
  a?: Record<string, string[] | string>;
  aaaa?: Record<string, string[] | string>;
}

function answer<T>(records: Record<string, T | string> | undefined, name: string): Promise<T> {
  const found = records?.[name] ?? 'ENODATA';
  if (typeof found !== 'string') return Promise.resolve(found);
  return Promise.reject(Object.assign(new Error(`query ${found}`), { code: found }));
}

function resolverFor(
  zone: Zone,
  overrides: Partial<DestinationResolverOptions> = {},
): DestinationResolver & { queries: string[] } {
  const queries: string[] = [];
  const resolver = createDestinationResolver({
    async resolveMx(domain) {
      queries.push(domain);
      const records = await answer(zone.mx, domain);
      return records.map(([exchange, priority]) => ({ exchange, priority }));
    },
    resolve4: (host) => answer(zone.a, host),
    resolve6: (host) => answer(zone.aaaa, host),
    now: () => 0,
    random: () => 0,
    allowAddress: (address) => !address.startsWith('10.') && address !== '127.0.0.1',
    ...overrides,
  });
  return { ...resolver, queries };
}

test('sorts MX hosts by preference and gives their addresses, IPv4 first', async () => {
  const { resolve } = resolverFor({
    mx: {
      'example.com': [
        ['MX2.example.com', 20],
        ['mx1.example.com.', 10],
      ],
    },
    a: { 'mx1.example.com': ['192.0.2.1'], 'mx2.example.com': ['192.0.2.2'] },
    aaaa: { 'mx1.example.com': ['2001:db8::1'] },
  });
  assert.deepEqual(await resolve('Example.COM.'), {
    ok: true,
    hosts: [
      { host: 'mx1.example.com', addresses: ['192.0.2.1', '2001:db8::1'] },
      { host: 'mx2.example.com', addresses: ['192.0.2.2'] },
    ],
  });
});

test('orders hosts of one preference by chance, at each call', async () => {
  const draws = [0, 0.99, 0, 0.99];
  const { resolve } = resolverFor(
    {
      mx: {
        'example.com': [
          ['a.test', 10],
          ['b.test', 10],
        ],
      },
      a: { 'a.test': ['192.0.2.1'], 'b.test': ['192.0.2.2'] },
    },
    { random: () => draws.shift() ?? 0 },
  );
  const orders = new Set<string>();
  for (let call = 0; call < 3; call += 1) {
    const found = await resolve('example.com');
    if (found.ok) orders.add(found.hosts.map(({ host }) => host).join());
  }
  assert.deepEqual([...orders].sort(), ['a.test,b.test', 'b.test,a.test']);
});

test('falls back to the domain itself where it has no MX', async () => {
  const { resolve } = resolverFor({ aaaa: { 'example.com': ['2001:db8::1'] } });
  const hosts = [{ host: 'example.com', addresses: ['2001:db8::1'] }];
  assert.deepEqual(await resolve('example.com'), { ok: true, hosts });
});

test('asks for an international domain in ASCII', async () => {
  const { resolve, queries } = resolverFor({ a: { 'xn--bcher-kva.example': ['192.0.2.1'] } });
  assert.equal((await resolve('bücher.example')).ok, true);
  assert.deepEqual(queries, ['xn--bcher-kva.example']);
});

test('tells permanent failures from temporary ones', async () => {
  const zone: Zone = {
    mx: {
      'null.test': [['', 0]],
      'dot.test': [['.', 0]],
      'gone.test': 'ENOTFOUND',
      'broken.test': 'ESERVFAIL',
      'slow.test': 'ETIMEOUT',
      'private.test': [['mx.private.test', 10]],
      'literal.test': [['192.0.2.9', 10]],
      'dangling.test': [['mx.dangling.test', 10]],
      'flaky.test': [['mx.flaky.test', 10]],
    },
    a: {
      'mx.private.test': ['10.0.0.1', '127.0.0.1'],
      'mx.dangling.test': 'ENOTFOUND',
      'mx.flaky.test': 'ESERVFAIL',
      'nothing.test': 'ENODATA',
    },
  };
  const { resolve } = resolverFor(zone);
  for (const [domain, expected] of [
    ['null.test', 'null_mx true 5.1.10'],
    ['dot.test', 'null_mx true 5.1.10'],
    ['gone.test', 'dns_not_found true 5.1.2'],
    ['nothing.test', 'dns_not_found true 5.1.2'],
    ['broken.test', 'dns_error false 4.4.3'],
    ['slow.test', 'dns_error false 4.4.3'],
    ['private.test', 'private_address true 5.4.4'],
    ['literal.test', 'dns_not_found true 5.1.2'],
    ['dangling.test', 'dns_not_found true 5.1.2'],
    ['flaky.test', 'dns_error false 4.4.3'],
    ['', 'invalid_address true 5.1.2'],
    ['127.0.0.1', 'invalid_address true 5.1.2'],
    ['0x7f.1', 'invalid_address true 5.1.2'],
    ['local host', 'invalid_address true 5.1.2'],
    ['localhost', 'invalid_address true 5.1.2'],
  ] as const) {
    const found = await resolve(domain);
    assert.equal(found.ok, false, domain);
    if (found.ok) continue;
    assert.equal(`${found.errorCode} ${found.permanent} ${found.enhancedCode}`, expected, domain);
  }
});

test('skips hosts without an address and addresses that are not allowed', async () => {
  const { resolve } = resolverFor({
    mx: {
      'example.com': [
        ['gone.test', 1],
        ['192.0.2.9', 2],
        ['inside.test', 3],
        ['mx.test', 4],
      ],
    },
    a: {
      'gone.test': 'ENOTFOUND',
      'inside.test': ['10.1.1.1'],
      'mx.test': ['127.0.0.1', '192.0.2.4'],
    },
  });
  const hosts = [{ host: 'mx.test', addresses: ['192.0.2.4'] }];
  assert.deepEqual(await resolve('example.com'), { ok: true, hosts });
});

test('bounds the hosts and addresses to be tried', async () => {
  const many = Array.from({ length: 50 }, (_, at): Mx => [`mx${at}.test`, at]);
  const addresses = Array.from({ length: 50 }, (_, at) => `192.0.2.${at}`);
  const { resolve } = resolverFor({
    mx: { 'example.com': many },
    a: Object.fromEntries(many.map(([host]) => [host, addresses])),
  });
  const found = await resolve('example.com');
  assert.equal(found.ok && found.hosts.length, 5);
  assert.equal(found.ok && found.hosts[0]?.addresses.length, 4);
});

test('a domain that does not exist is asked for again soon', async () => {
  let nowMs = 0;
  const { resolve, queries } = resolverFor(
    { mx: { 'gone.test': 'ENOTFOUND' } },
    { now: () => nowMs, cacheMs: 60_000 },
  );
  await resolve('gone.test');
  nowMs = 4_999;
  await resolve('gone.test');
  assert.equal(queries.length, 1);
  nowMs = 5_001;
  await resolve('gone.test');
  assert.equal(queries.length, 2);
});

test('keeps answers for a while, failures of DNS for less, and no more than its bound', async () => {
  let nowMs = 0;
  const { resolve, queries } = resolverFor(
    { mx: { 'broken.test': 'ESERVFAIL' }, a: { 'a.test': ['192.0.2.1'], 'b.test': ['192.0.2.1'] } },
    { now: () => nowMs, cacheMs: 60_000, maxCachedDomains: 2 },
  );
  await Promise.all([resolve('a.test'), resolve('a.test'), resolve('broken.test')]);
  nowMs = 10_000;
  await resolve('a.test');
  await resolve('broken.test');
  assert.deepEqual(queries, ['a.test', 'broken.test', 'broken.test']);
  nowMs = 61_000;
  await resolve('a.test');
  await resolve('b.test');
  await resolve('broken.test');
  assert.deepEqual(queries.slice(3), ['a.test', 'b.test', 'broken.test']);
});
