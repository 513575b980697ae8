import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventInbound } from '@posthorn/sdk';
import { deliverTo } from '../../mail/fixtures/set-up-return-path.ts';
import { type DnsZone, startDnsServer } from './fixtures/dns-server.ts';
import { startWholeServer } from './fixtures/whole-server.ts';

const MAIL = [
  'From: Jane Doe <jane@sender.test>',
  'To: support+17@in.shop.test',
  'Subject: Re: Your order',
  'Message-ID: <1@sender.test>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  '',
  'It is here.',
  '',
  '> on its way',
  '--b',
  'Content-Type: image/jpeg; name=photo.jpg',
  'Content-Transfer-Encoding: base64',
  '',
  'SGVsbG8=',
  '--b--',
].join('\r\n');

interface Listed {
  purpose: string;
  name: string;
  expected: string;
}

test('a domain is proven, an address added, and a mail to it reaches the endpoint with its files', async (t) => {
  const zones: Record<string, DnsZone> = {
    'sender.test': { txt: ['v=spf1 ip4:127.0.0.1 -all'] },
    '_dmarc.sender.test': { txt: ['v=DMARC1; p=reject'] },
  };
  const dns = await startDnsServer(zones);
  t.after(() => dns.close());
  const server = await startWholeServer({
    hostname: 'mx.posthorn.test',
    returnPathPort: '0',
    dnsServers: dns.address,
    publicUrl: 'https://posthorn.test',
  });
  t.after(() => server.stop());
  const { client, receiver, returnPathPort, httpUrl } = server;
  const hand = () =>
    deliverTo(returnPathPort, {
      from: 'jane@sender.test',
      to: 'support+17@in.shop.test',
      raw: MAIL,
    });

  const route = await client.post('/v1/inbound/routes', {
    address: 'support+*@in.shop.test',
    tags: ['support'],
  });
  assert.equal(route.ready, false);
  assert.match(await hand(), /^550 5\.1\.1/);

  const domain = await client.post('/v1/domains', { name: 'shop.test' });
  for (const { purpose, name, expected } of domain.records as Listed[]) {
    if (purpose === 'dkim') zones[name] = { txt: [expected] };
  }
  await client.post(`/v1/domains/${domain.id}/check`, {});
  zones['in.shop.test'] = { mx: [{ exchange: 'mx.posthorn.test', priority: 10 }] };
  const checked = await client.post(`/v1/inbound/routes/${route.id}/check`, {});
  assert.deepEqual([checked.ready, checked.mx.status], [true, 'ok']);

  assert.match(await hand(), /^250 /);
  const { data } = await receiver.until(({ type }) => type === 'email.received');
  const inbound: EventInbound | undefined = data.inbound;
  assert.deepEqual(
    [data.recipient, data.tags, inbound?.plus_tag, inbound?.reply_text],
    ['support+17@in.shop.test', ['support'], '17', 'It is here.'],
  );
  assert.deepEqual(
    [inbound?.authentication?.spf.result, inbound?.authentication?.dmarc.result],
    ['pass', 'pass'],
  );
  const url = new URL(inbound?.attachments?.[0]?.url ?? '');
  assert.equal(url.origin, 'https://posthorn.test');
  const file = await fetch(`${httpUrl}${url.pathname}`);
  assert.deepEqual([file.status, await file.text()], [200, 'Hello']);

  // Who has lost the name gets no more mail of it.
  for (const { name } of domain.records as Listed[]) delete zones[name];
  await client.post(`/v1/domains/${domain.id}/check`, {});
  assert.match(await hand(), /^550 5\.1\.1/);
});
