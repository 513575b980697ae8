import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertProblem, type Json, startTestApi, type TestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
const hidden = await startTestApi({ publicUrl: null });
after(() => Promise.all([api.close(), hidden.close()]));

const NEWS = {
  from: 'news@sender.example',
  to: 'mila@example.com',
  html: '<p>News</p>',
  stream: 'broadcast',
};
const toBase64 = (text: string): string => Buffer.from(text).toString('base64');

const streamsOf = async (from: TestApi): Promise<Record<string, Json>> => {
  const { body } = await from.send('GET', '/v1/streams');
  return Object.fromEntries(body.data.map((one: Json) => [one.name, one]));
};
const change = (of: TestApi, sending: Json) =>
  of.send('PATCH', `/v1/projects/${of.projectId}`, { body: { sending } });
const trackingOf = async (of: TestApi, message: Json): Promise<Json> => {
  const { body: sent } = await of.send('POST', '/v1/messages', { body: message });
  return (await of.send('GET', `/v1/messages/${sent.id}`)).body.tracking;
};

test('a stream has what the project has, until it says otherwise', async () => {
  const before = await streamsOf(api);
  assert.deepEqual(Object.keys(before), ['transactional', 'broadcast']);
  assert.deepEqual(
    [before['transactional'].require_unsubscribe, before['broadcast'].require_unsubscribe],
    [false, true],
  );
  await change(api, { track_opens: true, streams: { transactional: { track_opens: false } } });
  const changed = await change(api, { streams: { broadcast: { track_clicks: true } } });
  assert.deepEqual(changed.body.sending.streams.transactional.track_opens, false);
  const { transactional, broadcast } = await streamsOf(api);
  assert.deepEqual(
    [transactional.track_opens, transactional.track_clicks],
    [false, false],
    'its own word',
  );
  assert.deepEqual([broadcast.track_opens, broadcast.track_clicks], [true, true]);
  assert.equal(await trackingOf(api, { ...NEWS, stream: 'transactional' }), null);
  const { opens, clicks } = await trackingOf(api, NEWS);
  assert.deepEqual([opens, clicks], [true, true]);
  await change(api, { track_opens: false, streams: { broadcast: { track_clicks: null } } });
});

test('broadcast mail without a way to leave gets our page', async () => {
  assert.equal((await trackingOf(api, NEWS)).unsubscribe_page, true);
  const ways = [
    { unsubscribe: { url: 'https://shop.example/leave' } },
    { unsubscribe: { mailto: 'leave@shop.example' } },
    { headers: { 'List-Unsubscribe': '<mailto:leave@shop.example>' } },
    { stream: 'transactional' },
  ];
  for (const way of ways) assert.equal(await trackingOf(api, { ...NEWS, ...way }), null);
});

test('where there is no page to give, it is refused, by each door', async () => {
  const refused = await hidden.send('POST', '/v1/messages', { body: NEWS });
  assertProblem(refused, 'invalid_field', /needs a way to leave/);
  assert.equal(refused.body.errors[0].pointer, '/unsubscribe');
  const header = 'From: a@sender.example\nX-Posthorn-Stream: broadcast\n';
  const sendRaw = (more: string) =>
    hidden.send('POST', '/v1/messages/raw', {
      body: { raw: toBase64(`${header}${more}\nHi`), to: NEWS.to },
    });
  assert.equal((await sendRaw('')).status, 422);
  assert.equal((await sendRaw('List-Unsubscribe: <mailto:leave@shop.example>\n')).status, 202);
  assert.equal((await change(hidden, { streams: { broadcast: {} } })).status, 200);
  await change(hidden, { streams: { broadcast: { require_unsubscribe: false } } });
  assert.equal((await hidden.send('POST', '/v1/messages', { body: NEWS })).status, 202);
});

test('a stream that there is not is refused', async () => {
  const answer = await change(api, { streams: { marketing: { track_opens: true } } });
  assertProblem(answer, 'invalid_field');
});
