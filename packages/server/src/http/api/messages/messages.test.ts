import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { addPortalUser, openBrowser } from '../../fixtures/portal-browser.ts';
import { assertProblem, startTestApi, type TestApi } from '../../fixtures/test-api.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
after(() => api.close());

const PIXEL = 'iVBORw0KGgo=';

async function sendMessage(fields: object): Promise<string> {
  const body = { from: 'shop@sender.example', to: 'mila@example.com', text: 'Hello', ...fields };
  const { status, body: answer } = await api.send('POST', '/v1/messages', { body });
  assert.equal(status, 202);
  return answer.id;
}

const list = async (query: string): Promise<string[]> => {
  const { status, body } = await api.send('GET', `/v1/messages?${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body.data.map(({ id }: { id: string }) => id);
};

describe('the search for messages', () => {
  test('by subject, tag, state, Message-ID, recipient and time, alone and together', async () => {
    const since = new Date(api.now()).toISOString();
    const receipt = await sendMessage({ subject: 'Ihre Bestätigung 1042', tags: ['receipt'] });
    const { body: shown } = await api.send('GET', `/v1/messages/${receipt}`);
    api.advance(60_000);
    const until = encodeURIComponent(new Date(api.now()).toISOString());
    const reset = await sendMessage({ subject: 'Reset', to: 'rob@example.com', tags: ['account'] });
    assert.deepEqual(await list('subject=bestatigung'), [receipt]);
    assert.deepEqual(await list('tag=account'), [reset]);
    assert.deepEqual(await list(`smtp_id=${encodeURIComponent(shown.smtp_id)}`), [receipt]);
    const bare = encodeURIComponent(shown.smtp_id.slice(1, -1));
    assert.deepEqual(await list(`smtp_id=${bare}`), [receipt]);
    assert.deepEqual(await list('state=accepted&recipient=rob@EXAMPLE.com'), [reset]);
    assert.deepEqual(await list('state=bounced&recipient=rob@example.com'), []);
    assert.deepEqual(await list(`since=${since}&until=${until}`), [receipt]);
    assert.deepEqual(await list('subject=reset&tag=receipt'), []);
    const { body } = await api.send('GET', '/v1/messages?tag=account');
    assert.deepEqual(body.data[0].recipients, [{ address: 'rob@example.com', state: 'accepted' }]);
  });

  test('refuses what can find nothing', async () => {
    for (const [query, field] of [
      ['subject=x', 'subject'],
      ['state=gone', 'state'],
      ['tag=', 'tag'],
      ['since=yesterday', 'since'],
    ]) {
      const answer = await api.send('GET', `/v1/messages?${query}`);
      assertProblem(answer, 'invalid_field');
      assert.match(answer.body.errors[0].pointer, new RegExp(`^.${field}$`));
    }
  });
});

describe('what a message says', () => {
  test('is shown as text, HTML, headers and attachments, and given as its bytes', async () => {
    const attachments = [{ filename: 'a.png', content: PIXEL, content_type: 'image/png' }];
    const fields = { subject: 'Shown', html: '<p>Hello <b>you</b></p>', attachments };
    const id = await sendMessage(fields);
    const { body } = await api.send('GET', `/v1/messages/${id}/content`);
    assert.deepEqual([body.text.trim(), body.html.trim()], ['Hello', '<p>Hello <b>you</b></p>']);
    assert.deepEqual(
      body.headers.find(({ name }: { name: string }) => name === 'subject'),
      { name: 'subject', value: 'Shown' },
    );
    assert.deepEqual(body.attachments, [
      { filename: 'a.png', content_type: 'image/png', size_bytes: 8, content_id: null },
    ]);
    const raw = await api.send('GET', `/v1/messages/${id}/raw`);
    assert.equal(raw.headers['content-type'], 'message/rfc822');
    assert.match(raw.text, /\r\nSubject: Shown\r\n/);
  });

  test('is gone when its bytes are not kept any more, and belongs to its project', async () => {
    const id = await sendMessage({});
    for (const path of [`/v1/messages/${id}/content`, `/v1/messages/${id}/raw`]) {
      assertProblem(await api.send('GET', path, { key: api.otherKey }), 'not_found');
    }
    await api.engine.commit({
      events: [],
      statements: [{ sql: 'DELETE FROM message_bodies', parameters: [] }],
    });
    assertProblem(await api.send('GET', `/v1/messages/${id}/content`), 'body_gone', /bodies_days/);
    assertProblem(await api.send('POST', `/v1/messages/${id}/resend`), 'body_gone');
  });
});

describe('sending once more', () => {
  test('makes a message of its own out of the same content', async () => {
    const fields = {
      subject: 'Again',
      tags: ['a, b'],
      metadata: { order: 7 },
      stream: 'broadcast',
    };
    const first = await sendMessage({ ...fields, to: ['mila@example.com', 'rob@example.com'] });
    const { status, body: answer } = await api.send('POST', `/v1/messages/${first}/resend`);
    assert.equal(status, 202);
    assert.notEqual(answer.id, first);
    const [before, after] = await Promise.all(
      [first, answer.id].map(async (id) => (await api.send('GET', `/v1/messages/${id}`)).body),
    );
    assert.deepEqual(
      [after.subject, after.tags, after.metadata, after.stream, after.from],
      [before.subject, before.tags, before.metadata, before.stream, before.from],
    );
    assert.notEqual(after.smtp_id, before.smtp_id);
    assert.deepEqual(after.recipients.map(({ address }: { address: string }) => address).sort(), [
      'mila@example.com',
      'rob@example.com',
    ]);
    const { text } = await api.send('GET', `/v1/messages/${answer.id}/raw`);
    for (const name of ['Message-ID', 'Date']) {
      assert.equal(text.match(new RegExp(`^${name}:`, 'gim'))?.length, 1, name);
    }
    assert.ok(text.includes(after.smtp_id));
  });

  test('goes to others where they are named, and to nobody who is no address', async () => {
    const first = await sendMessage({ subject: 'Elsewhere' });
    const path = `/v1/messages/${first}/resend`;
    const { body } = await api.send('POST', path, { body: { to: 'new@example.com' } });
    assert.deepEqual(body.recipients, [{ address: 'new@example.com', kind: 'envelope' }]);
    const wrong = await api.send('POST', path, { body: { to: ['ok@example.com', 'no address'] } });
    assertProblem(wrong, 'invalid_field', /no address/);
    assert.equal(wrong.body.errors[0].pointer, '/to/1');
    assertProblem(await api.send('POST', path, { key: api.otherKey }), 'not_found');
  });
});

describe('the frame that shows the HTML of a message', () => {
  test('has its own images in it, loads nothing, and connects to nobody', async () => {
    const html =
      '<link rel="preconnect" href="https://spy.example"><img src="cid:logo"><script>alert(1)</script>';
    const attachments = [
      { filename: 'l.png', content: PIXEL, content_type: 'image/png', content_id: 'logo' },
    ];
    const id = await sendMessage({ html, attachments });
    const { ask, signIn } = openBrowser(api);
    await signIn(await addPortalUser(api, 'read_only', [api.projectId]));
    const path = `/portal/api/projects/${api.projectId}/messages/${id}/html`;
    const { status, headers, body } = await ask('GET', path);
    assert.equal(status, 200);
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /^default-src 'none';/);
    assert.match(policy, /; sandbox$/);
    assert.doesNotMatch(policy, /script-src|https?:/);
    assert.ok(body.includes(`<img src="data:image/png;base64,${PIXEL}">`));
    assert.doesNotMatch(body, /<link/);
  });

  test('is for who sees the project', async () => {
    const id = await sendMessage({ html: '<p>Hi</p>' });
    const path = `/portal/api/projects/${api.projectId}/messages/${id}/html`;
    const stranger = openBrowser(api);
    assert.equal((await stranger.ask('GET', path)).status, 401);
    await stranger.signIn(await addPortalUser(api, 'developer', [api.otherProjectId]));
    assert.equal((await stranger.ask('GET', path)).status, 404);
    const elsewhere = path.replace(api.projectId, api.otherProjectId);
    assert.equal((await stranger.ask('GET', elsewhere)).status, 404);
  });
});
