import { WebhookError } from '../errors.ts';
import type { EventType } from '../event.ts';
import { mailchannelsDialect } from './dialects/mailchannels-encode.ts';
import type {
  DecodedEvent,
  Provider,
  ProviderRequest,
  VerifyContext,
  VerifyResult,
} from './provider.ts';
import { buildEvent, type EventDraft, parse } from './shared/build/build-event.ts';
import { classifyBounce } from './shared/build/classify-bounce.ts';
import { dedupPartsWithoutEventId } from './shared/build/dedup.ts';
import { decodeEntries } from './shared/build/entries.ts';
import { rejectReasonOf } from './shared/build/reject-reason.ts';
import { type Fields, fields, firstText, list, lookUp, text } from './shared/read/fields.ts';
import { readJson } from './shared/read/request-body.ts';
import { timeOf } from './shared/read/timestamps.ts';
import {
  checkContentDigest,
  type HttpSignature,
  readHttpSignatures,
} from './shared/verify/http-signature.ts';
import { importPublicKeys, isSignedBy, type NamedKey } from './shared/verify/public-keys.ts';
import {
  badSignature,
  checkAge,
  DEFAULT_TOLERANCE_MS,
  requireSecrets,
} from './shared/verify/signatures.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * MailChannels Email API: delivery events (docs.mailchannels.net/email-api/advanced/delivery-events) in
 * lists of up to 1,000, signed with Ed25519 by RFC 9421 over the content digest.
 *
 * Secrets: `handle:NAME`, the customer handle that all events must have, and the public key (base64),
 * which is fetched by its id where none is given. MailChannels signs for all its customers with one
 * key, so a signature without the handle does not say that the events are yours.
 * Dedup key: there is no event id.
 * `email` is the sender. Without `recipients` the recipient is unknown; of an open or click with several
 * of them the first is given, marked as inferred.
 * Lost beside `raw`: the customer handle.
 */

const NAME = 'mailchannels';

const KEY_URL = 'https://api.mailchannels.net/tx/v1/webhook/public-key?id=';

const TYPES: Readonly<Record<string, EventType>> = {
  processed: 'email.accepted',
  delivered: 'email.delivered',
  dropped: 'email.rejected',
  'hard-bounced': 'email.bounced',
  'soft-bounced': 'email.bounced',
  bounced: 'email.bounced',
  open: 'email.opened',
  click: 'email.clicked',
  unsubscribed: 'email.unsubscribed',
  complained: 'email.complained',
  test: 'system.test',
};

function decode(request: ProviderRequest): DecodedEvent[] {
  return decodeEntries(list(readJson(request)), {
    expects: 'a list of events, each with "event"',
    isEntry: (entry) => text(entry['event']) !== null,
    decode: decodeEntry,
  });
}

function decodeEntry(entry: Fields): DecodedEvent[] {
  const name = text(entry['event'])?.replaceAll('_', '-') ?? null;
  const type = lookUp(TYPES, name) ?? 'email.unknown';
  const all = list(entry['recipients']).filter((one) => text(one) !== null);
  const isOfOne = (type === 'email.opened' || type === 'email.clicked') && all.length > 1;
  const recipients = all.length === 0 ? [null] : isOfOne ? all.slice(0, 1) : all;
  return recipients.map((recipient) =>
    buildEvent(NAME, {
      type,
      providerType: entry['event'],
      timestamp: timeOf(entry['timestamp']),
      message: {
        smtpId: entry['smtp_id'],
        providerId: firstText(entry['request_id'], entry['smtp_id']),
        from: entry['email'],
      },
      recipient,
      inferred: isOfOne,
      ...blocks(type, name, entry),
      tags: entry['campaign_id'],
      raw: entry,
    }),
  );
}

