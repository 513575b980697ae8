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

/** As the API gives one. Rules are looked at once a minute, which is longer than a test may wait. */
const ALERT = {
  id: 'alt_01M81ACB89XEY856VZ0HPFF2XA',
  rule: { id: 'alr_01M81A8ZY3KFV1V68QBXK7XQCC', name: 'Endpoint down', type: 'endpoint_failing' },
  about: { kind: 'endpoint', id: 'ep_01M81A8ZSYJVG9P0MXVM4Q9HC6', name: 'https://a.example/hook' },
  state: 'firing',
  sentence: 'https://a.example/hook has been failing for 11 minutes; the line is 10 minutes.',
  fired_at: new Date(Date.now() - 60_000).toISOString(),
  resolved_at: null,
  resolved_because: null,
  acknowledged_at: null,
  acknowledged_by: null,
  snoozed_until: null,
  snoozed_by: null,
  notices: { sent: 0, waiting: 0, failed: 1 },
};

const NOTICE = {
  id: 'aln_1',
  what: 'fired',
  kind: 'email',
  to: 'ops@example.com',
  name: 'ops@example.com',
  state: 'failed',
  attempts: 3,
  detail: 'The address is suppressed.',
  created_at: ALERT.fired_at,
  due_at: null,
  settled_at: ALERT.fired_at,
};

describe('alerts', { skip: skipWithoutBrowser }, () => {
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

  test('usual rules are taken over, and one is written that says what it does as it is typed', () =>
    withVisit(world.url, OWNER, async ({ page }) => {
      const sink = { kind: 'http', name: 'On call', settings: { url: world.application.url } };
      await world.call('POST', '/v1/sinks', sink);
      await page.keyboard.press('g');
      await page.keyboard.press('l');
      await titled(page, 'Alerts');
      await page.getByText('Nothing is watched over yet').waitFor();
      await page.getByRole('link', { name: 'To the rules' }).click();
      await press(page, 'Take over usual rules');
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('checkbox', { name: 'On call' }).check();
      await dialog.getByRole('checkbox', { name: 'Somebody complained' }).uncheck();
      assert.deepEqual(await findBarriers(page), []);
      await answer(page, 'Take these over');
      await dialog.waitFor({ state: 'detached' });
      await page.getByText(/5% or more of the messages bounce .* Tells 1 sink\./).waitFor();
      assert.equal(await page.getByText('Somebody complained').count(), 0);

      await page.getByRole('link', { name: 'New rule' }).click();
      await page.getByLabel('Fires at (%)').fill('7.5');
      await page.getByText(/^Fires when 7\.5% or more .* below 6% for 10 minutes\./).waitFor();
      await page.getByLabel('Tells these addresses').fill('ops@example.com');
      await page.getByLabel('Holds the mail of a stream').check();
      await page.getByText('Nothing of it is undone').waitFor();
      await page.getByText(/Tells ops@example\.com\. Holds mail of the stream/).waitFor();
      await page.getByText('It would not fire now.').waitFor();
      await press(page, 'Test on the past');
      await page.getByText('Would not have fired in the last 7 days').waitFor();

      // What can never fire is said as it is typed, and beside its field when it is sent.
      await page.getByLabel('Fires at (%)').fill('120');
      await page.getByText('A share over 100% can never be reached.').first().waitFor();
      await press(page, 'Make the rule');
      await page.locator('input[name=threshold][aria-invalid=true]').waitFor();
      assert.equal(
        await page.evaluate(() => document.activeElement?.getAttribute('name')),
        'threshold',
      );
      assert.deepEqual(await findBarriers(page), []);
      await page.getByLabel('Fires at (%)').fill('7.5');
      await page.getByLabel('Name').fill('Too many bounces');
      await press(page, 'Make the rule');

      await page.getByRole('link', { name: 'Too many bounces' }).click();
      await titled(page, 'Too many bounces');
      assert.equal(await page.getByLabel('Fires at (%)').inputValue(), '7.5');
      await page.getByLabel('It watches').uncheck();
      await press(page, 'Save the rule');
      await page.getByRole('main').getByText('Off', { exact: true }).waitFor();
      assert.deepEqual(await findBarriers(page), []);
      await press(page, 'Delete');
      await answer(page, 'Delete');
      await page.getByRole('link', { name: 'New rule' }).waitFor();
      await page.getByText('Too many bounces').waitFor({ state: 'detached' });
    }));

  test('what fires stands first, is seen and snoozed, and says whom it told', () =>
    withVisit(world.url, OWNER, async (one) => {
      const { page } = one;
      const asked = await pretendAlert(one, { mayChange: true });
      await page.goto(`${world.url}/portal/`);
      await page.getByText('One alert fires:').waitFor();
      assert.deepEqual(await findBarriers(page), []);
      await page.getByRole('link', { name: 'Endpoint down' }).click();
      await titled(page, 'Alerts');
      await page.getByText('One of those to be told was not.').waitFor();
      assert.deepEqual(await findBarriers(page), []);
      await press(page, 'I have seen it: Endpoint down');
      await page.getByText('Seen', { exact: true }).waitFor();
      await page.getByLabel('Snooze Endpoint down').click();
      await press(page, 'for a day');
      await page.getByText('Snoozed', { exact: true }).waitFor();
      await page.getByRole('link', { name: 'Endpoint down' }).click();
      await titled(page, 'Endpoint down');
      await page.getByText('The address is suppressed.').waitFor();
      await page.getByRole('link', { name: 'https://a.example/hook' }).waitFor();
      assert.deepEqual(await findBarriers(page), []);
      assert.deepEqual(
        asked.map(({ path }) => path),
        [`/v1/alerts/${ALERT.id}/acknowledge`, `/v1/alerts/${ALERT.id}/snooze`],
      );
      const until = Date.parse(String(asked[1]?.body['until']));
      assert.ok(until > Date.now() + 23 * 3_600_000 && until <= Date.now() + 24 * 3_600_000);
    }));

  test('who may only read sees what fires and the rules, and no command', async () => {
    const reader = { email: 'reader@example.com', password: 'a password to read' };
    await withVisit(world.url, OWNER, async ({ page }) => {
      const link = await page.evaluate(invite, reader.email);
      await page.context().clearCookies();
      await page.goto(world.url + link);
      await page.getByLabel('Your name').fill('Reader');
      await page.getByLabel('A password').fill(reader.password);
      await press(page, 'Make my account');
      await page.locator('main#content').waitFor();
    });
    await withVisit(world.url, reader, async (one) => {
      const { page } = one;
      await pretendAlert(one, { mayChange: false });
      await page.goto(`${world.url}/portal/alerts`);
      await page.getByText(ALERT.sentence).waitFor();
      assert.equal(await page.getByRole('button', { name: /I have seen it/ }).count(), 0);
      assert.equal(await page.getByLabel(/^Snooze/).count(), 0);
      await page.getByRole('link', { name: 'Rules' }).click();
      await page.getByRole('link', { name: 'Bounce rate over 5%' }).click();
      await titled(page, 'Bounce rate over 5%');
      assert.equal(await page.getByRole('main').getByRole('button').count(), 0);
      assert.equal(await page.getByRole('main').getByRole('textbox').count(), 0);
    });
  });
});

