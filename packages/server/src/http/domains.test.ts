import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { type DnsZone, startDnsServer } from '../cli/whole/fixtures/dns-server.ts';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

const zones: Record<string, DnsZone> = { 'posthorn.test': { a: ['192.0.2.1'] } };
const dns = await startDnsServer(zones);
const api = await startTestApi({ dnsServer: dns.address });
after(async () => {
  await api.close();
  await dns.close();
});

interface Shown {
  purpose: string;
  name: string;
  type: string;
  expected: string | null;
  status: string;
  detail: string | null;
}

/** Publishes what the domain asks for. */
function publish(domain: Json, purposes: readonly string[]): void {
  for (const { purpose, name, type, expected } of domain.records as Shown[]) {
    if (!purposes.includes(purpose)) continue;
    const zone = zones[name] ?? {};
    zones[name] = zone;
    if (type === 'TXT') zone.txt = [String(expected)];
    if (type === 'CNAME') zone.cname = String(expected);
    if (type === 'MX') zone.mx = [{ priority: 10, exchange: expected?.split(' ')[1] ?? 'mx.test' }];
  }
}

const check = async (id: string): Promise<Json> =>
  (await api.send('POST', `/v1/domains/${id}/check`)).body;
const statusOf = (domain: Json, purpose: string): string[] =>
  (domain.records as Shown[])
    .filter((record) => record.purpose === purpose)
    .map((record) => record.status);
const news = async (): Promise<Json[]> =>
  (await api.send('GET', '/v1/events?type=domain.*')).body.data;
const mail = (from: string) =>
  api.send('POST', '/v1/messages', { body: { from, to: 'mila@example.com', text: 'Hi' } });

const CORE = ['spf', 'dkim', 'dmarc', 'mx', 'return_path', 'tracking'];

test('a domain is added, published, verified, and then may send; others may not', async () => {
  assert.equal((await mail('shop@bücher.test')).status, 202);
  const { status, body: added } = await api.send('POST', '/v1/domains', {
    body: { name: 'Bücher.test' },
  });
  assert.equal(status, 201);
  assert.deepEqual(
    [added.name, added.unicode_name, added.status],
    ['xn--bcher-kva.test', 'bücher.test', 'pending'],
  );
  assertProblem(await mail('shop@bücher.test'), 'unverified_domain', /not verified yet/);
  assertProblem(await mail('shop@else.test'), 'unverified_domain', /may not send from else\.test/);
  const empty = await check(added.id);
  assert.deepEqual(statusOf(empty, 'dkim'), ['missing', 'missing']);
  publish(added, CORE);
  const checked = await check(added.id);
  assert.equal(checked.status, 'verified');
  for (const purpose of CORE) {
    assert.ok(
      statusOf(checked, purpose).every((one) => one === 'ok'),
      JSON.stringify(checked.records),
    );
  }
  assert.deepEqual(statusOf(checked, 'bimi'), ['missing']);
  assert.equal((await mail('shop@bücher.test')).status, 202);
  assert.equal((await mail('shop@news.bücher.test')).status, 202);
  assertProblem(await mail('shop@else.test'), 'unverified_domain');
  assert.deepEqual(await news(), []);
  const twice = await api.send('POST', '/v1/domains', { body: { name: 'xn--bcher-kva.test' } });
  assert.deepEqual([twice.status, twice.body.id], [200, added.id]);
});

test('mail of a verified domain is signed with both of its keys', async () => {
  const { body } = await mail('shop@bücher.test');
  const raw = await api.store.messages.raw(api.projectId, body.id);
  const { results } = await dkimVerify(Buffer.from(raw ?? []), {
    resolver: async (name: string) => [zones[name]?.txt ?? []],
  });
  assert.deepEqual(
    results.map(({ signingDomain, status }) => [signingDomain, status.result]),
    [
      ['xn--bcher-kva.test', 'pass'],
      ['xn--bcher-kva.test', 'pass'],
    ],
  );
});

