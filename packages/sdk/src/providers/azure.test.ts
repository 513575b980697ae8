import assert from 'node:assert/strict';
import { test } from 'node:test';
import { azure } from './azure.ts';
import { describeProvider, requestOf } from './fixtures/describe-provider.ts';

const report = (status: string, more: object = {}) => ({
  id: '00000000-0000-0000-0000-000000000000',
  topic:
    '/subscriptions/s/resourceGroups/g/providers/microsoft.communication/communicationservices/acs',
  subject: 'sender/senderid@azure.com/message/950850f5-bcdf-4315-b77a-6447cf56fac9',
  data: {
    sender: 'senderid@azure.com',
    recipient: 'Receiver@Azure.com',
    messageId: '950850f5-bcdf-4315-b77a-6447cf56fac9',
    internetMessageId: '<a@azure.com>',
    status,
    deliveryStatusDetails: {
      statusMessage: 'Status Message',
      recipientMailServerHostName: 'mx.azure.com',
    },
    deliveryAttemptTimeStamp: '2023-02-09T19:46:12.2480265+00:00',
    ...more,
  },
  eventType: 'Microsoft.Communication.EmailDeliveryReportReceived',
  dataVersion: '1.0',
  metadataVersion: '1',
  eventTime: '2023-02-09T19:46:12.2478002Z',
});

const engagement = (engagementType: string, more: object = {}) => ({
  id: 'e1',
  eventType: 'Microsoft.Communication.EmailEngagementTrackingReportReceived',
  eventTime: '2022-09-06T22:34:52.1303612Z',
  data: {
    sender: 's@azure.com',
    messageId: 'm',
    userActionTimeStamp: '2022-09-06T22:34:52.1303595+00:00',
    engagementContext: '',
    userAgent: 'Moz',
    engagementType,
    ...more,
  },
});

const status = (name: string, type: string, more: object = {}) => ({
  when: `the status ${name}`,
  body: [report(name)],
  events: [{ type, ...more }],
});

const validation = {
  id: 'v',
  eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
  data: { validationCode: '512d38b6-c7b8-40c8-89fe-f46f9e9622b6', validationUrl: 'https://x' },
};

describeProvider(azure, {
  cases: [
    {
      when: 'a delivery',
      body: [report('Delivered')],
      events: [
        {
          type: 'email.delivered',
          timestamp: '2023-02-09T19:46:12.2480265Z',
          recipient: 'Receiver@azure.com',
          'message.provider_id': '950850f5-bcdf-4315-b77a-6447cf56fac9',
          'message.smtp_id': '<a@azure.com>',
          'message.from': 'senderid@azure.com',
          delivery: { response: 'Status Message', mx: 'mx.azure.com' },
        },
      ],
    },
    {
      when: 'the other spelling of the time',
      body: [
        report('Delivered', {
          deliveryAttemptTimeStamp: undefined,
          deliveryAttemptTimestamp: '2020-09-18T00:22:20.2855749Z',
        }),
      ],
      events: [{ timestamp: '2020-09-18T00:22:20.2855749Z' }],
    },
    {
      when: 'a bounce',
      body: [
        report('Bounced', {
          deliveryStatusDetails: { statusMessage: '550 5.1.10 Recipient not found' },
        }),
      ],
      events: [
        {
          type: 'email.bounced',
          'bounce.type': 'hard',
          'bounce.scope': 'domain',
          'delivery.enhanced_code': '5.1.10',
        },
      ],
    },
    status('Failed', 'email.failed'),
    status('Suppressed', 'email.rejected', { 'reject.reason': 'suppressed' }),
    status('Quarantined', 'email.rejected', { 'reject.reason': 'spam_content' }),
    status('FilteredSpam', 'email.rejected', { 'reject.reason': 'spam_content' }),
    status('Expanded', 'email.accepted'),
    status('OutForDelivery', 'email.unknown'),
    {
      when: 'a view',
      body: [engagement('view')],
      events: [
        {
          type: 'email.opened',
          timestamp: '2022-09-06T22:34:52.1303595Z',
          recipient: null,
          'engagement.user_agent': 'Moz',
        },
      ],
    },
    {
      when: 'a click',
      body: [
        engagement('click', { engagementContext: 'https://a.example', recipient: 'a@b.example' }),
      ],
      events: [
        { type: 'email.clicked', recipient: 'a@b.example', 'engagement.url': 'https://a.example' },
      ],
    },
    {
      when: 'CloudEvents',
      body: {
        ...report('Delivered'),
        eventType: undefined,
        type: 'Microsoft.Communication.EmailDeliveryReportReceived',
        specversion: '1.0',
        source: '/x',
        time: '2023-02-09T19:46:12Z',
      },
      events: [{ type: 'email.delivered' }],
    },
    { when: 'a validation, which is no event', body: [validation], events: [] },
  ],
});

test('Event Grid is answered with its code after the secret in the URL was right', async () => {
  const request = requestOf({ body: [validation], url: 'https://us.example/hook?code=s3cret' });
  assert.equal((await azure.verify(request, { secrets: ['s3cret'], nowMs: 0 })).covers, 'none');
  await assert.rejects(async () => azure.verify(request, { secrets: ['other'], nowMs: 0 }), {
    code: 'bad_signature',
  });
  const answer = azure.handshake?.(request);
  assert.deepEqual(JSON.parse(answer?.body ?? ''), {
    validationResponse: '512d38b6-c7b8-40c8-89fe-f46f9e9622b6',
  });
  assert.equal(answer?.afterVerify, true);
  assert.equal(azure.handshake?.(requestOf({ body: [report('Delivered')] })), null);
});

test('CloudEvents senders are allowed by OPTIONS, for their own origin', () => {
  const answer = azure.handshake?.(
    requestOf({
      method: 'OPTIONS',
      headers: { 'WebHook-Request-Origin': 'eventgrid.azure.net', 'WebHook-Request-Rate': '120' },
    }),
  );
  assert.deepEqual(answer?.headers, {
    'webhook-allowed-origin': 'eventgrid.azure.net',
    'webhook-allowed-rate': '120',
    allow: 'POST',
  });
  assert.equal(
    azure.handshake?.(
      requestOf({ method: 'OPTIONS', headers: { 'WebHook-Request-Origin': 'a\r\nb: c' } }),
    ),
    null,
  );
});
