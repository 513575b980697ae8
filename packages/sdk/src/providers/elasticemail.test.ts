import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { elasticemail } from './elasticemail.ts';
import { describeProvider, requestOf } from './fixtures/describe-provider.ts';

const base = {
  transaction: 'c1a2b3c4-0000-1111-2222-333344445555',
  messageid: 'ABCDEF12345',
  to: 'Jane@Example.com',
  from: 'shop@example.com',
  date: '11/21/2026 4:05:06 PM',
  channel: 'welcome',
  account: 'me@example.com',
  subject: 'Hello',
  postback: 'order-1001',
};

const form = (more: object) => new URLSearchParams({ ...base, ...more }).toString();
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

const error = (category: string, type: string, more: object) => ({
  when: `an error of category ${category}`,
  headers: FORM,
  body: form({ status: 'Error', category }),
  events: [{ type, ...more }],
});

describeProvider(elasticemail, {
  cases: [
    {
      when: 'a sending by parameters of a GET',
      method: 'GET',
      url: `/hook?token=x&${form({ status: 'Sent', date: '2026-11-21 16:05:06' })}`,
      body: '',
      events: [
        {
          type: 'email.delivered',
          timestamp: '2026-11-21T16:05:06Z',
          recipient: 'Jane@example.com',
          'message.provider_id': 'ABCDEF12345',
          'message.from': 'shop@example.com',
          tags: ['welcome'],
          metadata: { postback: 'order-1001' },
        },
      ],
    },
    {
      when: 'an open by a form, with the date as .NET writes it',
      headers: FORM,
      body: form({ status: 'Opened' }),
      events: [{ type: 'email.opened', timestamp: '2026-11-21T16:05:06Z' }],
    },
    {
      when: 'a click',
      headers: FORM,
      body: form({ status: 'Clicked', target: 'https://a.example/?b=c' }),
      events: [{ type: 'email.clicked', 'engagement.url': 'https://a.example/?b=c' }],
    },
    {
      when: 'an unsubscribe',
      headers: FORM,
      body: form({ status: 'Unsubscribed' }),
      events: [{ type: 'email.unsubscribed' }],
    },
    {
      when: 'a complaint',
      headers: FORM,
      body: form({ status: 'AbuseReport' }),
      events: [{ type: 'email.complained' }],
    },
    error('NoMailbox', 'email.bounced', {
      'bounce.type': 'hard',
      'bounce.category': 'invalid_address',
    }),
    error('DNSProblem', 'email.bounced', {
      'bounce.type': 'hard',
      'bounce.category': 'invalid_domain',
    }),
    error('GreyListed', 'email.bounced', {
      'bounce.type': 'soft',
      'bounce.category': 'greylisted',
    }),
    error('Throttled', 'email.bounced', {
      'bounce.type': 'soft',
      'bounce.category': 'rate_limited',
    }),
    error('BlackListed', 'email.bounced', { 'bounce.type': 'soft', 'bounce.category': 'blocked' }),
    error('Spam', 'email.bounced', { 'bounce.type': 'soft', 'bounce.category': 'spam_content' }),
    error('SPFProblem', 'email.bounced', { 'bounce.category': 'policy' }),
    error('ManualCancel', 'email.rejected', { 'reject.reason': 'other' }),
    {
      when: 'a flat JSON object',
      body: { ...base, status: 'Sent' },
      events: [{ type: 'email.delivered' }],
    },
    {
      when: 'inbound mail',
      headers: FORM,
      body: new URLSearchParams({
        from_email: 'jane@example.com',
        env_from: 'jane@example.com',
        env_to_list: 'in@inbound.example',
        to_list: 'in@inbound.example',
        subject: 'Hi',
        body_text: 'text',
        header_list: 'Message-ID: <e@example.com>\r\nDate: Fri, 3 Mar 2023 18:22:03 -0800',
      }).toString(),
      events: [
        {
          type: 'email.received',
          recipient: 'in@inbound.example',
          'message.smtp_id': '<e@example.com>',
          'message.sent_at': '2023-03-04T02:22:03Z',
        },
      ],
    },
    { when: 'the empty GET that tries the URL', method: 'GET', url: '/hook', body: '', events: [] },
    {
      when: 'a status of tomorrow',
      headers: FORM,
      body: form({ status: 'Teleported' }),
      events: [{ type: 'email.unknown' }],
    },
  ],
  signing: {
    body: JSON.stringify({ ...base, status: 'Sent' }),
    secret: 'whsec_elastic',
    otherSecret: 'whsec_other',
    nowMs: 1_795_000_000_000,
    tooOldMs: 25 * 3_600_000,
    coversBody: true,
    signatureHeaders: ['X-ElasticEmail-Signature', 'X-ElasticEmail-Timestamp'],
    sign: (body) => ({
      headers: {
        'X-ElasticEmail-Signature': `v1=${createHmac('sha256', 'whsec_elastic').update('1795000000.').update(body).digest('hex')}`,
        'X-ElasticEmail-Timestamp': '1795000000',
      },
    }),
  },
});

test('without a signature the token in the URL counts, and a probe is answered', async () => {
  const request = requestOf({ method: 'GET', url: '/hook?token=abc&status=Sent&to=a@b.example' });
  assert.equal((await elasticemail.verify(request, { secrets: ['abc'], nowMs: 0 })).covers, 'none');
  await assert.rejects(async () => elasticemail.verify(request, { secrets: ['abd'], nowMs: 0 }), {
    code: 'bad_signature',
  });
  assert.equal(elasticemail.handshake?.(request), null);
  assert.equal(elasticemail.handshake?.(requestOf({ method: 'GET', url: '/hook' }))?.status, 200);
});