function blocks(type: EventType, name: string | null, entry: Fields): Partial<EventDraft> {
  const delivery = { smtpCode: entry['status'], response: entry['reason'] };
  switch (type) {
    case 'email.delivered':
      return { delivery };
    case 'email.bounced':
      return {
        delivery,
        bounce: classifyBounce({ ...delivery, type: name === 'soft-bounced' ? 'soft' : 'hard' }),
      };
    case 'email.rejected':
      return { reject: rejectReasonOf(entry['reason']), delivery };
    case 'email.opened':
    case 'email.clicked':
      return { engagement: { url: entry['url'], ip: entry['ip'], userAgent: entry['user_agent'] } };
    case 'email.unsubscribed':
      return { unsubscribe: { method: 'link' } };
    case 'email.complained':
      return { complaint: { type: 'abuse' } };
    default:
      return {};
  }
}

async function verifyHttpSignature(
  request: ProviderRequest,
  context: VerifyContext,
  secrets: readonly string[],
): Promise<VerifyResult> {
  const given = requireSecrets(secrets, 'handle:YOUR_CUSTOMER_HANDLE, or the public key');
  checkContentDigest(request);
  const signatures = readHttpSignatures(request).filter((one) =>
    one.components.includes('content-digest'),
  );
  const keys = given.filter((one) => !one.startsWith('handle:')).flatMap(importPublicKeys);
  for (const signature of signatures) {
    const known = keys.length > 0 ? keys : await fetchKeys(signature, context);
    if (
      !known.some(({ key }) =>
        isSignedBy(key, null, Buffer.from(signature.base), signature.signature),
      )
    )
      continue;
    checkAge(signature.parameters['created'] ?? '', context, DEFAULT_TOLERANCE_MS);
    checkHandle(request, given);
    return { covers: 'body', replayKey: null };
  }
  throw badSignature();
}

async function fetchKeys(signature: HttpSignature, context: VerifyContext): Promise<NamedKey[]> {
  const id = signature.parameters['keyid'] ?? '';
  if (!/^[\w.-]{1,64}$/.test(id))
    throw new WebhookError('untrusted_key', 'The key has no proper id.');
  if (context.fetchKey === undefined) {
    throw new WebhookError(
      'key_unavailable',
      `The public key ${id} cannot be fetched here. Give it as a secret.`,
    );
  }
  const answer = await context.fetchKey(`${KEY_URL}${id}`);
  return importPublicKeys(text(fields(parse(answer))['key']) ?? answer);
}

/** Throws `topic_not_allowed`. */
function checkHandle(request: ProviderRequest, secrets: readonly string[]): void {
  const allowed = secrets.flatMap((one) =>
    one.startsWith('handle:') ? [one.slice('handle:'.length)] : [],
  );
  if (allowed.length === 0) return;
  const handles = list(readJson(request)).map(
    (entry) => text(fields(entry)['customer_handle']) ?? '',
  );
  const stranger = handles.find((handle) => !allowed.includes(handle));
  if (stranger === undefined) return;
  throw new WebhookError(
    'topic_not_allowed',
    `The customer handle "${stranger.slice(0, 100)}" is not allowed.`,
  );
}

function verify(
  request: ProviderRequest,
  context: VerifyContext,
): VerifyResult | Promise<VerifyResult> {
  return verifySigned(request, context, (secrets) =>
    verifyHttpSignature(request, context, secrets),
  );
}

export const mailchannels: Provider = {
  name: NAME,
  aliases: [],
  title: 'MailChannels',
  pages: [
    'https://docs.mailchannels.net/email-api/advanced/delivery-events',
    'https://docs.mailchannels.com/email-api/webhooks',
    'https://docs.mailchannels.com/email-api/webhook-retries',
  ],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: null,
    retryDelaysMs: null,
    stopStatuses: [],
    note: 'No schedule is published. A batch can be sent again by hand for 31 days.',
  },
  checkSecret: (secret) => void (secret.startsWith('handle:') || importPublicKeys(secret)),
  verify,
  decode,
  dedupParts: dedupPartsWithoutEventId,
  dialect: mailchannelsDialect,
};
