import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { type DnsZone, startDnsServer } from '../../cli/whole/fixtures/dns-server.ts';
import { checkDmarc } from './check-dmarc.ts';
import { checkSpf } from './check-spf.ts';
import { checkSts } from './check-sts.ts';
import { createDnsLookup } from './dns-lookup.ts';

/** What the DNS server knows; each test fills it anew. */
const zones: Record<string, DnsZone> = {};
const server = await startDnsServer(zones);
const dns = createDnsLookup([server.address]);
after(() => server.close());
beforeEach(() => {
  for (const name of Object.keys(zones)) delete zones[name];
});

const OUR = { term: 'a:mail.posthorn.test', addresses: ['192.0.2.10'] };
const spf = (...txt: string[]) => {
  zones['shop.test'] = { ...zones['shop.test'], txt };
  return checkSpf(dns, 'shop.test', OUR);
};

test('SPF: our term, our address and our host are all found, also in what is included', async () => {
  zones['include.test'] = { txt: ['v=spf1 ip4:192.0.2.0/24 -all'] };
  zones['mail.posthorn.test'] = { a: ['192.0.2.10'] };
  zones['mx.test'] = { a: ['192.0.2.10'] };
  zones['shop.test'] = { mx: [{ exchange: 'mx.test', priority: 1 }], a: ['192.0.2.10'] };
  for (const record of [
    'v=spf1 a:mail.posthorn.test ~all',
    'V=SPF1 +A:MAIL.posthorn.test -all',
    'v=spf1 ip4:192.0.2.10 -all',
    'v=spf1 include:include.test -all',
    'v=spf1 redirect=include.test',
    'v=spf1 mx -all',
    'v=spf1 a -all',
  ]) {
    assert.equal((await spf(record, 'another text')).status, 'ok', record);
  }
});

test('SPF: what does not let us pass is wrong', async () => {
  zones['include.test'] = { txt: ['v=spf1 ip4:192.0.2.0/24 -all'] };
  for (const record of [
    'v=spf1 -all',
    'v=spf1 ip4:198.51.100.0/24 -all',
    'v=spf1 -include:include.test ~all',
    'v=spf1 ?a:mail.posthorn.test -all',
  ]) {
    const { status, detail } = await spf(record);
    assert.equal(status, 'wrong', record);
    assert.match(detail ?? '', /Add a:mail\.posthorn\.test/);
  }
  assert.match((await spf('v=spf1 +all')).detail ?? '', /anybody/);
});

test('SPF: more than ten lookups, two records and a broken include fail every mail', async () => {
  for (let i = 0; i < 12; i++) {
    zones[`i${i}.test`] = { txt: [`v=spf1 ${i === 11 ? '' : `include:i${i + 1}.test`} ~all`] };
  }
  const many = await spf('v=spf1 a:mail.posthorn.test include:i0.test -all');
  assert.equal(many.status, 'wrong');
  assert.match(many.detail ?? '', /1[1-9] DNS lookups/);
  const ten = await spf('v=spf1 a:mail.posthorn.test include:i3.test -all');
  assert.deepEqual([ten.status, ten.detail], ['ok', 'It makes 10 of at most 10 DNS lookups.']);
  const two = await spf('v=spf1 -all', 'v=spf1 a:mail.posthorn.test -all');
  assert.match(two.detail ?? '', /several SPF records/);
  const broken = await spf('v=spf1 include:nowhere.test a:mail.posthorn.test -all');
  assert.match(broken.detail ?? '', /includes nowhere\.test, which has no SPF record/);
  const odd = await spf('v=spf1 ipv4:192.0.2.1 -all');
  assert.match(odd.detail ?? '', /"ipv4:192\.0\.2\.1" is no term/);
});

test('SPF: an include that includes itself comes to an end', async () => {
  zones['loop.test'] = { txt: ['v=spf1 include:loop.test -all'] };
  assert.equal((await spf('v=spf1 include:loop.test -all')).status, 'wrong');
});

test('SPF: no record is missing, no answer is unknown', async () => {
  assert.equal((await checkSpf(dns, 'shop.test', OUR)).status, 'missing');
  zones['shop.test'] = { isBroken: true };
  assert.equal((await checkSpf(dns, 'shop.test', OUR)).status, 'unknown');
});

test('DMARC: its own record, or the one of a domain above it', async () => {
  const check = () => checkDmarc(dns, 'news.shop.test');
  assert.equal((await check()).status, 'missing');
  zones['_dmarc.shop.test'] = { txt: ['v=DMARC1; p=reject; rua=mailto:d@shop.test'] };
  const inherited = await check();
  assert.deepEqual([inherited.status, inherited.detail], ['ok', 'It is that of shop.test.']);
  zones['_dmarc.news.shop.test'] = { txt: ['v=DMARC1; p=none'] };
  assert.match((await check()).detail ?? '', /no reports.*only watches/);
  for (const [record, fault] of [
    ['v=DMARC1; rua=mailto:a@b.test', /no policy/],
    ['v=DMARC1; p=block', /p= has to be/],
    ['v=DMARC1; p=none; adkim=x', /adkim= has to be/],
    ['v=DMARC1; p=none; rua=me@b.test', /rua= has to be/],
  ] as const) {
    zones['_dmarc.news.shop.test'] = { txt: [record] };
    const { status, detail } = await check();
    assert.equal(status, 'wrong');
    assert.match(detail ?? '', fault);
  }
});

test('MTA-STS: the record, the policy, and whether it names the mail servers', async () => {
  let policy = 'version: STSv1\r\nmode: enforce\r\nmx: *.mx.test\r\nmax_age: 604800\r\n';
  const urls: string[] = [];
  const check = () =>
    checkSts('shop.test', {
      dns,
      async fetchText(url) {
        urls.push(url);
        if (policy === '') throw new Error('The server answered 404.');
        return policy;
      },
    });
  assert.equal((await check()).status, 'missing');
  assert.deepEqual(urls, []);
  zones['_mta-sts.shop.test'] = { txt: ['v=STSv1; id=20261121'] };
  zones['shop.test'] = { mx: [{ exchange: 'a.mx.test', priority: 1 }] };
  assert.deepEqual(
    [(await check()).status, urls],
    ['ok', ['https://mta-sts.shop.test/.well-known/mta-sts.txt']],
  );
  zones['shop.test'] = { mx: [{ exchange: 'a.b.mx.test', priority: 1 }] };
  assert.match((await check()).detail ?? '', /does not name the mail server a\.b\.mx\.test/);
  for (const [text, fault] of [
    ['', /could not be fetched: The server answered 404/],
    ['mode: enforce', /version: STSv1/],
    ['version: STSv1\nmode: on\nmax_age: 1', /no mode/],
    ['version: STSv1\nmode: testing\nmx: x', /no max_age/],
    ['version: STSv1\nmode: testing\nmax_age: 1', /names no mx/],
  ] as const) {
    policy = text;
    assert.match((await check()).detail ?? '', fault);
  }
});
