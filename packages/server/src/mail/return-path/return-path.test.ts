import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { connectRawClient } from '../../smtp/fixtures/raw-client.ts';
import { PROJECT } from '../fixtures/set-up-mail.ts';
import {
  composeComplaint,
  composeDsn,
  RETURN_PATH_DOMAIN,
  setUpReturnPath,
} from '../fixtures/set-up-return-path.ts';

const MILA = 'mila@example.com';
const OTTO = 'otto@example.com';
const FEEDBACK = `fbl@${RETURN_PATH_DOMAIN}`;

/** A message that was delivered to these, and the return path of the first. */
async function sent(t: TestContext, ...recipients: string[]) {
  const mail = await setUpReturnPath(t);
  const to = recipients.length === 0 ? [MILA] : recipients;
  const id = await mail.send(...to);
  await mail.untilAll('delivered');
  const isSuppressed = async (address: string) =>
    (await mail.store.suppressions.at({ projectId: PROJECT, address, stream: null }, 0)) !== null;
  return { ...mail, id, returnPath: mail.returnPathOf(to[0] ?? ''), isSuppressed };
}

test('each recipient gets a return path of his own, in a transaction of his own', async (t) => {
  const mail = await sent(t, MILA, OTTO);
  const { jobs } = mail.transmitter;
  assert.deepEqual(
    jobs.map(({ recipients }) => recipients),
    [[MILA], [OTTO]],
  );
  for (const { envelopeFrom } of jobs) {
    assert.match(envelopeFrom, /^bounce\+[0-9a-z]{55}@bounces\.posthorn\.test$/);
  }
  assert.notEqual(mail.returnPathOf(MILA), mail.returnPathOf(OTTO));
});

test('a late bounce is an event of its message and recipient, and suppresses him alone', async (t) => {
  const mail = await sent(t, MILA, OTTO);
  const reply = await mail.comeBack(mail.returnPath, composeDsn({ recipient: MILA }));
  assert.match(reply, /^250 2\.0\.0/);
  const events = await mail.eventsOf(mail.id);
  const { data, type } = events.findLast(({ type: one }) => one === 'email.bounced') ?? {};
  assert.equal(type, 'email.bounced');
  assert.deepEqual(
    [data?.recipient, data?.state, data?.previous_state],
    [MILA, 'bounced', 'delivered'],
  );
  assert.deepEqual(data?.bounce, {
    type: 'hard',
    category: 'invalid_address',
    scope: 'recipient',
    description: data?.bounce?.description,
    async: true,
    from_dsn: true,
    suppressed: true,
  });
  assert.deepEqual(
    [data?.delivery?.smtp_code, data?.delivery?.enhanced_code, data?.delivery?.mx],
    [550, '5.1.1', 'inside.remote.example'],
  );
  assert.deepEqual([await mail.isSuppressed(MILA), await mail.isSuppressed(OTTO)], [true, false]);
});

test('a bounce that is reported twice is one event', async (t) => {
  const mail = await sent(t);
  for (let i = 0; i < 2; i++) {
    const dsn = composeDsn({ recipient: MILA, diagnostic: `550 5.1.1 User unknown (id ${i})` });
    assert.match(await mail.comeBack(mail.returnPath, dsn), /^250/);
  }
  const types = await mail.typesOf(mail.id);
  assert.equal(types.filter((type) => type === 'bounced').length, 1);
});

test('a server that changes the case of the return path is understood', async (t) => {
  const mail = await sent(t);
  const dsn = composeDsn({ recipient: MILA.toUpperCase() });
  assert.match(await mail.comeBack(mail.returnPath.toUpperCase(), dsn), /^250/);
  assert.equal(await mail.isSuppressed(MILA), true);
});

test('where the message was forwarded, the address that refused it suppresses nobody', async (t) => {
  const mail = await sent(t);
  for (const recipient of [OTTO, 'one@list.example', 'two@list.example']) {
    assert.match(await mail.comeBack(mail.returnPath, composeDsn({ recipient })), /^250/);
  }
  assert.equal((await mail.typesOf(mail.id)).filter((type) => type === 'bounced').length, 1);
  const { data } = (await mail.eventsOf(mail.id)).at(-1) ?? {};
  assert.deepEqual([data?.recipient, data?.bounce?.type], [MILA, 'undetermined']);
  assert.deepEqual([await mail.isSuppressed(MILA), await mail.isSuppressed(OTTO)], [false, false]);
});

