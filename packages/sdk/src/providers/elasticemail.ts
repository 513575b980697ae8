import type { BounceCategory, EventType } from '../event.ts';
import type {
  DecodedEvent,
  HandshakeAnswer,
  Provider,
  ProviderRequest,
  VerifyContext,
  VerifyResult,
} from './provider.ts';
import { wordKey } from './shared/build/bounce-words.ts';
import { buildEvent, type EventDraft } from './shared/build/build-event.ts';
import { classifyBounce } from './shared/build/classify-bounce.ts';
import { dedupPartsWithoutEventId } from './shared/build/dedup.ts';
import { decodeEntries } from './shared/build/entries.ts';
import { buildInbound, mailHeader } from './shared/build/inbound-mail.ts';
import { type Fields, fields, firstText, list, lookUp, text } from './shared/read/fields.ts';
import { readForm, readJson, readQuery, textOf } from './shared/read/request-body.ts';
import { timeOf } from './shared/read/timestamps.ts';
import {
  checkAge,
  checkHmac,
  HOUR_MS,
  requireHeader,
  requireSecrets,
} from './shared/verify/signatures.ts';
import {
  isTransportSecret,
  verifySigned,
  verifyUnsigned,
} from './shared/verify/transport-secrets.ts';

/**
 * Elastic Email: notifications (help.elasticemail.com/en/articles/2376855, categories of errors in
 * .../4804685). Parameters of a GET, a form, or a flat JSON object.
 *
 * Secrets: the signing secret of the webhook where signing is on (`X-ElasticEmail-Signature: v1=...`
 * over `timestamp.body`; the page gives the headers but not this construction, so it is unconfirmed);
 * otherwise what stands in the URL.
 * Dedup key: there is no event id.
 * `Sent` means that the receiving server took the message. Times have no zone and are UTC.
 * Lost beside `raw`: account.
 */

const NAME = 'elasticemail';

const TOLERANCE_MS = 24 * HOUR_MS;

const TYPES: Readonly<Record<string, EventType>> = {
  sent: 'email.delivered',
  delivered: 'email.delivered',
  opened: 'email.opened',
  open: 'email.opened',
  clicked: 'email.clicked',
  click: 'email.clicked',
  unsubscribed: 'email.unsubscribed',
  abusereport: 'email.complained',
  complaint: 'email.complained',
  error: 'email.bounced',
  bounced: 'email.bounced',
};

/** Categories that are hard; the others are soft. */
const HARD: ReadonlySet<string> = new Set([
  'nomailbox',
  'accountproblem',
  'dnsproblem',
  'notdelivered',
]);

const CATEGORIES: Readonly<Record<string, BounceCategory>> = {
  dnsproblem: 'invalid_domain',
  unknown: 'other',
  ignore: 'other',
  codeerror: 'other',
};

function decode(request: ProviderRequest): DecodedEvent[] {
  if (isProbe(request)) return [];
  return decodeEntries(readParameters(request), {
    expects: 'the parameters "status" and "to", or an inbound mail with "env_to_list"',
    isEntry: (entry) => statusOf(entry) !== null || isInbound(entry),
    decode: (entry) => (isInbound(entry) ? decodeInbound(entry) : [decodeEvent(entry)]),
  });
}

/** It asks with an empty GET whether the URL is there. */
function isProbe(request: ProviderRequest): boolean {
  return request.method === 'GET' && request.body.length === 0 && queryEvent(request) === null;
}

function queryEvent(request: ProviderRequest): Fields | null {
  const query = readQuery(request);
  return 'status' in query || 'to' in query ? query : null;
}

/** Throws `invalid_payload`. */
function readParameters(request: ProviderRequest): readonly unknown[] {
  const form = readForm(request);
  if (form !== null) {
    return [{ ...form.fields, ...(form.files.length > 0 ? { files: form.files } : {}) }];
  }
  const query = textOf(request.body).trim() === '' ? queryEvent(request) : null;
  return query === null ? list(readJson(request)) : [query];
}

/** Names come in lower and in upper case. */
function valueIn(entry: Fields, ...names: readonly string[]): string | null {
  const key = Object.keys(entry).find((one) => names.includes(one.toLowerCase()));
  return key === undefined ? null : text(entry[key]);
}

const statusOf = (entry: Fields) => valueIn(entry, 'status', 'eventtype', 'event_type');
const isInbound = (entry: Fields) => 'env_to_list' in entry || 'to_list' in entry;

