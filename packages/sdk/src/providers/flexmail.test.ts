import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeProvider, requestOf } from './fixtures/describe-provider.ts';
import { flexmail } from './flexmail.ts';

const event = (name: string, more: object = {}) => ({
  event: name,
  timestamp: '2024-11-15T09:32:00Z',
  messageId: 'abc123',
  recipient: 'customer@Example.com',
  ...more,
});

describeProvider(flexmail, {
  cases: [
    {
      when: 'the payload of its page',
      body: event('delivered'),
      events: [
        {
          type: 'email.delivered',
          timestamp: '2024-11-15T09:32:00Z',
          recipient: 'customer@example.com',
          'message.provider_id': 'abc123',
          provider_type: 'delivered',
        },
      ],
    },
    {
      when: 'names in capitals',
      body: event('Sent'),
      events: [{ type: 'email.sent', provider_type: 'Sent' }],
    },
    {
      when: 'a rejection',
      body: event('Rejected', { reason: 'Recipient is on the suppression list' }),
      events: [{ type: 'email.rejected', 'reject.reason': 'suppressed' }],
    },
    {
      when: 'a hard bounce',
      body: event('bounced', { bounceType: 'hard', reason: 'address does not exist' }),
      events: [
        {
          type: 'email.bounced',
          bounce: {
            type: 'hard',
            category: 'invalid_address',
            scope: 'recipient',
            description: 'address does not exist',
          },
        },
      ],
    },
    {
      when: 'a soft bounce',
      body: event('bounced', { bounce_type: 'soft', bounce_reason: 'mailbox full' }),
      events: [{ 'bounce.type': 'soft', 'bounce.category': 'mailbox_full' }],
    },
    {
      when: 'an open',
      body: event('opened', { ip: '1.2.3.4', userAgent: 'Moz' }),
      events: [{ type: 'email.opened', engagement: { ip: '1.2.3.4', user_agent: 'Moz' } }],
    },
    {
      when: 'a click',
      body: event('clicked', { url: 'https://a.example' }),
      events: [{ type: 'email.clicked', 'engagement.url': 'https://a.example' }],
    },
    {
      when: 'a complaint, which its text names',
      body: event('complaint'),
      events: [{ type: 'email.complained' }],
    },
    { when: 'a type of tomorrow', body: event('teleported'), events: [{ type: 'email.unknown' }] },
  ],
});

test('the second click of one link is another event, and a retry is not', () => {
  const at = (timestamp: string) =>
    flexmail
      .decode(requestOf({ body: event('clicked', { url: 'https://a.example', timestamp }) }))
      .map((one) => flexmail.dedupParts(one));
  assert.deepEqual(at('2024-11-15T09:32:00Z'), at('2024-11-15T10:32:00+01:00'));
  assert.notDeepEqual(at('2024-11-15T09:32:00Z'), at('2024-11-15T09:32:01Z'));
});
