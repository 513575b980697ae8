import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import type { TrackingRef } from '../mail/tracking/tracking-token.ts';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

async function sendMessage(fields: object = {}): Promise<string> {
  const body = {
    from: 'shop@example.com',
    to: 'mila@example.com',
    html: '<a href="https://a.example/">x</a>',
    stream: 'broadcast',
    tracking: { opens: true, clicks: true },
    unsubscribe: { hosted: true },
    ...fields,
  };
  const sent = await api.send('POST', '/v1/messages', { body });
  assert.equal(sent.status, 202, sent.text);
  return sent.body.id;
}

async function pathOf(letter: string, ref: object, messageId?: string): Promise<string> {
  const copy = {
    projectId: api.projectId,
    messageId: messageId ?? (await sendMessage()),
    recipient: 'mila@example.com',
  };
  return `/t/${letter}/${api.trackingRoom.tokens.make({ ...copy, ...ref } as TrackingRef)}`;
}

async function eventsOf(messageId: string): Promise<Json[]> {
  const { body } = await api.send('GET', `/v1/events?message_id=${messageId}`);
  return body.data.filter((event: Json) => /opened|clicked|subscribed/.test(event.type));
}

test('the pixel is a picture that nobody keeps, and tells of an open; HEAD does not', async () => {
  const id = await sendMessage();
  const path = await pathOf('o', { kind: 'open' }, id);
  const looked = await api.app.inject({ method: 'HEAD', url: path });
  assert.equal(looked.statusCode, 200);
  assert.deepEqual(await eventsOf(id), []);
  const response = await api.app.inject({
    method: 'GET',
    url: path,
    headers: { 'user-agent': 'curl/8' },
  });
  assert.equal(response.headers['content-type'], 'image/gif');
  assert.match(String(response.headers['cache-control']), /no-store/);
  assert.equal(response.rawPayload.subarray(0, 6).toString(), 'GIF89a');
  const [event] = await eventsOf(id);
  assert.equal(event.type, 'email.opened');
  assert.equal(event.data.engagement.user_agent, 'curl/8');
  assert.equal(event.data.engagement.ip, '127.0.0.1');
});

test('a link leads to its URL, and to no other', async () => {
  const id = await sendMessage();
  const url = 'https://a.example/?q=1';
  const path = await pathOf('c', { kind: 'click', url, linkId: '1' }, id);
  const answer = await api.send('GET', `${path}?url=https://evil.example`, {
    key: null,
    headers: { 'x-forwarded-for': '198.51.100.1, 203.0.113.7' },
  });
  assert.equal(answer.status, 302);
  assert.equal(answer.headers['location'], url);
  const [event] = await eventsOf(id);
  assert.equal(event.data.engagement.url, url);
  // What the proxy in front of us says, and not what it was told.
  assert.equal(event.data.engagement.ip, '203.0.113.7');
});

test('a link works when its message is gone, and when the URL has other letters', async () => {
  const url = 'https://a.example/ü x';
  const path = await pathOf('c', { kind: 'click', url, linkId: '1' }, api.ids.next('message'));
  const answer = await api.send('GET', path, { key: null });
  assert.equal(answer.status, 302);
  assert.equal(answer.headers['location'], 'https://a.example/%C3%BC%20x');
});

test('what is no token of ours, or one for something else, is not found', async () => {
  const open = (await pathOf('o', { kind: 'open' })).slice(5);
  for (const path of [`/t/c/${open}`, `/t/u/${open}`, `/t/o/${open}x`, '/t/o/x', '/t/c/%20']) {
    assertProblem(await api.send('GET', path, { key: null }), 'not_found');
  }
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('o', 'c', 'u'),
      fc.string({ minLength: 1 }),
      async (at, text) => {
        const path = `/t/${at}/${encodeURIComponent(text).replaceAll('.', '%2E')}`;
        assert.equal((await api.app.inject({ method: 'GET', url: path })).statusCode, 404);
      },
    ),
    { numRuns: 200 },
  );
});

