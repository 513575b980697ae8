import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type DnsZone, startDnsServer } from 'posthorn/src/cli/whole/fixtures/dns-server.ts';
import {
  type InProcessServer,
  startInProcessServer,
} from 'posthorn/src/cli/whole/fixtures/in-process-server.ts';
import { deliverTo } from 'posthorn/src/mail/fixtures/set-up-return-path.ts';
import { ensurePortalBuilt } from '../../../../scripts/build-portal.mjs';
import {
  answer,
  assertNoBarriers,
  press,
  skipWithoutBrowser,
  startBrowser,
  stopBrowser,
  titled,
  type Visit,
  withVisit,
} from './fixtures/browser.ts';
import { API_KEY, createCall, makeOwner, OWNER } from './fixtures/server.ts';

const ROOT = join(import.meta.dirname, '../../../..');

const MAIL = [
  'From: Jane Doe <jane@sender.test>',
  'To: support+17@in.shop.test',
  'Subject: Re: Your order',
  'Message-ID: <1@sender.test>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  'Content-Type: multipart/alternative; boundary=c',
  '',
  '--c',
  '',
  'The lid is broken.',
  '',
  '> on its way',
  '--c',
  'Content-Type: text/html',
  '',
  '<h1>The lid is broken</h1><script>parent.document.title = "taken"</script>',
  '--c--',
  '--b',
  'Content-Type: text/plain; name=photo.txt',
  'Content-Disposition: attachment; filename=photo.txt',
  '',
  'Hello',
  '--b--',
].join('\r\n');

interface Domain {
  id: string;
  records: { purpose: string; name: string; expected: string }[];
}

describe('inbound mail in a browser', { skip: skipWithoutBrowser }, () => {
  const zones: Record<string, DnsZone> = {
    'sender.test': { txt: ['v=spf1 ip4:127.0.0.1 -all'] },
    '_dmarc.sender.test': { txt: ['v=DMARC1; p=reject'] },
  };
  let dns: Awaited<ReturnType<typeof startDnsServer>>;
  let server: InProcessServer;
  let call: ReturnType<typeof createCall>;

  before(async () => {
    await ensurePortalBuilt(ROOT, process.execPath);
    dns = await startDnsServer(zones);
    server = await startInProcessServer({
      apiKey: API_KEY,
      hostname: 'mx.posthorn.test',
      returnPathPort: '0',
      dnsServers: dns.address,
    });
    call = createCall(server.httpUrl);
    await makeOwner({ url: server.httpUrl });
    await startBrowser();
  });
  after(async () => {
    await stopBrowser();
    await server.stop();
    await dns.close();
  });

  const asOwner = (work: (one: Visit) => Promise<void>) => withVisit(server.httpUrl, OWNER, work);

  /** The project proves the domain, and DNS leads its mail here. */
  async function proveDomain(): Promise<void> {
    const domain = await call<Domain>('POST', '/v1/domains', { name: 'shop.test' });
    for (const { purpose, name, expected } of domain.records) {
      if (purpose === 'dkim') zones[name] = { txt: [expected] };
    }
    await call('POST', `/v1/domains/${domain.id}/check`, {});
    zones['in.shop.test'] = { mx: [{ exchange: 'mx.posthorn.test', priority: 10 }] };
  }

  test('an address is added, says what is missing, is set right, changed and removed', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${server.httpUrl}/portal/inbound`);
      await page.getByText('No mail has come in yet').waitFor();
      await assertNoBarriers(page, 'no mail');
      await page.getByRole('link', { name: 'To the addresses' }).click();
      await page.getByText('Mail is taken for no address').waitFor();
      await press(page, 'Add an address');
      const address = page.getByRole('textbox', { name: 'Address' });
      await address.fill('support');
      await answer(page, 'Add an address');
      await page.getByText('write it as an address').waitFor();
      await assertNoBarriers(page, 'adding an address');
      await address.fill('support+*@in.shop.test');
      await page.getByRole('textbox', { name: 'Tags' }).fill('support, customers');
      await answer(page, 'Add an address');
      await titled(page, 'support+*@in.shop.test');
      await page.getByText('The project does not prove in.shop.test').waitFor();
      await press(page, 'Check DNS');
      await page.getByText('There is no MX record.').waitFor();
      await assertNoBarriers(page, 'an address');
      await proveDomain();
      await press(page, 'Check DNS');
      await page.getByText('Takes mail').waitFor();
      await page.getByRole('status').filter({ hasText: 'Right' }).waitFor();
      await press(page, 'Change');
      await page.getByLabel('is refused with 550').check();
      await answer(page, 'Save');
      await page.getByText('Who writes to it hears').waitFor();
      await press(page, 'Delete');
      await answer(page, 'Delete');
      await page.getByText('Mail is taken for no address').waitFor();
    }));

  test('a mail is found, read, its file saved, and it goes', async () => {
    await call('POST', '/v1/inbound/routes', { address: 'support+*@in.shop.test' });
    await deliverTo(server.returnPathPort, {
      from: 'jane@sender.test',
      to: 'support+17@in.shop.test',
      raw: MAIL,
    });
    await asOwner(async ({ page }) => {
      await page.goto(`${server.httpUrl}/portal/inbound?recipient=nobody%40in.shop.test`);
      await page.getByText('No mail matches').waitFor();
      await press(page, 'Clear filters');
      await page.getByLabel('Address').selectOption('support+*@in.shop.test');
      const row = page.getByRole('row', { name: 'Re: Your order' });
      await row.waitFor();
      await assertNoBarriers(page, 'mail');
      await row.click();
      await titled(page, 'Re: Your order');
      await page.getByText('It is from jane@sender.test: the domain vouches for it.').waitFor();
      await assertNoBarriers(page, 'a mail');
      const shown = page.getByRole('tabpanel');
      assert.equal((await shown.innerText()).trim(), 'The lid is broken.');
      await page.getByRole('tab', { name: 'HTML' }).click();
      await page.frameLocator('iframe').getByRole('heading', { name: 'The lid' }).waitFor();
      await page.getByRole('tab', { name: 'Source' }).click();
      await shown.getByText('Subject: Re: Your order').waitFor();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        press(page, 'Download: photo.txt'),
      ]);
      assert.equal(download.suggestedFilename(), 'photo.txt');
      assert.equal(readFileSync(await download.path(), 'utf8').trim(), 'Hello');
      assert.equal(await page.title(), 'Re: Your order · Posthorn');
      await page.getByRole('link', { name: 'Its events' }).click();
      await page.getByRole('row').filter({ hasText: 'email.received' }).first().click();
      await page.getByRole('link', { name: /^rcv_/ }).click();
      await titled(page, 'Re: Your order');
      await press(page, 'Delete');
      await answer(page, 'Delete');
      await page.getByText('No mail has come in yet').waitFor();
    });
  });
});