test('a record that breaks is told of once, and so is that all are right again', async () => {
  const [domain] = (await api.send('GET', '/v1/domains')).body.data;
  const spf = zones[domain.name]?.txt ?? [];
  zones[domain.name] = { ...zones[domain.name], txt: ['v=spf1 -all'] };
  const broken = await check(domain.id);
  assert.deepEqual([broken.status, statusOf(broken, 'spf')], ['failing', ['wrong']]);
  for (let i = 0; i < 3; i++) await check(domain.id);
  const [error, ...more] = await news();
  assert.deepEqual([error.type, more], ['domain.dns_error', []]);
  assert.deepEqual(
    error.data.domain.records.map((record: Shown) => [record.purpose, record.status]),
    [['spf', 'wrong']],
  );
  assert.equal((await mail('shop@bücher.test')).status, 202);
  zones[domain.name] = { ...zones[domain.name], txt: spf };
  const healed = await check(domain.id);
  assert.equal(healed.status, 'verified');
  await check(domain.id);
  const [recovered, ...before] = await news();
  assert.deepEqual([recovered.type, before.length], ['domain.dns_recovered', 1]);
  assert.equal(recovered.data.domain.failing_since, error.data.domain.failing_since);
});

test('next keys sign as soon as they are published, and the old ones retire', async () => {
  const [domain] = (await api.send('GET', '/v1/domains')).body.data;
  const { body: rotated } = await api.send('POST', `/v1/domains/${domain.id}/dkim/rotate`);
  const { body: again } = await api.send('POST', `/v1/domains/${domain.id}/dkim/rotate`);
  const statesOf = (one: Json) => one.dkim.map((key: Json) => key.state);
  assert.deepEqual(statesOf(rotated), ['active', 'active', 'next', 'next']);
  assert.deepEqual(again.dkim, rotated.dkim);
  assert.deepEqual(statesOf(await check(domain.id)), ['active', 'active', 'next', 'next']);
  publish(rotated, ['dkim']);
  const turned = await check(domain.id);
  assert.deepEqual(statesOf(turned).sort(), ['active', 'active', 'retired', 'retired']);
  const { body } = await mail('shop@bücher.test');
  const raw = await api.store.messages.raw(api.projectId, body.id);
  const signed = Buffer.from(raw ?? []).toString('latin1');
  for (const key of turned.dkim) {
    assert.equal(signed.includes(`s=${key.selector}`), key.state === 'active', key.selector);
  }
  api.advance(8 * 86_400_000);
  assert.deepEqual(statesOf(await check(domain.id)).length, 4);
  const { body: later } = await api.send('GET', `/v1/domains/${domain.id}`);
  assert.deepEqual(statesOf(later), ['active', 'active']);
  assert.deepEqual((await news()).length, 2);
});

test('a change names the version that it knows; a removed domain is gone', async () => {
  const { body: domain, headers } = await api.send('POST', '/v1/domains', {
    body: { name: 'second.test', tracking: 'click' },
  });
  const path = `/v1/domains/${domain.id}`;
  const tag = { 'if-match': String(headers['etag']) };
  const changed = await api.send('PATCH', path, { headers: tag, body: { return_path: 'rp' } });
  assert.deepEqual(
    [changed.body.return_path, changed.body.tracking, changed.body.version],
    ['rp', 'click', 2],
  );
  const late = await api.send('PATCH', path, { headers: tag, body: { tracking: 'x' } });
  assertProblem(late, 'precondition_failed');
  assertProblem(await api.send('DELETE', path, { headers: tag }), 'precondition_failed');
  assert.equal((await api.send('DELETE', path)).status, 204);
  assertProblem(await api.send('GET', path), 'not_found');
  const odd = await api.send('POST', '/v1/domains', { body: { name: 'no domain' } });
  assertProblem(odd, 'invalid_field', /no domain/);
});
