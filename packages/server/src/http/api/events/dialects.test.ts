import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertProblem, startTestApi, type TestApi } from '../../fixtures/test-api.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
after(() => api.close());

interface Shown {
  dialect: string;
  headers: { name: string; value: string }[];
  body: string | null;
}

async function show(id: string): Promise<Map<string, Shown>> {
  const { body } = await api.send('GET', `/v1/events/${id}/dialects`);
  return new Map(body.data.map((one: Shown) => [one.dialect, one]));
}

test('an event is shown in each dialect, and where one has no word for it', async () => {
  const message = { from: 'a@sender.example', to: 'mila@example.com', subject: 'Hi', text: 'Hi' };
  const { body: sent } = await api.send('POST', '/v1/messages', { body: message });
  const { body: page } = await api.send('GET', `/v1/events?message_id=${sent.id}`);
  const [accepted] = page.data;
  const shown = await show(accepted.id);
  assert.deepEqual(JSON.parse(shown.get('standard')?.body ?? ''), accepted);
  const [sendgrid] = JSON.parse(shown.get('sendgrid')?.body ?? '');
  assert.deepEqual([sendgrid.event, sendgrid.email], ['processed', 'mila@example.com']);
  assert.equal(shown.get('postmark')?.body, null);
});

test('of another project it is not shown', async () => {
  const { body: page } = await api.send('GET', '/v1/events');
  const path = `/v1/events/${page.data[0].id}/dialects`;
  assertProblem(await api.send('GET', path, { key: api.otherKey }), 'not_found');
});
