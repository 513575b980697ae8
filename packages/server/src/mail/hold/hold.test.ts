import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { HOLD_MS } from '../../core/mail/hold-rules.ts';
import { until } from '../../lib/fixtures/test-clock.ts';
import { cancelMessage } from '../cancel-message.ts';
import { PROJECT, START_MS, sampleInput, setUpMail } from '../fixtures/set-up-mail.ts';
import type { MessageInput } from '../message-input.ts';
import { SendLimitReached } from '../send-limits.ts';

type System = Awaited<ReturnType<typeof setUpMail>>;

const RULES = [{ name: 'Campaigns', filter: { tag: ['campaign'] } }];

async function send(
  { acceptor }: Pick<System, 'acceptor'>,
  fields: Partial<MessageInput> = {},
): Promise<string> {
  return (await acceptor.acceptInput(PROJECT, sampleInput(fields), () => [])).messageId;
}

/** One that waits because of its key, a minute later. */
async function setUpHeld(t: TestContext, setup: Parameters<typeof setUpMail>[1] = {}) {
  const system = await setUpMail(t, setup);
  const to = ['anna@a.example', 'zoe@z.example'].map((email) => ({ email, name: null }));
  const id = await send(system, { keyMode: 'hold', to });
  await system.clock.advance(60_000);
  return { ...system, id };
}

const reasonsOf = async ({ eventsOf }: Pick<System, 'eventsOf'>, id: string) =>
  (await eventsOf(id)).map(({ type, data }) => [type, data.recipient, data.reject?.reason]);

test('what comes with a key that holds waits, and tells so', async (t) => {
  const { id, transmitter, eventsOf, store } = await setUpHeld(t);
  assert.equal(transmitter.jobs.length, 0);
  const events = await eventsOf(id);
  assert.deepEqual(
    events.map(({ type, data }) => [type, data.recipient, data.state, data.hold]),
    ['anna@a.example', 'zoe@z.example'].flatMap((address) => [
      ['email.accepted', address, 'accepted', undefined],
      [
        'email.held',
        address,
        'held',
        { reason: 'key', rule: null, expires_at: '2026-11-27T10:00:00.000Z' },
      ],
    ]),
  );
  const held = await store.heldMessages.get(PROJECT, id);
  assert.deepEqual([held?.reason, held?.expiresAtMs], ['key', START_MS + HOLD_MS]);
});

test('what is let go is sent, signed and counted from then on', async (t) => {
  const system = await setUpHeld(t);
  const { id, holdRoom, typesOf, store, clock } = system;
  assert.deepEqual(await holdRoom.release(PROJECT, id), [
    { address: 'anna@a.example', outcome: 'released' },
    { address: 'zoe@z.example', outcome: 'released' },
  ]);
  await system.untilAll('delivered');
  assert.deepEqual(await typesOf(id, 'anna@a.example'), [
    'accepted',
    'held',
    'released',
    'sent',
    'delivered',
  ]);
  const message = await store.messages.get(PROJECT, id);
  assert.equal(message?.expiresAtMs, clock.now() + 24 * 3_600_000);
  assert.equal(await holdRoom.release(PROJECT, id), null);
  assert.equal(await holdRoom.drop(PROJECT, id), null);
});

test('what is dropped is never sent', async (t) => {
  const system = await setUpHeld(t);
  const { id, holdRoom, eventsOf, clock, transmitter } = system;
  const outcomes = await holdRoom.drop(PROJECT, id);
  assert.deepEqual(
    outcomes?.map(({ outcome }) => outcome),
    ['dropped', 'dropped'],
  );
  const [last] = (await eventsOf(id)).slice(-1);
  assert.deepEqual(
    [last?.type, last?.data.state, last?.data.reject, last?.data.hold?.reason],
    ['email.rejected', 'rejected', { reason: 'dropped' }, 'key'],
  );
  await clock.advance(HOLD_MS);
  assert.equal(transmitter.jobs.length, 0);
  assert.equal(await holdRoom.release(PROJECT, id), null);
});

