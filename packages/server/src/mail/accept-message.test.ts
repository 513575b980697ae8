import assert from 'node:assert/strict';
import test from 'node:test';
import { toStatement } from '../store/statement.ts';
import { SubmissionRefused } from './accept-message.ts';
import { PROJECT, START_MS, sampleInput, setUpMail } from './fixtures/set-up-mail.ts';

const HOUR_MS = 3_600_000;

function mail(...lines: string[]): Buffer {
  return Buffer.from([...lines, '', 'Hello.', ''].join('\r\n'));
}

test('a message is on disk with its queue and events when its promise resolves', async (t) => {
  const { acceptor, store, queue, eventsOf } = await setUpMail(t, { idle: true });
  const { messageId, recipients } = await acceptor.acceptInput(
    PROJECT,
    sampleInput({ cc: [{ email: 'cc@example.com', name: null }] }),
    () => [],
  );
  assert.deepEqual(recipients, [
    { address: 'mila@example.com', kind: 'to' },
    { address: 'cc@example.com', kind: 'cc' },
  ]);
  const message = await store.messages.get(PROJECT, messageId);
  assert.equal(message?.acceptedBy, 'http');
  assert.equal(message?.envelopeFrom, 'shop@sender.example');
  assert.equal(message?.expiresAtMs, START_MS + 24 * HOUR_MS);
  assert.equal(message?.smtpId, `<${messageId.slice(4).toLowerCase()}@sender.example>`);
  const raw = Buffer.from((await store.messages.raw(PROJECT, messageId)) ?? []);
  assert.equal(raw.length, message?.sizeBytes);
  assert.ok(raw.includes(`Message-ID: ${message?.smtpId}\r\n`));
  assert.deepEqual(
    (await queue()).map(({ recipient, state, due_at }) => [recipient, state, due_at]),
    [
      ['cc@example.com', 'queued', START_MS],
      ['mila@example.com', 'queued', START_MS],
    ],
  );
  const events = await eventsOf(messageId);
  assert.deepEqual(
    events.map(({ type, data }) => [type, data.recipient, data.sequence, data.state]),
    [
      ['email.accepted', 'mila@example.com', 1, 'accepted'],
      ['email.accepted', 'cc@example.com', 1, 'accepted'],
    ],
  );
  assert.deepEqual(events[0]?.data.message, {
    id: messageId,
    smtp_id: message?.smtpId,
    provider_id: null,
    from: 'shop@sender.example',
    subject: 'Your receipt',
    stream: 'transactional',
    sent_at: '2026-11-20T10:00:00.000Z',
  });
});

test('an address that stands in several fields gets the message once', async (t) => {
  const { acceptor } = await setUpMail(t, { idle: true });
  const mila = { email: 'mila@Example.COM', name: null };
  const { recipients } = await acceptor.acceptInput(
    PROJECT,
    sampleInput({
      to: [mila],
      cc: [{ email: 'mila@example.com', name: 'M' }],
      bcc: [mila, { email: 'x@bücher.example', name: null }],
    }),
    () => [],
  );
  assert.deepEqual(recipients, [
    { address: 'mila@example.com', kind: 'to' },
    { address: 'x@xn--bcher-kva.example', kind: 'bcc' },
  ]);
});

test('a Message-ID that the request gives is kept, and stands there once', async (t) => {
  const { acceptor, store } = await setUpMail(t, { idle: true });
  const headers = [{ name: 'message-ID', value: '<mine@sender.example>' }];
  const { messageId } = await acceptor.acceptInput(PROJECT, sampleInput({ headers }), () => []);
  const raw = Buffer.from((await store.messages.raw(PROJECT, messageId)) ?? []).toString();
  assert.deepEqual(raw.match(/^message-id:.*$/gim), ['Message-ID: <mine@sender.example>']);
  assert.equal((await store.messages.get(PROJECT, messageId))?.smtpId, '<mine@sender.example>');
});

test('the tag of mails of our own is not for others', async (t) => {
  const { acceptor, queue } = await setUpMail(t, { idle: true });
  const input = sampleInput({ tags: ['a', 'posthorn-notice'] });
  const byHttp = acceptor.acceptInput(PROJECT, input, () => []);
  await assert.rejects(byHttp, { code: 'invalid_field', message: /posthorn-notice/ });
  const bySmtp = acceptor.acceptRaw(PROJECT, {
    keyMode: 'live',
    envelopeFrom: null,
    recipients: ['mila@example.com'],
    raw: mail('From: shop@sender.example', 'X-Posthorn-Tags: posthorn-notice'),
  });
  await assert.rejects(bySmtp, /The tag posthorn-notice is for mail/);
  assert.deepEqual(await queue(), []);
  await acceptor.acceptInput(PROJECT, { ...input, isNotice: true }, () => []);
  assert.equal((await queue()).length, 1);
});

