import { createHash } from 'node:crypto';
import { describeProvider } from './fixtures/describe-provider.ts';
import { unisender } from './unisender.ts';

const data = {
  job_id: '1a3Q2V-0000OZ-S0',
  metadata: { key1: 'val1' },
  email: 'recipient.email@Example.com',
  event_time: '2015-11-30 15:09:42',
};

const body = (...events: object[]) => ({
  auth: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
  events_by_user: [
    { user_id: 456, project_id: '6432890213745872', project_name: 'MyProject', events },
  ],
});

const status = (name: string, more: object = {}) => ({
  event_name: 'transactional_email_status',
  event_data: { ...data, status: name, ...more },
});

const API_KEY = 'unisender-api-key';
const text = JSON.stringify(body(status('sent')));

describeProvider(unisender, {
  cases: [
    {
      when: 'all states of a message',
      body: body(
        status('accepted'),
        status('sent'),
        status('delivered', { delivery_info: { destination_response: '250 2.0.0 OK' } }),
        status('opened', { delivery_info: { ip: '111.111.111.111', user_agent: 'Moz' } }),
        status('clicked', { url: 'http://some.url.com', delivery_info: { ip: '111.111.111.111' } }),
        status('unsubscribed'),
        status('subscribed'),
        status('spam'),
        status('soft_bounced', {
          delivery_info: { delivery_status: 'err_will_retry', destination_response: '451 later' },
        }),
        status('soft_bounced', {
          delivery_info: { delivery_status: 'err_mailbox_full', destination_response: '552 full' },
        }),
        status('hard_bounced', {
          delivery_info: {
            delivery_status: 'err_user_unknown',
            destination_response: '550 unknown',
          },
        }),
        status('teleported'),
      ),
      events: [
        {
          type: 'email.accepted',
          timestamp: '2015-11-30T15:09:42Z',
          provider_type: 'accepted',
          recipient: 'recipient.email@example.com',
          'message.provider_id': '1a3Q2V-0000OZ-S0',
          metadata: { key1: 'val1' },
        },
        { type: 'email.sent' },
        { type: 'email.delivered', 'delivery.smtp_code': 250 },
        { type: 'email.opened', engagement: { ip: '111.111.111.111', user_agent: 'Moz' } },
        { type: 'email.clicked', 'engagement.url': 'http://some.url.com' },
        { type: 'email.unsubscribed' },
        { type: 'email.resubscribed' },
        { type: 'email.complained' },
        { type: 'email.deferred', bounce: undefined },
        { type: 'email.bounced', 'bounce.type': 'soft', 'bounce.category': 'mailbox_full' },
        {
          type: 'email.bounced',
          'bounce.type': 'hard',
          'bounce.category': 'invalid_address',
          'bounce.description': 'err_user_unknown',
        },
        { type: 'email.unknown', provider_type: 'teleported' },
      ],
    },
    {
      when: 'a block by a receiving domain',
      body: body({
        event_name: 'transactional_spam_block',
        event_data: {
          block_time: '2015-11-30 15:09:42',
          block_type: 'one_smtp',
          domain: 'domain_name',
          SMTP_blocks_count: 8,
          domain_status: 'blocked',
        },
      }),
      events: [
        {
          type: 'email.unknown',
          provider_type: 'transactional_spam_block',
          recipient: null,
          timestamp: '2015-11-30T15:09:42Z',
        },
      ],
    },
  ],
  signing: {
    body: text,
    secret: API_KEY,
    otherSecret: 'another',
    nowMs: 0,
    coversBody: true,
    signatureHeaders: [],
    sign: (bytes) => {
      const withKey = bytes
        .toString()
        .replace('"auth":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"', `"auth":"${API_KEY}"`);
      const auth = createHash('md5').update(withKey).digest('hex');
      return {
        headers: {},
        body: Buffer.from(bytes.toString().replace('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', auth)),
      };
    },
  },
});
