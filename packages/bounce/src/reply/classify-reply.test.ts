import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { REPLIES } from '../fixtures/replies.ts';
import { type Classification, classifyReply, type ReplyStage } from './classify-reply.ts';
import { REPLY_RULES } from './rules/index.ts';
import { parseSmtpReply } from './smtp-reply.ts';

/** Reads a whole reply and classifies it, as the transmitter's results are. */
function classify(line: string, stage?: ReplyStage): Classification {
  const { code, enhancedCode, text } = parseSmtpReply(line);
  return classifyReply({ code, enhancedCode, text, stage });
}

type Case = [line: string, expected: string, stage?: ReplyStage];

/** Real replies in the form in which the named servers send them, addresses replaced. */
const CASES: Record<string, Case[]> = {
  Gmail: [
    [
      "550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking the recipient's email address for typos or\n550 5.1.1 unnecessary spaces. - gsmtp",
      'hard invalid_address',
    ],
    [
      "552-5.2.2 The recipient's inbox is out of storage space and inactive. Please direct the\n552 5.2.2 recipient to https://support.google.com/mail/?p=OverQuotaPerm - gsmtp",
      'soft mailbox_full',
    ],
    [
      '550 5.2.1 The email account that you tried to reach is disabled. - gsmtp',
      'soft mailbox_inactive',
    ],
    [
      '450 4.2.1 The user you are trying to contact is receiving mail too quickly. - gsmtp',
      'soft rate_limited',
    ],
    [
      '550-5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail requires SPF or DKIM - gsmtp',
      'soft policy',
    ],
    [
      '550-5.7.1 [192.0.2.1] Our system has detected that this message is likely unsolicited mail. - gsmtp',
      'soft spam_content',
    ],
    [
      '421-4.7.28 Gmail has detected an unusual rate of unsolicited mail. - gsmtp',
      'soft rate_limited',
    ],
    [
      '552-5.7.0 This message was blocked because its content presents a potential security issue. Attachment - gsmtp',
      'soft content_rejected',
    ],
  ],
  Microsoft: [
    [
      '550 5.4.1 Recipient address rejected: Access denied. [XX.prod.protection.outlook.com]',
      'hard invalid_address',
    ],
    [
      '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup',
      'hard invalid_address',
    ],
    [
      '550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).',
      'hard invalid_address',
    ],
    [
      "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your provider since part of their network is on our block list (S3140).",
      'soft blocked',
    ],
    [
      '550 5.7.606 Access denied, banned sending IP [192.0.2.1]. To request removal visit https://sender.office.com/',
      'soft blocked',
    ],
    [
      '451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.',
      'soft rate_limited',
    ],
    [
      '554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException',
      'soft mailbox_full',
    ],
    [
      '550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required',
      'soft policy',
    ],
    [
      '550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient',
      'soft message_too_large',
    ],
    ['550 5.7.64 TenantAttribution; Relay Access Denied', 'soft relay_denied'],
  ],
  'Yahoo and iCloud': [
    [
      "554 delivery error: dd This user doesn't have a yahoo.com account (nobody@yahoo.com) [0]",
      'hard invalid_address',
    ],
    [
      '421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume',
      'soft rate_limited',
    ],
    [
      '554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes',
      'soft policy',
    ],
    ['552 5.2.2 <nobody@icloud.com>: user is over quota', 'soft mailbox_full'],
    ['550 5.1.1 <nobody@icloud.com>: user does not exist', 'hard invalid_address'],
    ["554 5.7.1 Your message was rejected due to example.com's DMARC policy.", 'soft policy'],
    ['554 5.7.1 [HM08] Message rejected due to local policy.', 'soft policy'],
  ],
  'Postfix, Exim, qmail and sendmail': [
    [
      '550 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown in local recipient table',
      'hard invalid_address',
    ],
    ['554 5.7.1 <nobody@example.com>: Relay access denied', 'soft relay_denied'],
    [
      '550 5.1.2 <nobody@example.com>: Recipient address rejected: Domain not found',
      'hard invalid_domain',
    ],
    [
      '450 4.2.0 <nobody@example.com>: Recipient address rejected: Greylisted, see http://postgrey.example.com',
      'soft greylisted',
    ],
    [
      '554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org',
      'soft blocked',
    ],
    ['550 Unrouteable address', 'hard invalid_address'],
    ['550 relay not permitted', 'soft relay_denied'],
    ['550 Verification failed for <a@example.org> Sender verify failed', 'soft policy', 'rcpt'],
    ['550 sorry, no mailbox here by that name (#5.1.1)', 'hard invalid_address'],
    ["553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", 'soft relay_denied'],
    ['552 5.3.4 Message size exceeds fixed limit', 'soft message_too_large'],
    ['550 5.1.1 <nobody@example.com>... User unknown', 'hard invalid_address'],
    ['452 4.3.1 Insufficient system storage', 'soft other'],
    ['550 No such user here', 'hard invalid_address'],
  ],
  'Yandex, Mail.ru, GMX and others': [
    ['550 5.7.1 No such user!', 'hard invalid_address'],
    [
      '550 Message was not accepted -- invalid mailbox. Local mailbox a@mail.ru is unavailable: user not found',
      'hard invalid_address',
    ],
    ['550 Requested action not taken: mailbox unavailable', 'hard invalid_address'],
    ['554 Bad DNS PTR resource record', 'soft blocked'],
    ['554-Transaction failed\n554 Reject due to policy restrictions.', 'soft policy'],
    ['553 5.1.8 <a@example.org> Domain of sender address does not exist', 'soft policy'],
    ['550 5.1.0 <a@example.org> sender rejected', 'soft policy'],
    ['550 Administrative prohibition', 'soft policy'],
    ['550 5.1.1 User unknown or account disabled', 'soft mailbox_inactive'],
    ['421 4.7.0 Try again later, closing connection', 'soft other'],
    ['450 4.1.8 <a@example.org>: Sender address rejected: Domain not found', 'soft policy'],
    ['550 5.1.6 recipient no longer on server: a@example.jp', 'hard invalid_address'],
  ],
  'Gateways and block lists': [
    ['554 5.7.0 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1', 'soft blocked'],
    [
      '550 Rejected by header based Anti-Spoofing policy - https://community.mimecast.com/docs/DOC-1369#550',
      'soft policy',
    ],
    [
      '550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550',
      'hard invalid_address',
    ],
    [
      '550 permanent failure for one or more recipients (nobody@example.com:blocked)',
      'soft policy',
    ],
    [
      '554 Service unavailable; Client host [mx.example.net] blocked using Barracuda Reputation; http://www.barracudanetworks.com/reputation/',
      'soft blocked',
    ],
    ['550 5.1.1 <nobody@example.com> 192.0.2.1 is listed by spamhaus', 'soft blocked'],
  ],
};

