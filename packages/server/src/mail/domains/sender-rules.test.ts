import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PosthornError } from '../../lib/errors.ts';
import { SubmissionRefused } from '../accept-message.ts';
import { composeNotice } from '../compose-notice.ts';
import { PROJECT, sampleInput, setUpMail } from '../fixtures/set-up-mail.ts';

const RAW = Buffer.from('From: shop@sender.example\r\nSubject: Hi\r\n\r\nHi\r\n');
const SUBMISSION = {
  keyMode: 'live' as const,
  envelopeFrom: 'shop@sender.example',
  recipients: ['mila@example.com'],
  raw: RAW,
};

test('a project that must verify its domains sends from none before; notices of ours go out', async (t) => {
  const { acceptor, queue } = await setUpMail(t, {
    idle: true,
    sending: { requireVerifiedDomain: true },
  });
  await assert.rejects(
    acceptor.acceptInput(PROJECT, sampleInput(), () => []),
    (error: unknown) => error instanceof PosthornError && error.code === 'unverified_domain',
  );
  await assert.rejects(acceptor.acceptRaw(PROJECT, SUBMISSION), (error: unknown) => {
    assert.ok(error instanceof SubmissionRefused);
    assert.deepEqual([error.smtpCode, error.enhancedCode], [550, '5.7.1']);
    assert.match(error.message, /may not send from sender\.example/);
    return true;
  });
  assert.deepEqual(await queue(), []);
  const notice = { from: 'posthorn@posthorn.test', to: 'ops@example.com', subject: 's', text: 't' };
  await acceptor.acceptInput(PROJECT, composeNotice(notice), () => []);
  assert.equal((await queue()).length, 1);
});

test('a project without domains sends from any, unsigned', async (t) => {
  const { acceptor, store } = await setUpMail(t, { idle: true });
  const { messageId } = await acceptor.acceptRaw(PROJECT, SUBMISSION);
  const raw = Buffer.from((await store.messages.raw(PROJECT, messageId)) ?? []);
  assert.doesNotMatch(raw.toString(), /DKIM-Signature/);
});
