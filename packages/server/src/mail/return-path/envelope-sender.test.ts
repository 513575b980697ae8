import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DomainRecord } from '../../store/mail/domains.ts';
import { createEnvelopeSender } from './envelope-sender.ts';

const MESSAGE = {
  projectId: 'prj_1',
  id: 'msg_1',
  envelopeFrom: 'shop@shop.example',
  headerFrom: 'shop@shop.example',
};

function domain(
  statuses: readonly ('ok' | 'missing' | 'wrong' | 'unknown')[],
  fields: Partial<DomainRecord> = {},
): DomainRecord {
  const records = statuses.map((status) => ({
    purpose: 'return_path' as const,
    name: 'bounces.shop.example',
    type: 'MX' as const,
    required: false,
    expected: null,
    status,
    found: null,
    detail: null,
  }));
  return {
    projectId: 'prj_1',
    id: 'dom_1',
    name: 'shop.example',
    settings: { returnPath: 'bounces', tracking: 'links' },
    version: 1,
    createdAtMs: 0,
    updatedAtMs: 0,
    verifiedAtMs: 1,
    checkedAtMs: 1,
    check: { records, failing: [], failingSinceMs: null },
    ...fields,
  };
}

function senderWith(
  record: DomainRecord | null,
  options: { serverDomain?: string; isRead?: boolean } = {},
) {
  const envelopeSender = createEnvelopeSender({
    tokens: { localPart: ({ messageId, recipient }) => `bounce+${messageId}-${recipient[0]}` },
    directory: {
      findSender: () => (record === null ? null : { record, signingKeys: () => [] }),
    },
    serverDomain: options.serverDomain ?? null,
    isRead: options.isRead ?? true,
  });
  return (message: Partial<typeof MESSAGE> = {}) =>
    envelopeSender({ ...MESSAGE, ...message }, 'mila@example.com');
}

const OWN = 'bounce+msg_1-m@bounces.shop.example';
const SERVER = 'bounce+msg_1-m@bounces.posthorn.test';
const serverDomain = 'bounces.posthorn.test';

test("the sending domain's own return path, where all of its records stand in DNS", () => {
  assert.equal(senderWith(domain(['ok', 'ok']), { serverDomain })(), OWN);
  for (const statuses of [['ok', 'missing'], ['wrong', 'ok'], ['ok', 'unknown'], []] as const) {
    assert.equal(senderWith(domain(statuses), { serverDomain })(), SERVER);
    assert.equal(senderWith(domain(statuses))(), MESSAGE.envelopeFrom);
  }
});

test('not a return path that was checked under another name, or of a domain that is not verified', () => {
  const settings = { returnPath: 'rp', tracking: 'links' };
  assert.equal(senderWith(domain(['ok'], { settings }))(), MESSAGE.envelopeFrom);
  assert.equal(senderWith(domain(['ok'], { verifiedAtMs: null }))(), MESSAGE.envelopeFrom);
  assert.equal(senderWith(domain(['ok'], { check: null }))(), MESSAGE.envelopeFrom);
});

test('where nobody reads what comes back to domains, senders stay', () => {
  assert.equal(senderWith(domain(['ok']), { isRead: false })(), MESSAGE.envelopeFrom);
  assert.equal(senderWith(domain(['ok']), { isRead: false, serverDomain })(), SERVER);
});

test("mail of no domain of ours comes back to the server's, and mail without a sender to nobody", () => {
  assert.equal(senderWith(null, { serverDomain })(), SERVER);
  assert.equal(senderWith(null)(), MESSAGE.envelopeFrom);
  assert.equal(senderWith(domain(['ok']), { serverDomain })({ envelopeFrom: '' }), '');
});
