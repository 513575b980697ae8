import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeBase32, totpCode } from 'posthorn/src/lib/secrets/totp.ts';
import {
  answer,
  assertNoBarriers,
  findBarriers,
  press,
  signIn,
  skipWithoutBrowser,
  startBrowser,
  stopBrowser,
  titled,
  type Visit,
  visit,
  withVisit,
} from './fixtures/browser.ts';
import { makeOwner, OWNER, type Surroundings, startSurroundings } from './fixtures/server.ts';

const BEN = { email: 'ben@example.com', password: 'a password of ben' };
const STEP_MS = 30_000;

describe('the settings in a browser', { skip: skipWithoutBrowser }, () => {
  let world: Surroundings;

  before(async () => {
    world = await startSurroundings();
    await startBrowser();
    await makeOwner(world);
  });
  after(async () => {
    await stopBrowser();
    await world.close();
  });

  const asOwner = (work: (one: Visit) => Promise<void>) => withVisit(world.url, OWNER, work);

  test('somebody is invited, joins, sees what their role lets them, and is removed', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${world.url}/portal/settings/users`);
      await press(page, 'Invite somebody');
      await page.getByLabel('Email').fill(BEN.email);
      await page.getByRole('radio', { name: 'Support' }).check();
      await answer(page, 'Invite somebody');
      const link = (await page.getByRole('region', { name: 'Link of the' }).innerText()).trim();
      assert.deepEqual(await findBarriers(page), []);
      const guest = await visit();
      await guest.page.goto(link);
      await guest.page.getByRole('heading', { name: 'You are invited' }).waitFor();
      assert.deepEqual(await findBarriers(guest.page), []);
      await guest.page.getByLabel('Your name').fill('Ben');
      await guest.page.getByLabel('A password').fill(BEN.password);
      await guest.page.getByRole('button', { name: 'Make my account' }).click();
      await guest.page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
      // They see what they need, and no button that would be refused.
      for (const [path, title] of [
        ['webhooks', 'Webhooks'],
        ['sources', 'Sources'],
        ['suppressions', 'Suppressions'],
        ['domains', 'Domains'],
        ['dead-letters', 'Dead letters'],
      ] as const) {
        await guest.page.goto(`${world.url}/portal/${path}`);
        await titled(guest.page, title);
        await guest.page.waitForLoadState('networkidle');
        const actions = guest.page.getByRole('main').getByRole('button');
        const links = guest.page.getByRole('main').getByRole('link');
        const names = [...(await actions.all()), ...(await links.all())].map((one) =>
          one.evaluate((element) => element.ariaLabel ?? element.textContent),
        );
        assert.deepEqual(await Promise.all(names), [], path);
      }
      await guest.page.goto(`${world.url}/portal/settings`);
      const tabs = guest.page.getByRole('navigation', { name: 'Settings' }).getByRole('link');
      await tabs.first().waitFor();
      assert.deepEqual(await tabs.allInnerTexts(), ['Account']);
      await guest.page.goto(`${world.url}/portal/settings/users`);
      await guest.page.getByText('This is for owners').first().waitFor();
      await guest.page.goto(link);
      await guest.page.getByText('This invitation is not valid any more').waitFor();
      assert.deepEqual(guest.complaints, []);
      await guest.close();
      await page.keyboard.press('Escape');
      await page.reload();
      await page.getByRole('row', { name: BEN.email }).click();
      await press(page, 'Remove');
      await answer(page, 'Remove');
      await page.getByRole('row', { name: BEN.email }).waitFor({ state: 'detached' });
    }));

  test('a second factor is set up from its QR code, asked for, and turned off', () =>
    asOwner(async (one) => {
      const { page } = one;
      await page.goto(`${world.url}/portal/settings`);
      await press(page, 'Turn on the second factor');
      await page.getByRole('img', { name: 'QR code' }).waitFor();
      assert.deepEqual(await findBarriers(page), []);
      const secret = await page
        .getByRole('dialog')
        .getByText(/^[A-Z2-7]{32}$/)
        .innerText();
      const codeAt = (ms: number) => totpCode(decodeBase32(secret) ?? new Uint8Array(), ms);
      await page.getByLabel('Code that the app shows').fill('000000');
      await page.getByRole('dialog').getByLabel('Your password now').fill(OWNER.password);
      await answer(page, 'Turn on the second factor');
      await page.locator('[aria-invalid=true]').waitFor();
      // The step before, so that the next two codes can still be used.
      await page.getByLabel('Code that the app shows').fill(codeAt(Date.now() - STEP_MS / 2));
      await answer(page, 'Turn on the second factor');
      await page.getByRole('region', { name: 'Recovery codes' }).waitFor();
      await page.keyboard.press('Escape');
      await page.getByText('10 recovery codes are left.').waitFor();
      await page.getByLabel('Account').first().click();
      await press(page, 'Sign out');
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      await signIn(one, world.url, { ...OWNER, totp: codeAt(Date.now() + STEP_MS) });
      await page.goto(`${world.url}/portal/settings`);
      await press(page, 'Turn off the second factor');
      await page.getByRole('dialog').getByLabel('Your password now').fill(OWNER.password);
      await answer(page, 'Turn off the second factor');
      await page.getByRole('button', { name: 'Turn on the second factor' }).waitFor();
    }));

  test('a name is saved, and a wrong password named beside its field', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${world.url}/portal/settings`);
      await page.getByLabel('Your name').fill('Olga');
      await press(page, 'Save the name');
      await page.getByText('Saved.').waitFor();
      await page.getByLabel('Your password now').fill('not my password');
      await page.getByLabel('New password').fill('a password that is new');
      await press(page, 'Change the password');
      await page.getByText('This is not your password.').waitFor();
    }));

  test('a key is made, shown once, works, and is revoked', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${world.url}/portal/settings/keys`);
      await press(page, 'New key');
      await page.getByRole('textbox', { name: 'Name' }).fill('shop');
      await page.getByRole('checkbox', { name: 'read' }).check();
      await answer(page, 'New key');
      const key = (await page.getByRole('region', { name: 'Key' }).innerText()).trim();
      const ask = async () =>
        (await fetch(`${world.url}/v1/messages`, { headers: { 'x-api-key': key } })).status;
      assert.equal(await ask(), 200);
      await page.keyboard.press('Escape');
      await page.getByRole('row', { name: 'shop' }).click();
      await answer(page, 'Revoke');
      await page.getByRole('row', { name: 'shop' }).waitFor({ state: 'detached' });
      assert.equal(await ask(), 401);
    }));

  test('a project is made, limited and deleted', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${world.url}/portal/settings/projects`);
      await press(page, 'New project');
      await page.getByRole('textbox', { name: 'Name' }).fill('Second');
      await answer(page, 'New project');
      const row = page.getByRole('row', { name: 'Second' });
      await row.click();
      await page.getByLabel('Events a second').fill('50');
      await answer(page, 'Save the project');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.reload();
      await row.click();
      assert.equal(await page.getByLabel('Events a second').inputValue(), '50');
      await press(page, 'Delete the project');
      await answer(page, 'Delete the project');
      await row.waitFor({ state: 'detached' });
    }));

  test('a domain says what to publish, and what DNS says of it', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${world.url}/portal/domains`);
      await press(page, 'Add a domain');
      await page.getByRole('textbox', { name: 'Domain' }).fill('no domain');
      await answer(page, 'Add a domain');
      await page.locator('[aria-invalid=true]').waitFor();
      await page.getByRole('textbox', { name: 'Domain' }).fill('shop.invalid');
      await answer(page, 'Add a domain');
      await page.getByRole('heading', { level: 1, name: 'shop.invalid' }).waitFor();
      await page.getByText('It may not send until').waitFor();
      await page.getByText('v=DKIM1', { exact: false }).first().waitFor();
      await page.getByText('Last checked never').waitFor();
      await press(page, 'Check now');
      await page.getByText('Last checked never').waitFor({ state: 'detached' });
    }));

  test('the audit log tells what was done', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${world.url}/portal/settings/audit`);
      const row = page.getByRole('row').filter({ hasText: 'session.opened' }).first();
      await row.click();
      await page.getByRole('dialog').getByText('127.0.0.1').waitFor();
    }));

  test('no page has a barrier, in either theme and on a phone', () =>
    asOwner(async ({ page }) => {
      const added = await world.call<{ id: string }>('POST', '/v1/domains', {
        name: 'shop.example',
      });
      const paths = [
        'domains',
        `domains/${added.id}`,
        'settings',
        'settings/keys',
        'settings/projects',
        'settings/users',
        'settings/audit',
        'invitation',
      ];
      for (const path of paths) {
        await page.goto(`${world.url}/portal/${path}`);
        await page.locator('h1').first().waitFor();
        await assertNoBarriers(page, path);
      }
    }));
});
