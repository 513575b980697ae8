import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { WebhookError } from '../errors.ts';
import { describeProvider, requestOf } from './fixtures/describe-provider.ts';
import { ses } from './ses.ts';

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:ses';

const mail = {
  timestamp: '2018-10-08T14:05:45.112Z',
  messageId: '000001378603177f-7a5433e7-8edb-42ae-af10-f0181f34d6ee-000000',
  source: 'Shop <shop@example.com>',
  sourceArn: 'arn:aws:ses:eu-west-1:123456789012:identity/example.com',
  sendingAccountId: '123456789012',
  destination: ['jane@Example.com', 'mary@example.com'],
  headers: [
    { name: 'From', value: 'shop@example.com' },
    { name: 'X-Tag', value: 'welcome' },
    { name: 'X-Metadata', value: '{"order_id":1001}' },
  ],
  commonHeaders: {
    from: ['Shop <shop@example.com>'],
    subject: 'Hello',
    messageId: '000001378603177f-7a5433e7',
  },
  tags: { 'ses:configuration-set': ['main'], campaign: ['spring'], many: ['a', 'b'] },
};

const envelope = (message: unknown, more: object = {}) => ({
  Type: 'Notification',
  MessageId: '19ba9823-d7f2-53c1-860e-cb10e0d13dfc',
  TopicArn: TOPIC,
  Subject: 'Amazon SES Email Event Notification',
  Message: typeof message === 'string' ? message : JSON.stringify(message),
  Timestamp: '2018-10-08T18:26:35.239Z',
  SignatureVersion: '2',
  Signature: 'x',
  SigningCertURL: 'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem',
  ...more,
});

const publish = (eventType: string, more: object, of: object = mail) =>
  envelope({ eventType, mail: of, ...more });

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const others = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = ({ publicKey }: typeof keys) =>
  publicKey.export({ type: 'spki', format: 'pem' }).toString();

/** Name and value on lines of their own, as Amazon documents it. */
function signEnvelope(body: Record<string, string>, version: '1' | '2'): Record<string, string> {
  const names = [
    'Message',
    'MessageId',
    'Subject',
    'SubscribeURL',
    'Timestamp',
    'Token',
    'TopicArn',
    'Type',
  ];
  const text = names
    .flatMap((name) => (body[name] === undefined ? [] : [`${name}\n${body[name]}\n`]))
    .join('');
  const Signature = sign(
    version === '1' ? 'sha1' : 'sha256',
    Buffer.from(text),
    keys.privateKey,
  ).toString('base64');
  return { ...body, Signature, SignatureVersion: version };
}

const one = { ...mail, destination: ['jane@Example.com'] };

