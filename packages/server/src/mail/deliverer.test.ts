import assert from 'node:assert/strict';
import test from 'node:test';
import { turn, until } from '../lib/fixtures/test-clock.ts';
import { DELIVERED, GREYLISTED, UNKNOWN_USER, UNREACHABLE } from './fixtures/fake-transmitter.ts';
import { PROJECT, START_MS, sampleInput, setUpMail } from './fixtures/set-up-mail.ts';

const MINUTE_MS = 60_000;

test('a greylisted message is accepted, sent, deferred and delivered, in this order on record', async (t) => {
  const { send, transmitter, clock, untilAll, eventsOf, deliverer } = await setUpMail(t);
  transmitter.answer = () => GREYLISTED;
  const id = await send('mila@example.com');
  await untilAll('queued');
  transmitter.answer = () => DELIVERED;
  await clock.advance(MINUTE_MS - 1);
  assert.equal(transmitter.jobs.length, 1);
  await clock.advance(1);
  await untilAll('delivered');

  const seen = (await eventsOf(id)).map(({ type, timestamp, data }) => [
    type,
    Date.parse(timestamp) - START_MS,
    data.sequence,
    data.state,
    data.previous_state,
    data.delivery?.attempt,
    data.delivery?.smtp_code,
  ]);
  assert.deepEqual(seen, [
    ['email.accepted', 0, 1, 'accepted', null, undefined, undefined],
    ['email.sent', 0, 2, 'sent', 'accepted', 1, 451],
    ['email.deferred', 0, 3, 'deferred', 'sent', 1, 451],
    ['email.delivered', MINUTE_MS, 4, 'delivered', 'deferred', 2, 250],
  ]);
  const [, , deferred] = await eventsOf(id);
  assert.equal(deferred?.data.delivery?.next_attempt_at, '2026-11-20T10:01:00.000Z');
  assert.deepEqual(deferred?.data.tags, ['receipt']);
  assert.deepEqual(deferred?.data.metadata, { order: 7 });
  assert.deepEqual(deliverer.stats(), { jobs: 0, inFlight: 0, slowed: 0 });
});

test('what is sent is what was accepted, to the envelope and not to the header', async (t) => {
  const { send, transmitter, store, untilAll } = await setUpMail(t);
  const id = await send('mila@example.com');
  await untilAll('delivered');
  const [job] = transmitter.jobs;
  assert.equal(job?.envelopeFrom, 'shop@sender.example');
  assert.equal(job?.domain, 'example.com');
  assert.equal(job?.smtputf8, false);
  assert.deepEqual(
    Buffer.from(job?.raw ?? []),
    Buffer.from((await store.messages.raw(PROJECT, id)) ?? []),
  );
});

test('one transaction serves all recipients of a domain, and each gets its own result', async (t) => {
  const { send, transmitter, queue, typesOf } = await setUpMail(t);
  transmitter.answer = (recipient) =>
    recipient.startsWith('no')
      ? UNKNOWN_USER
      : recipient.startsWith('later')
        ? GREYLISTED
        : DELIVERED;
  const id = await send('yes@a.example', 'no@a.example', 'later@a.example', 'yes@b.example');
  await until('nothing is held', async () => (await queue()).every(({ node }) => node === null));
  assert.deepEqual(
    transmitter.jobs.map(({ domain, recipients }) => [domain, recipients.length]),
    [
      ['a.example', 3],
      ['b.example', 1],
    ],
  );
  assert.deepEqual(await typesOf(id, 'yes@a.example'), ['accepted', 'sent', 'delivered']);
  assert.deepEqual(await typesOf(id, 'no@a.example'), ['accepted', 'sent', 'bounced']);
  assert.deepEqual(await typesOf(id, 'later@a.example'), ['accepted', 'sent', 'deferred']);
  assert.deepEqual(
    (await queue()).map(({ recipient, state }) => [recipient, state]),
    [
      ['later@a.example', 'queued'],
      ['no@a.example', 'bounced'],
      ['yes@a.example', 'delivered'],
      ['yes@b.example', 'delivered'],
    ],
  );
});

