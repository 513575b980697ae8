import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { type DnsZone, startDnsServer } from '../../cli/whole/fixtures/dns-server.ts';
import { compareChecks, type DomainCheck, type DomainNews } from '../../core/mail/domain-check.ts';
import { checkRecords } from './check-records.ts';
import { createDnsLookup } from './dns-lookup.ts';
import { listRecords } from './domain-records.ts';

const HOSTS = {
  hostname: 'mx.posthorn.test',
  spfTerm: 'a:mx.posthorn.test',
  trackingHost: 'app.posthorn.test',
};
const DOMAIN = { name: 'shop.test', settings: { returnPath: 'bounces', tracking: 'links' } };
const KEY = {
  projectId: 'prj_1',
  domainId: 'dom_1',
  selector: 's1',
  algorithm: 'ed25519',
  state: 'active',
  publicKey: 'AAAA',
  privateSealed: '',
  createdAtMs: 0,
  retiredAtMs: null,
} as const;
const RECORDS = listRecords(DOMAIN, [KEY], HOSTS);

/** What the DNS server knows, and the policy that the domain's web server has. */
const zones: Record<string, DnsZone> = {};
let policy: () => Promise<string>;
const server = await startDnsServer(zones);
const tools = {
  dns: createDnsLookup([server.address]),
  hosts: HOSTS,
  fetchText: () => policy(),
};
after(() => server.close());

/** Everything as it should be, and a mail server of the domain's own. */
beforeEach(() => {
  for (const name of Object.keys(zones)) delete zones[name];
  zones['mx.posthorn.test'] = { a: ['192.0.2.1'] };
  zones['app.posthorn.test'] = { a: ['192.0.2.2'] };
  for (const { name, type, expected } of RECORDS) {
    zones[name] ??= {};
    const zone = zones[name];
    if (type === 'TXT') zone.txt = [String(expected)];
    if (type === 'CNAME') zone.cname = String(expected);
    if (type === 'MX')
      zone.mx = [{ priority: 10, exchange: expected?.split(' ')[1] ?? 'mail.shop.test' }];
  }
  Object.assign(zones['_dmarc.shop.test'] ?? {}, {
    txt: ['v=DMARC1; p=reject; rua=mailto:d@x.test'],
  });
  policy = async () => 'version: STSv1\nmode: enforce\nmx: *.shop.test\nmax_age: 86400\n';
});

const check = () => checkRecords('shop.test', RECORDS, tools);
const shown = async () =>
  (await check()).map(({ purpose, type, status, detail }) => ({ purpose, type, status, detail }));

test('all nine kinds are looked at, and are right when they are published', async () => {
  const found = await shown();
  assert.deepEqual(
    found.map(({ purpose, type, status }) => `${purpose} ${type} ${status}`),
    [
      'dkim TXT ok',
      'spf TXT ok',
      'dmarc TXT ok',
      'return_path MX ok',
      'return_path TXT ok',
      'mx MX ok',
      'tracking CNAME ok',
      'mta_sts TXT ok',
      'tls_rpt TXT ok',
      'bimi TXT ok',
    ],
    JSON.stringify(found),
  );
});

const text = (name: string, ...txt: string[]): [string, DnsZone] => [name, { txt }];
const loops = Object.fromEntries(
  Array.from({ length: 11 }, (_, i) => [`i${i}.test`, { txt: ['v=spf1 ~all'] }]),
);
const includes = Object.keys(loops)
  .map((name) => `include:${name}`)
  .join(' ');