test('the page asks, in the language of the reader, and does nothing by itself', async () => {
  const id = await sendMessage();
  const ref = { kind: 'unsubscribe', stream: 'broadcast', from: 'shop@"<b>.example' };
  const path = await pathOf('u', ref, id);
  for (const [header, lang, words] of [
    ['de-AT,de;q=0.9,en;q=0.8', 'de', 'Abmelden'],
    ['xx, fr;q=0.7, en;q=0.1', 'fr', 'Se désabonner'],
    ['nl', 'nl', 'Uitschrijven'],
    ['es-MX', 'es', 'Darse de baja'],
    ['it', 'it', 'Annulla'],
    ['ja,;;q=x,__proto__', 'en', 'Unsubscribe'],
  ] as const) {
    const page = await api.send('GET', path, { key: null, headers: { 'accept-language': header } });
    assert.equal(page.status, 200);
    assert.match(page.text, new RegExp(`<html lang="${lang}">[^]*${words}`));
    assert.match(page.text, /m…@example\.com/);
    assert.doesNotMatch(page.text, /mila@|<b>|<script/);
    assert.match(String(page.headers['content-security-policy']), /default-src 'none'/);
  }
  assert.deepEqual(await eventsOf(id), []);
});

test('one click unsubscribes as RFC 8058 says, in both encodings, and twice is once', async () => {
  const multipart = `--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n`;
  for (const [type, body] of [
    [FORM['content-type'], 'List-Unsubscribe=One-Click'],
    ['multipart/form-data; boundary=x', multipart],
  ] as const) {
    const to = `${type.length}@example.com`;
    const id = await sendMessage({ to });
    const ref = {
      kind: 'unsubscribe',
      stream: 'broadcast',
      from: 'shop@example.com',
      recipient: to,
    };
    const path = await pathOf('u', ref, id);
    for (let i = 0; i < 2; i++) {
      const answer = await api.send('POST', path, {
        key: null,
        headers: { 'content-type': type },
        body,
      });
      assert.equal(answer.status, 200);
    }
    const events = await eventsOf(id);
    assert.equal(events.length, 1);
    assert.deepEqual(events[0].data.unsubscribe, { method: 'one-click', group: null });
    const list = await api.send('GET', `/v1/suppressions?address=${to}`);
    assert.deepEqual(
      list.body.data.map(({ reason, stream }: Json) => [reason, stream]),
      [['unsubscribe', 'broadcast']],
    );
  }
});

test('the form of the page unsubscribes, and takes it back', async () => {
  const to = 'jo@example.com';
  const id = await sendMessage({ to });
  const ref = { kind: 'unsubscribe', stream: 'broadcast', from: 'shop@example.com', recipient: to };
  const path = await pathOf('u', ref, id);
  const post = (body: string) => api.send('POST', path, { key: null, headers: FORM, body });
  assert.match((await post('action=something')).text, /value="unsubscribe"/);
  assert.match((await post('action=unsubscribe')).text, /value="resubscribe"/);
  assert.match((await post('action=resubscribe')).text, /value="unsubscribe"/);
  const types = (await eventsOf(id)).map(({ type }: Json) => type);
  assert.deepEqual(types, ['email.resubscribed', 'email.unsubscribed']);
});

test('a message shows what was settled for it, and says what it cannot have', async () => {
  const id = await sendMessage({ tracking: { opens: true, except: ['mila@example.com'] } });
  const { body } = await api.send('GET', `/v1/messages/${id}`);
  assert.deepEqual(body.tracking, {
    opens: true,
    clicks: false,
    text_links: false,
    unsubscribe_page: true,
  });
  const both = { hosted: true, url: 'https://own.example/' };
  const fields = { from: 'a@example.com', to: 'b@example.com', text: 'x' };
  for (const wrong of [
    { unsubscribe: both },
    { unsubscribe: { hosted: false } },
    { tracking: { open: true } },
  ]) {
    const answer = await api.send('POST', '/v1/messages', { body: { ...fields, ...wrong } });
    assertProblem(answer, 'invalid_field');
  }
});

test('a proxy is told for which hosts links are made', async () => {
  assert.equal((await api.send('GET', '/t/host?domain=Posthorn.test', { key: null })).status, 200);
  const other = await api.send('GET', '/t/host?domain=evil.example', { key: null });
  assertProblem(other, 'not_found');
});
