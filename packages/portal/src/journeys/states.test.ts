import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  findBarriers,
  press,
  skipWithoutBrowser,
  startBrowser,
  stopBrowser,
  titled,
  type Visit,
  withVisit,
} from './fixtures/browser.ts';
import {
  makeOwner,
  OWNER,
  reported,
  type Surroundings,
  startSurroundings,
} from './fixtures/server.ts';

const API = /\/v1\//;
/** More than one page of a list. */
const EVENTS = 60;

describe('what is not as it should be', { skip: skipWithoutBrowser }, () => {
  let world: Surroundings;

  before(async () => {
    world = await startSurroundings();
    await startBrowser();
    await makeOwner(world);
    const names = Array.from({ length: EVENTS }, (_, i) => `user${i}@example.com`);
    await world.call(
      'POST',
      '/v1/events',
      names.map((name) => reported('delivered', name, '250 2.0.0 Ok')),
    );
  });
  after(async () => {
    await stopBrowser();
    await world.close();
  });

  const asOwner = (work: (one: Visit) => Promise<void>) => withVisit(world.url, OWNER, work);

  test('a lost connection is said, keeps what is shown, and ends by itself', () =>
    asOwner(async ({ page, context }) => {
      await page.clock.install();
      await page.goto(`${world.url}/portal/events`);
      const row = page.getByRole('row').filter({ hasText: 'user59@example.com' });
      await row.waitFor();
      await context.route(API, (route) => route.abort());
      // Somewhere else is no way out of it, and the list is the same afterwards.
      await page.clock.fastForward(6_000);
      await page.getByText('What you see may be old.').waitFor();
      await row.waitFor();
      assert.deepEqual(await findBarriers(page), []);
      await page.getByRole('link', { name: 'Domains' }).click();
      await page.clock.runFor(10_000);
      await page.getByText('Check your connection').waitFor();
      await context.unroute(API);
      await page.clock.runFor(10_000);
      await page.getByText('No domain yet').waitFor();
      await page.getByText('What you see may be old.').waitFor({ state: 'detached' });
    }));

  test('a server that is slow is said to be', () =>
    asOwner(async ({ page, context }) => {
      await page.clock.install();
      const held: (() => void)[] = [];
      await context.route(/\/v1\/sources/, async (route) => {
        await new Promise<void>((resolve) => held.push(resolve));
        await route.continue();
      });
      await page.goto(`${world.url}/portal/sources`);
      await titled(page, 'Sources');
      await page.clock.runFor(5_000);
      await page.getByText('The server is slow.').waitFor();
      assert.deepEqual(await findBarriers(page), []);
      for (const release of held) release();
      await page.getByText('No source yet').waitFor();
      await context.unroute(/\/v1\/sources/);
    }));

  test('a list of which a part did not come keeps the rest, and asks once more when told to', () =>
    asOwner(async ({ page, context }) => {
      const further = /\/v1\/events\?.*cursor=/;
      await context.route(further, (route) =>
        route.fulfill({
          status: 500,
          contentType: 'application/problem+json',
          body: JSON.stringify({ status: 500, code: 'internal', detail: 'It broke.' }),
        }),
      );
      await page.goto(`${world.url}/portal/events`);
      await page.getByRole('row').filter({ hasText: 'user59@example.com' }).focus();
      await page.keyboard.press('End');
      await page.getByText('The list is not whole. It broke.').waitFor();
      assert.deepEqual(await findBarriers(page), []);
      await context.unroute(further);
      await press(page, 'Try again');
      await page.getByText('The list is not whole.').waitFor({ state: 'detached' });
      await page.getByRole('row').nth(1).focus();
      await page.keyboard.press('End');
      await page.getByRole('row').filter({ hasText: 'user0@example.com' }).waitFor();
    }));

  test('a session that has ended says so, and the page is the same afterwards', () =>
    asOwner(async ({ page, context }) => {
      await page.goto(`${world.url}/portal/events?type=email.delivered`);
      await page.getByRole('row').nth(1).waitFor();
      await context.clearCookies();
      await page.getByRole('searchbox', { name: 'Recipient' }).fill('user7@example.com');
      await page.getByText('Your session has ended.').waitFor();
      assert.deepEqual(await findBarriers(page), []);
      assert.equal(await page.getByText('user7@example.com').count(), 0);
      await page.getByLabel('Email').fill(OWNER.email);
      await page.getByLabel('Password').fill(OWNER.password);
      await press(page, 'Sign in');
      await titled(page, 'Events');
      await page.getByRole('row').filter({ hasText: 'user7@example.com' }).waitFor();
    }));

  test('a form says what is wrong as it is left, and moves to the field', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${world.url}/portal/settings/projects`);
      await press(page, 'New project');
      const emails = page.getByLabel('Emails an hour');
      await emails.fill('-1');
      await emails.blur();
      await page.getByText('0 or more.').waitFor();
      await emails.fill('500');
      await page.getByText('0 or more.').waitFor({ state: 'detached' });
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('button', { name: 'New project' }).click();
      await page.getByText('This is needed.').waitFor();
      const focused = await page.evaluate(() => document.activeElement?.getAttribute('name'));
      assert.equal(focused, 'name');
      assert.deepEqual(await findBarriers(page), []);
    }));
});
