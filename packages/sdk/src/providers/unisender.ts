import { createHash } from 'node:crypto';
import { WebhookError } from '../errors.ts';
import type { EventType } from '../event.ts';
import type {
  DecodedEvent,
  Provider,
  ProviderRequest,
  VerifyContext,
  VerifyResult,
} from './provider.ts';
import { buildEvent, type EventDraft } from './shared/build/build-event.ts';
import { classifyBounce } from './shared/build/classify-bounce.ts';
import { dedupPartsWithoutEventId } from './shared/build/dedup.ts';
import { type Fields, fields, list, lookUp, text } from './shared/read/fields.ts';
import { invalidPayload, readJson } from './shared/read/request-body.ts';
import { timeOf } from './shared/read/timestamps.ts';
import { badSignature, equalInTime, requireSecrets } from './shared/verify/signatures.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * Unisender Go: webhooks (godocs.unisender.com/web-api-ref#callback-format).
 *
 * Secrets: the API key. The field `auth` is the MD5 of the body in which the key stood in its place;
 * no time is signed.
 * Dedup key: there is no event id.
 * `soft_bounced` with `err_will_retry` is a deferral. Times have no zone and are UTC.
 * Lost beside `raw`: user and project.
 */

const NAME = 'unisender';

const TYPES: Readonly<Record<string, EventType>> = {
  accepted: 'email.accepted',
  sent: 'email.sent',
  delivered: 'email.delivered',
  opened: 'email.opened',
  clicked: 'email.clicked',
  unsubscribed: 'email.unsubscribed',
  subscribed: 'email.resubscribed',
  spam: 'email.complained',
  soft_bounced: 'email.bounced',
  hard_bounced: 'email.bounced',
};

function decode(request: ProviderRequest): DecodedEvent[] {
  const body = fields(readJson(request));
  if (!Array.isArray(body['events_by_user'])) {
    throw invalidPayload('This is not what Unisender Go sends: expected a list "events_by_user".');
  }
  return body['events_by_user']
    .flatMap((user) => list(fields(user)['events']))
    .map((entry) => decodeEvent(fields(entry)));
}

function decodeEvent(entry: Fields): DecodedEvent {
  const data = fields(entry['event_data']);
  const status = text(data['status']);
  const info = fields(data['delivery_info']);
  const type = typeOf(status, info);
  return buildEvent(NAME, {
    type,
    providerType: status ?? entry['event_name'],
    timestamp: timeOf(data['event_time'], data['block_time']),
    message: { providerId: data['job_id'] },
    recipient: data['email'],
    ...blocks(type, status, data, info),
    metadata: data['metadata'],
    raw: entry,
  });
}

function typeOf(status: string | null, info: Fields): EventType {
  if (status === 'soft_bounced' && text(info['delivery_status']) === 'err_will_retry')
    return 'email.deferred';
  return lookUp(TYPES, status) ?? 'email.unknown';
}

function blocks(
  type: EventType,
  status: string | null,
  data: Fields,
  info: Fields,
): Partial<EventDraft> {
  const response = info['destination_response'];
  switch (type) {
    case 'email.delivered':
    case 'email.deferred':
      return { delivery: { response } };
    case 'email.bounced':
      return {
        delivery: { response },
        bounce: classifyBounce({
          type: status === 'hard_bounced' ? 'hard' : 'soft',
          words: [info['delivery_status']],
          response,
          description: info['delivery_status'],
        }),
      };
    case 'email.opened':
    case 'email.clicked':
      return { engagement: { url: data['url'], ip: info['ip'], userAgent: info['user_agent'] } };
    case 'email.unsubscribed':
    case 'email.resubscribed':
      return { unsubscribe: { method: 'link' } };
    case 'email.complained':
      return { complaint: { type: 'abuse' } };
    default:
      return {};
  }
}

const AUTH = /("auth"\s*:\s*")([0-9a-f]{32})(")/i;

function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
  return verifySigned(request, context, (secrets) => {
    // Latin-1 keeps every byte as it is.
    const written = Buffer.from(request.body).toString('latin1');
    const auth = AUTH.exec(written);
    if (auth === null) throw new WebhookError('missing_signature', 'The body has no field "auth".');
    const [before, after] = [
      written.slice(0, auth.index),
      written.slice(auth.index + auth[0].length),
    ];
    const isRight = requireSecrets(secrets, 'the API key').some((key) => {
      const hash = createHash('md5').update(Buffer.from(`${before}${auth[1]}`, 'latin1'));
      const digest = hash
        .update(key)
        .update(Buffer.from(`${auth[3]}${after}`, 'latin1'))
        .digest('hex');
      return equalInTime(Buffer.from(digest), Buffer.from((auth[2] ?? '').toLowerCase()));
    });
    if (!isRight) throw badSignature();
    return { covers: 'body', replayKey: null };
  });
}

export const unisender: Provider = {
  name: NAME,
  aliases: ['unisender-go', 'unisendergo'],
  title: 'Unisender Go',
  pages: ['https://godocs.unisender.com/web-api-ref#callback-format'],
  answer: { refused: 401, busy: 503, timeoutMs: null, retryDelaysMs: null, stopStatuses: [] },
  verify,
  decode,
  dedupParts: dedupPartsWithoutEventId,
};