/** Has the API of this visit show an alert that fires; resolves to what is asked of it. */
async function pretendAlert({ context }: Visit, { mayChange }: { mayChange: boolean }) {
  const alert: Record<string, unknown> = { ...ALERT };
  const asked: { path: string; body: Record<string, unknown> }[] = [];
  await context.route(/\/v1\/alerts/, async (route) => {
    const request = route.request();
    const { pathname, searchParams } = new URL(request.url());
    if (request.method() === 'POST') {
      assert.ok(mayChange);
      const body = request.postDataJSON();
      asked.push({ path: pathname, body });
      const isSnooze = pathname.endsWith('/snooze');
      alert['state'] = isSnooze ? 'snoozed' : 'acknowledged';
      if (isSnooze) alert['snoozed_until'] = body.until;
      else alert['acknowledged_at'] = new Date().toISOString();
      return route.fulfill({ json: alert });
    }
    if (pathname !== '/v1/alerts') return route.fulfill({ json: { ...alert, history: [NOTICE] } });
    const state = searchParams.get('state');
    const isShown = state === 'open' || state === alert['state'];
    return route.fulfill({ json: { data: isShown ? [alert] : [], next_cursor: null } });
  });
  return asked;
}

/** In the page of the owner: the path of an invitation to read. */
async function invite(email: string): Promise<string> {
  const session = await (await fetch('/portal/api/session')).json();
  const answered = await fetch('/portal/api/invitations', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-posthorn-csrf': session.csrf_token },
    body: JSON.stringify({ email, role: 'read_only', project_ids: null }),
  });
  return (await answered.json()).path;
}