test('an alias that the report traces back to the recipient is the recipient', async (t) => {
  const mail = await sent(t);
  const dsn = composeDsn({ recipient: 'm.smith@inside.example', originalRecipient: MILA });
  assert.match(await mail.comeBack(mail.returnPath, dsn), /^250/);
  assert.equal(await mail.isSuppressed(MILA), true);
});

test('forged and altered return paths are unknown, and suppress nobody', async (t) => {
  const mail = await sent(t);
  const [local = '', domain = ''] = mail.returnPath.split('@');
  const last = local.at(-1) === '0' ? '4' : '0';
  const middle = local.slice(0, 40) + (local[40] === 'a' ? 'b' : 'a') + local.slice(41);
  for (const address of [
    `${local.slice(0, -1)}${last}@${domain}`,
    `${middle}@${domain}`,
    `bounce+${'0'.repeat(55)}@${domain}`,
    `bounce@${domain}`,
    `${MILA.split('@')[0]}@${domain}`,
    'someone@elsewhere.example',
    MILA,
  ]) {
    assert.match(await mail.comeBack(address, composeDsn({ recipient: MILA })), /^550 5\.1\.1/);
  }
  assert.deepEqual(mail.taken, []);
  assert.equal((await mail.typesOf(mail.id)).includes('bounced'), false);
});

test('late is deferred, success is nothing, a soft bounce is soft', async (t) => {
  const mail = await sent(t);
  const dsn = (fields: Omit<Parameters<typeof composeDsn>[0], 'recipient'>) =>
    mail.comeBack(mail.returnPath, composeDsn({ recipient: MILA, ...fields }));
  await dsn({ action: 'delivered', status: '2.0.0', diagnostic: '250 2.0.0 Ok' });
  await dsn({ action: 'delayed', status: '4.4.1', diagnostic: '421 4.4.1 No answer' });
  await dsn({ status: '5.2.2', diagnostic: '552 5.2.2 Mailbox full' });
  assert.deepEqual(mail.taken, ['quiet', 'recorded', 'recorded']);
  assert.deepEqual((await mail.typesOf(mail.id)).slice(-2), ['deferred', 'bounced']);
  const { data } = (await mail.eventsOf(mail.id)).at(-1) ?? {};
  assert.deepEqual([data?.bounce?.type, data?.bounce?.category], ['soft', 'mailbox_full']);
  assert.equal(await mail.isSuppressed(MILA), false);
});

test('an automatic reply is told of, once', async (t) => {
  const mail = await sent(t);
  const reply = [
    `From: Mila <${MILA}>`,
    'Subject: Out of office',
    'Auto-Submitted: auto-replied',
    '',
    'I am out of the office until Monday.',
  ].join('\r\n');
  for (const more of ['', '\r\nAnd once more.']) {
    assert.match(await mail.comeBack(mail.returnPath, reply + more, MILA), /^250/);
  }
  const types = await mail.typesOf(mail.id);
  assert.deepEqual(
    types.filter((type) => type === 'autoresponded'),
    ['autoresponded'],
  );
});

test('a complaint is found by the return path that it returns', async (t) => {
  const mail = await sent(t, MILA, OTTO);
  for (const [to, fields, returned] of [
    [FEEDBACK, [`Original-Mail-From: <${mail.returnPathOf(OTTO)}>`], ['Subject: Your receipt']],
    [mail.returnPath, [], ['Subject: Your receipt']],
  ] as const) {
    const arf = composeComplaint({ fields, returned });
    assert.match(await mail.comeBack(to, arf, 'feedback@provider.example'), /^250/);
  }
  const complaints = (await mail.eventsOf(mail.id)).filter(
    ({ type }) => type === 'email.complained',
  );
  assert.deepEqual(
    complaints.map(({ data }) => [
      data.recipient,
      data.complaint?.type,
      data.complaint?.user_agent,
    ]),
    [
      [OTTO, 'abuse', 'ExampleMail-FBL/1.0'],
      [MILA, 'abuse', 'ExampleMail-FBL/1.0'],
    ],
  );
  assert.deepEqual([await mail.isSuppressed(MILA), await mail.isSuppressed(OTTO)], [true, true]);
});