for (const [servers, cases] of Object.entries(CASES)) {
  test(`reads the replies of ${servers}`, () => {
    for (const [line, expected, stage] of cases) {
      const found = classify(line, stage);
      assert.equal(`${found.type} ${found.category}`, expected, line);
    }
  });
}

for (const [servers, samples] of Object.entries(REPLIES)) {
  test(`knows replies: ${servers}`, () => {
    for (const [line, expected] of samples) {
      const found = classify(line);
      assert.equal(`${found.type} ${found.category}`, expected, line);
    }
  });
}

test('names the rule that decided, and trusts agreeing words and codes most', () => {
  const both = classify('550 5.1.1 User unknown');
  assert.deepEqual([both.rule, both.confidence], ['code:5.1.1', 0.98]);
  const words = classify('550 User unknown');
  assert.deepEqual([words.rule, words.confidence], ['text:user-unknown', 0.75]);
  const vendor = classify('550-5.7.1 see https://support.google.com/mail/?p=NoSuchUser - gsmtp');
  assert.equal(vendor.rule, 'vendor:gmail-no-such-user');
  assert.equal(classify('550 5.6.77 hm').rule, 'subject:5.6');
  assert.equal(classify('521 hm').rule, 'basic:521');
  assert.equal(classify('550 hm', 'mail').rule, 'stage:mail');
  assert.ok(classify('550 hm').confidence < 0.5);
});

