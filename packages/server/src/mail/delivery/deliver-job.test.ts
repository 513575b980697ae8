import assert from 'node:assert/strict';
import test from 'node:test';
import { until } from '../../lib/fixtures/test-clock.ts';
import { GREYLISTED, UNKNOWN_USER } from '../fixtures/fake-transmitter.ts';
import { PROJECT, START_MS, setUpMail } from '../fixtures/set-up-mail.ts';

const MINUTE_MS = 60_000;

test('each attempt leaves what was said in it, one for all recipients of a transaction', async (t) => {
  const { send, transmitter, store, clock, untilAll } = await setUpMail(t);
  transmitter.answer = () => GREYLISTED;
  const id = await send('mila@a.example', 'noor@a.example');
  await untilAll('queued');
  transmitter.answer = (recipient) => (recipient.startsWith('noor') ? UNKNOWN_USER : {});
  await clock.advance(MINUTE_MS);
  await until('both attempts are on record', async () => {
    return (await store.transcripts.ofMessage(PROJECT, id, 10)).length === 2;
  });
  const kept = await store.transcripts.ofMessage(PROJECT, id, 10);
  assert.deepEqual(
    kept.map(({ startedAtMs, recipients }) => [startedAtMs - START_MS, recipients]),
    [
      [
        0,
        [
          { recipient: 'mila@a.example', attempt: 1, outcome: 'deferred' },
          { recipient: 'noor@a.example', attempt: 1, outcome: 'deferred' },
        ],
      ],
      [
        MINUTE_MS,
        [
          { recipient: 'mila@a.example', attempt: 2, outcome: 'deferred' },
          { recipient: 'noor@a.example', attempt: 2, outcome: 'bounced' },
        ],
      ],
    ],
  );
  assert.deepEqual(kept[0]?.lines, [{ atMs: 0, from: 'client', text: 'EHLO posthorn.test' }]);
});

for (const [choice, expected] of [
  ['failures', [1, 0]],
  ['none', [0, 0]],
] as const) {
  test(`with mail_transcripts: ${choice} no more is kept than that says`, async (t) => {
    const { send, transmitter, store, queue } = await setUpMail(t, { transcriptChoice: choice });
    transmitter.answer = (recipient) =>
      recipient.startsWith('noor') ? UNKNOWN_USER : { outcome: 'delivered' };
    const ids = [await send('noor@a.example'), await send('mila@a.example')];
    await until('both are settled', async () => (await queue()).every(({ node }) => node === null));
    const kept = await Promise.all(
      ids.map((id) => store.transcripts.ofMessage(PROJECT, id, 10).then(({ length }) => length)),
    );
    assert.deepEqual(kept, expected);
  });
}

test('a result whose events the store refuses is kept without them: nothing is sent twice', async (t) => {
  const { send, transmitter, log, untilAll, clock, queue, typesOf } = await setUpMail(t);
  const { append } = log;
  log.append = (events, beside) =>
    events.some(({ event }) => event.type === 'email.delivered')
      ? Promise.reject(new Error('The database refused a statement.'))
      : append(events, beside);
  const id = await send('mila@a.example');
  await untilAll('delivered');
  assert.equal((await queue())[0]?.attempts, 1);
  await clock.advance(60 * MINUTE_MS);
  assert.equal(transmitter.jobs.length, 1);
  assert.deepEqual(await typesOf(id), ['accepted']);
});

test('what cannot be sent for a fault of ours is tried every half minute, and fails in the end', async (t) => {
  let tries = 0;
  const { send, deliverer, clock, queue, untilAll, typesOf } = await setUpMail(t, {
    expiryMs: 2 * MINUTE_MS,
    envelopeSender: () => {
      tries += 1;
      throw new Error('A bug.');
    },
  });
  const id = await send('mila@example.com');
  for (const nth of [1, 2, 3]) {
    await until('it waits', async () => tries === nth && (await queue())[0]?.node === null);
    assert.equal((await queue())[0]?.due_at, clock.now() + 30_000);
    await clock.advance(30_000);
  }
  await untilAll('failed');
  assert.deepEqual(await typesOf(id), ['accepted', 'failed']);
  assert.deepEqual(deliverer.stats(), { jobs: 0, inFlight: 0, slowed: 0 });
});
