import type { EventType } from '../event.ts';
import type { DecodedEvent, HandshakeAnswer, Provider, ProviderRequest } from './provider.ts';
import { buildEvent, type EventDraft, parse } from './shared/build/build-event.ts';
import { classifyBounce } from './shared/build/classify-bounce.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { decodeEntries } from './shared/build/entries.ts';
import { type Fields, fields, firstText, list, lookUp, text } from './shared/read/fields.ts';
import { readJson, textOf } from './shared/read/request-body.ts';
import { timeOf } from './shared/read/timestamps.ts';
import { optionsHandshake } from './shared/verify/options-handshake.ts';
import { HOUR_MS, MINUTE_MS } from './shared/verify/signatures.ts';
import { verifyUnsigned } from './shared/verify/transport-secrets.ts';

/**
 * Azure Communication Services Email by way of Event Grid (learn.microsoft.com/azure/event-grid/
 * communication-services-email-events), in Event Grid's schema or as CloudEvents.
 *
 * Secrets: Event Grid does not sign. A parameter of the URL or a header of the subscription (its
 * delivery properties). Entra tokens are not checked here.
 * Dedup key: with the event's `id`.
 * Names are spelled in two ways (`deliveryAttemptTimeStamp`), both are read.
 * Lost beside `raw`: topic and resource.
 */

const NAME = 'azure';

const VALIDATION = 'Microsoft.EventGrid.SubscriptionValidationEvent';

const BY_STATUS: Readonly<Record<string, EventType>> = {
  delivered: 'email.delivered',
  bounced: 'email.bounced',
  failed: 'email.failed',
  suppressed: 'email.rejected',
  quarantined: 'email.rejected',
  filteredspam: 'email.rejected',
  expanded: 'email.accepted',
};

const BY_ENGAGEMENT: Readonly<Record<string, EventType>> = {
  view: 'email.opened',
  click: 'email.clicked',
};

function decode(request: ProviderRequest): DecodedEvent[] {
  if (request.method === 'OPTIONS') return [];
  return decodeEntries(list(readJson(request)), {
    expects: 'events of Event Grid with "eventType" or "type"',
    isEntry: (entry) => nameOf(entry) !== null,
    decode: (entry) => (nameOf(entry) === VALIDATION ? [] : [decodeEvent(entry)]),
  });
}

function nameOf(entry: Fields): string | null {
  return firstText(entry['eventType'], entry['type']);
}

/** Names in whatever case they are spelled. */
function valueIn(data: Fields, name: string): unknown {
  const key = Object.keys(data).find((one) => one.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : data[key];
}

function decodeEvent(entry: Fields): DecodedEvent {
  const name = nameOf(entry);
  const data = fields(entry['data']);
  const status = text(data['status'])?.toLowerCase() ?? null;
  const engagement = text(data['engagementType'])?.toLowerCase() ?? null;
  const type = lookUp(BY_STATUS, status) ?? lookUp(BY_ENGAGEMENT, engagement) ?? 'email.unknown';
  return buildEvent(NAME, {
    type,
    providerType: name,
    providerEventId: entry['id'],
    timestamp: timeOf(
      valueIn(data, 'deliveryAttemptTimeStamp'),
      valueIn(data, 'userActionTimeStamp'),
      entry['eventTime'],
      entry['time'],
    ),
    message: {
      smtpId: data['internetMessageId'],
      providerId: data['messageId'],
      from: data['sender'],
    },
    recipient: data['recipient'],
    ...blocks(type, status, data),
    raw: entry,
  });
}

function blocks(type: EventType, status: string | null, data: Fields): Partial<EventDraft> {
  const details = fields(data['deliveryStatusDetails']);
  const response = firstText(details['statusMessage'], data['deliveryStatusDetails']);
  const delivery = { response, mx: valueIn(details, 'recipientMailServerHostName') };
  switch (type) {
    case 'email.delivered':
    case 'email.failed':
      return { delivery };
    case 'email.bounced':
      return { delivery, bounce: classifyBounce({ type: 'hard', response }) };
    case 'email.rejected':
      return { delivery, reject: status === 'suppressed' ? 'suppressed' : 'spam_content' };
    case 'email.opened':
      return { engagement: { userAgent: data['userAgent'] } };
    case 'email.clicked':
      return { engagement: { url: data['engagementContext'], userAgent: data['userAgent'] } };
    default:
      return {};
  }
}

/** Event Grid's validation by echo, and that of CloudEvents by OPTIONS. */
function handshake(request: ProviderRequest): HandshakeAnswer | null {
  if (request.method === 'OPTIONS') return optionsHandshake(request);
  const [first] = list(parse(textOf(request.body)));
  const event = fields(first);
  const code = text(fields(event['data'])['validationCode']);
  if (nameOf(event) !== VALIDATION || code === null) return null;
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ validationResponse: code }),
    afterVerify: true,
  };
}

export const azure: Provider = {
  name: NAME,
  aliases: ['acs', 'azure-communication-services', 'eventgrid'],
  title: 'Azure Communication Services',
  pages: [
    'https://learn.microsoft.com/azure/event-grid/communication-services-email-events',
    'https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema',
  ],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: 30_000,
    retryDelaysMs: [
      10_000,
      30_000,
      MINUTE_MS,
      5 * MINUTE_MS,
      10 * MINUTE_MS,
      30 * MINUTE_MS,
      HOUR_MS,
    ],
    stopStatuses: [400, 413],
    note: 'At most 30 tries within 24 hours. 401 and 403 are tried again later.',
  },
  handshake,
  verify: verifyUnsigned,
  decode,
  dedupParts,
};
