import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { until } from '../lib/fixtures/test-clock.ts';
import { cancelMessage } from './cancel-message.ts';
import { DELIVERED, GREYLISTED } from './fixtures/fake-transmitter.ts';
import { PROJECT, START_MS, sampleInput, setUpMail } from './fixtures/set-up-mail.ts';
import type { MessageInput } from './message-input.ts';
import { createExpectationWatch } from './watch-expectations.ts';

/** Mail that its server puts off, expected within a minute. */
async function setUp(t: TestContext, setup: Parameters<typeof setUpMail>[1] = {}) {
  const system = await setUpMail(t, setup);
  const { acceptor, transmitter, store } = system;
  const { expectations, messages } = store;
  transmitter.answer = (recipient) => (recipient.startsWith('slow') ? GREYLISTED : DELIVERED);
  return {
    ...system,
    watch: createExpectationWatch({ ...system, expectations, messages }),
    async send(fields: Partial<MessageInput> = {}, ...addresses: string[]): Promise<string> {
      const to = addresses.map((email) => ({ email, name: null }));
      const input = sampleInput({ to, expectWithinMs: 60_000, ...fields });
      const { messageId } = await acceptor.acceptInput(PROJECT, input, () => []);
      return messageId;
    },
    async overdue(id: string): Promise<(string | null | undefined)[]> {
      const events = await system.eventsOf(id);
      return events
        .filter(({ type }) => type === 'email.overdue')
        .map(({ data }) => data.recipient);
    },
  };
}

const SLOW = 'slow@example.com';

test('of a recipient without a final state it tells once, and of others not', async (t) => {
  const { clock, watch, send, overdue, eventsOf, queue } = await setUp(t);
  const id = await send({}, SLOW, 'quick@example.com');
  await until('both were tried', async () => (await queue()).every(({ attempts }) => attempts > 0));
  await clock.advance(59_999);
  assert.ok((await watch.round()) <= 1);
  assert.deepEqual(await overdue(id), []);
  await clock.advance(1);
  await Promise.all([watch.round(), watch.round()]);
  await watch.round();
  assert.deepEqual(await overdue(id), [SLOW]);
  const told = (await eventsOf(id)).find(({ type }) => type === 'email.overdue');
  assert.deepEqual([told?.data.state, told?.data.message?.id], ['deferred', id]);
});

test('a restart does not forget it', async (t) => {
  const first = await setUp(t);
  const id = await first.send({}, SLOW);
  await first.deliverer.stop(0);
  await first.engine.close();
  const again = await setUp(t, { folder: first.folder, clock: first.clock, idle: true });
  await first.clock.advance(3_600_000);
  await again.watch.round();
  assert.deepEqual(await again.overdue(id), [SLOW]);
});

test('it counts from the time that a message is scheduled for', async (t) => {
  const { clock, watch, send, store } = await setUp(t, { idle: true });
  const id = await send({ sendAtMs: START_MS + 3_600_000 }, SLOW);
  assert.equal(await store.expectations.dueAtMs(PROJECT, id), START_MS + 3_660_000);
  await clock.advance(60_000);
  assert.equal(await watch.round(), 2_000);
});

test('who was canceled or suppressed is not overdue', async (t) => {
  const { clock, watch, send, overdue, store, log, ids, engine } = await setUp(t, { idle: true });
  const entry = {
    ...{ projectId: PROJECT, id: ids.next('suppression'), address: 'gone@example.com' },
    ...{ stream: null, reason: 'manual' as const, source: 'api', note: null, eventId: null },
    ...{ createdAtMs: START_MS, expiresAtMs: null },
  };
  await engine.commit({ events: [], statements: [store.suppressions.insertion(entry)] });
  const suppressed = await send({}, 'gone@example.com');
  const canceled = await send({ sendAtMs: START_MS + 1 }, SLOW);
  const message = await store.messages.get(PROJECT, canceled);
  assert.ok(message !== null);
  const { messages, heldMessages: held } = store;
  await cancelMessage(message, { messages, held, log, ids, now: clock.now, beside: () => [] });
  await clock.advance(120_000);
  await watch.round();
  assert.deepEqual([await overdue(suppressed), await overdue(canceled)], [[], []]);
  assert.equal(await store.expectations.nextDueAtMs(), null);
});

test('who is held is, since the mail has not come', async (t) => {
  const { clock, watch, send, overdue } = await setUp(t);
  const id = await send({ keyMode: 'hold' }, SLOW);
  await clock.advance(60_000);
  await watch.round();
  assert.deepEqual(await overdue(id), [SLOW]);
});

test('a header says it for mail by SMTP, and is not sent on', async (t) => {
  const { acceptor, store } = await setUp(t, { idle: true });
  const accept = (within: string) => {
    const raw = Buffer.from(
      `From: a@sender.example\r\nX-Posthorn-Expect-Within: ${within}\r\n\r\nHi\r\n`,
    );
    const envelope = { envelopeFrom: 'a@sender.example', recipients: [SLOW] };
    return acceptor.acceptRaw(PROJECT, { ...envelope, raw, keyMode: 'live' });
  };
  const { messageId } = await accept('90s');
  assert.equal(await store.expectations.dueAtMs(PROJECT, messageId), START_MS + 90_000);
  const raw = Buffer.from((await store.messages.raw(PROJECT, messageId)) ?? []).toString();
  assert.doesNotMatch(raw, /Expect-Within/);
  await assert.rejects(accept('soon'), /X-Posthorn-Expect-Within is a duration from 1s to 7d/);
});
