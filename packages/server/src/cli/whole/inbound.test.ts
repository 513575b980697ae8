import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { EventInbound } from '@posthorn/sdk';
import { deliverTo } from '../../mail/fixtures/set-up-return-path.ts';
import { runCommand } from '../fixtures/run-command.ts';
import { type DnsZone, startDnsServer } from './fixtures/dns-server.ts';
import { API_KEY } from './fixtures/in-process-server.ts';
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

  const run = (...args: string[]) =>
    runCommand(['inbound', ...args], {
      env: { POSTHORN_URL: httpUrl, POSTHORN_API_KEY: API_KEY, XDG_CONFIG_HOME: '/nowhere' },
      columns: 80,
    });
  const listed = await run('list', '--recipient', 'support+17@in.shop.test', '--json');
  const { id } = JSON.parse(listed.out[0] ?? '');
  for (const list of [['list'], ['routes', 'list']]) {
    for (const line of (await run(...list)).out) assert.ok(line.length <= 80, line);
  }
  assert.match((await run('show', id)).out.join('\n'), /dmarc pass.*\nIt is here\.\n\n> on its/s);
  const saved = join(mkdtempSync(join(tmpdir(), 'posthorn-inbound-')), 'photo.jpg');
  t.after(() => rmSync(dirname(saved), { recursive: true }));
  const save = () => run('save', id, saved, '--attachment', '1');
  assert.equal((await save()).code, 0);
  assert.equal(readFileSync(saved, 'utf8'), 'Hello');
  assert.match((await save()).err, /cannot be written: EEXIST/);
  assert.equal((await run('routes', 'check', 'support+*@in.shop.test')).code, 0);
  const nearest = await run('routes', 'update', 'suport+*@in.shop.test', '--priority', '1');
  assert.deepEqual([nearest.code, nearest.out], [1, []]);
  assert.match(nearest.err, /Did you mean "support\+\*@in\.shop\.test"/);
  const second = await run('routes', 'add', 'old@in.shop.test', '--action', 'refuse');
  assert.match(second.out.join('\n'), /state +refuses/);
  assert.equal((await run('routes', 'delete', 'old@in.shop.test', '--yes')).code, 0);
  assert.equal((await run('delete', id, '--yes')).code, 0);
  assert.match((await run('show', id)).err, /There is no inbound mail/);

  // Who has lost the name gets no more mail of it.
  for (const { name } of domain.records as Listed[]) delete zones[name];
  await client.post(`/v1/domains/${domain.id}/check`, {});
  assert.match(await hand(), /^550 5\.1\.1/);
});
