import type { BounceCategory, CanonicalEvent } from '../../event.ts';
import { keyOf, signBase64, withId } from '../shared/encode/sign.ts';
import {
  isHard,
  known,
  messageIdOf,
  notCarried,
  onlyEvent,
  optionOf,
  textMetadata,
  uuidFor,
} from '../shared/encode/values.ts';
import { canonicalText } from '../shared/verify/sns.ts';
import type { Dialect, DialectOption, DialectSender, SigningContext } from './dialect.ts';

/**
 * Events of ours as Amazon SES publishes them (docs.aws.amazon.com/ses/latest/dg/
 * event-publishing-retrieving-sns-contents.html) in the envelope of SNS. The certificate is ours, not
 * Amazon's: a verifier has to be told to trust the host that serves it.
 */

const TOPIC: DialectOption = {
  name: 'topic_arn',
  description: 'What stands in TopicArn, such as that of the topic that the handler knows.',
  fallback: 'arn:aws:sns:us-east-1:000000000000:posthorn',
  explain: (value) =>
    /^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,256}$/.test(value)
      ? null
      : 'A topic is written like arn:aws:sns:eu-west-1:123456789012:mail-events.',
};

const VERSION: DialectOption = {
  name: 'signature_version',
  description: '2: RSA with SHA-256; 1: with SHA-1, for verifiers that know nothing else.',
  fallback: '2',
  explain: (value) => (value === '1' || value === '2' ? null : 'The signature version is 1 or 2.'),
};

/** docs.aws.amazon.com/ses/latest/dg/notification-contents.html, bounce types. */
const SUBTYPES: Readonly<Partial<Record<BounceCategory, string>>> = {
  invalid_address: 'NoEmail',
  suppressed: 'Suppressed',
  mailbox_full: 'MailboxFull',
  message_too_large: 'MessageTooLarge',
  content_rejected: 'ContentRejected',
};

function write(event: CanonicalEvent): object {
  return { ...specificTo(event), mail: mailOf(event) };
}

function mailOf(event: CanonicalEvent): object {
  const { message, recipient } = event.data;
  const to = recipient == null ? [] : [recipient];
  const common = known({
    from: message?.from == null ? null : [message.from],
    to,
    messageId: message?.smtp_id,
    subject: message?.subject,
  });
  const headers = known({ From: message?.from, To: recipient, Subject: message?.subject });
  return {
    timestamp: message?.sent_at ?? event.timestamp,
    messageId: messageIdOf(event),
    source: message?.from ?? '',
    sendingAccountId: '000000000000',
    destination: to,
    headersTruncated: false,
    headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
    commonHeaders: common,
    tags: Object.fromEntries(
      Object.entries(textMetadata(event.data)).map(([name, value]) => [name, [value]]),
    ),
  };
}

function specificTo(event: CanonicalEvent): object {
  const { data, timestamp } = event;
  const { delivery, complaint, engagement, reject } = data;
  const recipient = data.recipient ?? '';
  const reader = { ipAddress: engagement?.ip ?? '', userAgent: engagement?.user_agent ?? '' };
  switch (event.type) {
    case 'email.sent':
      return { eventType: 'Send', send: {} };
    case 'email.delivered':
      return {
        eventType: 'Delivery',
        delivery: known({
          timestamp,
          processingTimeMillis: delivery?.latency_ms ?? 0,
          recipients: [recipient],
          smtpResponse: delivery?.response,
          remoteMtaIp: delivery?.remote_ip,
          reportingMTA: 'posthorn',
        }),
      };
    case 'email.deferred':
      return {
        eventType: 'DeliveryDelay',
        deliveryDelay: {
          timestamp,
          delayType: 'General',
          delayedRecipients: [
            known({
              emailAddress: recipient,
              status: delivery?.enhanced_code,
              diagnosticCode: delivery?.response,
            }),
          ],
        },
      };
    case 'email.bounced':
    case 'email.failed':
      return { eventType: 'Bounce', bounce: bounceOf(event) };
    case 'email.complained':
      return {
        eventType: 'Complaint',
        complaint: known({
          complainedRecipients: [{ emailAddress: recipient }],
          timestamp,
          feedbackId: complaint?.feedback_id ?? event.id,
          userAgent: complaint?.user_agent,
          complaintFeedbackType: complaint?.type,
        }),
      };
    case 'email.rejected':
      return { eventType: 'Reject', reject: { reason: reject?.reason ?? 'other' } };
    case 'email.opened':
      return { eventType: 'Open', open: { timestamp, ...reader } };
    case 'email.clicked':
      return {
        eventType: 'Click',
        click: { timestamp, ...reader, link: engagement?.url ?? null, linkTags: null },
      };
    case 'email.unsubscribed':
    case 'email.resubscribed':
      return { eventType: 'Subscription', subscription: subscriptionOf(event) };
    default:
      throw notCarried(event, 'ses');
  }
}

