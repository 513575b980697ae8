import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createListJobs } from '../mail/suppression/list-jobs.ts';
import type { JobStep } from '../store/jobs/job-step.ts';
import type { JobRecord } from '../store/jobs/jobs.ts';
import { assertProblem, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

const listJobs = createListJobs({
  suppressions: api.store.suppressions,
  parts: api.store.jobParts,
  ids: api.ids,
  now: api.now,
});

/** Makes all steps of a job, as the runner does. */
async function runJob(id: string): Promise<void> {
  const { jobs } = api.store;
  for (;;) {
    const job = await jobs.get(api.projectId, id);
    assert.ok(job);
    const step: JobStep =
      job.kind === 'import_suppressions'
        ? await listJobs.importStep(job)
        : await listJobs.exportStep(job as JobRecord<'export_suppressions'>);
    const { cursor, progress, outcome } = step;
    const state = outcome.kind === 'done' ? { state: 'done' as const } : {};
    const change = jobs.change(job, ['queued'], { cursor, progress, ...state, updatedAtMs: 1 });
    await api.engine.commit({ events: [], statements: [...step.statements, change] });
    if (outcome.kind === 'done') return;
  }
}

const add = (body: unknown) => api.send('POST', '/v1/suppressions', { body });
const list = async (query = '') => (await api.send('GET', `/v1/suppressions${query}`)).body.data;

test('an address is put on the list, found in any spelling, and taken off; events tell of both', async () => {
  const { status, body } = await add({ address: 'Mila@Bücher.example', note: 'She called.' });
  assert.equal(status, 201);
  assert.deepEqual(
    [body.address, body.reason, body.source, body.stream],
    ['mila@xn--bcher-kva.example', 'manual', 'api', null],
  );
  const again = await add({ address: 'MILA@xn--bcher-kva.example', reason: 'complaint' });
  assert.deepEqual([again.status, again.body], [200, body]);
  assert.deepEqual(await list(`?address=${encodeURIComponent('mila@BÜCHER.example')}`), [body]);
  assert.deepEqual((await api.send('GET', `/v1/suppressions/${body.id}`)).body, body);
  const message = { from: 'a@example.com', to: 'mila@bücher.example', text: 'x' };
  const sent = await api.send('POST', '/v1/messages', { body: message });
  const { body: seen } = await api.send('GET', `/v1/messages/${sent.body.id}`);
  assert.equal(seen.recipients[0].state, 'rejected');
  assert.equal((await api.send('DELETE', `/v1/suppressions/${body.id}`)).status, 204);
  assertProblem(await api.send('DELETE', `/v1/suppressions/${body.id}`), 'not_found');
  const events = (await api.send('GET', '/v1/events?type=suppression.*')).body.data;
  assert.deepEqual(
    events.map((event: { type: string }) => event.type),
    ['suppression.removed', 'suppression.added'],
  );
  assert.equal(events[1].data.suppression.note, 'She called.');
});

test('the list is filtered by reason, source and stream', async () => {
  await add({ address: 'one@example.com', reason: 'complaint' });
  await add({ address: 'two@example.com', stream: 'broadcast', reason: 'unsubscribe' });
  const addresses = async (query: string) =>
    (await list(query)).map((entry: { address: string }) => entry.address);
  assert.deepEqual(await addresses('?reason=complaint'), ['one@example.com']);
  assert.deepEqual(await addresses('?stream=broadcast'), ['two@example.com']);
  assert.deepEqual(await addresses('?stream=all'), ['one@example.com']);
  assert.deepEqual(await addresses('?source=import'), []);
});

test('what cannot hold is refused with the field at fault', async () => {
  const cases = [
    [{ address: 'no address' }, /\/address/],
    [{ address: 'a@b.example', expires_at: '2020-01-01T00:00:00Z' }, /is past/],
    [{ address: 'a@b.example', reason: 'because' }, /reason/],
  ] as const;
  for (const [body, detail] of cases) assertProblem(await add(body), 'invalid_field', detail);
});

test('a CSV list is imported line by line; what cannot be read is named by its line', async () => {
  const content = [
    'Email,Reason,stream,note',
    'First@list.example,hard_bounce,,"two\r\nlines"',
    'not an address,manual,,',
    'second@list.example,,broadcast,',
    'third@list.example,wrong,,',
    '"open@list.example',
    'fourth@list.example,manual,,"note"',
    '',
  ].join('\r\n');
  const { status, body: job } = await api.send('POST', '/v1/suppressions/imports', {
    body: { format: 'csv', content, reason: 'unsubscribe' },
  });
  assert.deepEqual([status, job.kind, job.state], [202, 'import_suppressions', 'queued']);
  await runJob(job.id);
  const { body: done } = await api.send('GET', `/v1/jobs/${job.id}`);
  assert.deepEqual([done.state, done.progress.done, done.progress.failed], ['done', 2, 3]);
  assert.equal(job.progress.total, 5);
  // The note of the line before has two lines.
  assert.deepEqual(
    done.progress.problems.map((one: { line: number }) => one.line),
    [4, 6, 7],
  );
  assert.match(done.progress.problems[1].detail, /reason is none of/);
  assert.match(done.progress.problems[2].detail, /quote is opened here and not closed/);
  const [second, first] = await list('?source=import');
  assert.deepEqual(
    [first.address, first.reason, first.stream, first.note],
    ['first@list.example', 'hard_bounce', null, 'two\r\nlines'],
  );
  assert.deepEqual(
    [second.address, second.reason, second.stream],
    ['second@list.example', 'unsubscribe', 'broadcast'],
  );
  assert.equal(await api.store.jobParts.get(api.projectId, job.id, 0), null);
});

test('a list without a column of addresses is refused', async () => {
  const body = { format: 'csv', content: 'a@b.example\r\nc@d.example\r\n' };
  const answer = await api.send('POST', '/v1/suppressions/imports', { body });
  assertProblem(answer, 'invalid_field', /first row/);
});

test('thousands of addresses go in, come out as they went in, and keep their entries', async () => {
  const addresses = Array.from({ length: 3_000 }, (_, i) => `user${i}@bulk.example`);
  const content = addresses.map((address) => `${JSON.stringify({ address })}\n`).join('');
  const before = (await api.store.suppressions.count(api.projectId)) as number;
  for (const expected of [3_000, 3_000]) {
    const { body: job } = await api.send('POST', '/v1/suppressions/imports', {
      body: { format: 'ndjson', content },
    });
    await runJob(job.id);
    const { body: done } = await api.send('GET', `/v1/jobs/${job.id}`);
    assert.deepEqual([done.progress.done, done.progress.failed], [expected, 0]);
  }
  assert.equal(await api.store.suppressions.count(api.projectId), before + 3_000);
  for (const format of ['csv', 'ndjson']) {
    const { body: job } = await api.send('POST', '/v1/suppressions/exports', { body: { format } });
    const early = await api.send('GET', `/v1/suppressions/exports/${job.id}`);
    assertProblem(early, 'conflict', /is queued/);
    await runJob(job.id);
    const { text, headers } = await api.send('GET', `/v1/suppressions/exports/${job.id}`);
    assert.match(String(headers['content-disposition']), new RegExp(`suppressions.${format}`));
    for (const address of [addresses[0], addresses[1_500], addresses[2_999]]) {
      assert.ok(text.includes(`${address}`), `${address} in ${format}`);
    }
    assert.equal(text.match(/@bulk\.example/g)?.length, 3_000);
    if (format === 'csv')
      assert.match(text, /^address,reason,stream,source,note,created_at,expires_at\r\n/);
  }
});
