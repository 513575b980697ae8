import type { EventType } from '../event.ts';
import { sendgridDialect } from './dialects/sendgrid-encode.ts';
import type {
  DecodedEvent,
  Provider,
  ProviderRequest,
  VerifyContext,
  VerifyResult,
} from './provider.ts';
import { OWN_KEYS } from './sendgrid-keys.ts';
import { buildEvent, type EventDraft, parse } from './shared/build/build-event.ts';
import { classifyBounce, deferralCause } from './shared/build/classify-bounce.ts';
import { dedupPartsWithoutEventId } from './shared/build/dedup.ts';
import { decodeEntries } from './shared/build/entries.ts';
import { buildInbound, mailHeader } from './shared/build/inbound-mail.ts';
import { rejectReasonOf } from './shared/build/reject-reason.ts';
import { type Fields, fields, flag, list, lookUp, text } from './shared/read/fields.ts';
import { readForm, readJson } from './shared/read/request-body.ts';
import { fromDateText, timeOf } from './shared/read/timestamps.ts';
import { importPublicKeys, isSignedBy } from './shared/verify/public-keys.ts';
import {
  badSignature,
  checkAge,
  HOUR_MS,
  requireHeader,
  requireSecrets,
} from './shared/verify/signatures.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * Twilio SendGrid: Event Webhook (twilio.com/docs/sendgrid/for-developers/tracking-events/event) and
 * Inbound Parse (.../parsing-email/setting-up-the-inbound-parse-webhook).
 *
 * Secrets: the verification key of the signed Event Webhook, base64 as the settings show it. ECDSA
 * P-256 over timestamp and raw body; the body ends with CR LF, which is signed too.
 * Dedup key: without `sg_event_id`, which changes when SendGrid tries again and can name two events.
 * `message.provider_id` is the whole `sg_message_id`; up to its first dot it is the X-Message-Id that
 * the send API answered with.
 * Lost beside `raw`: pool, IP of the sending server, marketing campaign, content type of an open.
 */

const NAME = 'sendgrid';

/** It tries for 24 hours, and nothing says that it signs afresh. */
const TOLERANCE_MS = 25 * HOUR_MS;

const TYPES: Readonly<Record<string, EventType>> = {
  processed: 'email.accepted',
  delivered: 'email.delivered',
  deferred: 'email.deferred',
  bounce: 'email.bounced',
  blocked: 'email.bounced',
  dropped: 'email.rejected',
  open: 'email.opened',
  click: 'email.clicked',
  spamreport: 'email.complained',
  unsubscribe: 'email.unsubscribed',
  group_unsubscribe: 'email.unsubscribed',
  group_resubscribe: 'email.resubscribed',
  account_status_change: 'account.status_changed',
};

function decode(request: ProviderRequest): DecodedEvent[] {
  const form = readForm(request);
  if (form !== null) return decodeInbound(form.fields, form.files);
  return decodeEntries(list(readJson(request)), {
    expects: 'a list of events, each with "event"',
    isEntry: (entry) => text(entry['event']) !== null,
    decode: (entry) => [decodeEvent(entry)],
  });
}

function decodeEvent(entry: Fields): DecodedEvent {
  const name = text(entry['event']);
  const type = lookUp(TYPES, name) ?? 'email.unknown';
  return buildEvent(NAME, {
    type,
    providerType: name,
    providerEventId: entry['sg_event_id'],
    timestamp: timeOf(entry['timestamp']),
    message: {
      smtpId: entry['smtp-id'],
      providerId: entry['sg_message_id'],
      from: entry['from'],
      subject: entry['subject'],
    },
    recipient: entry['email'],
    ...blocks(type, name, entry),
    tags: entry['category'],
    metadata: uniqueArguments(entry),
    raw: entry,
  });
}

