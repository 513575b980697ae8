import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventData, EventType } from '@posthorn/sdk';
import { until } from '../../lib/fixtures/test-clock.ts';
import { UNKNOWN_USER } from '../fixtures/fake-transmitter.ts';
import { PROJECT, sampleInput, setUpMail } from '../fixtures/set-up-mail.ts';

type System = Awaited<ReturnType<typeof setUpMail>>;

async function entries({ store, clock }: System) {
  const all = {
    limit: 99,
    beforeId: null,
    address: null,
    reason: null,
    source: null,
    stream: null,
  };
  const { rows } = await store.suppressions.list({
    ...all,
    projectId: PROJECT,
    nowMs: clock.now(),
  });
  return rows;
}

const told = async ({ store }: System, type: EventType) =>
  (
    await store.events.list({
      projectId: PROJECT,
      types: [type],
      messageKey: null,
      recipient: null,
      limit: 99,
      beforeId: null,
    })
  ).rows;

function report(
  { clock, ids }: System,
  type: EventType,
  data: EventData,
): Parameters<System['log']['append']>[0][number] {
  const timestamp = new Date(clock.now()).toISOString();
  const id = ids.next('event');
  return {
    projectId: PROJECT,
    dedupKey: null,
    event: { id, type, timestamp, data: { provider: 'posthorn', ...data } },
  };
}

const untilSent = ({ queue }: System) =>
  until('nothing is queued', async () => (await queue()).every((row) => row.state !== 'queued'));

const bounce = (fields: Partial<NonNullable<EventData['bounce']>> = {}) => ({
  type: 'hard' as const,
  scope: 'recipient' as const,
  category: 'invalid_address' as const,
  description: 'The mailbox does not exist',
  ...fields,
});

test('a hard bounce puts the address on the list, and says so in its own event', async (t) => {
  const system = await setUpMail(t);
  system.transmitter.answer = () => UNKNOWN_USER;
  const message = await system.send('gone@example.com');
  await system.untilAll('bounced');
  const [entry, ...others] = await entries(system);
  assert.deepEqual(others, []);
  const [bounced] = (await system.eventsOf(message)).filter((one) => one.type === 'email.bounced');
  assert.equal(bounced?.data.bounce?.suppressed, true);
  assert.deepEqual(
    [entry?.address, entry?.reason, entry?.source, entry?.stream, entry?.eventId],
    ['gone@example.com', 'hard_bounce', 'posthorn', null, bounced?.id],
  );
  const [added] = await told(system, 'suppression.added');
  assert.equal(added?.data.recipient, 'gone@example.com');
  assert.equal(added?.data.suppression?.event_id, bounced?.id);
});

test('an address on the list is rejected and never sent, by HTTP and by SMTP; the others get theirs', async (t) => {
  const system = await setUpMail(t);
  await system.log.append([
    report(system, 'email.complained', {
      recipient: 'Angry@example.com',
      complaint: { type: 'abuse' },
    }),
  ]);
  const byHttp = await system.send('angry@EXAMPLE.com', 'mila@example.com');
  const raw = Buffer.from('From: shop@sender.example\r\nSubject: Hi\r\n\r\nHi\r\n');
  const recipients = ['angry@example.com'];
  const envelopeFrom = 'shop@sender.example';
  const submission = { keyMode: 'live' as const, envelopeFrom, recipients, raw };
  const { messageId: bySmtp } = await system.acceptor.acceptRaw(PROJECT, submission);
  await untilSent(system);
  assert.deepEqual(await system.typesOf(byHttp, 'angry@example.com'), ['accepted', 'rejected']);
  assert.deepEqual(await system.typesOf(bySmtp), ['accepted', 'rejected']);
  const delivered = await system.typesOf(byHttp, 'mila@example.com');
  assert.deepEqual(delivered, ['accepted', 'sent', 'delivered']);
  const sentTo = system.transmitter.jobs.flatMap((one) => one.recipients);
  assert.deepEqual(sentTo, ['mila@example.com']);
  const rejected = (await system.eventsOf(bySmtp)).at(-1);
  assert.deepEqual(rejected?.data.reject, { reason: 'suppressed' });
  assert.equal(rejected?.data.suppression?.reason, 'complaint');
  const states = (await system.queue()).map(({ recipient, state }) => [recipient, state]);
  assert.deepEqual(states.sort(), [
    ['angry@example.com', 'rejected'],
    ['angry@example.com', 'rejected'],
    ['mila@example.com', 'delivered'],
  ]);
});

