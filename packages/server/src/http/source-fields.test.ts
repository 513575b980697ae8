import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

const create = (body: Json) => api.send('POST', '/v1/sources', { body });
const made = async (body: Json): Promise<Json> => (await create(body)).body;

test('a provider goes by any of its names, and a wrong one is told the nearest', async () => {
  assert.equal((await made({ provider: ' Amazon-SES ' })).provider, 'ses');
  assert.equal((await made({ provider: 'postmark' })).name, 'Postmark');
  assertProblem(
    await create({ provider: 'mailgunn' }),
    'invalid_field',
    /Did you mean "mailgun"\?/,
  );
  assertProblem(await create({ provider: 'zzzzzzzzzz' }), 'invalid_field', /There are: sendgrid,/);
  assertProblem(await create({}), 'invalid_field', /\/provider/);
});

test('each wrong field is named, with what to write', async () => {
  const generic = { provider: 'generic' };
  const fields = { type: 'kind' };
  const cases: [Json, RegExp][] = [
    [{ provider: 'ses', topics: ['my-topic'] }, /\/topics\/0: Write the ARN/],
    [{ provider: 'postmark', topics: ['arn:aws:sns:eu-west-1:123:x'] }, /for ses and scaleway/],
    [{ provider: 'postmark', mapping: { fields } }, /\/mapping: Postmark has a decoder of its own/],
    [{ provider: 'postmark', signature: { header: 'X-A' } }, /\/signature: How Postmark signs/],
    [{ provider: 'postmark', signed_url: 'https://a.example/' }, /for mandrill/],
    [{ provider: 'mandrill', signed_url: 'a.example' }, /\/signed_url: Write a whole URL/],
    [{ provider: 'sendgrid', on_refusal: 'stop' }, /\/on_refusal: Twilio SendGrid has no status/],
    [{ provider: 'mailgun', on_refusal: 'stopp' }, /Did you mean "stop"\?/],
    [{ ...generic, mapping: { fields: { recipent: 'a' } } }, /Did you mean "recipient"\?/],
    [{ ...generic, mapping: { fields: { type: 'a..b' } } }, /\/mapping\/fields\/type/],
    [{ ...generic, mapping: { fields, entries: '$[' } }, /\/mapping\/entries: Write a path/],
    [{ ...generic, mapping: { fields, types: { a: 'email.open' } } }, /"email\.opened"/],
    [{ ...generic, signature: { header: 'X A' } }, /\/signature\/header/],
    [
      { ...generic, signature: { header: 'X', signed: '{timestamp}' } },
      /one signature fits any body/,
    ],
    [{ ...generic, signature: { header: 'X', algorithm: 'md5' } }, /none of sha1, sha256/],
    [{ ...generic, expect_every: '5s' }, /\/expect_every: Write a duration from 1m to 30d/],
    [{ ...generic, secrets: [''] }, /\/secrets\/0: A secret is not empty/],
    [{ ...generic, secrets: Array(11).fill('x') }, /at most 10 secrets/],
    [{ ...generic, secrets: ['a\u0000'] }, /no control characters/],
    [{ provider: 'sendgrid', secrets: ['bearer:x', 'no key'] }, /\/secrets\/1: .* no public key/],
    [{ provider: 'postal', secrets: ['-----BEGIN PUBLIC KEY-----'] }, /\/secrets\/0/],
    [{ provider: 'mailchannels', secrets: ['handle:me', 'mckey'] }, /\/secrets\/1/],
    [{ provider: 'resend', secrets: ['whsec_!!'] }, /\/secrets\/0: .* "whsec_"/],
    [{ ...generic, tags: ['a\nb'] }, /\/tags\/0/],
    [{ ...generic, stream: '' }, /\/stream/],
    [{ ...generic, name: 'x'.repeat(101) }, /\/name/],
    [{ ...generic, secret: 'x' }, /There is no field "secret" here\. Did you mean "secrets"\?/],
  ];
  for (const [body, detail] of cases) assertProblem(await create(body), 'invalid_field', detail);
});