/** Lets a message fail until it expires; the events of its recipient. */
async function expire(
  t: test.TestContext,
  answers: (attempt: number) => typeof GREYLISTED,
): Promise<{ types: string[]; bounce: unknown }> {
  const setup = await setUpMail(t, { expiryMs: 10 * MINUTE_MS });
  const { send, transmitter, clock, queue, eventsOf, typesOf } = setup;
  transmitter.answer = () => answers(transmitter.jobs.length);
  const id = await send('mila@example.com');
  for (;;) {
    const attempts = transmitter.jobs.length;
    await until('the result is stored', async () => (await queue())[0]?.node === null);
    const [row] = await queue();
    if (row?.state !== 'queued') break;
    assert.ok(row.due_at <= START_MS + 10 * MINUTE_MS, 'no attempt lies beyond the expiry');
    await clock.advance(row.due_at - clock.now());
    await until('the next attempt came', () => transmitter.jobs.length > attempts);
  }
  return { types: await typesOf(id), bounce: (await eventsOf(id)).at(-1)?.data.bounce };
}

test('a message that no server ever answered for fails when it expires', async (t) => {
  const { types, bounce } = await expire(t, () => UNREACHABLE);
  assert.deepEqual(types, ['accepted', 'deferred', 'deferred', 'deferred', 'failed']);
  assert.equal(bounce, undefined);
});

test('a message that a server put off to the end is a soft bounce', async (t) => {
  const { types, bounce } = await expire(t, () => GREYLISTED);
  assert.deepEqual(types, ['accepted', 'sent', 'deferred', 'deferred', 'deferred', 'bounced']);
  assert.equal((bounce as { type: string }).type, 'soft');
});

test('one answer of a server on the way is enough to make it a bounce', async (t) => {
  const { types } = await expire(t, (attempt) => (attempt === 2 ? GREYLISTED : UNREACHABLE));
  assert.deepEqual(types, ['accepted', 'deferred', 'sent', 'deferred', 'deferred', 'bounced']);
});

test('a result for mail that another node has taken over meanwhile is dropped', async (t) => {
  const { send, transmitter, engine, node, clock, queue, typesOf, untilAll } = await setUpMail(t);
  let answer = (): void => {};
  const gate = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const { transmit } = transmitter;
  transmitter.transmit = async (job) => {
    await gate;
    return transmit(job);
  };
  const id = await send('mila@example.com');
  await engine.releaseLeases({ exceptNode: 'node_other', nowMs: clock.now() });
  answer();
  await until('the transaction ended', () => transmitter.jobs.length === 1);
  for (let i = 0; i < 20; i++) await turn();
  assert.deepEqual(await typesOf(id), ['accepted']);
  assert.equal((await queue())[0]?.state, 'queued');
  assert.notEqual((await queue())[0]?.node, node);
  // Nobody else is there, so it is found due again: at least once, not at most once.
  await clock.advance(MINUTE_MS);
  await untilAll('delivered');
  assert.deepEqual(await typesOf(id), ['accepted', 'sent', 'delivered']);
});

test('what a server answered while the store took nothing is stored when it does again', async (t) => {
  const { send, transmitter, engine, clock, typesOf, untilAll, deliverer } = await setUpMail(t);
  transmitter.answer = () => {
    engine.fail();
    return DELIVERED;
  };
  const id = await send('mila@example.com');
  await until('the transaction ended', () => transmitter.jobs.length === 1);
  for (let i = 0; i < 5; i++) await clock.advance(MINUTE_MS);
  assert.deepEqual(await typesOf(id), ['accepted']);
  assert.equal(transmitter.jobs.length, 1);
  engine.recover();
  await clock.advance(1_000);
  await untilAll('delivered');
  assert.deepEqual(await typesOf(id), ['accepted', 'sent', 'delivered']);
  assert.equal(transmitter.jobs.length, 1);
  assert.deepEqual(deliverer.stats(), { jobs: 0, inFlight: 0, slowed: 0 });
});

