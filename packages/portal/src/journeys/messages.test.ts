import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  answer,
  findBarriers,
  press,
  skipWithoutBrowser,
  startBrowser,
  stopBrowser,
  titled,
  type Visit,
  withVisit,
} from './fixtures/browser.ts';
import { makeOwner, OWNER, type Surroundings, startSurroundings } from './fixtures/server.ts';

/** Written to be noticed where it is looked at, and to do harm where it could. */
const hostileHtml = (url: string) => `<h1>Your parcel</h1><img src="${url}/spy.png">
<link rel="stylesheet" href="${url}/spy.css"><meta http-equiv="refresh" content="0;url=${url}/spy">
<script>parent.document.title = 'taken'</script><a href="${url}/spy-link">Track it</a>`;

describe('messages in a browser', { skip: skipWithoutBrowser }, () => {
  let world: Surroundings;

  before(async () => {
    world = await startSurroundings();
    await startBrowser();
    await makeOwner(world);
    const common = { from: 'shop@example.com', text: 'Your parcel is on its way.' };
    for (const fields of [
      { to: ['anna@nowhere.invalid', 'ben@nowhere.invalid'], subject: 'Ihre Bestätigung 1042' },
      { to: 'cara@nowhere.invalid', subject: 'Reset your password', tags: ['account'] },
      {
        to: 'dan@nowhere.invalid',
        subject: 'Your parcel',
        html: hostileHtml(world.application.url),
      },
    ]) {
      await world.call('POST', '/v1/messages', { ...common, ...fields });
    }
  });
  after(async () => {
    await stopBrowser();
    await world.close();
  });

  const asOwner = (work: (one: Visit) => Promise<void>) => withVisit(world.url, OWNER, work);

  test('are found by subject, tag, state and time, and the address says how', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${world.url}/portal/messages`);
      const rows = page.getByRole('table').getByRole('row');
      const only = async (subject: string) => {
        await page.getByRole('row', { name: subject }).waitFor();
        // The line of names stands above it.
        await rows.nth(2).waitFor({ state: 'detached' });
      };
      await rows.nth(3).waitFor();
      await page.getByRole('searchbox', { name: 'Search messages' }).fill('bestatigung');
      await only('Ihre Bestätigung 1042');
      await page.reload();
      await only('Ihre Bestätigung 1042');
      await press(page, 'Clear filters');
      await page.getByRole('searchbox', { name: 'Tag' }).fill('account');
      await only('Reset your password');
      await page.getByLabel('Time', { exact: true }).selectOption('Last hour');
      await only('Reset your password');
      await page.getByLabel('State', { exact: true }).selectOption('Delivered');
      await page.getByText('No message matches').waitFor();
      assert.match(page.url(), /tag=account.*period=hour.*state=delivered/);
    }));

  test('show what they say, and what is in them reaches nobody', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${world.url}/portal/messages?subject=parcel`);
      await page.getByRole('row', { name: 'Your parcel' }).click();
      await titled(page, 'Your parcel');
      const frame = page.frameLocator('iframe');
      await frame.getByRole('heading', { name: 'Your parcel' }).waitFor();
      await frame.getByRole('link', { name: 'Track it' }).click();
      await page.getByRole('tab', { name: 'HTML' }).press('ArrowRight');
      await page.getByRole('tabpanel').getByText('Your parcel is on its way.').waitFor();
      await page.getByRole('tab', { name: 'Source' }).click();
      await page.getByRole('tabpanel').getByText('Subject: Your parcel').waitFor();
      assert.deepEqual(await findBarriers(page), []);
      assert.equal(await page.title(), 'Your parcel · Posthorn');
      assert.deepEqual(world.application.paths, []);
    }));

  test('are sent once more to whom one chooses, and a recipient is suppressed', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${world.url}/portal/messages?recipient=anna%40nowhere.invalid`);
      await page.getByRole('row', { name: 'Ihre Bestätigung' }).click();
      await press(page, 'Send once more');
      assert.deepEqual(await findBarriers(page), []);
      await page.getByRole('checkbox', { name: 'anna@nowhere.invalid' }).uncheck();
      await page.getByRole('checkbox', { name: 'ben@nowhere.invalid' }).uncheck();
      await answer(page, 'Send once more');
      await page.getByText('Choose somebody').waitFor();
      const other = page.getByRole('textbox', { name: 'Somebody else' });
      await other.fill('no address');
      await answer(page, 'Send once more');
      await page.getByText('This is no email address').waitFor();
      await other.fill('emma@nowhere.invalid');
      const before = page.url();
      await answer(page, 'Send once more');
      await page.waitForURL((url) => url.href !== before && url.pathname.includes('/msg_'));
      await page.getByText('emma@nowhere.invalid').first().waitFor();
      await press(page, 'Suppress emma@nowhere.invalid');
      await answer(page, 'Add an address');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      const { data } = await world.call<{ data: { address: string }[] }>('GET', '/v1/suppressions');
      assert.deepEqual(
        data.map(({ address }) => address),
        ['emma@nowhere.invalid'],
      );
    }));

  test('show what was said to the mail servers, for each recipient', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${world.url}/portal/messages?tag=account`);
      await page.getByRole('row', { name: 'Reset your password' }).click();
      await page.getByText('Attempt 1').click();
      const said = page.getByRole('region', { name: 'Transcript of cara@nowhere.invalid' });
      await said.getByText(/^ +\d+ ms · /).waitFor();
      assert.deepEqual(await findBarriers(page), []);
    }));

  test('that are held are looked at, let go and dropped, one by one and together', () =>
    asOwner(async ({ page }) => {
      const { data } = await world.call<{ data: { id: string }[] }>('GET', '/v1/projects');
      const rule = { name: 'Campaigns', filter: { tag: ['campaign'] } };
      await world.call('PATCH', `/v1/projects/${data[0]?.id}`, { sending: { hold_rules: [rule] } });
      for (const subject of ['Spring', 'Summer', 'Autumn']) {
        await world.call('POST', '/v1/messages', {
          from: 'shop@example.com',
          to: 'fay@nowhere.invalid',
          subject,
          html: hostileHtml(world.application.url),
          tags: ['campaign'],
        });
      }
      await page.goto(`${world.url}/portal/review`);
      const rows = page.getByRole('main').getByRole('listitem');
      await rows.filter({ hasText: 'Held by a rule: Campaigns' }).nth(2).waitFor();
      assert.deepEqual(await findBarriers(page), []);
      await press(page, 'Look at Spring');
      const frame = page.frameLocator('iframe');
      await frame.getByRole('heading', { name: 'Your parcel' }).waitFor();
      assert.deepEqual(await findBarriers(page), []);
      await press(page.getByRole('dialog', { name: 'Spring' }), 'Release');
      await press(page.getByRole('dialog', { name: 'Release this message' }), 'Release');
      await page.getByRole('dialog').first().waitFor({ state: 'detached' });
      await press(page, 'Look at Summer');
      await page.keyboard.press('Escape');
      // Somebody else is faster with one of the two.
      await page.getByRole('checkbox', { name: 'Choose all' }).check();
      await press(page, 'Drop');
      const list = await world.call<{ data: { id: string; subject: string }[] }>(
        'GET',
        '/v1/messages?state=held',
      );
      const summer = list.data.find(({ subject }) => subject === 'Summer')?.id;
      await world.call('POST', `/v1/messages/${summer}/drop`);
      await answer(page, 'Drop');
      await page.getByText('Somebody else has decided').waitFor();
      await answer(page, 'Cancel');
      await page.getByText('Nothing waits for a decision').waitFor();
      assert.deepEqual(world.application.paths, []);
    }));

  test('of an event each dialect is shown, and who has no word for it', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${world.url}/portal/events?type=email.accepted`);
      await page.getByRole('row').filter({ hasText: 'cara@' }).click();
      await titled(page, 'email.accepted');
      const choice = page.getByLabel('Show as');
      await choice.locator('option[value=sendgrid]').waitFor({ state: 'attached' });
      await choice.selectOption('sendgrid');
      await page.getByText('"event": "processed"').waitFor();
      await choice.selectOption('postmark');
      await page.getByText('has no word for such an event').waitFor();
      assert.deepEqual(await findBarriers(page), []);
    }));
});