describeProvider(ses, {
  cases: [
    {
      when: 'a bounce for each recipient that bounced',
      headers: { 'content-type': 'text/plain; charset=UTF-8' },
      body: publish('Bounce', {
        bounce: {
          bounceType: 'Permanent',
          bounceSubType: 'General',
          bouncedRecipients: [
            {
              emailAddress: 'Jane <jane@Example.com>',
              action: 'failed',
              status: '5.1.1',
              diagnosticCode: 'smtp; 550 5.1.1 user unknown',
            },
            {
              emailAddress: 'richard@example.com',
              action: 'failed',
              status: '5.2.2',
              diagnosticCode: 'smtp; 552 5.2.2 mailbox full',
            },
          ],
          timestamp: '2016-01-27T14:59:38.237Z',
          remoteMtaIp: '127.0.2.0',
          feedbackId: '00000138111222aa',
        },
      }),
      events: [
        {
          type: 'email.bounced',
          timestamp: '2016-01-27T14:59:38.237Z',
          recipient: 'jane@example.com',
          provider_event_id: '19ba9823-d7f2-53c1-860e-cb10e0d13dfc',
          'message.provider_id': mail.messageId,
          'message.smtp_id': `<${mail.messageId}@eu-west-1.amazonses.com>`,
          'message.from': 'shop@example.com',
          'message.sent_at': '2018-10-08T14:05:45.112Z',
          'bounce.type': 'hard',
          'bounce.category': 'invalid_address',
          delivery: {
            smtp_code: 550,
            enhanced_code: '5.1.1',
            response: 'smtp; 550 5.1.1 user unknown',
            remote_ip: '127.0.2.0',
          },
          tags: ['welcome', 'campaign:spring', 'many:a', 'many:b'],
          metadata: {
            'ses:configuration-set': 'main',
            campaign: 'spring',
            many: ['a', 'b'],
            order_id: 1001,
          },
        },
        {
          type: 'email.bounced',
          recipient: 'richard@example.com',
          'bounce.category': 'mailbox_full',
        },
      ],
    },
    ...(
      [
        ['Transient', 'MailboxFull', 'soft', 'mailbox_full'],
        ['Transient', 'MessageTooLarge', 'soft', 'message_too_large'],
        ['Transient', 'AttachmentRejected', 'soft', 'content_rejected'],
        ['Permanent', 'OnAccountSuppressionList', 'hard', 'suppressed'],
        ['Permanent', 'NoEmail', 'hard', 'invalid_address'],
        ['Undetermined', 'Undetermined', 'undetermined', 'other'],
      ] as const
    ).map(([bounceType, bounceSubType, type, category]) => ({
      when: `a bounce ${bounceType}/${bounceSubType}`,
      body: publish('Bounce', {
        bounce: { bounceType, bounceSubType, bouncedRecipients: [{ emailAddress: 'a@b.example' }] },
      }),
      events: [
        {
          'bounce.type': type,
          'bounce.category': category,
          'bounce.description': `${bounceType}/${bounceSubType}`,
        },
      ],
    })),
    {
      when: 'a feedback notification of the older kind',
      body: envelope({
        notificationType: 'Complaint',
        mail,
        complaint: {
          complainedRecipients: [{ emailAddress: 'richard@example.com' }],
          timestamp: '2016-01-27T14:59:38.237Z',
          complaintFeedbackType: 'abuse',
          userAgent: 'ExampleCorp Feedback Loop',
          feedbackId: 'f-1',
        },
      }),
      events: [
        {
          type: 'email.complained',
          recipient: 'richard@example.com',
          recipient_inferred: false,
          complaint: { type: 'abuse', feedback_id: 'f-1', user_agent: 'ExampleCorp Feedback Loop' },
        },
      ],
    },
    {
      when: 'a delivery and a delay',
      body: publish('Delivery', {
        delivery: {
          timestamp: '2016-10-19T23:21:04.133Z',
          processingTimeMillis: 11893,
          recipients: ['jane@example.com'],
          smtpResponse: '250 2.6.0 Message received',
          reportingMTA: 'mta.example.com',
        },
      }),
      events: [
        {
          type: 'email.delivered',
          timestamp: '2016-10-19T23:21:04.133Z',
          delivery: {
            smtp_code: 250,
            enhanced_code: '2.6.0',
            response: '250 2.6.0 Message received',
            latency_ms: 11893,
          },
        },
      ],
    },
    {
      when: 'a delay',
      body: publish('DeliveryDelay', {
        deliveryDelay: {
          timestamp: '2020-06-16T00:25:40.095Z',
          delayType: 'MailboxFull',
          delayedRecipients: [
            { emailAddress: 'jane@example.com', status: '4.2.2', diagnosticCode: 'smtp; 452 full' },
          ],
        },
      }),
      events: [
        {
          type: 'email.deferred',
          'delivery.error_code': 'mailbox_full',
          'delivery.smtp_code': 452,
        },
      ],
    },
    {
      when: 'the hello to a topic for the feedback of an identity',
      body: envelope({
        notificationType: 'AmazonSnsSubscriptionSucceeded',
        message: "You have successfully subscribed your Amazon SNS topic 'arn:...' to receive",
      }),
      events: [
        {
          type: 'system.test',
          timestamp: '2018-10-08T18:26:35.239Z',
          provider_type: 'AmazonSnsSubscriptionSucceeded',
        },
      ],
    },
    {
      when: 'what another program published to the topic',
      body: envelope({ eventType: 'Teleport', to: 'moon' }),
      events: [{ type: 'email.unknown', provider_type: 'Teleport' }],
    },
    {
      when: 'a sending, for everybody',
      body: publish('Send', { send: {} }),
      events: [
        { type: 'email.sent', recipient: 'jane@example.com', recipient_inferred: false },
        { recipient: 'mary@example.com' },
      ],
    },
    {
      when: 'a rejection',
      body: publish('Reject', { reject: { reason: 'Bad content' } }, one),
      events: [
        {
          type: 'email.rejected',
          'reject.reason': 'spam_content',
          'delivery.response': 'Bad content',
        },
      ],
    },
    {
      when: 'a rendering failure',
      body: publish(
        'Rendering Failure',
        { failure: { errorMessage: "Attribute 'name' is not present", templateName: 't' } },
        one,
      ),
      events: [{ type: 'email.failed', 'delivery.response': "Attribute 'name' is not present" }],
    },
    {
      when: 'an open, whose recipient is a guess where there were several',
      body: publish('Open', {
        open: {
          ipAddress: '192.0.2.1',
          timestamp: '2017-08-09T22:00:19.652Z',
          userAgent: 'Mozilla/5.0',
        },
      }),
      events: [
        {
          type: 'email.opened',
          recipient: 'jane@example.com',
          recipient_inferred: true,
          engagement: { ip: '192.0.2.1', user_agent: 'Mozilla/5.0' },
        },
      ],
    },
    {
      when: 'a click of the only recipient',
      body: publish(
        'Click',
        {
          click: {
            ipAddress: '192.0.2.1',
            link: 'http://docs.aws.amazon.com/ses/',
            linkTags: { samplekey0: ['v'] },
            timestamp: '2017-08-09T23:51:25.570Z',
          },
        },
        one,
      ),
      events: [
        {
          type: 'email.clicked',
          recipient_inferred: false,
          'engagement.url': 'http://docs.aws.amazon.com/ses/',
        },
      ],
    },
    {
      when: 'a subscription that ended',
      body: publish(
        'Subscription',
        {
          subscription: {
            contactList: 'ContactListName',
            timestamp: '2022-01-12T01:00:17.910Z',
            newTopicPreferences: {
              unsubscribeAll: true,
              topicSubscriptionStatus: [{ topicName: 't', subscriptionStatus: 'OptOut' }],
            },
          },
        },
        one,
      ),
      events: [{ type: 'email.unsubscribed', 'unsubscribe.group': 'ContactListName' }],
    },
    {
      when: 'received mail',
      body: envelope({
        notificationType: 'Received',
        receipt: {
          timestamp: '2015-09-11T20:32:33.936Z',
          recipients: ['in@example.com', 'sales@example.com'],
        },
        mail: {
          ...mail,
          commonHeaders: {
            from: ['jane@example.org'],
            subject: 'Hi',
            messageId: '<0f1@example.org>',
            date: 'Fri, 11 Sep 2015 20:32:32 +0000',
          },
        },
      }),
      events: [
        {
          type: 'email.received',
          recipient: 'in@example.com',
          'message.smtp_id': '<0f1@example.org>',
          'message.sent_at': '2015-09-11T20:32:32Z',
        },
        { recipient: 'sales@example.com' },
      ],
    },
    {
      when: 'a message without an envelope',
      body: { eventType: 'Send', mail: one, send: {} },
      events: [{ type: 'email.sent', provider_event_id: null }],
    },
    {
      when: 'an event of EventBridge',
      body: {
        version: '0',
        'detail-type': 'Email Opened',
        detail: { eventType: 'Open', mail: one, open: {} },
      },
      events: [{ type: 'email.opened' }],
    },
    {
      when: 'the hello of SES',
      body: envelope('Successfully validated SNS topic for Amazon SES event publishing.'),
      events: [{ type: 'system.test' }],
    },
    {
      when: 'what somebody else publishes',
      body: envelope('Hello world'),
      events: [{ type: 'email.unknown' }],
    },
    {
      when: 'a type of tomorrow',
      body: publish('Teleport', {}, one),
      events: [{ type: 'email.unknown', provider_type: 'Teleport', recipient: 'jane@example.com' }],
    },
    {
      when: 'a subscription to confirm, which is no event',
      body: envelope('You have chosen', { Type: 'SubscriptionConfirmation' }),
      events: [],
    },
  ],
  signing: {
    body: '',
    secret: pem(keys),
    otherSecret: pem(others),
    nowMs: 0,
    coversBody: true,
    signatureHeaders: [],
    sign: () => ({
      headers: {},
      body: Buffer.from(
        JSON.stringify(signEnvelope(envelope('Hello world') as Record<string, string>, '2')),
      ),
    }),
  },
});

