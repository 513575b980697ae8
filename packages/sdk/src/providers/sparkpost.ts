import type { EventType } from '../event.ts';
import type { DecodedEvent, Provider, ProviderRequest } from './provider.ts';
import { buildEvent, type EventDraft } from './shared/build/build-event.ts';
import { classifyBounce, deferralCause } from './shared/build/classify-bounce.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { buildInbound, mailHeader } from './shared/build/inbound-mail.ts';
import { rejectReasonOf } from './shared/build/reject-reason.ts';
import {
  type Fields,
  fields,
  firstText,
  flag,
  headerIn,
  isFields,
  list,
  lookUp,
  text,
} from './shared/read/fields.ts';
import { invalidPayload, readJson } from './shared/read/request-body.ts';
import { fromDateText, timeOf } from './shared/read/timestamps.ts';
import { verifyUnsigned } from './shared/verify/transport-secrets.ts';
import { BOUNCE_CLASSES } from './sparkpost-bounce-classes.ts';

/**
 * SparkPost (Bird): webhooks (developers.sparkpost.com/api/webhooks, events at
 * support.sparkpost.com/docs/tech-resources/webhook-event-reference), bounce classes
 * (support.sparkpost.com/docs/deliverability/bounce-classification-codes), relay webhooks.
 *
 * Secrets: SparkPost does not sign. Basic auth, OAuth 2 or a header of its settings.
 * Dedup key: with `event_id`.
 * Some bounce classes are no bounces: 60 and 100 are auto-replies, 80 and 90 subscribe and unsubscribe.
 * Lost beside `raw`: geography, pool, routing domain, mailbox provider, A/B test, subaccount.
 */

const NAME = 'sparkpost';

const TYPES: Readonly<Record<string, EventType>> = {
  injection: 'email.accepted',
  delivery: 'email.delivered',
  delay: 'email.deferred',
  bounce: 'email.bounced',
  out_of_band: 'email.bounced',
  policy_rejection: 'email.rejected',
  generation_rejection: 'email.rejected',
  generation_failure: 'email.failed',
  spam_complaint: 'email.complained',
  open: 'email.opened',
  initial_open: 'email.opened',
  amp_open: 'email.opened',
  amp_initial_open: 'email.opened',
  click: 'email.clicked',
  amp_click: 'email.clicked',
  link_unsubscribe: 'email.unsubscribed',
  list_unsubscribe: 'email.unsubscribed',
  relay_rejection: 'inbound.failed',
  relay_permfail: 'inbound.failed',
};

function decode(request: ProviderRequest): DecodedEvent[] {
  const entries = list(readJson(request));
  const isOurs = entries.some((entry) => isFields(fields(entry)['msys']));
  if (entries.length > 0 && !isOurs) {
    throw invalidPayload(
      'This is not what SparkPost sends: expected a list of objects with "msys".',
    );
  }
  return entries.flatMap((entry) => decodeEntry(fields(entry)));
}

/** `{"msys": {}}` is a ping. Otherwise there is one object in it, named after its class. */
function decodeEntry(entry: Fields): DecodedEvent[] {
  return Object.entries(fields(entry['msys'])).flatMap(([key, value]) => {
    const event = fields(value);
    return key === 'relay_message' ? decodeRelay(event) : [decodeEvent(event)];
  });
}

function decodeEvent(event: Fields): DecodedEvent {
  const name = text(event['type']);
  const bounceClass = lookUp(BOUNCE_CLASSES, text(event['bounce_class']));
  const usual = lookUp(TYPES, name) ?? 'email.unknown';
  const type = usual === 'email.bounced' ? (bounceClass?.event ?? usual) : usual;
  const transactional = flag(event['transactional']);
  return buildEvent(NAME, {
    type,
    providerType: name,
    providerEventId: event['event_id'],
    timestamp: timeOf(event['timestamp']),
    message: {
      providerId: firstText(event['message_id'], event['transmission_id']),
      from: firstText(event['friendly_from'], event['msg_from']),
      subject: event['subject'],
      stream: transactional === null ? null : transactional ? 'transactional' : 'marketing',
      sentAt: timeOf(event['injection_time']),
    },
    recipient: firstText(event['raw_rcpt_to'], event['rcpt_to']),
    ...blocks(type, name, event),
    tags: [...list(event['rcpt_tags']), ...list(event['campaign_id'])],
    metadata: event['rcpt_meta'],
    raw: event,
  });
}