test('while the store takes nothing no transaction begins; all go on afterwards', async (t) => {
  const { send, transmitter, engine, clock, untilAll } = await setUpMail(t, {
    destinationConcurrency: 1,
  });
  transmitter.answer = () => {
    if (transmitter.jobs.length === 1) engine.fail();
    return DELIVERED;
  };
  await Promise.all(Array.from({ length: 10 }, (_, i) => send(`mila${i}@example.com`)));
  await until('one transaction began', () => transmitter.jobs.length === 1);
  await clock.advance(10 * MINUTE_MS);
  assert.equal(transmitter.jobs.length, 1);
  await assert.rejects(send('late@example.com'), { name: 'StoreUnavailable' });
  engine.recover();
  await clock.advance(1_000);
  await untilAll('delivered');
  assert.equal(transmitter.jobs.length, 10);
});

test('mail that could not be read back from a failing store is tried again, not forgotten', async (t) => {
  const { send, transmitter, engine, store, clock, untilAll } = await setUpMail(t, {
    memoryBytes: 0,
  });
  const { outgoing } = store.messages;
  let failures = 0;
  store.messages.outgoing = () => {
    failures += 1;
    engine.fail();
    return Promise.reject(new Error('The disk answered with an error.'));
  };
  await send('mila@example.com');
  await until('reading failed', () => failures === 1);
  for (let i = 0; i < 5; i++) await clock.advance(1_000);
  store.messages.outgoing = outgoing;
  engine.recover();
  for (let i = 0; i < 5; i++) {
    await clock.advance(10_000);
    for (let j = 0; j < 20; j++) await turn();
  }
  await until('it was sent', () => transmitter.jobs.length === 1);
  await untilAll('delivered');
});

test('a destination is shared among the nodes that deliver mail, and taken whole when they leave', async (t) => {
  let nodes = 3;
  const limits = { destinationConcurrency: 6, nodes: () => nodes };
  const { send, transmitter, deliverer, clock } = await setUpMail(t, limits);
  transmitter.answer = () => null;
  for (let i = 0; i < 8; i++) await send(`mila${i}@example.com`);
  assert.equal(deliverer.stats().inFlight, 2);
  nodes = 1;
  deliverer.wake(clock.now());
  await until('more are sent', () => deliverer.stats().inFlight === 6);
});

test('stop lets transactions under way end, and gives the rest back to the queue', async (t) => {
  const { send, transmitter, deliverer, queue } = await setUpMail(t, { destinationConcurrency: 2 });
  let answer = (): void => {};
  const gate = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const { transmit } = transmitter;
  transmitter.transmit = (job) => {
    const result = transmit(job);
    return gate.then(() => result);
  };
  for (let i = 0; i < 6; i++) await send(`mila${i}@example.com`);
  assert.equal(transmitter.jobs.length, 2);
  const stopped = deliverer.stop(10_000);
  answer();
  await stopped;
  const states = (await queue()).map(({ state, node }) => `${state} ${node}`).sort();
  assert.deepEqual(states, [...Array(2).fill('delivered null'), ...Array(4).fill('queued null')]);
  assert.equal(transmitter.closed, true);
});

test('stop gives back what is claimed or accepted at that moment', async (t) => {
  const { send, deliverer, engine, transmitter, queue } = await setUpMail(t, { idle: true });
  await send('waits@example.com');
  const { claimTransmissions, commit } = engine;
  const gates: (() => void)[] = [];
  const hold = () => new Promise<void>((resolve) => gates.push(resolve));
  engine.claimTransmissions = async (claim) => {
    const found = await claimTransmissions(claim);
    await hold();
    return found;
  };
  engine.commit = async (given) => {
    const appended = await commit(given);
    await hold();
    return appended;
  };
  deliverer.start();
  const sent = send('comes@example.com');
  await until('one is given out, and one stored', () => gates.length === 2);
  const stopped = deliverer.stop(10_000);
  const leased = (await queue()).map(({ node }) => node !== null);
  assert.deepEqual(leased, [true, true]);
  engine.commit = commit;
  for (const open of gates) open();
  await Promise.all([stopped, sent]);
  const states = (await queue()).map(({ state, node }) => `${state} ${node}`);
  assert.deepEqual(states, ['queued null', 'queued null']);
  assert.equal(transmitter.jobs.length, 0);
});

