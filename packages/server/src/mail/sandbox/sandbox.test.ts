import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { SANDBOX_ADDRESSES, SANDBOX_DOMAIN } from '../../core/mail/sandbox-addresses.ts';
import { until } from '../../lib/fixtures/test-clock.ts';
import { PROJECT, sampleInput, setUpMail } from '../fixtures/set-up-mail.ts';
import type { MessageInput } from '../message-input.ts';

/** Sends with a sandbox key; what became of each address, as short names of event types. */
async function tryOut(t: TestContext, addresses: string[], fields: Partial<MessageInput> = {}) {
  const system = await setUpMail(t);
  const to = addresses.map((email) => ({ email, name: null }));
  const input = sampleInput({ keyMode: 'sandbox', to, ...fields });
  const { messageId } = await system.acceptor.acceptInput(PROJECT, input, () => []);
  await until('all were tried', async () =>
    (await system.queue()).every(({ state, attempts }) => state !== 'queued' || attempts > 0),
  );
  const eventsAt = async (address: string) =>
    (await system.eventsOf(messageId)).filter(({ data }) => data.recipient === address);
  return { ...system, messageId, eventsAt };
}

const at = (localPart: string): string => `${localPart}@${SANDBOX_DOMAIN}`;

const OUTCOMES: Record<string, string[]> = {
  delivered: ['sent', 'delivered'],
  deferred: ['sent', 'deferred'],
  stuck: ['sent', 'deferred'],
  bounced: ['sent', 'bounced'],
  'bounced-soft': ['sent', 'bounced'],
  'bounced-spam': ['sent', 'bounced'],
  'bounced-later': ['sent', 'delivered', 'bounced'],
  suppressed: ['rejected'],
  opened: ['sent', 'delivered', 'opened'],
  'opened-by-machine': ['sent', 'delivered', 'opened'],
  clicked: ['sent', 'delivered', 'opened', 'clicked'],
  complained: ['sent', 'delivered', 'complained'],
  unsubscribed: ['sent', 'delivered', 'unsubscribed'],
  autoresponded: ['sent', 'delivered', 'autoresponded'],
};

test('each address has its way, and every event says that it is a test', async (t) => {
  const addresses = SANDBOX_ADDRESSES.map(({ localPart }) => at(localPart));
  const { typesOf, eventsOf, messageId, transmitter } = await tryOut(t, addresses);
  for (const { localPart } of SANDBOX_ADDRESSES) {
    const types = await typesOf(messageId, at(localPart));
    assert.deepEqual(types, ['accepted', ...(OUTCOMES[localPart] ?? ['?'])], localPart);
  }
  assert.ok((await eventsOf(messageId)).every(({ data }) => data.test === true));
  assert.equal(transmitter.jobs.length, 0);
});

test('bounces are what they would be, hard and soft', async (t) => {
  const kinds = ['bounced', 'bounced-soft', 'bounced-spam', 'bounced-later'];
  const { eventsAt } = await tryOut(t, kinds.map(at));
  const bounces = await Promise.all(
    kinds.map(async (kind) => (await eventsAt(at(kind))).at(-1)?.data.bounce),
  );
  assert.deepEqual(
    bounces.map((one) => [one?.type, one?.category, one?.scope, one?.async]),
    [
      ['hard', 'invalid_address', 'recipient', false],
      ['soft', 'mailbox_full', 'recipient', false],
      ['soft', 'spam_content', 'content', false],
      ['hard', 'invalid_address', 'recipient', true],
    ],
  );
});

test('what is put off is tried again, and delivered', async (t) => {
  const { clock, typesOf, messageId, queue } = await tryOut(t, [at('deferred'), at('stuck')]);
  await clock.advance(60_000);
  await until('the second attempt', async () =>
    (await queue()).every(({ attempts }) => attempts === 2),
  );
  assert.deepEqual(await typesOf(messageId, at('deferred')), [
    'accepted',
    'sent',
    'deferred',
    'delivered',
  ]);
  assert.equal((await typesOf(messageId, at('stuck'))).at(-1), 'deferred');
});

test('labels and capitals make no difference, and every other address is delivered to', async (t) => {
  const addresses = ['Bounced+order-7@sandbox.test', 'bounced@example.com', at('anybody')];
  const { typesOf, messageId, transmitter } = await tryOut(t, addresses);
  assert.deepEqual(
    await Promise.all(addresses.map(async (one) => (await typesOf(messageId, one)).at(-1))),
    ['bounced', 'delivered', 'delivered'],
  );
  assert.equal(transmitter.jobs.length, 0);
});

test('the list of the project is neither asked nor changed', async (t) => {
  const system = await setUpMail(t);
  const { store, ids, engine, clock, acceptor } = system;
  const entry = {
    ...{ projectId: PROJECT, id: ids.next('suppression'), address: 'anna@example.com' },
    ...{ stream: null, reason: 'manual' as const, source: 'api', note: null, eventId: null },
    ...{ createdAtMs: clock.now(), expiresAtMs: null },
  };
  await engine.commit({ events: [], statements: [store.suppressions.insertion(entry)] });
  const addresses = ['anna@example.com', at('bounced'), at('complained'), at('unsubscribed')];
  const to = addresses.map((email) => ({ email, name: null }));
  const input = sampleInput({ keyMode: 'sandbox', to, sendAtMs: clock.now() + 1_000 });
  const { messageId } = await acceptor.acceptInput(PROJECT, input, () => []);
  await clock.advance(1_000);
  await until('all have ended', async () =>
    (await system.queue()).every(({ state }) => state !== 'queued'),
  );
  assert.equal((await system.typesOf(messageId, 'anna@example.com')).at(-1), 'delivered');
  const { rows } = await store.suppressions.list({
    ...{ projectId: PROJECT, limit: 10, beforeId: null, nowMs: clock.now() },
    ...{ address: null, reason: null, source: null, stream: null },
  });
  assert.deepEqual(
    rows.map(({ address }) => address),
    ['anna@example.com'],
  );
});

test('it needs no verified domain, counts towards no limit, and no rule holds it', async (t) => {
  const system = await setUpMail(t, {
    sending: { requireVerifiedDomain: true, holdRules: [{ name: 'All', largerThanBytes: 0 }] },
    sendingLimits: { emailsPerHour: 0 },
  });
  const input = sampleInput({ keyMode: 'sandbox' });
  const accepted = await system.acceptor.acceptInput(PROJECT, input, () => []);
  assert.equal(accepted.hold, null);
  const raw = Buffer.from('From: a@unknown.example\r\n\r\nHi\r\n');
  const envelope = { envelopeFrom: 'a@unknown.example', recipients: [at('opened')] };
  await system.acceptor.acceptRaw(PROJECT, { ...envelope, raw, keyMode: 'sandbox' });
  await system.untilAll('delivered');
  assert.equal(system.transmitter.jobs.length, 0);
});

test('behind a smarthost nothing goes to it', async (t) => {
  const system = await setUpMail(t, { smarthost: true });
  const input = sampleInput({ keyMode: 'sandbox' });
  await system.acceptor.acceptInput(PROJECT, input, () => []);
  await system.untilAll('delivered');
  assert.equal(system.transmitter.jobs.length, 0);
});
