import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { makeCertificate } from '../webhooks/fixtures/make-certificate.ts';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

// Each answer is held against its route's schema by `send`.
const api = await startTestApi();
after(() => api.close());

const URL = 'https://app.example.com/hook';

async function create(fields: Json = {}): Promise<Json> {
  const answer = await api.send('POST', '/v1/endpoints', { body: { url: URL, ...fields } });
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

const change = (id: string, body: Json) => api.send('PATCH', `/v1/endpoints/${id}`, { body });

/** Every field that can be given at the creation, and in a change. */
const EVERYTHING = {
  uid: 'tenant-7:orders',
  description: 'Orders',
  metadata: { plan: 'gold', 'a/b': '' },
  event_types: ['email.*', 'endpoint.disabled'],
  filter: { bounce_type: ['hard'], not: { tag: ['test'] } },
  headers: { 'X-Tenant': '7' },
  timeout: '10s',
  concurrency: 4,
  rate_limit: 0.5,
  order: 'none',
  batch: { max_events: 500, max_wait: '5s', event_types: ['email.opened', 'email.clicked'] },
  coalesce: '1m',
  dialect: 'standard',
  retry_ladder: ['30s', '5m', '2h'],
  api_version: '2026-11-21',
  patience: '2d',
  notify_email: 'ops@example.com',
  redact_recipient: 'hash',
};

/** What an endpoint has that nobody said anything of. */
const DEFAULTS = {
  uid: null,
  description: '',
  metadata: {},
  event_types: ['*'],
  filter: null,
  headers: {},
  timeout: null,
  concurrency: null,
  rate_limit: null,
  order: 'none',
  batch: null,
  coalesce: null,
  dialect: 'standard',
  retry_ladder: null,
  api_version: '2026-11-21',
  patience: null,
  notify_email: null,
  redact_recipient: null,
  client_certificate: null,
  ca_certificate: null,
};

const pickFrom = (endpoint: Json, fields: object) =>
  Object.fromEntries(Object.keys(fields).map((name) => [name, endpoint[name]]));

test('every field is taken at the creation, shown, and stored', async () => {
  const { secret: _secret, ...created } = await create({ ...EVERYTHING, uid: 'created' });
  assert.deepEqual(pickFrom(created, EVERYTHING), { ...EVERYTHING, uid: 'created' });
  assert.deepEqual((await api.send('GET', `/v1/endpoints/${created.id}`)).body, created);
  assert.deepEqual((await api.send('GET', '/v1/endpoints')).body.data[0], created);
  const stored = await api.store.endpoints.get(api.projectId, created.id);
  assert.equal(stored?.settings.timeoutMs, 10_000);
  assert.deepEqual(stored?.settings.batch?.maxWaitMs, 5_000);
});

test('a change sets each field, leaves the others, and null goes back to the default', async () => {
  const { id, ...fresh } = await create();
  assert.deepEqual(pickFrom(fresh, DEFAULTS), DEFAULTS);
  let expected = pickFrom(fresh, EVERYTHING);
  for (const [name, value] of Object.entries(EVERYTHING)) {
    expected = { ...expected, [name]: value };
    const { body } = await change(id, { [name]: value });
    assert.deepEqual(pickFrom(body, EVERYTHING), expected, name);
  }
  for (const name of Object.keys(EVERYTHING) as (keyof typeof EVERYTHING)[]) {
    expected = { ...expected, [name]: DEFAULTS[name] };
    const { body } = await change(id, { [name]: null });
    assert.deepEqual(pickFrom(body, EVERYTHING), expected, name);
  }
  assert.deepEqual(pickFrom(expected, EVERYTHING), pickFrom(DEFAULTS, EVERYTHING));
});

test('what applies is shown beside what was decided', async () => {
  const plain = await create();
  assert.deepEqual(plain.effective, {
    batch: null,
    left_out: [],
    timeout: '1s',
    concurrency: 1,
    retry_ladder: ['1s'],
    patience: '5d',
  });
  const own = await create({ timeout: '45s', retry_ladder: 'sendarix' });
  assert.equal(own.effective.timeout, '45s');
  assert.equal(own.retry_ladder, 'sendarix');
  assert.deepEqual(own.effective.retry_ladder, ['30s', '5m', '30m', '2h', '5h']);
  assert.deepEqual((await create({ retry_ladder: [] })).effective.retry_ladder, []);
});

test('a field that is wrong is named, with what to write instead', async () => {
  const long = { ...Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`k${i}`, ''])) };
  const cases: [Json, string, RegExp][] = [
    [{ uid: 'ep_mine' }, '/uid', /does not begin with ep_/],
    [{ uid: 'a b' }, '/uid', /1 to 100 of/],
    [{ uid: '..' }, '/uid', /1 to 100 of/],
    [{ uid: 'x'.repeat(101) }, '/uid', /1 to 100 of/],
    [{ metadata: { a: 1 } }, '/metadata/a', /texts/],
    [{ metadata: { 'a/b': null } }, '/metadata/a~1b', /texts/],
    [{ metadata: long }, '/metadata', /at most 20/],
    [{ event_types: ['email.opened', 'email.opend'] }, '/event_types/1', /Did you mean/],
    [{ filter: { bounce_type: ['hrd'] } }, '/filter/bounce_type/0', /hrd/],
    [{ filter: { bounce_typ: ['hard'] } }, '/filter/bounce_typ', /bounce_type/],
    [{ timeout: '61s' }, '/timeout', /from 1s to 1m/],
    [{ timeout: 30 }, '/timeout', /as text, such as 30s/],
    [{ timeout: 'soon' }, '/timeout', /from 1s to 1m/],
    [{ concurrency: 0 }, '/concurrency', /1/],
    [{ concurrency: 1_001 }, '/concurrency', /1000/],
    [{ concurrency: 1.5 }, '/concurrency', /a whole number/],
    [{ rate_limit: 0.01 }, '/rate_limit', /0\.1/],
    [{ rate_limit: 10_001 }, '/rate_limit', /10000/],
    [{ order: 'per-mesage' }, '/order', /Did you mean "per-message"\?/],
    [{ batch: { max_events: 1, max_wait: '1s' } }, '/batch/max_events', /2/],
    [{ batch: { max_events: 10 } }, '/batch/max_wait', /duration/],
    [{ batch: { max_events: 10, max_wait: '2m' } }, '/batch/max_wait', /to 1m/],
    [
      { batch: { max_events: 9, max_wait: '1s', event_type: [] } },
      '/batch/event_type',
      /"event_types"/,
    ],
    [{ coalesce: '2h' }, '/coalesce', /from 1s to 1h/],
    [{ dialect: 'sendgrit' }, '/dialect', /standard/],
    [{ retry_ladder: 'sendarx' }, '/retry_ladder', /Did you mean "sendarix"\?/],
    [{ retry_ladder: ['1m', '8d'] }, '/retry_ladder/1', /from 1s to 7d/],
    [{ retry_ladder: ['7d', '7d', '7d', '7d', '7d'] }, '/retry_ladder', /30 days in all/],
    [{ retry_ladder: ['1m', 60] }, '/retry_ladder/1', /as text/],
    [{ retry_ladder: 7 }, '/retry_ladder', /Name a ladder \(standard-webhooks/],
    [{ api_version: '2020-01-01' }, '/api_version', /2026-11-21/],
    [{ patience: '59m' }, '/patience', /from 1h to 30d/],
    [{ notify_email: 'ops' }, '/notify_email', /user@example\.com/],
    [{ redact_recipient: 'hsh' }, '/redact_recipient', /Did you mean "hash"\?/],
    [{ url: null }, '/url', /./],
  ];
  const { id } = await create();
  for (const [fields, pointer, detail] of cases) {
    const answers = [
      await api.send('POST', '/v1/endpoints', { body: { url: URL, ...fields } }),
      await change(id, fields),
    ];
    for (const answer of answers) {
      assertProblem(answer, 'invalid_field');
      const [first] = answer.body.errors;
      assert.equal(first.pointer, pointer, answer.text);
      assert.match(first.detail, detail);
    }
  }
  assert.equal((await api.send('GET', `/v1/endpoints/${id}`)).body.version, 1);
});