test('nobody looks at it for seven days: it is dropped, once', async (t) => {
  const system = await setUpHeld(t);
  const { id, holdRoom, clock } = system;
  await clock.advance(HOLD_MS - 60_001);
  await holdRoom.expire();
  assert.equal((await reasonsOf(system, id)).length, 4);
  await clock.advance(1);
  assert.ok((await holdRoom.expire()) > 0);
  await holdRoom.expire();
  const over = (await reasonsOf(system, id)).slice(4);
  assert.deepEqual(over, [
    ['email.rejected', 'anna@a.example', 'hold_expired'],
    ['email.rejected', 'zoe@z.example', 'hold_expired'],
  ]);
});

test('who came onto the suppression list meanwhile gets nothing', async (t) => {
  const system = await setUpHeld(t);
  const { id, holdRoom, store, ids, transmitter, engine } = system;
  const entry = {
    ...{ projectId: PROJECT, id: ids.next('suppression'), address: 'anna@a.example' },
    ...{ stream: null, reason: 'manual' as const, source: 'api', note: null, eventId: null },
    ...{ createdAtMs: START_MS, expiresAtMs: null },
  };
  await engine.commit({ events: [], statements: [store.suppressions.insertion(entry)] });
  assert.deepEqual(await holdRoom.release(PROJECT, id), [
    { address: 'anna@a.example', outcome: 'suppressed' },
    { address: 'zoe@z.example', outcome: 'released' },
  ]);
  const stateOf = async (address: string) =>
    (await system.queue()).find(({ recipient }) => recipient === address)?.state;
  await until('the other has it', async () => (await stateOf('zoe@z.example')) === 'delivered');
  assert.equal(await stateOf('anna@a.example'), 'rejected');
  assert.deepEqual(
    transmitter.jobs.map(({ recipients }) => recipients),
    [['zoe@z.example']],
  );
});

test('a domain that may not send any more keeps it held', async (t) => {
  const sending = { requireVerifiedDomain: false };
  const { id, holdRoom, store } = await setUpHeld(t, { sending });
  sending.requireVerifiedDomain = true;
  await assert.rejects(holdRoom.release(PROJECT, id), { code: 'unverified_domain' });
  assert.notEqual(await store.heldMessages.get(PROJECT, id), null);
  sending.requireVerifiedDomain = false;
  assert.equal((await holdRoom.release(PROJECT, id))?.length, 2);
});

test('a rule of the project holds what meets it, of a batch too', async (t) => {
  const system = await setUpMail(t, { sending: { holdRules: RULES } });
  const { acceptor, store, eventsOf } = system;
  const accepted = await acceptor.acceptInputs(
    PROJECT,
    [sampleInput(), sampleInput({ tags: ['campaign'] })],
    () => [],
  );
  assert.deepEqual(
    accepted.map(({ hold }) => hold),
    [null, { reason: 'rule', rule: 'Campaigns' }],
  );
  const [, held] = accepted.map(({ messageId }) => messageId);
  const events = await eventsOf(held ?? '');
  assert.deepEqual(events.at(-1)?.data.hold?.rule, 'Campaigns');
  const page = { projectId: PROJECT, limit: 9, beforeId: null, recipient: null };
  assert.deepEqual(
    (await store.heldMessages.list(page)).rows.map(({ messageId }) => messageId),
    [held],
  );
});