/** Faults of each, the status that they lead to, and what is said of them. */
const FAULTS: readonly [string, [string, DnsZone], 'missing' | 'wrong', RegExp][] = [
  ['dkim', ['s1._domainkey.shop.test', {}], 'missing', /no record/],
  ['dkim', text('s1._domainkey.shop.test', 'v=DKIM1; k=ed25519; p='), 'wrong', /revoked/],
  ['dkim', text('s1._domainkey.shop.test', 'v=DKIM1; k=ed25519; p=BBBB'), 'wrong', /another one/],
  ['dkim', text('s1._domainkey.shop.test', 'v=DKIM1; k=rsa; p=AAAA'), 'wrong', /k=ed25519/],
  ['dkim', text('s1._domainkey.shop.test', 'v=DKIM1; k=ed25519; t=y; p=AAAA'), 'wrong', /t=y/],
  [
    'spf',
    text('shop.test', `v=spf1 a:mx.posthorn.test ${includes} ~all`),
    'wrong',
    /12 DNS lookups/,
  ],
  ['spf', text('shop.test', 'v=spf1 -all'), 'wrong', /Add a:mx\.posthorn\.test/],
  ['dmarc', ['_dmarc.shop.test', {}], 'missing', /no DMARC/],
  ['dmarc', text('_dmarc.shop.test', 'v=DMARC1; p=maybe'), 'wrong', /p= has to be/],
  [
    'return_path',
    ['bounces.shop.test', { txt: ['v=spf1 a:mx.posthorn.test -all'], mx: [] }],
    'missing',
    /no MX/,
  ],
  [
    'return_path',
    [
      'bounces.shop.test',
      { txt: ['v=spf1 a:mx.posthorn.test -all'], mx: [{ priority: 1, exchange: 'else.test' }] },
    ],
    'wrong',
    /None of the mail servers is mx\.posthorn\.test/,
  ],
  [
    'mx',
    [
      'shop.test',
      { txt: ['v=spf1 a:mx.posthorn.test ~all'], mx: [{ priority: 0, exchange: '.' }] },
    ],
    'wrong',
    /null MX/,
  ],
  ['tracking', ['links.shop.test', { a: ['192.0.2.9'] }], 'wrong', /does not lead to/],
  ['tracking', ['links.shop.test', {}], 'missing', /no record/],
  ['mta_sts', text('_mta-sts.shop.test', 'v=STSv1; id=!'), 'wrong', /id=/],
  ['tls_rpt', text('_smtp._tls.shop.test', 'v=TLSRPTv1; rua=nobody'), 'wrong', /rua=/],
  ['tls_rpt', text('_smtp._tls.shop.test', 'something else'), 'wrong', /v=TLSRPTv1/],
  ['bimi', text('default._bimi.shop.test', 'v=BIMI1; l=http://x.test/l.svg'), 'wrong', /https/],
  ['bimi', text('default._bimi.shop.test', 'v=BIMI1; l=https://x.test/l.png'), 'wrong', /SVG/],
];

test('each fault is seen, told of once, and its end too', async () => {
  const good = { ...zones };
  for (const [purpose, [name, zone], status, detail] of FAULTS) {
    let known: DomainCheck | null = null;
    let at = 0;
    const look = async (): Promise<DomainNews> => {
      at += 1;
      const compared = compareChecks(known, await check(), at);
      known = compared.check;
      return compared.news;
    };
    const label = `${purpose}: ${JSON.stringify(zone)}`;
    assert.equal(await look(), null, label);
    Object.assign(zones, loops, { [name]: zone });
    assert.deepEqual([await look(), await look()], ['dns_error', null], label);
    const seen = await shown();
    assert.ok(
      seen.some(
        (one) => one.purpose === purpose && one.status === status && detail.test(one.detail ?? ''),
      ),
      `${label}: ${JSON.stringify(seen)}`,
    );
    Object.assign(zones, { [name]: good[name] });
    assert.deepEqual([await look(), await look()], ['dns_recovered', null], label);
  }
});

test('a logo needs a DMARC policy', async () => {
  zones['_dmarc.shop.test'] = { txt: ['v=DMARC1; p=none'] };
  const bimi = (await shown()).find(({ purpose }) => purpose === 'bimi');
  assert.deepEqual(
    [bimi?.status, bimi?.detail],
    ['wrong', 'Needs DMARC with p=quarantine or p=reject.'],
  );
});

test('other texts at the name of a record are passed over; two records of a kind are not', async () => {
  const report = 'v=TLSRPTv1; rua=mailto:tls@shop.test';
  const statusOf = async () => (await shown()).find(({ purpose }) => purpose === 'tls_rpt')?.status;
  zones['_smtp._tls.shop.test'] = { txt: ['google-site-verification=x', report] };
  assert.equal(await statusOf(), 'ok');
  zones['_smtp._tls.shop.test'] = { txt: [report, report] };
  assert.equal(await statusOf(), 'wrong');
});

test('an MTA-STS policy that nobody could fetch is no news; one that is wrong is', async () => {
  const statusOf = async () => (await shown()).find(({ purpose }) => purpose === 'mta_sts')?.status;
  const fail = (code: string) => async (): Promise<string> => {
    throw Object.assign(new Error('no'), { code });
  };
  for (const code of ['ETIMEDOUT', 'ECONNREFUSED', 'EAI_AGAIN']) {
    policy = fail(code);
    assert.equal(await statusOf(), 'unknown', code);
  }
  for (const code of ['ENOTFOUND', 'CERT_HAS_EXPIRED', '']) {
    policy = fail(code);
    assert.equal(await statusOf(), 'wrong', code);
  }
  policy = async () => 'version: STSv1\nmode: enforce\nmx: mail.else.test\nmax_age: 1\n';
  assert.equal(await statusOf(), 'wrong');
});

test('a tracking name may have the same addresses by other means', async () => {
  zones['links.shop.test'] = { a: ['192.0.2.2'] };
  const tracking = (await shown()).find(({ purpose }) => purpose === 'tracking');
  assert.equal(tracking?.status, 'ok');
});