test('a transaction that outlasts the grace of a stop is aborted and counts for nothing', async (t) => {
  const { send, transmitter, deliverer, clock, queue, typesOf } = await setUpMail(t);
  transmitter.answer = () => null;
  const id = await send('mila@example.com');
  const stopped = deliverer.stop(10_000);
  await clock.advance(10_000);
  await stopped;
  const [row] = await queue();
  assert.deepEqual([row?.state, row?.attempts, row?.node], ['queued', 0, null]);
  assert.deepEqual(await typesOf(id), ['accepted']);
});

test('after a crash the next process delivers what was left', async (t) => {
  const first = await setUpMail(t, { destinationConcurrency: 2 });
  first.transmitter.answer = (recipient) => (recipient.startsWith('hang') ? null : DELIVERED);
  await first.send('fine@a.example');
  await first.untilAll('delivered');
  for (let i = 0; i < 5; i++) await first.send(`hang${i}@b.example`);
  await first.engine.close();

  const second = await setUpMail(t, { folder: first.folder, clock: first.clock });
  await second.untilAll('delivered');
  const sent = second.transmitter.jobs.flatMap(({ recipients }) => recipients).sort();
  assert.deepEqual(
    sent,
    Array.from({ length: 5 }, (_, i) => `hang${i}@b.example`),
  );
});

test('a destination that stands still does not keep others waiting', async (t) => {
  const { send, transmitter, queue } = await setUpMail(t, { concurrency: 20 });
  transmitter.answer = (recipient) => (recipient.endsWith('@slow.example') ? null : DELIVERED);
  await Promise.all(Array.from({ length: 1_200 }, (_, i) => send(`mila${i}@slow.example`)));
  for (let i = 0; i < 20; i++) await send(`mila${i}@fast.example`);
  await until('all fast ones are delivered', async () =>
    (await queue())
      .filter((row) => row.domain === 'fast.example')
      .every((row) => row.state === 'delivered'),
  );
  const slow = transmitter.jobs.filter((job) => job.domain === 'slow.example');
  assert.equal(slow.length, 5);
});

test('destinations take turns, so that those which came first do not keep all the places', async (t) => {
  const { send, transmitter } = await setUpMail(t, { concurrency: 2, destinationConcurrency: 1 });
  const { transmit } = transmitter;
  transmitter.transmit = async (job) => {
    await turn();
    return transmit(job);
  };
  const early = ['a.example', 'b.example'];
  await Promise.all(
    early.flatMap((domain) => Array.from({ length: 60 }, (_, i) => send(`mila${i}@${domain}`))),
  );
  await send('late@c.example');
  await until('the late one was sent', () =>
    transmitter.jobs.some((job) => job.domain === 'c.example'),
  );
  const before = transmitter.jobs.findIndex((job) => job.domain === 'c.example');
  assert.ok(before < 110, `${before} came first`);
});

test('many destinations that stand still leave room in memory for others', async (t) => {
  const { send, transmitter, queue } = await setUpMail(t, { concurrency: 100 });
  transmitter.answer = (recipient) => (recipient.includes('@slow') ? null : DELIVERED);
  for (let i = 0; i < 12; i++) {
    await Promise.all(Array.from({ length: 150 }, (_, n) => send(`m${n}@slow${i}.example`)));
  }
  for (let i = 0; i < 20; i++) await send(`mila${i}@fast.example`);
  await until('all fast ones are delivered', async () =>
    (await queue())
      .filter((row) => row.domain === 'fast.example')
      .every((row) => row.state === 'delivered'),
  );
});