const context = { nowMs: 0, secrets: [TOPIC] };
const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return 'accepted';
  } catch (error) {
    assert.ok(error instanceof WebhookError, String(error));
    return error.code;
  }
};

test('both versions of the signature hold, with the certificate fetched from Amazon', async () => {
  const asked: string[] = [];
  const fetchKey = async (url: string) => {
    asked.push(url);
    return pem(keys);
  };
  for (const version of ['1', '2'] as const) {
    const body = signEnvelope(envelope('x') as Record<string, string>, version);
    assert.equal(
      await codeOf(() => ses.verify(requestOf({ body }), { ...context, fetchKey })),
      'accepted',
    );
  }
  assert.deepEqual(
    new Set(asked),
    new Set(['https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem']),
  );
});

test('no certificate is fetched from anywhere else', async () => {
  const fetchKey = async () => assert.fail('fetched');
  for (const SigningCertURL of [
    'http://sns.eu-west-1.amazonaws.com/a.pem',
    'https://sns.eu-west-1.amazonaws.com.evil.example/a.pem',
    'https://evil.example/sns.eu-west-1.amazonaws.com/a.pem',
    'https://sns.eu-west-1.amazonaws.com:444/a.pem',
    'https://user@sns.eu-west-1.amazonaws.com/a.pem',
    'https://s3.amazonaws.com/evil/a.pem',
    'https://sns.eu-west-1.amazonaws.com/a.pem?x=1',
    '',
  ]) {
    const body = { ...signEnvelope(envelope('x') as Record<string, string>, '2'), SigningCertURL };
    assert.equal(
      await codeOf(() => ses.verify(requestOf({ body }), { ...context, fetchKey })),
      'untrusted_key',
    );
  }
  const body = signEnvelope(envelope('x') as Record<string, string>, '2');
  assert.equal(await codeOf(() => ses.verify(requestOf({ body }), context)), 'key_unavailable');
});

