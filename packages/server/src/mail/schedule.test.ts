import assert from 'node:assert/strict';
import test from 'node:test';
import { until } from '../lib/fixtures/test-clock.ts';
import { cancelMessage } from './cancel-message.ts';
import { PROJECT, START_MS, sampleInput, setUpMail } from './fixtures/set-up-mail.ts';

const HOUR_MS = 3_600_000;

async function schedule(
  { acceptor }: Pick<Awaited<ReturnType<typeof setUpMail>>, 'acceptor'>,
  sendAtMs: number,
): Promise<string> {
  const input = sampleInput({ sendAtMs });
  return (await acceptor.acceptInput(PROJECT, input, () => [])).messageId;
}

test('a scheduled message is sent at its time, and not before', async (t) => {
  const system = await setUpMail(t);
  const { clock, transmitter, typesOf, store } = system;
  const id = await schedule(system, START_MS + 2 * HOUR_MS);
  const message = await store.messages.get(PROJECT, id);
  assert.deepEqual(
    [message?.sendAtMs, message?.expiresAtMs],
    [START_MS + 2 * HOUR_MS, START_MS + 26 * HOUR_MS],
  );
  const raw = Buffer.from((await store.messages.raw(PROJECT, id)) ?? []).toString('latin1');
  assert.match(raw, /^Date: Fri, 20 Nov 2026 12:00:00 \+0000\r$/m);
  await clock.advance(2 * HOUR_MS - 1);
  assert.deepEqual([transmitter.jobs.length, await typesOf(id)], [0, ['accepted']]);
  await clock.advance(1);
  await system.untilAll('delivered');
  assert.deepEqual(await typesOf(id), ['accepted', 'sent', 'delivered']);
});

test('a schedule survives a restart', async (t) => {
  const first = await setUpMail(t);
  const id = await schedule(first, START_MS + HOUR_MS);
  await first.deliverer.stop(0);
  await first.engine.close();
  const again = await setUpMail(t, { folder: first.folder, clock: first.clock });
  await first.clock.advance(HOUR_MS);
  await again.untilAll('delivered');
  assert.deepEqual(await again.typesOf(id), ['accepted', 'sent', 'delivered']);
});

test('a time that is over means at once', async (t) => {
  const system = await setUpMail(t);
  await schedule(system, START_MS - HOUR_MS);
  await system.untilAll('delivered');
});

test('a message that was canceled is never sent, and its application is told', async (t) => {
  const system = await setUpMail(t);
  const { store, log, ids, clock, transmitter, eventsOf } = system;
  const id = await schedule(system, START_MS + HOUR_MS);
  const message = await store.messages.get(PROJECT, id);
  assert.ok(message !== null);
  const deps = {
    messages: store.messages,
    held: store.heldMessages,
    log,
    ids,
    now: clock.now,
    beside: () => [],
  };
  const canceled = [{ address: 'mila@example.com', outcome: 'canceled' }];
  assert.deepEqual(await cancelMessage(message, deps), canceled);
  // Twice is once.
  assert.deepEqual(await cancelMessage(message, deps), canceled);
  await clock.advance(2 * HOUR_MS);
  assert.equal(transmitter.jobs.length, 0);
  const events = await eventsOf(id);
  assert.deepEqual(
    events.map(({ type, data }) => [type, data.state, data.reject]),
    [
      ['email.accepted', 'accepted', undefined],
      ['email.rejected', 'rejected', { reason: 'canceled' }],
    ],
  );
});

test('a claim that comes between is seen, and the rest is canceled', async (t) => {
  const system = await setUpMail(t, { idle: true });
  const { store, log, ids, clock, engine, acceptor } = system;
  const to = ['anna@a.example', 'zoe@z.example'].map((email) => ({ email, name: null }));
  const input = sampleInput({ to, sendAtMs: START_MS + 1 });
  const { messageId } = await acceptor.acceptInput(PROJECT, input, () => []);
  const message = await store.messages.get(PROJECT, messageId);
  assert.ok(message !== null);
  let tries = 0;
  const outcomes = await cancelMessage(message, {
    messages: store.messages,
    held: store.heldMessages,
    ids,
    now: clock.now,
    beside: () => [],
    log: {
      async append(...args) {
        tries += 1;
        const claim = {
          nowMs: START_MS + 1,
          limit: 1,
          node: 'node_x',
          exceptDomains: ['z.example'],
        };
        if (tries === 1) await engine.claimTransmissions(claim);
        return log.append(...args);
      },
    },
  });
  assert.equal(tries, 2);
  assert.deepEqual(outcomes, [
    { address: 'anna@a.example', outcome: 'under_way' },
    { address: 'zoe@z.example', outcome: 'canceled' },
  ]);
});

test('who came onto the suppression list meanwhile gets nothing', async (t) => {
  const system = await setUpMail(t);
  const { store, clock, ids, transmitter, typesOf, acceptor, log } = system;
  const to = ['anna@example.com', 'zoe@example.com'].map((email) => ({ email, name: null }));
  const input = sampleInput({ to, sendAtMs: START_MS + HOUR_MS });
  const { messageId } = await acceptor.acceptInput(PROJECT, input, () => []);
  const left = {
    id: ids.next('event'),
    type: 'email.complained' as const,
    timestamp: '2026-11-20T10:10:00.000Z',
    data: { provider: 'posthorn', recipient: 'anna@example.com', message: { id: messageId } },
  };
  await log.append([{ projectId: PROJECT, dedupKey: null, event: left }]);
  await clock.advance(HOUR_MS);
  await until('both have ended', async () =>
    (await store.messages.recipients(PROJECT, messageId)).every(({ queue }) => queue !== 'queued'),
  );
  assert.deepEqual(
    transmitter.jobs.map(({ recipients }) => recipients),
    [['zoe@example.com']],
  );
  assert.deepEqual(await typesOf(messageId, 'anna@example.com'), [
    'accepted',
    'complained',
    'rejected',
  ]);
});
