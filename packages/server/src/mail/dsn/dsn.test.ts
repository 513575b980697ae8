import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { parseReport } from '@posthorn/bounce';
import type { DsnRequest } from '../../core/mail/dsn.ts';
import { until } from '../../lib/fixtures/test-clock.ts';
import { DELIVERED, GREYLISTED, UNKNOWN_USER } from '../fixtures/fake-transmitter.ts';
import { PROJECT, setUpMail } from '../fixtures/set-up-mail.ts';
import { composeDsn, setUpReturnPath } from '../fixtures/set-up-return-path.ts';

const SENDER = 'app@shop.example';
const MILA = 'mila@example.com';
const NOOR = 'noor@example.com';
const HOUR_MS = 3_600_000;
const RAW =
  'From: shop@shop.example\r\nTo: mila@example.com\r\nSubject: Order 7\r\n\r\nThank you.\r\n';

type Mail = Pick<Awaited<ReturnType<typeof setUpMail>>, 'acceptor' | 'transmitter' | 'store'>;

function asks(notify: DsnRequest['recipients'][number]['notify'], more = {}): DsnRequest {
  const recipients = [{ recipient: MILA, notify, orcpt: 'rfc822;m@shop.example' }];
  return { ret: null, envid: 'order-7', recipients, ...more };
}

async function submit(mail: Mail, dsn: DsnRequest, envelopeFrom = SENDER): Promise<string> {
  const raw = Buffer.from(RAW);
  const recipients = [MILA, NOOR];
  const given = { keyMode: 'live', envelopeFrom, recipients, raw, dsn } as const;
  return (await mail.acceptor.acceptRaw(PROJECT, given)).messageId;
}

/** Everything that was sent to the sender, as it is read. */
function toldTo({ transmitter }: Mail) {
  return transmitter.jobs
    .filter(({ recipients }) => recipients.includes(SENDER))
    .map(({ envelopeFrom, raw }) => {
      const text = Buffer.from(raw).toString();
      return { envelopeFrom, text, report: parseReport(raw) };
    });
}

/** A message has been tried, and whoever was to be told of it has been. */
async function settled(mail: Awaited<ReturnType<typeof setUpMail>>): Promise<void> {
  await until('nothing is under way', async () => {
    const rows = await mail.queue();
    const { jobs, inFlight } = mail.deliverer.stats();
    const waiting = rows.filter(
      ({ state, node, due_at }) =>
        node !== null || (state === 'queued' && due_at <= mail.clock.now()),
    );
    return jobs + inFlight + waiting.length === 0;
  });
}

async function afterOneAttempt(
  t: TestContext,
  dsn: DsnRequest,
  answer: object,
  envelopeFrom?: string,
) {
  const mail = await setUpMail(t);
  mail.transmitter.answer = (recipient) => (recipient === MILA ? answer : DELIVERED);
  await submit(mail, dsn, envelopeFrom);
  await settled(mail);
  return { mail, told: toldTo(mail) };
}

test('a failure that was asked for is told to the sender of the envelope, from nobody', async (t) => {
  const { told } = await afterOneAttempt(t, asks(['failure']), UNKNOWN_USER);
  assert.equal(told.length, 1);
  const [{ envelopeFrom, report, text } = assert.fail()] = told;
  assert.equal(envelopeFrom, '');
  assert.deepEqual(
    report.recipients.map(({ recipient, originalRecipient, action, type }) => [
      ...[recipient, originalRecipient, action, type],
    ]),
    [[MILA, 'm@shop.example', 'failed', 'hard']],
  );
  assert.match(text, /^Original-Envelope-Id: order-7\r$/m);
  assert.match(text, /^Subject: Order 7\r$/m);
  assert.doesNotMatch(text, /Thank you/);
});

test('with RET=FULL the whole message comes back', async (t) => {
  const { told } = await afterOneAttempt(t, asks(['failure'], { ret: 'full' }), UNKNOWN_USER);
  const [, returned = ''] = told[0]?.text.split('Content-Type: message/rfc822') ?? [];
  assert.match(returned, /^Subject: Order 7\r$/m);
  assert.match(returned, /^Thank you\.\r$/m);
});