test('a subscription is confirmed for an allowed topic only, and only at Amazon', async () => {
  const SubscribeURL = `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=2336`;
  const signed = (more: object) =>
    requestOf({
      body: signEnvelope(
        envelope('You have chosen to subscribe', {
          Type: 'SubscriptionConfirmation',
          Subject: undefined,
          Token: '2336',
          SubscribeURL,
          ...more,
        }) as Record<string, string>,
        '2',
      ),
    });
  const secrets = [TOPIC, pem(keys)];
  assert.equal(await codeOf(() => ses.verify(signed({}), { nowMs: 0, secrets })), 'accepted');
  assert.equal(
    await codeOf(() => ses.verify(signed({ TopicArn: `${TOPIC}2` }), { nowMs: 0, secrets })),
    'topic_not_allowed',
  );
  assert.equal(
    await codeOf(() => ses.verify(signed({}), { nowMs: 0, secrets: [pem(keys)] })),
    'topic_not_allowed',
  );
  const answer = ses.handshake?.(signed({}));
  assert.equal(answer?.afterVerify, true);
  assert.equal(answer?.confirmUrl, SubscribeURL);
  assert.equal(
    ses.handshake?.(signed({ SubscribeURL: 'https://evil.example/' }))?.confirmUrl,
    undefined,
  );
  assert.equal(ses.handshake?.(requestOf({ body: envelope('x') })), null);
});
