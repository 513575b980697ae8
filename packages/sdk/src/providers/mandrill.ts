import type { BounceCategory, EventType } from '../event.ts';
import { decodeListChange } from './mandrill-lists.ts';
import type {
  DecodedEvent,
  HandshakeAnswer,
  Provider,
  ProviderRequest,
  VerifyContext,
  VerifyResult,
} from './provider.ts';
import { buildEvent, type EventDraft, parse } from './shared/build/build-event.ts';
import { classifyBounce, deferralCause } from './shared/build/classify-bounce.ts';
import { dedupPartsWithoutEventId } from './shared/build/dedup.ts';
import { decodeEntries } from './shared/build/entries.ts';
import { buildInbound } from './shared/build/inbound-mail.ts';
import { rejectReasonOf } from './shared/build/reject-reason.ts';
import {
  type Fields,
  fields,
  firstText,
  flag,
  headerIn,
  list,
  lookUp,
  text,
} from './shared/read/fields.ts';
import { invalidPayload, readForm, readJson } from './shared/read/request-body.ts';
import { fromDateText, timeOf } from './shared/read/timestamps.ts';
import { checkHmac, requireHeader, requireSecrets } from './shared/verify/signatures.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * Mailchimp Transactional (Mandrill): webhooks (mailchimp.com/developer/transactional/docs/webhooks/),
 * for messages, the allow and deny lists and inbound mail. A form with one field, `mandrill_events`.
 *
 * Secrets: the key of the webhook. Base64 HMAC-SHA1 over the URL as it was given to Mandrill, byte by
 * byte (so give it where a proxy changes it), and each field's name and value in order of the names.
 * An empty batch that tries out a new webhook is signed with the key `test-webhook`; a HEAD comes before.
 * Dedup key: there is no event id.
 * Lost beside `raw`: location, earlier opens and clicks of the message, SMTP events, template.
 */

const NAME = 'mandrill';

const TEST_KEY = 'test-webhook';

const TYPES: Readonly<Record<string, EventType>> = {
  send: 'email.sent',
  delivered: 'email.delivered',
  deferral: 'email.deferred',
  hard_bounce: 'email.bounced',
  soft_bounce: 'email.bounced',
  reject: 'email.rejected',
  open: 'email.opened',
  click: 'email.clicked',
  spam: 'email.complained',
  unsub: 'email.unsubscribed',
  inbound: 'email.received',
};

/** `msg.bounce_description`, where our words do not say it already. */
const CATEGORIES: Readonly<Record<string, BounceCategory>> = {
  relay_denied: 'relay_denied',
  spam: 'spam_content',
  outofoffice: 'auto_reply',
};

const REJECT_REASONS: Readonly<Record<string, string>> = {
  'hard-bounce': 'suppressed',
  'soft-bounce': 'suppressed',
  spam: 'suppressed',
  unsub: 'unsubscribed',
  custom: 'suppressed',
  'invalid-sender': 'policy',
  invalid: 'invalid_address',
  'test-mode-limit': 'account_suspended',
  unsigned: 'policy',
  rule: 'policy',
};

/** Throws `invalid_payload`. A list of events; the body may also be JSON, which nobody signs. */
function readEvents(request: ProviderRequest): readonly unknown[] {
  const form = readForm(request)?.fields;
  const body: Fields = form ?? fields(readJson(request));
  const written = body['mandrill_events'];
  const events = typeof written === 'string' ? parse(written) : written;
  if (Array.isArray(events)) return events;
  throw invalidPayload('This is not what Mandrill sends: expected a list in "mandrill_events".');
}

function decode(request: ProviderRequest): DecodedEvent[] {
  if (request.method === 'HEAD') return [];
  return decodeEntries(readEvents(request), {
    expects: 'events with "event", or list changes with "type"',
    isEntry: (entry) => firstText(entry['event'], entry['type']) !== null,
    decode: (entry) => {
      if (text(entry['event']) === 'inbound') return decodeInbound(entry);
      return [text(entry['event']) === null ? decodeListChange(NAME, entry) : decodeEvent(entry)];
    },
  });
}

function decodeEvent(entry: Fields): DecodedEvent {
  const name = text(entry['event']);
  const type = lookUp(TYPES, name) ?? 'email.unknown';
  const msg = fields(entry['msg']);
  return buildEvent(NAME, {
    type,
    providerType: name,
    timestamp: timeOf(entry['ts']),
    message: {
      smtpId: headerIn(msg['headers'], 'message-id'),
      providerId: firstText(msg['_id'], entry['_id']),
      from: msg['sender'],
      subject: msg['subject'],
      sentAt: timeOf(msg['ts']),
    },
    recipient: msg['email'],
    ...blocks(type, name, entry, msg),
    tags: msg['tags'],
    metadata: msg['metadata'],
    raw: entry,
  });
}

