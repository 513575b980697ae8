import { sesDialect } from './dialects/ses-encode.ts';
import type { DecodedEvent, Provider, ProviderRequest } from './provider.ts';
import { SES_EVENTS, type SesEvent } from './ses-events.ts';
import { buildEvent, type EventDraft, parse } from './shared/build/build-event.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { buildInbound } from './shared/build/inbound-mail.ts';
import { addressOf } from './shared/read/addresses.ts';
import {
  type Fields,
  fields,
  firstText,
  headerIn,
  isFields,
  list,
  lookUp,
  text,
} from './shared/read/fields.ts';
import { invalidPayload } from './shared/read/request-body.ts';
import { fromDateText, timeOf } from './shared/read/timestamps.ts';
import { readSns, type SnsHosts, snsHandshake, verifySns } from './shared/verify/sns.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * Amazon SES by way of SNS: event publishing (docs.aws.amazon.com/ses/latest/dg/
 * event-publishing-retrieving-sns-contents.html), the older feedback notifications
 * (.../notification-contents.html) and received mail (.../receiving-email-notifications-contents.html).
 * Without an envelope (raw delivery, EventBridge) it is decoded too, but such a request is not signed.
 *
 * Secrets: the ARN of the topic; see shared/verify/sns.ts.
 * Dedup key: with SNS's MessageId, which stays over its retries.
 * A click or open names no recipient: with several of them the first is given, marked as inferred.
 * Message tags become metadata, and tags as `name:value`; those that SES adds (`ses:`) only metadata.
 * Lost beside `raw`: the configuration set, IP addresses and account of the sender, topic preferences.
 */

const NAME = 'ses';

/** The first that comes to a topic for the feedback of an identity; it is about no mail. */
const SUBSCRIBED = 'AmazonSnsSubscriptionSucceeded';

const HOSTS: SnsHosts = {
  certificate:
    /^https:\/\/sns\.[a-z0-9-]{2,30}\.amazonaws\.com(?:\.cn)?\/[A-Za-z0-9._-]{1,200}\.pem$/,
  subscribe: /^https:\/\/sns\.[a-z0-9-]{2,30}\.amazonaws\.com(?:\.cn)?\/\?[!-~]{1,4000}$/,
};

function decode(request: ProviderRequest): DecodedEvent[] {
  const { envelope, message } = readSns(request);
  if (envelope !== null && text(envelope['Type']) !== 'Notification') return [];
  if (!isFields(message)) return [decodeText(envelope ?? {}, message)];
  const event = isFields(message['detail']) ? message['detail'] : message;
  const name = nameOf(event, message);
  if (name === null || !isFields(event['mail'])) {
    // In an envelope it is from a topic that was allowed.
    if (name === SUBSCRIBED || envelope !== null) return [decodeText(envelope ?? {}, message)];
    throw invalidPayload(
      'This is not what SES sends: expected "eventType" or "notificationType", and "mail".',
    );
  }
  if (name === 'Received') return decodeReceived(event, envelope);
  return decodeEvent(name, event, envelope);
}

function nameOf(event: Fields, message: Fields): string | null {
  const byBridge = text(message['detail-type'])?.replace(/^Email /, '');
  return firstText(event['eventType'], event['notificationType'], byBridge);
}

/**
 * SES says hello to a new topic, in plain words or (feedback notifications of an identity) as an object;
 * others may publish there whatever they like.
 */
function decodeText(envelope: Fields, message: unknown): DecodedEvent {
  const object = fields(message);
  const said = firstText(object['message'], message) ?? '';
  const isHello =
    object['notificationType'] === SUBSCRIBED || /^Successfully validated SNS topic/i.test(said);
  return buildEvent(NAME, {
    type: isHello ? 'system.test' : 'email.unknown',
    providerType: firstText(object['notificationType'], object['eventType'], envelope['Type']),
    providerEventId: envelope['MessageId'],
    timestamp: timeOf(envelope['Timestamp']),
    raw: Object.keys(envelope).length > 0 ? envelope : message,
  });
}