test('all fields come back as they were given; secrets and the token do not', async () => {
  const fields = {
    provider: 'generic',
    name: 'Own sender',
    mapping: {
      entries: '$.events[*]',
      fields: { type: ['kind', 'type'], recipient: "$['to whom']" },
      types: { X: 'email.bounced' },
    },
    signature: { header: 'X-Sig', signed: '{timestamp}.{body}', timestamp_header: 'X-Time' },
    stream: 'shop',
    tags: ['a'],
    expect_every: '90m',
  };
  const first = await made({ ...fields, secrets: ['a very secret text', 'a very secret text'] });
  const { id, path, url, ...rest } = first;
  assert.match(path, /^\/in\/phs_[\w-]{43}$/);
  assert.equal(url, `https://in.posthorn.test${path}`);
  for (const [name, value] of Object.entries(fields)) assert.deepEqual(rest[name], value, name);
  assert.equal(rest.secrets, 1);
  const one = await api.send('GET', `/v1/sources/${id}`);
  assert.deepEqual(one.body, { id, ...rest });
  const list = await api.send('GET', '/v1/sources?limit=1');
  assert.deepEqual(list.body.data, [one.body]);
  const shown = await api.send('GET', `/v1/sources/${id}/secret`);
  assert.deepEqual([shown.body.path, shown.body.secrets.length], [path, 1]);
  for (const { text } of [one, list, shown]) assert.doesNotMatch(text, /very secret/);
  for (const { text } of [one, list]) assert.doesNotMatch(text, /phs_/);
  const rows = await api.engine.db.selectFrom('sources').selectAll().execute();
  assert.doesNotMatch(JSON.stringify(rows), /very secret|phs_/);
});

test('a change leaves what it does not name, null goes back, and If-Match guards it', async () => {
  const { id } = await made({
    provider: 'postmark',
    stream: 'a',
    tags: ['t'],
    secrets: ['x', 'y'],
  });
  const path = `/v1/sources/${id}`;
  const change = (body: Json, headers: Record<string, string> = {}) =>
    api.send('PATCH', path, { body, headers });
  const first = await change({ stream: 'b', expect_every: '1h' }, { 'if-match': '"1"' });
  assert.equal(first.headers['etag'], '"2"');
  assert.deepEqual(
    [first.body.stream, first.body.expect_every, first.body.tags, first.body.secrets],
    ['b', '1h', ['t'], 2],
  );
  assert.equal(first.body.activity.expected_within, '1h');
  assertProblem(await change({ stream: 'c' }, { 'if-match': '"1"' }), 'precondition_failed');
  const cleared = await change({ stream: null, name: null, secrets: null, expect_every: null });
  const { stream, name, secrets, expect_every } = cleared.body;
  assert.deepEqual([stream, name, secrets, expect_every], [null, 'Postmark', 0, null]);
  assertProblem(await change({}), 'invalid_field', /Name at least one field/);
  assertProblem(await change({ provider: 'ses' }), 'invalid_field', /There is no field "provider"/);
  const gone = await api.send('DELETE', path, { headers: { 'if-match': '"1"' } });
  assertProblem(gone, 'precondition_failed');
  assert.equal((await api.send('DELETE', path, { headers: { 'if-match': '"3"' } })).status, 204);
  assertProblem(await api.send('GET', path), 'not_found');
});

test('no more secrets and URLs count at once than are tried quickly', async () => {
  const { id } = await made({ provider: 'postmark' });
  for (const what of ['secret', 'url']) {
    const rotate = (n: number, overlap = '1h') =>
      api.send('POST', `/v1/sources/${id}/${what}/rotate`, {
        body: { overlap, ...(what === 'secret' ? { secret: `s${n}` } : {}) },
      });
    let last = await rotate(0);
    for (let n = 1; n < 11 && last.status === 200; n++) last = await rotate(n);
    assertProblem(last, 'conflict', /10 (secrets|URLs) count at once at most/);
    assert.equal((await rotate(12, '0s')).status, 200);
  }
});

test('a new secret that can be none is refused before it makes the others useless', async () => {
  const { id } = await made({ provider: 'resend', secrets: ['query:key:one'] });
  const path = `/v1/sources/${id}/secret/rotate`;
  const wrong = await api.send('POST', path, { body: { secret: 'whsec_!!' } });
  assertProblem(wrong, 'invalid_field', /^\/secret: /);
  assert.equal((await api.send('POST', path, { body: { secret: 'bearer:two' } })).status, 200);
});

test('a redecoding of a source that is not there is refused', async () => {
  const answer = await api.send('POST', '/v1/redecodes', { body: { source_id: 'src_none' } });
  assertProblem(answer, 'invalid_field', /\/source_id: There is no source src_none/);
  const range = { since: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' };
  assertProblem(await api.send('POST', '/v1/redecodes', { body: range }), 'invalid_field', /until/);
});