test('a complaint without a return path is found by our Message-ID, where one recipient is sure', async (t) => {
  const mail = await sent(t);
  const complain = async (id: string, fields: string[] = []) => {
    const message = await mail.store.messages.get(PROJECT, id);
    const arf = composeComplaint({ fields, returned: [`Message-ID: ${message?.smtpId}`] });
    assert.match(await mail.comeBack(FEEDBACK, arf, 'feedback@provider.example'), /^250/);
    return mail.taken.at(-1);
  };
  assert.equal(await complain(mail.id, [`Original-Rcpt-To: <${OTTO}>`]), 'unmatched');
  const two = await mail.send(MILA, OTTO);
  assert.equal(await complain(two, [`Original-Rcpt-To: <${OTTO}>`]), 'unmatched');
  assert.equal(await mail.isSuppressed(OTTO), false);
  assert.equal(await complain(mail.id), 'recorded');
  assert.equal((await mail.typesOf(mail.id)).at(-1), 'complained');
});

test('a bounce at the address for complaints counts for what it returns, and for nothing without', async (t) => {
  const mail = await sent(t);
  const message = await mail.store.messages.get(PROJECT, mail.id);
  const returned = [`Message-ID: ${message?.smtpId}`];
  assert.match(await mail.comeBack(FEEDBACK, composeDsn({ recipient: MILA, returned })), /^250/);
  assert.deepEqual(mail.taken, ['unmatched']);
  assert.equal(await mail.isSuppressed(MILA), false);
});

test('ordinary mail is refused, and what nobody can read from no sender is let go', async (t) => {
  const mail = await sent(t);
  const note = 'From: a@b.example\r\nSubject: Hello\r\n\r\nHow are you?';
  for (const to of [mail.returnPath, FEEDBACK]) {
    assert.match(await mail.comeBack(to, note, 'a@b.example'), /^550 5\.7\.1/);
    assert.match(await mail.comeBack(to, note), /^250/);
  }
  assert.deepEqual(new Set(mail.taken), new Set(['unwanted']));
});

test('what the store does not take is put off, and said to be noted only when it is', async (t) => {
  const mail = await sent(t);
  const dsn = composeDsn({ recipient: MILA });
  mail.engine.fail();
  assert.match(await mail.comeBack(mail.returnPath, dsn), /^451 4\.3\.0/);
  mail.engine.recover();
  assert.equal((await mail.typesOf(mail.id)).includes('bounced'), false);
  assert.match(await mail.comeBack(mail.returnPath, dsn), /^250/);
  assert.equal((await mail.typesOf(mail.id)).at(-1), 'bounced');
});

test('however a report is damaged, it is answered, and nobody but its recipient can suffer', async (t) => {
  const mail = await sent(t, MILA, OTTO);
  const dsn = composeDsn({ recipient: MILA, returned: [`To: ${MILA}, ${OTTO}`] });
  const damage = fc.record({ at: fc.nat(dsn.length), length: fc.nat(200), put: fc.string() });
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 5 }), async (damages) => {
      let text = dsn;
      for (const { at, length, put } of damages) {
        text = text.slice(0, at) + put + text.slice(at + length);
      }
      assert.match(await mail.comeBack(mail.returnPath, text), /^250/);
      assert.match(await mail.comeBack(mail.returnPath, text, 'a@b.example'), /^(250|550 5\.7\.1)/);
    }),
    { numRuns: 20 },
  );
  const late = (await mail.eventsOf(mail.id)).filter(({ data }) => data.bounce !== undefined);
  assert.equal(late.length > 0, true);
  assert.deepEqual(new Set(late.map(({ data }) => data.recipient)), new Set([MILA]));
  assert.equal(await mail.isSuppressed(OTTO), false);
});

test('nothing is relayed, and there is no login', async (t) => {
  const { port } = await sent(t);
  const client = await connectRawClient(port);
  await client.reply();
  const features = await client.command('EHLO spammer.example');
  assert.doesNotMatch(features, /AUTH/);
  assert.match(features, /STARTTLS/);
  assert.match(await client.command('AUTH PLAIN AGEAYg=='), /^50\d/);
  await client.command('MAIL FROM:<a@b.example>');
  for (let i = 0; i < 10; i++) {
    assert.match(await client.command(`RCPT TO:<victim${i}@elsewhere.example>`), /^550 5\.1\.1/);
  }
  assert.match(await client.command('RCPT TO:<one@too.many.example>'), /^421/);
  assert.equal(await client.rest(), '');
});
