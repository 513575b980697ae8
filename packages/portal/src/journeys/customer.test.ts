import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Endpoint } from '../api/objects.ts';
import {
  assertNoBarriers,
  skipWithoutBrowser,
  startBrowser,
  stopBrowser,
  titled,
  visit,
} from './fixtures/browser.ts';
import { type Surroundings, startSurroundings } from './fixtures/server.ts';

describe('a page for a customer, in a frame of another site', { skip: skipWithoutBrowser }, () => {
  let world: Surroundings;
  let site: Server;
  let origin: string;
  /** What the site shows in its frame. */
  let framed = '';

  before(async () => {
    world = await startSurroundings();
    await startBrowser();
    site = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(
        `<!doctype html><html lang="en"><title>App</title><h1>App</h1><iframe title="Webhooks" width="1100" height="700" src="${framed}"></iframe>`,
      );
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  });
  after(async () => {
    await stopBrowser();
    site.closeAllConnections();
    await new Promise((resolve) => site.close(resolve));
    await world.close();
  });

  async function makeLink(fields: object): Promise<{ id: string; url: string }> {
    const body = { metadata: { customer: '42' }, may_create: true, ...fields };
    const link = await world.call<{ id: string; url: string }>('POST', '/v1/portal-links', body);
    return { ...link, url: world.url + link.url };
  }

  test('makes an endpoint, tries it out, changes it and sees nobody else', async () => {
    await world.call('POST', '/v1/endpoints', { url: `${world.application.url}/somebody-else` });
    const link = await makeLink({ origins: [origin] });
    framed = link.url;
    const { page, context, complaints, close } = await visit();
    await page.goto(origin);
    const frame = page.frameLocator('iframe');
    await frame.getByRole('heading', { level: 1, name: 'Webhooks' }).waitFor();
    assert.equal(await frame.getByText('somebody-else').count(), 0);
    await frame.getByRole('link', { name: 'New endpoint' }).click();
    await frame.getByLabel('URL').fill(`${world.application.url}/mine`);
    await frame.getByRole('button', { name: 'Create the endpoint' }).click();
    await frame.getByText(/whsec_/).waitFor();
    await frame.getByRole('button', { name: 'Send a test' }).click();
    await frame.getByRole('link', { name: /204/ }).click();
    await frame.getByRole('heading', { level: 1, name: /mine/ }).waitFor();
    await frame.getByRole('button', { name: 'Try again now' }).waitFor();
    await frame.getByRole('link', { name: /^ep_/ }).click();
    await frame.getByRole('button', { name: 'Change', exact: true }).click();
    await frame.getByLabel('URL').fill(`${world.application.url}/moved`);
    await frame.getByRole('button', { name: 'Save the change' }).click();
    await frame.getByRole('heading', { level: 1, name: /moved/ }).waitFor();
    const { data } = await world.call<{ data: (Endpoint & { metadata: object })[] }>(
      'GET',
      '/v1/endpoints',
    );
    const made = data.find(({ url }) => url.endsWith('/moved'));
    assert.deepEqual(made?.metadata, { customer: '42' });
    assert.deepEqual(await context.cookies(), []);
    await world.call('DELETE', `/v1/portal-links/${link.id}`);
    await frame.getByRole('button', { name: 'Send a test' }).click();
    await frame.getByRole('heading', { name: 'This link is not valid any more' }).waitFor();
    assert.deepEqual(complaints, []);
    await close();
  });

  test('has no barriers in either theme, and stays out of other frames', async () => {
    const { url } = await makeLink({ origins: ['https://app.example.com'] });
    const alone = await visit();
    await alone.page.goto(url);
    await titled(alone.page, 'Webhooks');
    await assertNoBarriers(alone.page, 'Webhooks');
    assert.deepEqual(alone.complaints, []);
    await alone.close();
    framed = url;
    const { page, complaints, close } = await visit();
    const refused = page.waitForEvent('console', {
      predicate: (one) => /frame-ancestors/.test(one.text()),
    });
    await page.goto(origin);
    await refused;
    assert.equal(await page.frameLocator('iframe').getByRole('heading').count(), 0);
    assert.ok(complaints.length > 0);
    await close();
  });
});