test('settings that contradict each other are refused, in one request and over two', async () => {
  const batch = { max_events: 10, max_wait: '1s', event_types: ['email.opened'] };
  const both: [Json, string][] = [
    [{ coalesce: '1m', order: 'per-message' }, '/coalesce'],
    [{ coalesce: '1m', order: 'per-endpoint' }, '/coalesce'],
    [{ batch, order: 'per-endpoint' }, '/batch/event_types'],
  ];
  for (const [fields, pointer] of both) {
    const answer = await api.send('POST', '/v1/endpoints', { body: { url: URL, ...fields } });
    assertProblem(answer, 'invalid_field');
    assert.equal(answer.body.errors[0].pointer, pointer);
  }
  const coalescing = await create({ coalesce: '1m' });
  const late = await change(coalescing.id, { order: 'per-message' });
  assert.equal(late.body.errors[0].pointer, '/order');
  assert.equal((await change(coalescing.id, { order: 'per-message', coalesce: null })).status, 200);
  const ordered = await create({ order: 'per-endpoint' });
  assert.equal((await change(ordered.id, { batch })).body.errors[0].pointer, '/batch/event_types');
  const whole = { ...batch, event_types: null };
  assert.equal((await change(ordered.id, { batch: whole })).status, 200);
  assert.equal((await create({ order: 'per-message', batch })).order, 'per-message');
});