function decodeEvent(name: string, event: Fields, envelope: Fields | null): DecodedEvent[] {
  const mail = fields(event['mail']);
  const read = lookUp(SES_EVENTS, name);
  const found: SesEvent = read?.(event, mail) ?? {
    type: 'email.unknown',
    at: timeOf(mail['timestamp']),
    recipients: list(mail['destination']).slice(0, 1),
    isInferred: list(mail['destination']).length > 1,
  };
  const recipients = found.recipients.length === 0 ? [null] : found.recipients;
  return recipients.map((recipient) =>
    buildEvent(NAME, {
      type: found.type,
      providerType: name,
      providerEventId: envelope?.['MessageId'],
      timestamp: found.at ?? timeOf(envelope?.['Timestamp']),
      message: messageOf(mail, envelope),
      recipient: fields(recipient)['emailAddress'] ?? recipient,
      inferred: found.isInferred ?? false,
      ...found.blocks?.(fields(recipient)),
      ...labelsOf(mail),
      raw: event,
    }),
  );
}

function messageOf(mail: Fields, envelope: Fields | null): NonNullable<EventDraft['message']> {
  const common = fields(mail['commonHeaders']);
  return {
    smtpId: smtpIdOf(mail, envelope),
    providerId: mail['messageId'],
    from: firstText(list(common['from'])[0], mail['source']),
    subject: common['subject'],
    sentAt: timeOf(mail['timestamp']),
  };
}

/** SES replaces the Message-ID by one made of its own id and the region. */
function smtpIdOf(mail: Fields, envelope: Fields | null): string | null {
  const id = text(mail['messageId']);
  const given = text(fields(mail['commonHeaders'])['messageId']);
  if (given?.includes('@')) return given;
  const arn = firstText(envelope?.['TopicArn'], mail['sourceArn']) ?? '';
  const region = /^arn:[a-z-]+:[a-z]+:([a-z0-9-]+):/.exec(arn)?.[1];
  if (id === null || region === undefined) return headerIn(mail['headers'], 'message-id');
  return `<${id}@${region === 'us-east-1' ? 'email' : region}.amazonses.com>`;
}

/** Message tags, and the headers X-Tag and X-Metadata, which SES passes through. */
function labelsOf(mail: Fields): Pick<EventDraft, 'tags' | 'metadata'> {
  const tags = Object.entries(fields(mail['tags'])).map(([name, value]): [string, unknown] => {
    const values = list(value);
    return [name, values.length === 1 ? values[0] : value];
  });
  const own = tags.filter(([name]) => !name.startsWith('ses:')).sort(byName);
  const headers = list(mail['headers']).filter((one) =>
    /^x-tag$/i.test(text(fields(one)['name']) ?? ''),
  );
  const byHeader = fields(parse(headerIn(mail['headers'], 'x-metadata') ?? ''));
  return {
    tags: [
      ...headers.map((one) => fields(one)['value']),
      ...own.flatMap(([name, value]) => list(value).map((one) => `${name}:${text(one) ?? ''}`)),
    ],
    metadata: { ...Object.fromEntries(tags), ...byHeader },
  };
}

/** The order of an object's keys says nothing. */
const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);

function decodeReceived(event: Fields, envelope: Fields | null): DecodedEvent[] {
  const mail = fields(event['mail']);
  const receipt = fields(event['receipt']);
  const common = fields(mail['commonHeaders']);
  const recipients = list(receipt['recipients']);
  return buildInbound(NAME, {
    providerType: 'Received',
    providerEventId: envelope?.['MessageId'],
    timestamp: timeOf(receipt['timestamp'], mail['timestamp']),
    recipients: recipients.length > 0 ? recipients : list(mail['destination']),
    from: firstText(list(common['from'])[0], addressOf(mail['source'])),
    subject: common['subject'],
    smtpId: firstText(common['messageId'], headerIn(mail['headers'], 'message-id')),
    providerId: mail['messageId'],
    sentAt: fromDateText(firstText(common['date'], headerIn(mail['headers'], 'date'))),
    raw: event,
  });
}

export const ses: Provider = {
  name: NAME,
  aliases: ['amazon-ses', 'amazonses', 'aws-ses', 'aws', 'sns'],
  title: 'Amazon SES',
  pages: [
    'https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html',
    'https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html',
    'https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html',
  ],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: sesDialect.timeoutMs,
    retryDelaysMs: sesDialect.ladderMs,
    stopStatuses: [],
    note: "The topic's delivery policy can change the retries. 4xx other than 429 is not tried again.",
  },
  handshake: (request) => snsHandshake(request, HOSTS),
  verify: (request, context) =>
    verifySigned(request, context, (secrets) => verifySns(request, context, HOSTS, secrets)),
  decode,
  dedupParts,
  dialect: sesDialect,
};
