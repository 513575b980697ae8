import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertProblem, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

const HOUR_MS = 3_600_000;
const MESSAGE = { from: 'shop@sender.example', to: 'mila@example.com', text: 'Hello' };
const inHours = (hours: number): string => new Date(api.now() + hours * HOUR_MS).toISOString();

test('a message for later shows when, and can be canceled', async () => {
  const sendAt = inHours(3);
  const sent = await api.send('POST', '/v1/messages', { body: { ...MESSAGE, send_at: sendAt } });
  assert.equal(sent.status, 202);
  const path = `/v1/messages/${sent.body.id}`;
  const { body: waiting } = await api.send('GET', path);
  assert.deepEqual([waiting.send_at, waiting.recipients[0].next_attempt_at], [sendAt, sendAt]);

  const canceled = await api.send('POST', `${path}/cancel`);
  assert.equal(canceled.status, 200);
  assert.deepEqual(canceled.body, {
    id: sent.body.id,
    recipients: [{ address: 'mila@example.com', outcome: 'canceled' }],
  });
  const { body: over } = await api.send('GET', path);
  assert.deepEqual(
    [over.recipients[0].state, over.recipients[0].next_attempt_at],
    ['rejected', null],
  );
  assert.deepEqual(over.timeline.at(-1).event.data.reject, { reason: 'canceled' });
  assert.equal((await api.send('POST', `${path}/cancel`)).status, 200);
  assert.equal((await api.send('GET', path)).body.timeline.length, over.timeline.length);
});

test('a batch and a raw message can wait as well', async () => {
  const { to, ...shared } = MESSAGE;
  const batch = { ...shared, send_at: inHours(72), personalizations: [{ to }] };
  const raw = { raw: Buffer.from('From: shop@sender.example\n\nHi').toString('base64'), to };
  const answers = [
    (await api.send('POST', '/v1/messages/batch', { body: batch })).body.data[0],
    (await api.send('POST', '/v1/messages/raw', { body: { ...raw, send_at: batch.send_at } })).body,
  ];
  for (const { id } of answers) {
    const { body } = await api.send('GET', `/v1/messages/${id}`);
    assert.deepEqual(
      [body.send_at, body.recipients[0].next_attempt_at],
      Array(2).fill(batch.send_at),
    );
  }
});

test('what is over cannot be canceled, and what is no message neither', async () => {
  const off = { address: 'gone@example.com' };
  await api.send('POST', '/v1/suppressions', { body: off });
  const body = { ...MESSAGE, to: off.address };
  const { id } = (await api.send('POST', '/v1/messages', { body })).body;
  const over = await api.send('POST', `/v1/messages/${id}/cancel`);
  assertProblem(over, 'conflict', /final state/);
  assertProblem(await api.send('POST', '/v1/messages/msg_x/cancel'), 'not_found');
});

test('a message says by when it is expected, in seconds or as a duration', async () => {
  for (const within of [90, '90s', '1.5m']) {
    const body = { ...MESSAGE, send_at: inHours(1), expect_within: within };
    const { body: sent } = await api.send('POST', '/v1/messages', { body });
    const { body: message } = await api.send('GET', `/v1/messages/${sent.id}`);
    assert.equal(Date.parse(message.expected_by), Date.parse(body.send_at) + 90_000);
  }
  const { body: plain } = await api.send('POST', '/v1/messages', { body: MESSAGE });
  assert.equal((await api.send('GET', `/v1/messages/${plain.id}`)).body.expected_by, null);
  for (const within of [0, '8d', 'soon']) {
    const body = { ...MESSAGE, expect_within: within };
    const answer = await api.send('POST', '/v1/messages', { body });
    assertProblem(answer, 'invalid_field');
    assert.equal(answer.body.errors[0].pointer, '/expect_within');
  }
});

test('a time that is too far, or no time, is refused', async () => {
  for (const sendAt of [inHours(73), 'tomorrow']) {
    const answer = await api.send('POST', '/v1/messages', {
      body: { ...MESSAGE, send_at: sendAt },
    });
    assertProblem(answer, 'invalid_field');
    assert.equal(answer.body.errors[0].pointer, '/send_at');
  }
});
