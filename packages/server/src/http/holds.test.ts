import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

const MESSAGE = { from: 'shop@sender.example', to: 'mila@example.com', text: 'Hello' };
const DAY_MS = 86_400_000;

/** A key of the mode `hold`, as the API gives it. */
let holdKey = '';
before(async () => {
  const body = { name: 'Reviewed', scopes: ['send', 'manage'], mode: 'hold' };
  const made = await api.send('POST', '/v1/keys', { body });
  assert.deepEqual([made.status, made.body.mode], [201, 'hold']);
  holdKey = made.body.key;
});

async function sendHeld(fields: Json = {}): Promise<string> {
  const sent = await api.send('POST', '/v1/messages', {
    key: holdKey,
    body: { ...MESSAGE, ...fields },
  });
  assert.equal(sent.status, 202, sent.text);
  assert.deepEqual(sent.body.hold, { reason: 'key', rule: null });
  return sent.body.id;
}

const change = async (body: Json) => {
  const changed = await api.send('PATCH', `/v1/projects/${api.projectId}`, { body });
  assert.equal(changed.status, 200, changed.text);
  return changed.body;
};
const heldIds = async (query = ''): Promise<string[]> =>
  (await api.send('GET', `/v1/messages?state=held${query}`)).body.data.map((one: Json) => one.id);

test('held messages are listed with why and until when, and let go', async () => {
  await api.send('POST', '/v1/messages', { body: MESSAGE });
  const id = await sendHeld();
  const { body: list } = await api.send('GET', '/v1/messages?state=held');
  assert.equal(list.data.length, 1);
  const [{ held, ...message }] = list.data;
  assert.deepEqual([message.id, held.reason, held.rule], [id, 'key', null]);
  assert.equal(Date.parse(held.expires_at) - Date.parse(held.held_at), 7 * DAY_MS);
  assert.deepEqual(await heldIds('&recipient=mila@example.com'), [id]);
  assert.deepEqual(await heldIds('&recipient=other@example.com'), []);
  const { body: all } = await api.send('GET', '/v1/messages?limit=2');
  assert.deepEqual(
    all.data.map((one: Json) => one.held?.reason ?? null),
    ['key', null],
  );
  const { body: before } = await api.send('GET', `/v1/messages/${id}`);
  assert.deepEqual([before.held, before.recipients[0].state], [held, 'held']);
  assert.equal(before.recipients[0].next_attempt_at, null);
  assert.deepEqual(before.timeline.at(-1).event.data.hold, {
    reason: 'key',
    rule: null,
    expires_at: held.expires_at,
  });

  const released = await api.send('POST', `/v1/messages/${id}/release`);
  assert.deepEqual(released.body, {
    id,
    recipients: [{ address: 'mila@example.com', outcome: 'released' }],
  });
  const { body: over } = await api.send('GET', `/v1/messages/${id}`);
  assert.deepEqual([over.held, over.recipients[0].state], [null, 'accepted']);
  assert.notEqual(over.recipients[0].next_attempt_at, null);
  assert.deepEqual(await heldIds(), []);
  assertProblem(await api.send('POST', `/v1/messages/${id}/release`), 'conflict', /not held/);
});

test('equal requests at the same moment get one answer', async () => {
  for (const one of ['/release', undefined]) {
    const id = await sendHeld();
    const path = one === undefined ? '/v1/messages/release' : `/v1/messages/${id}${one}`;
    const answers = await Promise.all(
      Array.from({ length: 4 }, () =>
        api.send('POST', path, {
          headers: { 'idempotency-key': `at-once-${id}` },
          ...(one === undefined ? { body: { ids: [id] } } : {}),
        }),
      ),
    );
    for (const answer of answers) {
      assert.equal(answer.status, 200, answer.text);
      assert.match(answer.text, /released/);
    }
  }
});

test('a held message is dropped, and a key that may only send cannot decide', async () => {
  const id = await sendHeld();
  const sender = await api.addKey(['send']);
  for (const verb of ['release', 'drop']) {
    const answer = await api.send('POST', `/v1/messages/${id}/${verb}`, { key: sender });
    assertProblem(answer, 'missing_scope');
  }
  const dropped = await api.send('POST', `/v1/messages/${id}/drop`);
  assert.deepEqual(dropped.body.recipients, [{ address: 'mila@example.com', outcome: 'dropped' }]);
  const { body } = await api.send('GET', `/v1/messages/${id}`);
  assert.deepEqual(body.timeline.at(-1).event.data.reject, { reason: 'dropped' });
  assertProblem(await api.send('POST', '/v1/messages/msg_x/drop'), 'not_found');
});

test('many are decided at once, and one that cannot go keeps no other', async () => {
  const ids = [await sendHeld(), await sendHeld({ from: 'else@other.example' }), await sendHeld()];
  const { body: domain } = await api.send('POST', '/v1/domains', {
    body: { name: 'other.example' },
  });
  await change({ sending: { require_verified_domain: true } });
  const { body: refused } = await api.send('POST', '/v1/messages/release', {
    body: { ids: [ids[1], 'msg_x'] },
  });
  assert.deepEqual(
    refused.data.map(({ outcome }: Json) => outcome),
    ['refused', 'not_held'],
  );
  assert.match(refused.data[0].detail, /other\.example is not verified/);
  await change({ sending: { require_verified_domain: null } });
  await api.send('DELETE', `/v1/domains/${domain.id}`);
  const { body: done } = await api.send('POST', '/v1/messages/release', {
    body: { ids: [ids[0], ids[1], ids[0]] },
  });
  assert.deepEqual(done.data, [
    { id: ids[0], outcome: 'released', detail: null },
    { id: ids[1], outcome: 'released', detail: null },
  ]);
  const { body: dropped } = await api.send('POST', '/v1/messages/drop', { body: { ids } });
  assert.deepEqual(
    dropped.data.map(({ outcome }: Json) => outcome),
    ['not_held', 'not_held', 'dropped'],
  );
  assertProblem(
    await api.send('POST', '/v1/messages/drop', { body: { ids: [] } }),
    'invalid_field',
  );
});