function bounceOf({ id, timestamp, type, data }: CanonicalEvent): object {
  const { bounce, delivery } = data;
  const kind = isHard(data) ? 'Permanent' : bounce?.type === 'soft' ? 'Transient' : 'Undetermined';
  const bounceType = type === 'email.failed' ? 'Undetermined' : kind;
  const general = bounceType === 'Undetermined' ? 'Undetermined' : 'General';
  return known({
    bounceType,
    bounceSubType: SUBTYPES[bounce?.category ?? 'other'] ?? general,
    bouncedRecipients: [
      known({
        emailAddress: data.recipient ?? '',
        action: 'failed',
        status: delivery?.enhanced_code,
        diagnosticCode: delivery?.response ?? bounce?.description,
      }),
    ],
    timestamp,
    feedbackId: id,
    remoteMtaIp: delivery?.remote_ip,
    reportingMTA: 'dns; posthorn',
  });
}

function subscriptionOf({ type, timestamp, data }: CanonicalEvent): object {
  const preferences = (isOut: boolean) => ({ unsubscribeAll: isOut, topicSubscriptionStatus: [] });
  const isOut = type === 'email.unsubscribed';
  return known({
    contactList: data.unsubscribe?.group,
    timestamp,
    source: 'UnsubscribeHeader',
    newTopicPreferences: preferences(isOut),
    oldTopicPreferences: preferences(!isOut),
  });
}

function encode(event: CanonicalEvent, sender: DialectSender) {
  const topic = optionOf(sender, 'topic_arn', TOPIC.fallback ?? '');
  const envelope = {
    Type: 'Notification',
    MessageId: uuidFor(event.id),
    TopicArn: topic,
    Subject: 'Amazon SES Email Event Notification',
    Message: JSON.stringify(write(event)),
    Timestamp: new Date(Date.parse(event.data.received_at ?? event.timestamp)).toISOString(),
    SignatureVersion: optionOf(sender, 'signature_version', VERSION.fallback ?? ''),
  };
  return {
    body: JSON.stringify(envelope),
    headers: [
      ...['Content-Type', 'text/plain; charset=UTF-8'],
      ...['x-amz-sns-message-type', 'Notification'],
      ...['x-amz-sns-message-id', envelope.MessageId],
      ...['x-amz-sns-topic-arn', topic],
    ],
  };
}

/** The signature has its place in the envelope, and no time of its own: it is the same on each try. */
function signEnvelope(body: string, context: SigningContext): string {
  const envelope: Record<string, string> = JSON.parse(body);
  const key = keyOf(context);
  const algorithm = envelope['SignatureVersion'] === '1' ? 'sha1' : 'sha256';
  const signature = signBase64(key, algorithm, canonicalText(envelope, 'Notification'));
  const url = context.certificateUrl(key.id);
  return JSON.stringify({ ...envelope, Signature: signature, SigningCertURL: url });
}

const BASE = ['time', 'recipient', 'message', 'message.smtp_id', 'message.from', 'message.subject'];
const MAIL = [...BASE, 'message.sent_at', 'metadata'];
const REPLY = ['delivery.response', 'delivery.enhanced_code'];
const READER = ['engagement.ip', 'engagement.user_agent'];

/** Of these SES says no time but that of the mail. */
const TIMELESS = MAIL.filter((field) => field !== 'time' && field !== 'message.sent_at');

export const sesDialect: Dialect = {
  carries: {
    'email.sent': { fields: TIMELESS },
    'email.delivered': { fields: [...MAIL, 'delivery.response', 'delivery.remote_ip'] },
    'email.deferred': { fields: [...MAIL, ...REPLY] },
    'email.bounced': { fields: [...MAIL, ...REPLY, 'bounce.type'] },
    'email.failed': { as: 'email.bounced', fields: MAIL },
    'email.complained': { fields: [...MAIL, 'complaint.type', 'complaint.user_agent'] },
    'email.rejected': { fields: [...TIMELESS, 'reject.reason'] },
    'email.opened': { fields: [...MAIL, ...READER] },
    'email.clicked': { fields: [...MAIL, ...READER, 'engagement.url'] },
    'email.unsubscribed': { fields: MAIL },
    'email.resubscribed': { fields: MAIL },
  },
  signs: ['rsa'],
  ladderMs: [20_000, 20_000, 20_000],
  timeoutMs: 15_000,
  lists: 'single',
  handshake: null,
  options: [TOPIC, VERSION],
  encode: (batch, sender) => encode(onlyEvent(batch), sender),
  sign: ({ body, headers }, context) =>
    withId({ body: signEnvelope(body, context), headers }, context),
};