test('is not misled by the words that addresses and URLs are made of', () => {
  for (const line of [
    '550 5.1.1 <spam-policy@blocked.example>: Recipient address rejected: User unknown',
    '550 5.1.1 <bob@example.com> User unknown, see https://example.com/spam/blacklist?mailbox=full',
  ]) {
    assert.equal(classify(line).category, 'invalid_address', line);
  }
  assert.equal(classify('550 <no-such-user@example.com> refused').category, 'policy');
});

test('has rules with names of their own, each with a source', () => {
  const ids = REPLY_RULES.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(
    REPLY_RULES.filter(({ source }) => source.length < 10),
    [],
  );
});

test('takes a bare 550 for undetermined, and never for hard', () => {
  assert.equal(classify('550').type, 'undetermined');
  assert.equal(classify('554 5.0.0 Sorry').type, 'undetermined');
});

test('calls a temporary refusal soft whatever it says', () => {
  const found = classify('450 4.1.1 User unknown');
  assert.deepEqual(
    [found.type, found.category, found.temporary],
    ['soft', 'invalid_address', true],
  );
});

test('never blames a recipient for a refusal that came before RCPT', () => {
  assert.equal(classify('550 5.1.1 User unknown', 'mail').scope, 'infrastructure');
  assert.equal(classify('554 No such user', 'greeting').category, 'blocked');
});

test('does not suppress every recipient for words after DATA, but believes an explicit code', () => {
  assert.equal(classify('550 User unknown', 'reply').type, 'undetermined');
  assert.equal(classify('550 5.1.1 User unknown', 'reply').type, 'hard');
});

test('takes a conversation without a reply for trouble on the way', () => {
  const silent = { code: null, enhancedCode: null };
  for (const [text, stage, category] of [
    ['no reply in time', 'rcpt', 'timeout'],
    ['connect ECONNREFUSED 192.0.2.1:25', 'connect', 'connection_failure'],
    ['user unknown', 'reply', 'connection_failure'],
  ] as const) {
    const found = classifyReply({ ...silent, text, stage });
    assert.deepEqual([found.type, found.category, found.temporary], ['soft', category, true]);
  }
});

test('takes a host that receives no mail at all for a hard failure of the domain', () => {
  for (const line of [
    '521 Host does not accept mail',
    '556 5.1.10 Recipient address has null MX',
  ]) {
    const found = classify(line);
    assert.deepEqual([found.type, found.category], ['hard', 'invalid_domain'], line);
  }
});

test('answers any string, code and stage', () => {
  const stage = fc.constantFrom<ReplyStage | undefined>(
    undefined,
    'greeting',
    'mail',
    'rcpt',
    'reply',
  );
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 4_000 }),
      fc.option(fc.integer()),
      fc.option(fc.string()),
      stage,
      (text, code, enhancedCode, at) => {
        const found = classifyReply({ code, enhancedCode, text, stage: at });
        const suppresses = found.type === 'hard';
        assert.equal(suppresses && found.temporary, false);
        assert.equal(suppresses && !['recipient', 'domain'].includes(found.scope), false);
      },
    ),
  );
});

test('reads a reply made to be slow as fast as any other', () => {
  // Repetition of every rule's opening words: a rule that backtracks without bound would take minutes.
  const hostile = 'mailbox user recipient ip [1.2.3.4 domain sender message '.repeat(500);
  assert.equal(typeof classify(`550 ${hostile}`).category, 'string');
});