function blocks(
  type: EventType,
  name: string | null,
  entry: Fields,
  msg: Fields,
): Partial<EventDraft> {
  const smtp = fields(list(msg['smtp_events']).at(-1));
  const response = firstText(msg['diag'], smtp['diag']);
  const delivery = { response };
  switch (type) {
    case 'email.delivered':
      return { delivery };
    case 'email.deferred':
      return { delivery: { response, errorCode: deferralCause({ response }) } };
    case 'email.bounced': {
      const word = text(msg['bounce_description']);
      return {
        delivery,
        bounce: classifyBounce({
          type: name === 'hard_bounce' ? 'hard' : 'soft',
          category: lookUp(CATEGORIES, word) ?? null,
          words: [word],
          response,
          description: word,
        }),
      };
    }
    case 'email.rejected': {
      const reason = text(fields(msg['reject'])['reason']);
      return {
        reject: lookUp(REJECT_REASONS, reason) ?? rejectReasonOf(reason),
        delivery: { response: reason },
      };
    }
    case 'email.opened':
    case 'email.clicked':
      return { engagement: engagementOf(entry, msg) };
    case 'email.complained':
      return { complaint: { type: 'abuse' } };
    case 'email.unsubscribed':
      return { unsubscribe: { method: 'link' } };
    default:
      return {};
  }
}

function engagementOf(entry: Fields, msg: Fields): NonNullable<EventDraft['engagement']> {
  const agent = fields(entry['user_agent_parsed']);
  const isRobot = text(agent['type'])?.toLowerCase() === 'robot';
  const mobile = flag(agent['mobile']);
  return {
    url: entry['url'] ?? fields(list(msg['clicks']).at(-1))['url'],
    ip: entry['ip'],
    userAgent: entry['user_agent'],
    client: {
      name: firstText(agent['ua_name'], agent['ua_family']),
      os: firstText(agent['os_name'], agent['os_family']),
      device: mobile === null ? null : mobile ? 'mobile' : 'desktop',
    },
    machine: isRobot ? true : null,
    machineReason: isRobot ? 'robot' : null,
  };
}

function decodeInbound(entry: Fields): DecodedEvent[] {
  const msg = fields(entry['msg']);
  const envelope = text(msg['email']);
  return buildInbound(NAME, {
    providerType: 'inbound',
    timestamp: timeOf(entry['ts']),
    recipients: envelope === null ? list(msg['to']).map((one) => list(one)[0]) : [envelope],
    from: msg['from_email'],
    subject: msg['subject'],
    smtpId: headerIn(msg['headers'], 'message-id'),
    providerId: firstText(msg['_id'], entry['_id']),
    sentAt: fromDateText(headerIn(msg['headers'], 'date')),
    tags: msg['tags'],
    raw: entry,
  });
}

function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
  return verifySigned(request, context, (secrets) => {
    const signature = requireHeader(request, 'X-Mandrill-Signature');
    const form = readForm(request)?.fields ?? {};
    const keys = requireSecrets(secrets, 'the key of the webhook');
    const isProbe = form['mandrill_events'] === '[]';
    checkHmac({
      algorithm: 'sha1',
      encoding: 'base64',
      keys: isProbe ? [...keys, TEST_KEY] : keys,
      parts: [
        context.url ?? request.url,
        ...Object.keys(form)
          .sort()
          .flatMap((name) => [name, form[name] ?? '']),
      ],
      given: signature,
    });
    return { covers: 'body', replayKey: null };
  });
}

/** Mandrill asks with HEAD whether the URL is there. */
function handshake(request: ProviderRequest): HandshakeAnswer | null {
  return request.method === 'HEAD'
    ? { status: 200, headers: {}, body: '', afterVerify: false }
    : null;
}

export const mandrill: Provider = {
  name: NAME,
  aliases: ['mailchimp', 'mailchimp-transactional'],
  title: 'Mailchimp Transactional (Mandrill)',
  pages: [
    'https://mailchimp.com/developer/transactional/docs/webhooks/',
    'https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/',
  ],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: null,
    retryDelaysMs: null,
    stopStatuses: [],
    note: 'Failed batches are tried again at growing intervals. HEAD must be answered 200.',
  },
  handshake,
  verify,
  decode,
  dedupParts: dedupPartsWithoutEventId,
};