function blocks(type: EventType, name: string | null, event: Fields): Partial<EventDraft> {
  const response = firstText(event['raw_reason'], event['reason']);
  const bounceClass = lookUp(BOUNCE_CLASSES, text(event['bounce_class']));
  const delivery = {
    // `num_retries` counts the tries after the first.
    attempt: text(event['num_retries']) === null ? null : Number(text(event['num_retries'])) + 1,
    smtpCode: event['error_code'],
    response,
    remoteIp: event['ip_address'],
    latencyMs: event['queue_time'],
    tls: event['outbound_tls'],
  };
  const report = {
    type: bounceClass?.type ?? null,
    category: bounceClass?.category ?? null,
    smtpCode: event['error_code'],
    response,
  };
  switch (type) {
    case 'email.delivered':
      return { delivery };
    case 'email.deferred':
      return { delivery: { ...delivery, errorCode: deferralCause(report) } };
    case 'email.bounced':
      return {
        delivery,
        bounce: classifyBounce({
          ...report,
          description: event['reason'],
          async: name === 'out_of_band',
        }),
      };
    case 'email.failed':
    case 'inbound.failed':
      return { delivery: { response } };
    case 'email.rejected': {
      const why = bounceClass?.category === 'suppressed' ? 'suppressed' : rejectReasonOf(response);
      return { reject: why, delivery: { response } };
    }
    case 'email.complained':
      return {
        complaint: {
          type: event['fbtype'],
          feedbackId: event['event_id'],
          userAgent: event['user_agent'],
        },
      };
    case 'email.opened':
    case 'email.clicked':
      return { engagement: engagementOf(name ?? '', event) };
    case 'email.unsubscribed':
      return { unsubscribe: { method: name === 'list_unsubscribe' ? 'list-header' : 'link' } };
    default:
      return {};
  }
}

function engagementOf(name: string, event: Fields): NonNullable<EventDraft['engagement']> {
  const agent = fields(event['user_agent_parsed']);
  const prefetched = flag(agent['is_prefetched']) ?? flag(event['is_prefetched']);
  return {
    url: event['target_link_url'],
    linkId: event['target_link_name'],
    ip: event['ip_address'],
    userAgent: event['user_agent'],
    client: { name: agent['agent_family'], os: agent['os_family'], device: agent['device_family'] },
    first: name.includes('initial') ? true : null,
    machine: prefetched,
    machineReason: prefetched ? 'is_prefetched' : null,
  };
}

function decodeRelay(event: Fields): DecodedEvent[] {
  const content = fields(event['content']);
  const raw = flag(content['email_rfc822_is_base64'])
    ? Buffer.from(text(content['email_rfc822']) ?? '', 'base64').toString('utf8')
    : content['email_rfc822'];
  // Headers come as a list of objects with one key each.
  const headers = list(content['headers']).flatMap((one) => Object.entries(fields(one)));
  return buildInbound(NAME, {
    providerType: 'relay_message',
    timestamp: null,
    recipients: [event['rcpt_to']],
    from: firstText(event['friendly_from'], event['msg_from']),
    subject: content['subject'],
    smtpId: headerIn(headers, 'message-id') ?? mailHeader(raw, 'message-id'),
    sentAt: fromDateText(headerIn(headers, 'date') ?? mailHeader(raw, 'date')),
    raw: event,
  });
}

export const sparkpost: Provider = {
  name: NAME,
  aliases: ['bird', 'messagesystems'],
  title: 'SparkPost',
  pages: [
    'https://developers.sparkpost.com/api/webhooks/',
    'https://support.sparkpost.com/docs/tech-resources/webhook-event-reference',
    'https://support.sparkpost.com/docs/deliverability/bounce-classification-codes',
  ],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: 10_000,
    retryDelaysMs: null,
    stopStatuses: [],
    note: 'Twelve tries within eight hours. The header X-MessageSystems-Batch-ID names the batch.',
  },
  verify: verifyUnsigned,
  decode,
  dedupParts,
};
