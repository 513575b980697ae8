import assert from 'node:assert/strict';
import test from 'node:test';
import { until } from '../../lib/fixtures/test-clock.ts';
import { DELIVERED, GREYLISTED, UNREACHABLE } from '../fixtures/fake-transmitter.ts';
import { setUpMail } from '../fixtures/set-up-mail.ts';

const BUSY = {
  outcome: 'deferred',
  stage: 'greeting',
  errorCode: 'smtp_reply',
  smtpCode: 421,
  enhancedCode: '4.7.0',
  response: '421 4.7.0 Too many connections',
} as const;

test('after a 421 the rest waits untried, and goes on more slowly', async (t) => {
  const { send, transmitter, queue, clock, deliverer } = await setUpMail(t, {
    destinationConcurrency: 2,
    ladderMs: [3_600_000],
  });
  transmitter.answer = () => BUSY;
  await Promise.all(Array.from({ length: 20 }, (_, i) => send(`m${i}@a.example`)));
  await until('two were put off', async () => {
    return (await queue()).filter(({ attempts }) => attempts === 1).length === 2;
  });
  assert.equal(transmitter.jobs.length, 2);
  assert.equal(deliverer.stats().slowed, 1);
  transmitter.answer = () => DELIVERED;
  await clock.advance(4_999);
  assert.equal(transmitter.jobs.length, 2);
  await clock.advance(1);
  await until('all others are delivered', async () => {
    return (await queue()).filter(({ state }) => state === 'delivered').length === 18;
  });
  assert.equal(deliverer.stats().slowed, 0);
});

test('mail that comes while a destination is left alone waits in the store, and is not forgotten', async (t) => {
  const { send, transmitter, queue, clock } = await setUpMail(t, { ladderMs: [3_600_000] });
  transmitter.answer = () => BUSY;
  await send('first@a.example');
  await until('it was put off', async () => (await queue())[0]?.attempts === 1);
  transmitter.answer = () => DELIVERED;
  await send('later@a.example');
  const later = (await queue()).find(({ recipient }) => recipient === 'later@a.example');
  assert.deepEqual([later?.node, later?.state], [null, 'queued']);
  await clock.advance(1_000);
  assert.equal(
    (await queue()).find(({ recipient }) => recipient === 'later@a.example')?.node,
    null,
  );
  for (let i = 0; i < 10; i++) await clock.advance(1_000);
  await until('it is delivered', async () =>
    (await queue()).some(
      ({ recipient, state }) => recipient.startsWith('later') && state === 'delivered',
    ),
  );
});

test('what waits for the rate of its destination expires when it should, in memory and in the store', async (t) => {
  const { send, transmitter, queue, clock, eventsOf } = await setUpMail(t, {
    ratePerSecond: 1 / 600,
    expiryMs: 1_500_000,
  });
  transmitter.answer = (recipient) => (recipient.startsWith('tried') ? GREYLISTED : DELIVERED);
  const tried = await send('tried@a.example');
  await until('one was tried', async () => (await queue())[0]?.attempts === 1);
  const ids = await Promise.all(Array.from({ length: 130 }, (_, i) => send(`m${i}@a.example`)));
  const inState = async (...states: string[]) =>
    (await queue()).filter(({ state }) => states.includes(state));
  await clock.advance(1_500_000 + 59_999);
  assert.deepEqual(await inState('failed', 'bounced'), []);
  const attempts = transmitter.jobs.length;
  await clock.advance(1);
  await until('nobody waits any more', async () => (await inState('queued')).length === 0);
  assert.equal(transmitter.jobs.length, attempts);
  const last = async (id: string) => (await eventsOf(id)).at(-1);
  const ends = await Promise.all(ids.map(last));
  const failed = ends.filter((one) => one?.type === 'email.failed');
  assert.ok(failed.length > 120);
  assert.equal(failed.length, (await inState('failed')).length);
  assert.equal(failed[0]?.data.delivery?.error_code, 'suspended');
  assert.match(failed[0]?.data.delivery?.response ?? '', /^Not tried, since it waited until/);
  const bounced = await last(tried);
  assert.deepEqual([bounced?.type, bounced?.data.bounce?.type], ['email.bounced', 'soft']);
});

test('greylisting slows nobody down', async (t) => {
  const { send, transmitter, deliverer, untilAll } = await setUpMail(t);
  transmitter.answer = () => GREYLISTED;
  await Promise.all(Array.from({ length: 10 }, (_, i) => send(`m${i}@a.example`)));
  await untilAll('queued');
  assert.equal(transmitter.jobs.length, 10);
  assert.equal(deliverer.stats().slowed, 0);
});

test('where nobody answers the rest is put off without being tried, and says so', async (t) => {
  const { send, transmitter, queue, eventsOf, untilAll } = await setUpMail(t, {
    destinationConcurrency: 1,
    ladderMs: [3_600_000],
  });
  transmitter.answer = () => ({ ...UNREACHABLE, response: 'no connection in time' });
  const ids = await Promise.all(Array.from({ length: 12 }, (_, i) => send(`m${i}@a.example`)));
  await until('all were put off', async () =>
    (await queue()).every(({ attempts, node }) => attempts === 1 && node === null),
  );
  await untilAll('queued');
  assert.equal(transmitter.jobs.length, 2);
  const events = (await Promise.all(ids.map((id) => eventsOf(id)))).flat();
  const untried = events.filter(({ data }) => data.delivery?.error_code === 'suspended');
  assert.equal(untried.length, 10);
  assert.equal(untried[0]?.type, 'email.deferred');
  assert.match(untried[0]?.data.delivery?.response ?? '', /^Not tried.*no connection in time$/);
});

test('where a server still asks for less when the pause can grow no more, the rest is put off too', async (t) => {
  const { send, transmitter, queue, eventsOf } = await setUpMail(t, {
    destinationConcurrency: 1,
    // The first pause is the longest that there is.
    paceLadderMs: [4_000],
  });
  transmitter.answer = () => BUSY;
  const ids = await Promise.all(Array.from({ length: 6 }, (_, i) => send(`m${i}@a.example`)));
  await until('all were put off', async () =>
    (await queue()).every(({ attempts, node }) => attempts === 1 && node === null),
  );
  assert.equal(transmitter.jobs.length, 1);
  const events = (await Promise.all(ids.map((id) => eventsOf(id)))).flat();
  const untried = events.filter(({ data }) => data.delivery?.error_code === 'suspended');
  assert.deepEqual(
    untried.map(({ type, data }) => [type, data.delivery?.response]),
    Array(5).fill([
      'email.deferred',
      'Not tried, since it asks for less mail: 421 4.7.0 Too many connections',
    ]),
  );
});
