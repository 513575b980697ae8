import { describeProvider } from './fixtures/describe-provider.ts';
import { sparkpost } from './sparkpost.ts';

const base = {
  campaign_id: 'Example Campaign Name',
  event_id: '92356927693813856',
  friendly_from: 'Shop <sender@example.com>',
  injection_time: '2016-04-18T14:25:07.000Z',
  message_id: '000443ee14578172be22',
  msg_from: 'msprvs1=1234@bounces.example.com',
  num_retries: '2',
  raw_rcpt_to: 'Recipient@Example.com',
  rcpt_to: 'recipient@example.com',
  rcpt_meta: { customKey: 'customValue' },
  rcpt_tags: ['male', 'US'],
  subject: 'Summer deals are here!',
  timestamp: '1460989507',
  transactional: '1',
  transmission_id: '65832150921904138',
};

const message = (type: string, more: object = {}, kind = 'message_event') => ({
  msys: { [kind]: { ...base, type, ...more } },
});

const bounce = (bounce_class: string, type: string, more: object = {}) => ({
  when: `a bounce of class ${bounce_class}`,
  body: [message('bounce', { bounce_class, error_code: '550', raw_reason: '550 refused' })],
  events: [{ type, ...more }],
});

describeProvider(sparkpost, {
  cases: [
    {
      when: 'a delivery, whose time is a text',
      body: [
        message('delivery', { queue_time: '1200', ip_address: '127.0.0.1', outbound_tls: '1' }),
      ],
      events: [
        {
          type: 'email.delivered',
          timestamp: '2016-04-18T14:25:07Z',
          provider_event_id: '92356927693813856',
          recipient: 'Recipient@example.com',
          'message.provider_id': '000443ee14578172be22',
          'message.from': 'sender@example.com',
          'message.stream': 'transactional',
          'message.sent_at': '2016-04-18T14:25:07.000Z',
          delivery: { attempt: 3, remote_ip: '127.0.0.1', latency_ms: 1200, tls: true },
          tags: ['male', 'US', 'Example Campaign Name'],
          metadata: { customKey: 'customValue' },
        },
      ],
    },
    { when: 'a ping', body: [{ msys: {} }], events: [] },
    {
      when: 'a batch',
      body: [
        message('injection'),
        message('delay', {
          error_code: '454',
          raw_reason: '454 4.7.1 throttled',
          bounce_class: '20',
        }),
        message('policy_rejection', {
          error_code: '550',
          raw_reason: '550 recipient blacklisted',
          bounce_class: '25',
        }),
        message('generation_failure', { raw_reason: 'syntax error in template' }, 'gen_event'),
        message(
          'generation_rejection',
          { raw_reason: 'recipient blacklisted', bounce_class: '25' },
          'gen_event',
        ),
        message('spam_complaint', {
          fbtype: 'abuse',
          report_by: 'server.email.com',
          user_agent: 'FBL',
        }),
        message('relay_permfail', { raw_reason: '500 relay failed' }, 'relay_event'),
        message('teleport'),
      ],
      events: [
        { type: 'email.accepted' },
        { type: 'email.deferred', 'delivery.error_code': 'rate_limited' },
        { type: 'email.rejected', 'reject.reason': 'suppressed' },
        { type: 'email.failed', 'delivery.response': 'syntax error in template' },
        { type: 'email.rejected', 'reject.reason': 'suppressed' },
        { type: 'email.complained', 'complaint.type': 'abuse' },
        { type: 'inbound.failed', 'delivery.response': '500 relay failed' },
        { type: 'email.unknown' },
      ],
    },
    bounce('10', 'email.bounced', { 'bounce.type': 'hard', 'bounce.category': 'invalid_address' }),
    bounce('22', 'email.bounced', { 'bounce.type': 'soft', 'bounce.category': 'mailbox_full' }),
    bounce('30', 'email.bounced', { 'bounce.type': 'hard' }),
    bounce('51', 'email.bounced', { 'bounce.type': 'soft', 'bounce.category': 'spam_content' }),
    bounce('60', 'email.autoresponded'),
    bounce('80', 'email.resubscribed'),
    bounce('90', 'email.unsubscribed'),
    bounce('100', 'email.autoresponded'),
    {
      when: 'a bounce that came later',
      body: [message('out_of_band', { bounce_class: '10' })],
      events: [{ type: 'email.bounced', 'bounce.async': true }],
    },
    {
      when: 'what recipients do',
      body: [
        message(
          'initial_open',
          {
            user_agent: 'Moz',
            ip_address: '1.2.3.4',
            user_agent_parsed: {
              agent_family: 'Chrome',
              os_family: 'Linux',
              device_family: 'Other',
              is_prefetched: true,
            },
          },
          'track_event',
        ),
        message('open', {}, 'track_event'),
        message('amp_open', {}, 'track_event'),
        message(
          'click',
          { target_link_url: 'http://example.com', target_link_name: 'Example' },
          'track_event',
        ),
        message('list_unsubscribe', {}, 'unsubscribe_event'),
        message('link_unsubscribe', {}, 'unsubscribe_event'),
      ],
      events: [
        {
          type: 'email.opened',
          engagement: {
            ip: '1.2.3.4',
            user_agent: 'Moz',
            client: { name: 'Chrome', os: 'Linux', device: 'Other' },
            first: true,
            machine: true,
            machine_reason: 'is_prefetched',
          },
        },
        { type: 'email.opened', engagement: {} },
        { type: 'email.opened' },
        { type: 'email.clicked', engagement: { url: 'http://example.com', link_id: 'Example' } },
        { type: 'email.unsubscribed', 'unsubscribe.method': 'list-header' },
        { type: 'email.unsubscribed', 'unsubscribe.method': 'link' },
      ],
    },
    {
      when: 'inbound mail',
      body: [
        {
          msys: {
            relay_message: {
              content: {
                email_rfc822:
                  'Message-ID: <r@example.com>\r\nDate: Fri, 3 Mar 2023 18:22:03 -0800\r\nSubject: We come in peace\r\n\r\nHi',
                email_rfc822_is_base64: false,
                headers: [{ Subject: 'We come in peace' }, { 'Message-ID': '<r@example.com>' }],
                subject: 'We come in peace',
              },
              friendly_from: 'me@here.com',
              msg_from: 'me@here.com',
              rcpt_to: 'you@there.com',
              webhook_id: '4839201967643219',
            },
          },
        },
      ],
      events: [
        {
          type: 'email.received',
          recipient: 'you@there.com',
          'message.from': 'me@here.com',
          'message.smtp_id': '<r@example.com>',
          'message.sent_at': '2023-03-04T02:22:03Z',
        },
      ],
    },
  ],
});