test('mail by SMTP is held by its headers and its key', async (t) => {
  const rules = [{ name: 'Spam', spamFlagged: true }];
  const { acceptor } = await setUpMail(t, { sending: { holdRules: rules } });
  const holdOf = async (flag: string, keyMode: 'live' | 'hold') => {
    const raw = Buffer.from(`From: a@sender.example\r\nX-Spam-Flag: ${flag}\r\n\r\nHi\r\n`);
    const envelope = { envelopeFrom: 'a@sender.example', recipients: ['b@example.com'] };
    return (await acceptor.acceptRaw(PROJECT, { ...envelope, raw, keyMode })).hold?.reason;
  };
  const subject = Buffer.from(
    'From: a@sender.example\r\nSubject: =?utf-8?B?R3LDvMOfZQ==?=\r\n\r\nHi\r\n',
  );
  const named = await setUpMail(t, {
    sending: { holdRules: [{ name: 'Words', headers: { Subject: ['grüße'] } }] },
  });
  const envelope = { envelopeFrom: 'a@sender.example', recipients: ['b@example.com'] };
  const words = { ...envelope, raw: subject, keyMode: 'live' as const };
  assert.equal((await named.acceptor.acceptRaw(PROJECT, words)).hold?.rule, 'Words');
  assert.equal(await holdOf('YES', 'live'), 'rule');
  assert.equal(await holdOf('NO', 'live'), undefined);
  assert.equal(await holdOf('NO', 'hold'), 'key');
});

test('beyond a limit it waits where the project has it so, and counts when it is let go', async (t) => {
  const system = await setUpMail(t, {
    sending: { holdOverLimit: true },
    sendingLimits: { emailsPerHour: 2 },
  });
  const { store, holdRoom, clock, typesOf } = system;
  await send(system);
  await send(system);
  const id = await send(system);
  assert.equal((await store.heldMessages.get(PROJECT, id))?.reason, 'limit');
  await assert.rejects(holdRoom.release(PROJECT, id), SendLimitReached);
  await clock.advance(3_600_000);
  assert.equal((await holdRoom.release(PROJECT, id))?.length, 1);
  await system.untilAll('delivered');
  assert.deepEqual(await typesOf(id), ['accepted', 'held', 'released', 'sent', 'delivered']);
  await send(system);
  const over = await send(system);
  assert.equal((await store.heldMessages.get(PROJECT, over))?.reason, 'limit');
});

test('what a key holds is not counted before it is let go', async (t) => {
  const system = await setUpMail(t, { sendingLimits: { emailsPerHour: 1 } });
  const id = await send(system, { keyMode: 'hold' });
  await send(system);
  await assert.rejects(system.holdRoom.release(PROJECT, id), SendLimitReached);
});

test('a held message can be canceled', async (t) => {
  const system = await setUpHeld(t);
  const { id, store, log, ids, clock, holdRoom } = system;
  const message = await store.messages.get(PROJECT, id);
  assert.ok(message !== null);
  const { messages, heldMessages: held } = store;
  const deps = { messages, held, log, ids, now: clock.now, beside: () => [] };
  const outcomes = await cancelMessage(message, deps);
  assert.deepEqual(
    outcomes.map(({ outcome }) => outcome),
    ['canceled', 'canceled'],
  );
  assert.equal(await holdRoom.release(PROJECT, id), null);
  assert.equal(await store.heldMessages.get(PROJECT, id), null);
});

test('a scheduled message that is let go early waits for its time', async (t) => {
  const system = await setUpMail(t);
  const { holdRoom, clock, transmitter } = system;
  const id = await send(system, { keyMode: 'hold', sendAtMs: START_MS + 3_600_000 });
  await clock.advance(1);
  await holdRoom.release(PROJECT, id);
  await clock.advance(3_599_998);
  assert.equal(transmitter.jobs.length, 0);
  await clock.advance(1);
  await system.untilAll('delivered');
});

test('of two who decide at the same moment one does', async (t) => {
  const { id, holdRoom, typesOf } = await setUpHeld(t);
  const both = await Promise.all([holdRoom.release(PROJECT, id), holdRoom.drop(PROJECT, id)]);
  assert.equal(both.filter((one) => one === null).length, 1);
  const types = await typesOf(id, 'anna@a.example');
  assert.equal(types.filter((type) => ['released', 'rejected'].includes(type)).length, 1);
});