test('beyond the memory that it may use a body is read back when its turn comes', async (t) => {
  const { send, transmitter, untilAll, deliverer, queue } = await setUpMail(t, {
    memoryBytes: 0,
    idle: true,
  });
  const id = await send('mila@example.com');
  assert.equal((await queue())[0]?.node, null);
  deliverer.start();
  await untilAll('delivered');
  assert.match(Buffer.from(transmitter.jobs[0]?.raw ?? []).toString(), /^Subject: Your receipt$/m);
  assert.match(id, /^msg_/);
});

test('with a smarthost all domains go in one transaction', async (t) => {
  const { send, transmitter, untilAll } = await setUpMail(t, { smarthost: true });
  await send('a@a.example', 'b@b.example', 'c@c.example');
  await untilAll('delivered');
  assert.deepEqual(
    transmitter.jobs.map(({ recipients }) => recipients),
    [['a@a.example', 'b@b.example', 'c@c.example']],
  );
});

test('more than a hundred recipients of a domain go in several transactions', async (t) => {
  const { send, transmitter, untilAll } = await setUpMail(t);
  await send(...Array.from({ length: 250 }, (_, i) => `m${i}@example.com`));
  await untilAll('delivered');
  assert.deepEqual(
    transmitter.jobs.map(({ recipients }) => recipients.length),
    [100, 100, 50],
  );
});

test('a message whose body is gone fails in the open', async (t) => {
  const { send, store, untilAll, typesOf } = await setUpMail(t, { memoryBytes: 0 });
  const { outgoing } = store.messages;
  store.messages.outgoing = async (...ask) => {
    const found = await outgoing(...ask);
    return found === null ? null : { ...found, raw: null };
  };
  const id = await send('mila@example.com');
  await untilAll('failed');
  assert.deepEqual(await typesOf(id), ['accepted', 'failed']);
});

test('a backlog larger than the memory is delivered to the last', async (t) => {
  const { send, transmitter, untilAll, deliverer } = await setUpMail(t, { idle: true });
  await Promise.all(Array.from({ length: 1_500 }, (_, i) => send(`m@d${i % 7}.example`)));
  deliverer.start();
  await untilAll('delivered');
  assert.equal(transmitter.jobs.length, 1_500);
});

test('mail of a project that was deleted is not sent any more, and nobody is told', async (t) => {
  const { send, transmitter, clock, untilAll, typesOf, deleteProject, deliverer } =
    await setUpMail(t);
  transmitter.answer = () => GREYLISTED;
  const id = await send('mila@example.com', 'noor@example.com');
  await untilAll('queued');
  deleteProject();
  await clock.advance(MINUTE_MS);
  await untilAll('canceled');
  await clock.advance(10 * MINUTE_MS);
  assert.equal(transmitter.jobs.length, 1);
  assert.deepEqual(await typesOf(id, 'mila@example.com'), ['accepted', 'sent', 'deferred']);
  assert.deepEqual(deliverer.stats(), { jobs: 0, inFlight: 0, slowed: 0 });
});

test('a node that may have lost its leases sends no further copy, and gives the rest back', async (t) => {
  const { acceptor, engine, transmitter, queue, untilAll } = await setUpMail(t);
  const { health } = engine;
  transmitter.answer = () => {
    engine.health = () => ({ ok: false, code: 'unreachable', detail: 'Nobody knows.' });
    return DELIVERED;
  };
  const to = ['jo@example.com', 'mila@example.com'].map((email) => ({ email, name: null }));
  const input = sampleInput({ to, html: '<p>Hello.</p>', tracking: { opens: true } });
  await acceptor.acceptInput(PROJECT, input, () => []);
  await until('nothing is held', async () => (await queue()).every(({ node }) => node === null));
  assert.deepEqual(
    (await queue()).map(({ state }) => state),
    ['delivered', 'queued'],
  );
  assert.equal(transmitter.jobs.length, 1);
  engine.health = health;
  transmitter.answer = () => DELIVERED;
  engine.recover();
  await untilAll('delivered');
  assert.deepEqual(
    transmitter.jobs.map(({ recipients }) => recipients),
    [['jo@example.com'], ['mila@example.com']],
  );
});
