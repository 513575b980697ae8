import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import {
  findBarriers,
  press,
  skipWithoutBrowser,
  startBrowser,
  stopBrowser,
  titled,
  withVisit,
} from './fixtures/browser.ts';
import {
  makeOwner,
  OWNER,
  reported,
  type Surroundings,
  startSurroundings,
} from './fixtures/server.ts';

const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;

/** Something that happened to a recipient's mail so long ago; three kinds of receivers. */
function happened(type: string, i: number, agoMs: number) {
  const domain = ['large.example', 'small.example', 'odd.example'][i % 3];
  const { data, ...event } = reported(type, `user${i}@${domain}`, '');
  return {
    ...event,
    timestamp: new Date(Date.now() - agoMs).toISOString(),
    data: {
      ...data,
      tags: [i % 2 === 0 ? 'welcome' : 'receipt'],
      message: { ...data.message, sent_at: new Date(Date.now() - agoMs - 2_000).toISOString() },
      ...(type === 'bounced'
        ? { bounce: { type: 'hard', category: 'mailbox_full', scope: 'recipient' } }
        : {}),
    },
  };
}

describe('the numbers', { skip: skipWithoutBrowser }, () => {
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

  test('without mail the page teaches; with some it counts, narrows, sorts, compares and exports', () =>
    withVisit(world.url, OWNER, async ({ page }) => {
      await page.keyboard.press('g');
      await page.keyboard.press('a');
      await titled(page, 'Analytics');
      await page.getByText('No mail has been counted yet').waitFor();
      await page.getByText('curl ').first().waitFor();
      assert.deepEqual(await findBarriers(page), []);

      const { call, application } = world;
      await call('POST', '/v1/endpoints', { url: `${application.url}/good` });
      await call('POST', '/v1/events', [
        ...Array.from({ length: 100 }, (_, i) => happened('delivered', i, HOUR_MS * (1 + i / 4))),
        ...Array.from({ length: 8 }, (_, i) => happened('bounced', 200 + 3 * i, 2 * HOUR_MS)),
        ...Array.from({ length: 50 }, (_, i) => happened('delivered', 300 + i, WEEK_MS + HOUR_MS)),
      ]);
      const counted = page.getByText('Of 108 that came to an end, 100 were delivered: 92.59%.');
      // They are added up a moment after they came.
      do await page.reload();
      while (!(await isThere(counted)));
      await page.getByText('before: 50 (+100%)').waitFor();
      await page.getByText('mailbox_full').waitFor();
      await page.getByRole('link', { name: '8', exact: true }).first().waitFor();

      // The largest first, then in order of what is clicked.
      const groups = page.getByRole('region', { name: 'Receiving domain', exact: true });
      const first = groups.getByRole('rowheader').first();
      await groups.getByRole('button', { name: 'Bounce rate' }).click();
      assert.equal(await first.innerText(), 'odd.example');
      const rate = groups.getByRole('columnheader', { name: 'Bounce rate' });
      assert.equal(await rate.getAttribute('aria-sort'), 'descending');
      await rate.getByRole('button').press('Enter');
      assert.equal(await rate.getAttribute('aria-sort'), 'ascending');
      assert.notEqual(await first.innerText(), 'odd.example');

      // A row narrows the page, and back widens it again.
      await groups.getByRole('link', { name: 'odd.example' }).click();
      await page.getByText('Of 41 that came to an end, 33 were delivered').waitFor();
      assert.match(page.url(), /receiving_domain=odd\.example/);
      await page.goBack();
      await counted.waitFor();

      await page.getByRole('combobox', { name: 'Group by' }).selectOption('Tag');
      const tags = page.getByRole('region', { name: 'Tag', exact: true });
      await tags.getByRole('link', { name: 'welcome' }).waitFor();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        press(page, 'Export the table'),
      ]);
      assert.match(
        readFileSync(await download.path(), 'utf8'),
        /^value,.*\r\nreceipt,|^value,.*\r\nwelcome,/,
      );

      // The numbers of a chart stand beside it, and a number leads to what it counts.
      await page.getByText('Show as a table').first().click();
      await page.getByRole('region', { name: 'What became of mail' }).waitFor();
      assert.deepEqual(await findBarriers(page), []);
      await page.getByRole('definition').getByRole('link', { name: '8', exact: true }).click();
      await titled(page, 'Events');
      assert.match(page.url(), /type=email\.bounced&period=own&since=/);
    }));

  test('a time that is not kept is refused beside the filters, and they stay', () =>
    withVisit(world.url, OWNER, async ({ page }) => {
      await page.goto(`${world.url}/portal/analytics?period=own&since=2020-01-01T00:00`);
      await page.getByText('This cannot be shown.').waitFor();
      await page.getByText(/^Sums by day are kept since/).waitFor();
      await press(page, 'Clear filters');
      await page.getByText(/came to an end/).waitFor();
    }));
});

async function isThere(what: { isVisible(): Promise<boolean>; waitFor(o: object): Promise<void> }) {
  await what.waitFor({ timeout: 2_000 }).catch(() => {});
  return what.isVisible();
}