test('when what goes beside it is refused, nothing of the message is stored', async (t) => {
  const { acceptor, engine, queue, deliverer, transmitter } = await setUpMail(t);
  const refused = toStatement(
    engine.db.updateTable('projects').set({ name: 'x' }).where('id', '=', 'prj_none'),
    1,
  );
  await assert.rejects(
    acceptor.acceptInput(PROJECT, sampleInput(), () => [refused]),
    { name: 'StoreConflict' },
  );
  assert.deepEqual(await queue(), []);
  assert.deepEqual(deliverer.stats(), { jobs: 0, inFlight: 0, slowed: 0 });
  assert.equal(transmitter.jobs.length, 0);
});

test('a store that takes nothing refuses the message, and the room is given back', async (t) => {
  const { acceptor, engine, deliverer, send, untilAll } = await setUpMail(t);
  engine.fail();
  for (let i = 0; i < 20; i++) {
    await assert.rejects(
      acceptor.acceptInput(PROJECT, sampleInput(), () => []),
      { name: 'StoreUnavailable' },
    );
  }
  assert.deepEqual(deliverer.stats(), { jobs: 0, inFlight: 0, slowed: 0 });
  engine.recover();
  await send('mila@example.com');
  await untilAll('delivered');
});

test('mail by SMTP goes out as it came, with a trace line, a date and an id where they are missing', async (t) => {
  const { acceptor, store, transmitter, untilAll } = await setUpMail(t);
  const { messageId, recipients } = await acceptor.acceptRaw(PROJECT, {
    keyMode: 'live',
    envelopeFrom: 'bounces@sender.example',
    recipients: ['mila@example.com', 'mila@example.com', 'jo@example.com'],
    raw: mail(
      'From: Shop <shop@sender.example>',
      'Bcc: jo@example.com',
      'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
      'X-Posthorn-Tags: a, b',
    ),
  });
  assert.deepEqual(recipients, [
    { address: 'mila@example.com', kind: 'envelope' },
    { address: 'jo@example.com', kind: 'envelope' },
  ]);
  await untilAll('delivered');
  const message = await store.messages.get(PROJECT, messageId);
  assert.equal(message?.subject, 'Grüße');
  assert.deepEqual(message?.tags, ['a', 'b']);
  assert.deepEqual(
    [message?.envelopeFrom, message?.headerFrom],
    ['bounces@sender.example', 'shop@sender.example'],
  );
  const [job] = transmitter.jobs;
  assert.equal(job?.envelopeFrom, 'bounces@sender.example');
  assert.deepEqual(
    Buffer.from(job?.raw ?? [])
      .toString()
      .split('\r\n'),
    [
      `Received: by posthorn.test (Posthorn) with ESMTPA id ${messageId}; Fri, 20 Nov 2026 10:00:00 +0000`,
      'Date: Fri, 20 Nov 2026 10:00:00 +0000',
      `Message-ID: ${message?.smtpId}`,
      'From: Shop <shop@sender.example>',
      'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
      '',
      'Hello.',
      '',
    ],
  );
});

test('mail by SMTP with lines that servers may refuse goes out in shorter ones', async (t) => {
  const { acceptor, transmitter, untilAll } = await setUpMail(t);
  await acceptor.acceptRaw(PROJECT, {
    keyMode: 'live',
    envelopeFrom: null,
    recipients: ['mila@example.com'],
    raw: mail('From: shop@sender.example', '', 'word '.repeat(300)),
  });
  await untilAll('delivered');
  const lines = Buffer.from(transmitter.jobs[0]?.raw ?? [])
    .toString()
    .split('\r\n');
  assert.ok(lines.includes('Content-Transfer-Encoding: quoted-printable'));
  assert.ok(lines.every((line) => line.length <= 998));
});

test('mail by SMTP without one sender is refused for good', async (t) => {
  const { acceptor, queue } = await setUpMail(t, { idle: true });
  const raw = mail('From: a@sender.example, b@sender.example');
  const submission = {
    keyMode: 'live' as const,
    envelopeFrom: 'a@sender.example',
    recipients: ['mila@example.com'],
    raw,
  };
  await assert.rejects(acceptor.acceptRaw(PROJECT, submission), (error: unknown) => {
    assert.ok(error instanceof SubmissionRefused);
    assert.deepEqual([error.smtpCode, error.enhancedCode], [554, '5.6.0']);
    return true;
  });
  assert.deepEqual(await queue(), []);
});

test('a body outlives the queue, whatever its retention', async (t) => {
  const { engine, send } = await setUpMail(t, { idle: true, expiryMs: 96 * HOUR_MS });
  await send('mila@example.com');
  const [body] = await engine.db.selectFrom('message_bodies').select('retain_until').execute();
  assert.ok((body?.retain_until ?? 0) > START_MS + 96 * HOUR_MS);
});
