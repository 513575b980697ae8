import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertProblem, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

test('the attempts of a message are shown with what was said', async () => {
  const body = { from: 'shop@sender.example', to: 'mila@example.com', text: 'Hello' };
  const { id } = (await api.send('POST', '/v1/messages', { body })).body;
  const path = `/v1/messages/${id}/attempts`;
  assert.deepEqual((await api.send('GET', path)).body, { data: [], truncated: false });

  const record = {
    projectId: api.projectId,
    messageId: id,
    id: api.ids.next('transcript'),
    startedAtMs: Date.parse('2026-11-20T10:00:00.123Z'),
    latencyMs: 312,
    recipients: [{ recipient: 'mila@example.com', attempt: 1, outcome: 'deferred' }],
    lines: [{ atMs: 7, from: 'server' as const, text: '421 Not now' }],
  };
  const statement = api.store.transcripts.insertion(record, api.now() + 60_000);
  await api.engine.commit({ events: [], statements: [statement] });
  assert.deepEqual((await api.send('GET', path)).body, {
    data: [
      {
        id: record.id,
        started_at: '2026-11-20T10:00:00.123Z',
        latency_ms: 312,
        recipients: [{ address: 'mila@example.com', attempt: 1, outcome: 'deferred' }],
        transcript: [{ at_ms: 7, from: 'server', text: '421 Not now' }],
      },
    ],
    truncated: false,
  });
});

test('there are none of what is no message', async () => {
  assertProblem(await api.send('GET', '/v1/messages/msg_x/attempts'), 'not_found');
});