test('rules of the project hold messages, by each door', async () => {
  const rules = [
    { name: 'Campaigns', filter: { tag: ['campaign'] }, headers: { 'X-Batch': ['*'] } },
    { name: 'Large', larger_than: 10_000 },
    { name: 'Spam', spam_flagged: true },
  ];
  const { sending } = await change({ sending: { hold_rules: rules } });
  assert.deepEqual(sending.hold_rules, rules);
  const holdOf = async (path: string, body: Json) => {
    const { body: answer } = await api.send('POST', path, { body });
    return (answer.data?.[0] ?? answer).hold?.rule ?? null;
  };
  const campaign = { ...MESSAGE, tags: ['campaign'] };
  assert.equal(await holdOf('/v1/messages', campaign), null);
  const whole = { ...campaign, headers: { 'X-Batch': '7' } };
  assert.equal(await holdOf('/v1/messages', whole), 'Campaigns');
  const { to, ...shared } = whole;
  const batch = { ...shared, personalizations: [{ to }] };
  assert.equal(await holdOf('/v1/messages/batch', batch), 'Campaigns');
  assert.equal(await holdOf('/v1/messages', { ...MESSAGE, text: 'x'.repeat(10_001) }), 'Large');
  const raw = Buffer.from('From: a@sender.example\nX-Spam-Flag: YES\n\nHi').toString('base64');
  assert.equal(await holdOf('/v1/messages/raw', { raw, to }), 'Spam');
  await change({ sending: { hold_rules: [] } });
  assert.equal(await holdOf('/v1/messages', whole), null);
});

test('a rule that says nothing, or asks what nobody can know yet, is refused', async () => {
  const cases: [Json, string, RegExp][] = [
    [[{ name: 'Empty' }], '/sending/hold_rules/0', /needs a condition/],
    [
      [{ name: 'Late', filter: { bounce_type: ['hard'] } }],
      '/sending/hold_rules/0/filter/bounce_type',
      /before the message is sent/,
    ],
    [
      [{ name: 'Late', filter: { tag: ['a'], not: { engagement: 'machine' } } }],
      '/sending/hold_rules/0/filter/not/engagement',
      /before the message is sent/,
    ],
    [
      [{ name: 'Typo', filter: { tags: ['a'] } }],
      '/sending/hold_rules/0/filter/tags',
      /Did you mean "tag"/,
    ],
    [
      [
        { name: 'Same', larger_than: 1 },
        { name: 'Same', larger_than: 2 },
      ],
      '/sending/hold_rules',
      /name of its own/,
    ],
  ];
  for (const [rules, pointer, detail] of cases) {
    const body = { sending: { hold_rules: rules } };
    const answer = await api.send('PATCH', `/v1/projects/${api.projectId}`, { body });
    assertProblem(answer, 'invalid_field');
    const [fault] = answer.body.errors;
    assert.equal(fault.pointer, pointer);
    assert.match(fault.detail, detail);
  }
});

test('beyond a limit messages wait instead of being refused', async () => {
  await change({ limits: { emails_per_day: 0 }, sending: { hold_over_limit: true } });
  const { status, body } = await api.send('POST', '/v1/messages', { body: MESSAGE });
  assert.deepEqual([status, body.hold], [202, { reason: 'limit', rule: null }]);
  const early = await api.send('POST', `/v1/messages/${body.id}/release`);
  assertProblem(early, 'send_limit_reached');
  await change({ limits: { emails_per_day: null }, sending: { hold_over_limit: false } });
  assert.equal((await api.send('POST', `/v1/messages/${body.id}/release`)).status, 200);
});

test('whose mail is held gets round it with no key of his own making', async () => {
  const make = (mode: string | undefined) =>
    api.send('POST', '/v1/keys', { key: holdKey, body: { name: 'x', scopes: ['send'], mode } });
  assertProblem(await make(undefined), 'missing_scope', /only keys of that mode/);
  assertProblem(await make('live'), 'missing_scope', /"hold"/);
  assert.equal((await make('hold')).body.mode, 'hold');
});

test('a message of a sandbox key says so, and needs no verified domain', async () => {
  const body = { name: 'Tests', scopes: ['send'], mode: 'sandbox' };
  const { body: key } = await api.send('POST', '/v1/keys', { body });
  assert.equal(key.mode, 'sandbox');
  await change({ sending: { require_verified_domain: true } });
  assertProblem(await api.send('POST', '/v1/messages', { body: MESSAGE }), 'unverified_domain');
  const sent = await api.send('POST', '/v1/messages', {
    key: key.key,
    body: { ...MESSAGE, to: ['suppressed@sandbox.test', 'mila@example.com'] },
  });
  assert.equal(sent.status, 202);
  const { body: message } = await api.send('GET', `/v1/messages/${sent.body.id}`);
  assert.equal(message.sandbox, true);
  assert.deepEqual(
    message.timeline.map(({ event }: Json) => [event.type, event.data.test]),
    [
      ['email.accepted', true],
      ['email.rejected', true],
      ['email.accepted', true],
    ],
  );
  await change({ sending: { require_verified_domain: null } });
});