function decodeEvent(entry: Fields): DecodedEvent {
  const name = statusOf(entry);
  const category = wordKey(valueIn(entry, 'category', 'messagecategory') ?? '');
  const isCancelled = category === 'manualcancel' || category === 'suppressed';
  const usual = lookUp(TYPES, wordKey(name ?? '')) ?? 'email.unknown';
  const type = usual === 'email.bounced' && isCancelled ? 'email.rejected' : usual;
  return buildEvent(NAME, {
    type,
    providerType: name,
    timestamp: timeOf(valueIn(entry, 'date', 'eventdate', 'timestamp')),
    message: {
      providerId:
        valueIn(entry, 'messageid', 'msgid') ?? valueIn(entry, 'transaction', 'transactionid'),
      from: valueIn(entry, 'from', 'fromemail'),
      subject: valueIn(entry, 'subject'),
    },
    recipient: valueIn(entry, 'to', 'email', 'recipient'),
    ...blocks(type, category, entry),
    tags: valueIn(entry, 'channel', 'channelname'),
    metadata: postbackOf(entry),
    raw: entry,
  });
}

/** `postback` is one text of the sender's. */
function postbackOf(entry: Fields): Record<string, unknown> {
  const postback = valueIn(entry, 'postback', 'postbackheader');
  return postback === null ? {} : { postback };
}

function blocks(type: EventType, category: string, entry: Fields): Partial<EventDraft> {
  const response = valueIn(entry, 'errormessage', 'message', 'reason', 'error');
  switch (type) {
    case 'email.bounced': {
      const word = valueIn(entry, 'category', 'messagecategory');
      return {
        delivery: { response },
        bounce: classifyBounce({
          type: HARD.has(category) ? 'hard' : 'soft',
          category: lookUp(CATEGORIES, category) ?? null,
          words: [word],
          response,
          description: word,
        }),
      };
    }
    case 'email.rejected':
      return {
        reject: category === 'manualcancel' ? 'other' : 'suppressed',
        delivery: { response },
      };
    case 'email.opened':
    case 'email.clicked':
      return {
        engagement: {
          url: valueIn(entry, 'target', 'link', 'url'),
          ip: valueIn(entry, 'ip', 'ipaddress'),
          userAgent: valueIn(entry, 'useragent', 'user_agent'),
        },
      };
    case 'email.unsubscribed':
      return { unsubscribe: { method: 'link' } };
    case 'email.complained':
      return { complaint: { type: 'abuse' } };
    default:
      return {};
  }
}

/** Inbound routes post the envelope and the parts of the mail as a form. */
function decodeInbound(entry: Fields): DecodedEvent[] {
  return buildInbound(NAME, {
    providerType: 'inbound',
    timestamp: null,
    recipients: [firstText(entry['env_to_list'], entry['to_list'])],
    from: firstText(entry['from_email'], entry['env_from'], fields(entry)['from']),
    subject: entry['subject'],
    smtpId: firstText(entry['msg_id'], mailHeader(entry['header_list'], 'message-id')),
    sentAt: timeOf(mailHeader(entry['header_list'], 'date')),
    raw: entry,
  });
}

function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
  const given = request.headers;
  const isSigned = Object.keys(given).some(
    (name) => name.toLowerCase() === 'x-elasticemail-signature',
  );
  const needsSignature = context.secrets.some((one) => one.startsWith('whsec_'));
  if (!isSigned && !needsSignature) return verifyUnsigned(request, context);
  return verifySigned(request, context, (secrets) => {
    const signature = requireHeader(request, 'X-ElasticEmail-Signature');
    const timestamp = requireHeader(request, 'X-ElasticEmail-Timestamp');
    const keys = requireSecrets(secrets, 'the signing secret of the webhook').filter(
      (one) => !isTransportSecret(one),
    );
    checkHmac({
      algorithm: 'sha256',
      encoding: 'hex',
      keys,
      parts: [`${timestamp}.`, request.body],
      given: signature.split(/[ ,]+/).map((one) => one.replace(/^v1=/, '')),
    });
    checkAge(timestamp, context, TOLERANCE_MS);
    return { covers: 'body', replayKey: null };
  });
}

function handshake(request: ProviderRequest): HandshakeAnswer | null {
  return isProbe(request) ? { status: 200, headers: {}, body: '', afterVerify: false } : null;
}

export const elasticemail: Provider = {
  name: NAME,
  aliases: ['elastic-email', 'elastic'],
  title: 'Elastic Email',
  pages: [
    'https://help.elasticemail.com/en/articles/2376855-how-to-manage-http-web-notifications-webhooks',
    'https://help.elasticemail.com/en/articles/4804685',
  ],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: null,
    retryDelaysMs: null,
    stopStatuses: [],
    note: 'After 1,000 failures notifications are switched off. The GET that tries the URL must get 200.',
  },
  methods: ['GET'],
  handshake,
  verify,
  decode,
  dedupParts: dedupPartsWithoutEventId,
};