test('how an endpoint fares is shown, and enabling it gives it all of its patience again', async () => {
  const { id, health, created_at } = await create({ patience: '10h' });
  assert.deepEqual(health, { failing_since: null, patience_used_percent: 0 });
  const live = api.directory.find(api.projectId, id) ?? assert.fail();
  const failing = { failingSinceMs: Date.parse(created_at), warnedPercent: 0 };
  await api.directory.noteHealth(live, failing);
  const shown = async () => (await api.send('GET', `/v1/endpoints/${id}`)).body.health;
  const percents: number[] = [];
  for (const hours of [1, 4, 20]) {
    api.advance(hours * 3_600_000);
    percents.push((await shown()).patience_used_percent);
  }
  assert.deepEqual(percents, [10, 50, 100]);
  assert.equal((await shown()).failing_since, created_at);
  // A change of something else leaves it as it is.
  assert.equal((await change(id, { description: 'x' })).body.health.failing_since, created_at);
  await change(id, { status: 'disabled' });
  const { body } = await change(id, { status: 'enabled' });
  assert.deepEqual([body.status, body.disabled_reason], ['enabled', null]);
  assert.deepEqual(body.health, { failing_since: null, patience_used_percent: 0 });
});

test('certificates are described, their key is never shown, and they have to fit', async () => {
  // The certificates are of today, whatever day that is for the clock of these tests.
  api.advance(20 * 365 * 86_400_000);
  const [own, other] = [makeCertificate('client.example'), makeCertificate('other.example')];
  const pair = { client_certificate: own.cert, client_key: own.key };
  const created = await create({ ...pair, ca_certificate: other.cert });
  assert.match(created.client_certificate.subject, /client\.example/);
  assert.match(created.ca_certificate.subject, /other\.example/);
  assert.doesNotMatch(JSON.stringify(created), /PRIVATE KEY|BEGIN/);
  const { id } = created;
  assert.equal(api.directory.find(api.projectId, id)?.target.tls?.privateKey, own.key);
  const stored = await api.store.endpoints.get(api.projectId, id);
  assert.doesNotMatch(JSON.stringify(stored), /PRIVATE KEY/);

  const refused: [Json, string][] = [
    [{ client_key: other.key }, '/client_key'],
    [{ client_key: null }, '/client_key'],
    [{ client_certificate: other.cert }, '/client_key'],
    [{ ca_certificate: 'x' }, '/ca_certificate'],
    [{ client_certificate: 'x' }, '/client_certificate'],
  ];
  for (const [fields, pointer] of refused) {
    const answer = await change(id, fields);
    assertProblem(answer, 'invalid_field');
    assert.equal(answer.body.errors[0].pointer, pointer, answer.text);
  }
  const gone = await change(id, { client_certificate: null, ca_certificate: null });
  assert.deepEqual([gone.body.client_certificate, gone.body.ca_certificate], [null, null]);
  assert.equal(api.directory.find(api.projectId, id)?.target.tls, null);
  assertProblem(await change(id, { client_key: own.key }), 'invalid_field', /its certificate/);
});

test('a certificate that has expired since is not in the way of other changes', async () => {
  const { cert: client_certificate, key: client_key } = makeCertificate('late.example');
  const { id } = await create({ client_certificate, client_key });
  api.advance(90 * 365 * 86_400_000);
  assert.equal((await change(id, { description: 'New' })).status, 200);
  assertProblem(await change(id, { client_certificate }), 'invalid_field', /expired/);
});