test('who unsubscribed from broadcasts still gets what he asked for', async (t) => {
  const system = await setUpMail(t);
  const recipient = 'mila@example.com';
  await system.log.append([report(system, 'email.unsubscribed', { recipient })]);
  const accept = async (stream: 'broadcast' | 'transactional') =>
    (await system.acceptor.acceptInput(PROJECT, sampleInput({ stream }), () => [])).messageId;
  const news = await accept('broadcast');
  const receipt = await accept('transactional');
  await untilSent(system);
  assert.deepEqual(await system.typesOf(news), ['accepted', 'rejected']);
  assert.deepEqual(await system.typesOf(receipt), ['accepted', 'sent', 'delivered']);
  await system.log.append([report(system, 'email.resubscribed', { recipient })]);
  assert.deepEqual(await entries(system), []);
  const [removed] = await told(system, 'suppression.removed');
  assert.equal(removed?.data.suppression?.reason, 'unsubscribe');
  const again = await accept('broadcast');
  await untilSent(system);
  assert.deepEqual(await system.typesOf(again), ['accepted', 'sent', 'delivered']);
});

test('what is not the recipient’s fault suppresses nobody', async (t) => {
  const system = await setUpMail(t, { sending: { suppressAfterSoftBounces: 1 } });
  const recipient = 'mila@example.com';
  const message = { id: 'msg_1' };
  for (const fields of [
    { scope: 'domain' as const },
    { scope: 'infrastructure' as const },
    { type: 'undetermined' as const },
    { type: 'soft' as const, scope: 'content' as const },
  ]) {
    const data = { recipient, message, bounce: bounce(fields) };
    await system.log.append([report(system, 'email.bounced', data)]);
  }
  const complaint = { type: 'auth-failure' };
  await system.log.append([report(system, 'email.complained', { recipient, complaint })]);
  await system.log.append([
    report(system, 'email.bounced', { test: true, recipient, bounce: bounce() }),
  ]);
  assert.deepEqual(await entries(system), []);
});

test('soft bounces count by message, and only where the project asks for it', async (t) => {
  const system = await setUpMail(t, { sending: { suppressAfterSoftBounces: 3 } });
  const recipient = 'full@example.com';
  const soft = bounce({ type: 'soft', category: 'mailbox_full' });
  const comesBack = (id: string) =>
    system.log.append([
      report(system, 'email.bounced', { recipient, message: { id }, bounce: soft }),
    ]);
  for (const id of ['msg_1', 'msg_1', 'msg_2']) await comesBack(id);
  assert.deepEqual(await entries(system), []);
  await comesBack('msg_3');
  const [entry] = await entries(system);
  assert.equal(entry?.reason, 'soft_bounces');
  assert.equal(entry?.expiresAtMs, system.clock.now() + 30 * 86_400_000);
  const usual = await setUpMail(t);
  for (const id of ['msg_1', 'msg_2', 'msg_3', 'msg_4']) {
    const data = { recipient, message: { id }, bounce: soft };
    await usual.log.append([report(usual, 'email.bounced', data)]);
  }
  assert.deepEqual(await entries(usual), []);
});

test('events from elsewhere suppress only where the project asks for it', async (t) => {
  const data = { provider: 'sendgrid', recipient: 'gone@example.com', bounce: bounce() };
  const usual = await setUpMail(t);
  await usual.log.append([report(usual, 'email.bounced', data)]);
  assert.deepEqual(await entries(usual), []);
  const asked = await setUpMail(t, { sending: { suppressFromElsewhere: true } });
  await asked.log.append([report(asked, 'email.bounced', data)]);
  const [entry] = await entries(asked);
  assert.deepEqual([entry?.address, entry?.source], ['gone@example.com', 'sendgrid']);
});

test('many bounces of one address at once make one entry and one event', async (t) => {
  const system = await setUpMail(t);
  const data = { recipient: 'gone@example.com', bounce: bounce() };
  const one = () => report(system, 'email.bounced', data);
  await Promise.all([
    ...Array.from({ length: 20 }, () => system.log.append([one()])),
    system.log.append([one(), one(), one()]),
  ]);
  assert.equal((await entries(system)).length, 1);
  assert.equal((await told(system, 'suppression.added')).length, 1);
  const verdicts = (await told(system, 'email.bounced')).map(
    (event) => event.data.bounce?.suppressed,
  );
  assert.deepEqual(verdicts, Array(23).fill(true));
});