for (const [name, dsn, answer, envelopeFrom] of [
  ['NOTIFY=NEVER', asks([]), UNKNOWN_USER, undefined],
  ['NOTIFY=SUCCESS, of a failure', asks(['success']), UNKNOWN_USER, undefined],
  ['NOTIFY=FAILURE, of a success', asks(['failure', 'delay']), DELIVERED, undefined],
  ['no NOTIFY', asks(null), UNKNOWN_USER, undefined],
  ['no sender', asks(['failure']), UNKNOWN_USER, ''],
  [
    'a server that tells him itself',
    asks(['success']),
    { ...DELIVERED, offersDsn: true },
    undefined,
  ],
] as const) {
  test(`nothing is told with ${name}`, async (t) => {
    const { mail, told } = await afterOneAttempt(t, dsn, answer, envelopeFrom);
    assert.deepEqual(told, []);
    assert.equal((await mail.queue()).length, 2);
  });
}

test('a success is told as relayed, where the server does not tell of it', async (t) => {
  const { told } = await afterOneAttempt(t, asks(['success', 'failure']), DELIVERED);
  assert.match(told[0]?.text ?? '', /^Action: relayed\r$/m);
  assert.match(told[0]?.text ?? '', /^Status: 2\.\d\.\d+\r$/m);
  assert.equal(told.length, 1);
});

test('a delay is told once, when the message has waited for some hours, and then its end', async (t) => {
  const mail = await setUpMail(t, {
    ladderMs: [HOUR_MS, 2 * HOUR_MS, 2 * HOUR_MS],
    expiryMs: 10 * HOUR_MS,
  });
  mail.transmitter.answer = (recipient) => (recipient === MILA ? GREYLISTED : DELIVERED);
  await submit(mail, asks(['delay', 'failure']));
  const seen: number[] = [];
  for (let hour = 0; hour <= 11; hour += 1) {
    await settled(mail);
    seen.push(toldTo(mail).length);
    await mail.clock.advance(HOUR_MS);
  }
  await settled(mail);
  const [delay, failure, ...more] = toldTo(mail);
  assert.deepEqual(seen.slice(0, 3), [0, 0, 0]);
  assert.deepEqual(more, []);
  assert.match(delay?.text ?? '', /^Action: delayed\r$/m);
  assert.match(delay?.text ?? '', /^Will-Retry-Until: /m);
  assert.match(failure?.text ?? '', /^Action: failed\r\nStatus: 4\.4\.7\r$/m);
});

test('a bounce that comes back late is told too, once', async (t) => {
  const mail = await setUpReturnPath(t);
  await submit(mail, asks(['failure']));
  await settled(mail);
  assert.deepEqual(toldTo(mail), []);
  const job = mail.transmitter.jobs.find(({ recipients }) => recipients.includes(MILA));
  assert.deepEqual(job?.dsn?.recipients[0]?.notify, null);
  for (let i = 0; i < 2; i += 1) {
    await mail.comeBack(mail.returnPathOf(MILA), composeDsn({ recipient: MILA }));
    await settled(mail);
  }
  const told = toldTo(mail);
  assert.equal(told.length, 1);
  assert.equal(told[0]?.report.recipients[0]?.recipient, MILA);
  assert.equal(told[0]?.report.recipients[0]?.action, 'failed');
});

test('what was asked for goes on to the next server, and survives the store', async (t) => {
  const mail = await setUpMail(t);
  mail.transmitter.answer = () => GREYLISTED;
  const dsn = asks(['success', 'delay'], { ret: 'hdrs' });
  const id = await submit(mail, dsn);
  await settled(mail);
  await mail.clock.advance(60_000);
  await settled(mail);
  assert.deepEqual((await mail.store.messages.get(PROJECT, id))?.dsn, dsn);
  assert.deepEqual(
    mail.transmitter.jobs.map(({ dsn: passedOn }) => passedOn),
    mail.transmitter.jobs.map(() => dsn),
  );
});