function blocks(type: EventType, name: string | null, entry: Fields): Partial<EventDraft> {
  const delivery = {
    attempt: entry['attempt'],
    response: entry['response'] ?? entry['reason'],
    enhancedCode: entry['status'],
    tls: entry['tls'],
  };
  switch (type) {
    case 'email.delivered':
      return { delivery };
    case 'email.deferred':
      return { delivery: { ...delivery, errorCode: deferralCause(delivery) } };
    case 'email.bounced':
      return { delivery, bounce: bounceOf(entry, name) };
    case 'email.rejected':
      return { reject: rejectReasonOf(entry['reason']), delivery: { response: entry['reason'] } };
    case 'email.opened':
    case 'email.clicked':
      return { engagement: engagementOf(entry) };
    case 'email.unsubscribed':
    case 'email.resubscribed':
      return { unsubscribe: { method: 'link', group: entry['asm_group_id'] } };
    case 'email.complained':
      return { complaint: { type: 'abuse' } };
    case 'account.status_changed':
      return { account: { status: text(entry['type'])?.slice(0, 100) ?? 'unknown' } };
    default:
      return {};
  }
}

/** `bounce` is permanent; after `blocked` and any other word SendGrid does not suppress. */
function bounceOf(entry: Fields, name: string | null): EventDraft['bounce'] {
  const said = name === 'blocked' ? name : (text(entry['type']) ?? 'bounce');
  const isHard = said === 'bounce';
  const isBlocked = said === 'blocked';
  const bounce = classifyBounce({
    type: isHard ? 'hard' : 'soft',
    words: [entry['bounce_classification'], isBlocked ? null : said],
    enhancedCode: entry['status'],
    response: entry['reason'],
    description: entry['bounce_classification'],
    suppressed: isHard,
  });
  if (!isBlocked || bounce.category !== 'other') return bounce;
  return { ...bounce, category: 'blocked', scope: 'infrastructure' };
}

function engagementOf(entry: Fields): NonNullable<EventDraft['engagement']> {
  const machine = flag(entry['sg_machine_open']);
  return {
    url: entry['url'],
    linkId: fields(entry['url_offset'])['index'],
    ip: entry['ip'],
    userAgent: entry['useragent'],
    machine,
    machineReason: machine ? 'sg_machine_open' : null,
  };
}

function uniqueArguments(entry: Fields): Record<string, unknown> {
  const own = Object.entries(entry).filter(([key]) => !OWN_KEYS.has(key));
  return {
    ...fields(entry['unique_args']),
    ...fields(entry['custom_args']),
    ...Object.fromEntries(own),
  };
}

function decodeInbound(form: Fields, files: readonly unknown[]): DecodedEvent[] {
  const envelope = fields(parse(text(form['envelope']) ?? ''));
  const headers = form['headers'] ?? form['email'];
  return decodeEntries([form], {
    expects: 'the fields of Inbound Parse, such as "envelope" and "headers"',
    isEntry: () => 'envelope' in form || 'headers' in form || 'email' in form,
    decode: () =>
      buildInbound(NAME, {
        providerType: 'inbound',
        timestamp: null,
        recipients: 'to' in envelope ? list(envelope['to']) : [form['to']],
        from: form['from'] ?? envelope['from'],
        subject: form['subject'] ?? mailHeader(headers, 'subject'),
        smtpId: mailHeader(headers, 'message-id'),
        sentAt: fromDateText(mailHeader(headers, 'date')),
        raw: { ...form, files },
      }),
  });
}

function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
  return verifySigned(request, context, (secrets) => {
    const signature = requireHeader(request, 'X-Twilio-Email-Event-Webhook-Signature');
    const timestamp = requireHeader(request, 'X-Twilio-Email-Event-Webhook-Timestamp');
    const keys = requireSecrets(
      secrets,
      'the verification key of the signed Event Webhook',
    ).flatMap(importPublicKeys);
    const content = Buffer.concat([Buffer.from(timestamp), request.body]);
    const bytes = Buffer.from(signature, 'base64');
    if (!keys.some(({ key }) => isSignedBy(key, 'sha256', content, bytes))) throw badSignature();
    checkAge(timestamp, context, TOLERANCE_MS);
    return { covers: 'body', replayKey: null };
  });
}

export const sendgrid: Provider = {
  name: NAME,
  aliases: ['twilio-sendgrid', 'twilio'],
  title: 'Twilio SendGrid',
  pages: [
    'https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event',
    'https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook',
  ],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: null,
    retryDelaysMs: null,
    stopStatuses: [],
    note: 'Tries at growing intervals for 24 hours after anything but 2xx.',
  },
  checkSecret: (secret) => void importPublicKeys(secret),
  verify,
  decode,
  dedupParts: dedupPartsWithoutEventId,
  dialect: sendgridDialect,
};
