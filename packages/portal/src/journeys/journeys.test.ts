import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import {
  answer,
  assertNoBarriers,
  findBarriers,
  PHONE,
  press,
  skipWithoutBrowser,
  startBrowser,
  stopBrowser,
  titled,
  type Visit,
  visit,
  withVisit,
} from './fixtures/browser.ts';
import {
  API_KEY,
  OWNER,
  reported,
  type Surroundings,
  startSurroundings,
} from './fixtures/server.ts';

describe('the portal in a browser', { skip: skipWithoutBrowser }, () => {
  let world: Surroundings;
  let good: { id: string };
  let bad: { id: string };
  let messageId: string;

  before(async () => {
    world = await startSurroundings();
    await startBrowser();
    const { call, application } = world;
    good = await call('POST', '/v1/endpoints', { url: `${application.url}/good` });
    bad = await call('POST', '/v1/endpoints', {
      url: `${application.url}/bad`,
      event_types: ['email.bounced'],
    });
    const sent = await call<{ id: string }>('POST', '/v1/messages', {
      from: 'shop@example.com',
      to: 'anna@nowhere.invalid',
      subject: 'Reset your password',
      text: 'Follow the link.',
    });
    messageId = sent.id;
    await call('POST', '/v1/events', [
      reported('delivered', 'ben@example.com', '250 2.0.0 Ok'),
      ...['cara', 'dan', 'eve', 'finn', 'gus', 'hal'].map((name) =>
        reported('bounced', `${name}@example.com`, '550 5.1.1 No such user'),
      ),
    ]);
  });
  after(async () => {
    await stopBrowser();
    await world.close();
  });

  const asOwner = (work: (one: Visit) => Promise<void>) => withVisit(world.url, OWNER, work);

  test('the first visit makes the owner, with the keyboard alone', async () => {
    const one = await visit();
    const { page, complaints } = one;
    await page.goto(`${world.url}/`);
    await page.getByLabel('Setup token').waitFor();
    for (const text of [API_KEY, OWNER.email, OWNER.password]) {
      await page.keyboard.press('Tab');
      await page.keyboard.type(text);
    }
    await page.keyboard.press('Enter');
    await titled(page, 'Overview');
    assert.deepEqual(complaints, []);
    await one.close();
  });

  test('where is this email, and was our application told?', () =>
    asOwner(async ({ page }) => {
      await page.keyboard.press('Control+k');
      await page.keyboard.type('anna@nowhere.invalid');
      await page.getByRole('option', { name: 'Messages to anna@nowhere.invalid' }).waitFor();
      await page.keyboard.press('Enter');
      const row = page.getByRole('row', { name: 'Reset your password' });
      await row.waitFor();
      assert.match(page.url(), /\?recipient=anna%40nowhere\.invalid$/);
      await row.focus();
      await page.keyboard.press('Enter');
      await titled(page, 'Reset your password');
      await page.getByText('The domain nowhere.invalid does not exist').first().waitFor();
      await page.getByText(`${world.application.url}/good`).first().waitFor();
      await page
        .getByText(/204 · .* · 1 attempt/)
        .first()
        .waitFor();
      await page.goBack();
      await row.waitFor();
    }));

  test('what is failing, since when, and what do I do?', () =>
    asOwner(async ({ page }) => {
      await page.getByText('One thing needs your attention.').waitFor();
      await page.getByRole('link', { name: `${world.application.url}/bad` }).click();
      await page.getByText('Failing').first().waitFor();
      await page.getByRole('row').filter({ hasText: 'Retrying' }).first().click();
      await page.getByText('The endpoint answered 500.').first().waitFor();
      await page.getByText('The database is away.').first().waitFor();
      world.application.mend();
      await page.getByRole('button', { name: 'Try again now' }).click();
      await page.getByText('2 attempts').waitFor();
      await page.getByText('Delivered').first().waitFor();
    }));

  test('what was given up is sent again by endpoint and reason, or dropped', () =>
    asOwner(async ({ page }) => {
      const { call, application } = world;
      // It gives up after a second attempt.
      const fields = { event_types: ['email.complained'], retry_ladder: ['1s'] };
      const url = `${application.url}/refuses`;
      await call('POST', '/v1/endpoints', { ...fields, url });
      await call('POST', '/v1/events', [
        reported('complained', 'iris@example.com', ''),
        reported('complained', 'jan@example.com', ''),
      ]);
      const both = page.getByRole('link', { name: `2 ${url} http_status` });
      /** Looks again until both have been given up. */
      const waitForBoth = async () => {
        do {
          await page.goto(`${world.url}/portal/dead-letters`);
          await titled(page, 'Dead letters');
        } while (!(await both.isVisible()));
      };
      await waitForBoth();
      assert.deepEqual(await findBarriers(page), []);
      await press(page, `Replay these: ${url} http_status`);
      await answer(page, 'Replay 2 deliveries');
      await page.getByRole('progressbar').waitFor();
      await page.getByText('2 of 2').waitFor();
      await waitForBoth();
      await press(page, `Drop: ${url} http_status`);
      await answer(page, 'Drop 2 deliveries');
      await page.getByText('No dead letters').waitFor();
    }));

  test('how do I set this up right? From a URL to an answered test on one page', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${world.url}/portal/webhooks`);
      await page.getByRole('link', { name: 'New endpoint' }).click();
      await page.getByRole('textbox', { name: 'URL' }).fill('http://10.0.0.1/hook');
      await page.getByRole('button', { name: 'Create the endpoint' }).click();
      // What the server says of it stands beside the field.
      await page.locator('[aria-invalid=true]').waitFor();
      await page.getByRole('textbox', { name: 'URL' }).fill(`${world.application.url}/new`);
      await page.getByRole('button', { name: 'Create the endpoint' }).click();
      await page.getByText(/^whsec_/).waitFor();
      await page.getByLabel('Language', { exact: true }).selectOption('Python');
      await page.getByText('pip install').waitFor();
      await page.getByRole('button', { name: 'Send a test' }).click();
      await page.getByText(/Your endpoint answered 204 in .* It works\./).waitFor();
      assert.ok(world.application.paths.includes('/new'));
    }));

  test('an address is suppressed by hand, exported, and taken off again', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${world.url}/portal/suppressions`);
      await page.getByRole('button', { name: 'Add an address' }).click();
      await page.getByRole('textbox', { name: 'Address' }).fill('loud@example.com');
      await page.getByRole('dialog').getByRole('button', { name: 'Add an address' }).click();
      const row = page.getByRole('row', { name: 'loud@example.com' });
      await row.waitFor();
      await page.getByRole('button', { name: 'Export as CSV' }).click();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'Download' }).click(),
      ]);
      assert.match(readFileSync(await download.path(), 'utf8'), /loud@example\.com/);
      await page.keyboard.press('Escape');
      await row.click();
      await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
      await row.waitFor({ state: 'detached' });
    }));

  test('a source is made, and what it refuses is seen', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${world.url}/portal/sources/new`);
      await page.getByRole('combobox', { name: 'Provider' }).selectOption('resend');
      await page
        .getByRole('textbox', { name: 'Signing secret' })
        .fill('whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtMTI=');
      await page.getByRole('button', { name: 'New source' }).click();
      const url = await page.getByRole('region', { name: 'URL' }).innerText();
      const refused = await fetch(url.trim(), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
      assert.ok(refused.status >= 400 && refused.status < 500);
      await page.getByRole('link', { name: 'To the source' }).click();
      await page.getByRole('heading', { name: 'Last refused' }).waitFor();
    }));

  test('an endpoint is disabled and enabled again, its secret replaced', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${world.url}/portal/webhooks/${good.id}`);
      await page.getByRole('button', { name: 'Disable' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
      await page.getByRole('button', { name: 'Enable' }).click();
      await page.getByText('Enabled').waitFor();
      await page.getByRole('button', { name: 'Replace the secret' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Replace the secret' }).click();
      await page.getByText(/^whsec_/).waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }));

  test('a transformation is tried on the latest events as it is typed, and saved', () =>
    asOwner(async ({ page }) => {
      await page.goto(`${world.url}/portal/webhooks/${good.id}`);
      const editor = page.getByLabel('JSONata that makes what is posted');
      await editor.fill('{ "what": ');
      await page.getByText('It is not JSONata', { exact: false }).waitFor();
      await editor.fill('{ "what-it-is": type }');
      await page.getByText('"what-it-is": "').first().waitFor();
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await page.getByRole('button', { name: 'Save', exact: true, disabled: true }).waitFor();
      await page.reload();
      await page.getByText('{ "what-it-is": type }').waitFor();
      await editor.fill('');
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await page.getByRole('button', { name: 'Save', exact: true, disabled: true }).waitFor();
    }));

  test('new events wait behind a pill until they are asked for', () =>
    asOwner(async ({ page }) => {
      // The stream begins with what comes next, so it has to be open.
      const isStream = (answer: { url(): string }) => answer.url().includes('/v1/events/stream');
      const streamed = page.waitForResponse(isStream);
      await page.goto(`${world.url}/portal/events?type=email.opened`);
      await page.getByText('No event matches').waitFor();
      await streamed;
      await world.call('POST', '/v1/events', reported('opened', 'dora@example.com', ''));
      await page.getByRole('button', { name: /\d+ new/ }).click();
      await page.getByRole('row').filter({ hasText: 'dora@example.com' }).waitFor();
    }));

  test('it speaks the language that is chosen, and remembers it', () =>
    asOwner(async ({ page }) => {
      await page.getByLabel('Account').click();
      await page.getByRole('combobox', { name: 'Language' }).selectOption('Deutsch');
      await page.getByRole('link', { name: 'Nachrichten', exact: true }).waitFor();
      await page.reload();
      await page.getByRole('heading', { level: 1, name: 'Übersicht' }).waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
    }));

  test('what is not there, and who has no session, have their page', () =>
    asOwner(async ({ page, context }) => {
      await page.goto(`${world.url}/portal/messages/msg_01JD0000000000000000000000`);
      await page.getByText('There is nothing with this id.').waitFor();
      await page.goto(`${world.url}/portal/nonsense`);
      await page.getByText('There is no such page').waitFor();
      await context.clearCookies();
      await page.goto(`${world.url}/portal/webhooks`);
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    }));

  test('no page has a barrier, in either theme and on a phone', () =>
    asOwner(async ({ page }) => {
      const { data } = await world.call<{ data: { id: string; event_id: string }[] }>(
        'GET',
        `/v1/deliveries?endpoint_id=${bad.id}`,
      );
      const paths = [
        '',
        'messages',
        `messages/${messageId}`,
        'events',
        'analytics',
        'alerts',
        'alerts/rules',
        'alerts/rules/new',
        `events/${data[0]?.event_id}`,
        'webhooks',
        'webhooks/new',
        `webhooks/${bad.id}`,
        `deliveries/${data[0]?.id}`,
        'dead-letters',
        'sources',
        'sources/new',
        'suppressions',
        'review',
        'sinks',
        'sinks/new',
        'jobs',
        'nonsense',
      ];
      for (const path of paths) {
        await page.goto(`${world.url}/portal/${path}`);
        await page.locator('h1, h2').first().waitFor();
        await assertNoBarriers(page, path);
      }
    }));

  test('on a phone the menu folds', () =>
    asOwner(async ({ page }) => {
      await page.setViewportSize(PHONE);
      await page.getByRole('button', { name: 'Open the menu' }).click();
      await page.getByRole('link', { name: 'Events' }).click();
      await titled(page, 'Events');
    }));

  test('a sink is made, says what is wrong with it, gets the past and what it refused, and goes', () =>
    withVisit(world.url, OWNER, async ({ page }) => {
      const { url } = world.application;
      await page.goto(`${world.url}/portal/sinks`);
      await page.getByText('No sink yet').waitFor();
      await page.getByRole('link', { name: 'New sink' }).click();
      await titled(page, 'New sink');
      await page.getByLabel('Kind').selectOption('Amazon SQS');
      const secret = page.getByLabel('Secret access key');
      assert.equal(await secret.getAttribute('type'), 'password');
      await page.getByLabel('Kind').selectOption('HubSpot contacts');
      await page.getByText(/It needs: A private app/).waitFor();
      assert.equal(await page.getByLabel('Token').getAttribute('type'), 'password');
      await page.getByLabel('Kind').selectOption('HTTP');
      await press(page, 'New sink');
      await page.getByText('This is needed.').waitFor();
      await page.getByRole('textbox', { name: 'Name' }).first().fill('Warehouse');
      await page.getByLabel('Url', { exact: true }).fill(`${url}/locked`);
      await page.getByRole('group', { name: 'Headers' }).getByLabel('Name').fill('Authorization');
      await page.getByRole('group', { name: 'Headers' }).getByLabel('Value').fill('Bearer wrong');
      assert.deepEqual(await findBarriers(page), []);
      await press(page, 'New sink');
      await titled(page, 'Warehouse');
      await press(page, 'Send a test');
      await page.getByText(/It did not work: .*\(credentials\)/).waitFor();
      await page.getByLabel('Url', { exact: true }).fill(`${url}/choosy`);
      await page.locator('form').getByRole('button', { name: 'Save' }).click();
      await page
        .getByLabel('Url', { exact: true })
        .and(page.locator(`[value="${url}/choosy"]`))
        .waitFor();
      await press(page, 'Send the past');
      await answer(page, 'Send the past');
      const refused = page.getByRole('main').getByRole('listitem').filter({ hasText: '422' });
      await refused.first().waitFor();
      assert.deepEqual(await findBarriers(page), []);
      const editor = page.getByRole('textbox', { name: 'JSONata' });
      await editor.fill('{ "who": ');
      await page.locator('textarea[aria-invalid=true]').waitFor();
      await editor.fill('{ "who": data.recipient }');
      await page.getByText('"who": ').first().waitFor();
      await page.getByLabel('Url', { exact: true }).fill(`${url}/well`);
      await page.locator('form').getByRole('button', { name: 'Save' }).click();
      await page
        .getByLabel('Url', { exact: true })
        .and(page.locator(`[value="${url}/well"]`))
        .waitFor();
      await press(page, 'Send once more');
      await page.getByText(/^\d+ taken, 0 refused again/).waitFor();
      await press(page, 'Change');
      const dialog = page.getByRole('dialog');
      const filter = dialog.getByLabel('Filter');
      await filter.fill('{ "tag": ');
      await press(dialog, 'Save the change');
      await dialog.getByText('This is no JSON.').waitFor();
      await filter.fill('{ "tagg": ["receipt"] }');
      await press(dialog, 'Save the change');
      await dialog.getByText(/Did you mean "tag"/).waitFor();
      assert.deepEqual(await findBarriers(page), []);
      await filter.fill('{ "tag": ["receipt"] }');
      await dialog.getByLabel('Everything, also').uncheck();
      await dialog.getByText('delivery', { exact: true }).click();
      await dialog.getByLabel('email.bounced').check();
      await press(dialog, 'Save the change');
      await dialog.waitFor({ state: 'detached' });
      await page.getByRole('definition').filter({ hasText: 'email.bounced' }).waitFor();
      await page.getByRole('definition').filter({ hasText: '"receipt"' }).waitFor();
      await press(page, 'Pause');
      await press(page, 'Go on');
      await press(page, 'Delete');
      await answer(page, 'Delete');
      await page.getByText('No sink yet').waitFor();
    }));
});
