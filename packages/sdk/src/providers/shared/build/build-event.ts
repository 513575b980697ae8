import type {
  EventAccount,
  EventBounce,
  EventData,
  EventDelivery,
  EventDomain,
  EventEngagement,
  EventMessage,
  EventSendLimit,
  EventSuppression,
  EventType,
} from '../../../event.ts';
import { isRawNumber, parseLosslessJson } from '../../../lossless-json.ts';
import type { DecodedEvent } from '../../provider.ts';
import { addressOf, messageIdOf } from '../read/addresses.ts';
import { fields, firstText, flag, integer, isFields, list, text } from '../read/fields.ts';
import { enhancedCodeOf, smtpCodeIn, smtpCodeOf } from '../read/smtp-status.ts';

/**
 * From what a decoder found to an event: everything is read as what it has to be, cut to what an event
 * may hold (the whole of it stays in `raw`), and left out where the source does not say it.
 */

export interface MessageDraft {
  id?: unknown;
  smtpId?: unknown;
  providerId?: unknown;
  from?: unknown;
  subject?: unknown;
  stream?: unknown;
  /** From `timeOf`. */
  sentAt?: string | null;
}

export interface DeliveryDraft {
  attempt?: unknown;
  smtpCode?: unknown;
  enhancedCode?: unknown;
  /** Codes are read out of it where no field has them. */
  response?: unknown;
  mx?: unknown;
  remoteIp?: unknown;
  tls?: unknown;
  latencyMs?: unknown;
  errorCode?: unknown;
  nextAttemptAt?: string | null;
}

export interface EngagementDraft {
  url?: unknown;
  linkId?: unknown;
  ip?: unknown;
  userAgent?: unknown;
  client?: { name?: unknown; os?: unknown; device?: unknown };
  first?: unknown;
  machine?: unknown;
  machineReason?: unknown;
}

export interface EventDraft {
  id?: string;
  type: EventType;
  /** What the source calls it. */
  providerType: unknown;
  providerEventId?: unknown;
  /** From `timeOf`. */
  timestamp: string | null;
  message?: MessageDraft;
  recipient?: unknown;
  /** True where the source does not say which recipient of several it was. */
  inferred?: boolean;
  delivery?: DeliveryDraft | null;
  bounce?: EventBounce | null;
  complaint?: { type?: unknown; feedbackId?: unknown; userAgent?: unknown };
  reject?: string;
  engagement?: EngagementDraft;
  unsubscribe?: { method?: unknown; group?: unknown };
  account?: EventAccount;
  suppression?: EventSuppression;
  sendLimit?: EventSendLimit;
  domain?: EventDomain;
  tags?: unknown;
  metadata?: unknown;
  raw: unknown;
}

const MAX_RESPONSE_CHARS = 1_000;
const MAX_TAGS = 50;
const MAX_TAG_CHARS = 200;
/** As JSON. An event without `raw` stays under 20,000 characters. */
const MAX_METADATA_CHARS = 8_000;

export function buildEvent(provider: string, draft: EventDraft): DecodedEvent {
  const isMail = /^(email|inbound)\./.test(draft.type);
  const recipient = addressOf(draft.recipient);
  const delivery = draft.delivery ? readDelivery(draft.delivery) : {};
  const data: EventData = {
    provider,
    provider_type: cut(draft.providerType, 200),
    provider_event_id: cut(draft.providerEventId, 500),
    ...(isMail ? { message: readMessage(draft.message ?? {}) } : {}),
    ...(isMail || recipient !== null ? { recipient } : {}),
    ...(isMail ? { recipient_inferred: draft.inferred ?? false } : {}),
    ...(Object.keys(delivery).length > 0 ? { delivery } : {}),
    ...(draft.bounce ? { bounce: draft.bounce } : {}),
    ...(draft.complaint ? { complaint: readComplaint(draft.complaint) } : {}),
    ...(draft.reject === undefined ? {} : { reject: { reason: draft.reject } }),
    ...(draft.engagement ? { engagement: readEngagement(draft.engagement) } : {}),
    ...(draft.unsubscribe ? { unsubscribe: readUnsubscribe(draft.unsubscribe) } : {}),
    ...(draft.account ? { account: draft.account } : {}),
    ...(draft.suppression ? { suppression: draft.suppression } : {}),
    ...(draft.sendLimit ? { send_limit: draft.sendLimit } : {}),
    ...(draft.domain ? { domain: draft.domain } : {}),
    ...(isMail ? { tags: tagsOf(draft.tags), metadata: metadataOf(draft.metadata) } : {}),
    raw: draft.raw,
  };
  const { type, timestamp } = draft;
  return { ...(draft.id === undefined ? {} : { id: draft.id }), type, timestamp, data };
}

function readMessage(draft: MessageDraft): EventMessage {
  return {
    id: cut(draft.id, 200),
    smtp_id: messageIdOf(cut(draft.smtpId, 990)),
    provider_id: cut(draft.providerId, 500),
    from: cut(addressOf(draft.from), 320),
    subject: cut(draft.subject, 1_000),
    stream: cut(draft.stream, 100),
    sent_at: draft.sentAt ?? null,
  };
}

function readDelivery(draft: DeliveryDraft): EventDelivery {
  const response = oneLine(draft.response);
  return known({
    attempt: integer(draft.attempt),
    smtp_code: smtpCodeOf(draft.smtpCode) ?? smtpCodeIn(response),
    enhanced_code: enhancedCodeOf(draft.enhancedCode) ?? enhancedCodeOf(response),
    response,
    mx: cut(draft.mx, 255),
    remote_ip: cut(draft.remoteIp, 64),
    tls: flag(draft.tls),
    latency_ms: integer(draft.latencyMs),
    error_code: cut(draft.errorCode, 100),
    next_attempt_at: draft.nextAttemptAt ?? null,
  });
}

function readEngagement(draft: EngagementDraft): EventEngagement {
  const client = {
    name: cut(draft.client?.name, 100),
    os: cut(draft.client?.os, 100),
    device: cut(draft.client?.device, 100),
  };
  return known({
    url: cut(draft.url, 8_000),
    link_id: cut(draft.linkId, 200),
    ip: cut(draft.ip, 64),
    user_agent: cut(draft.userAgent, 1_000),
    client: (client.name ?? client.os ?? client.device) ? client : null,
    first: flag(draft.first),
    machine: flag(draft.machine),
    machine_reason: cut(draft.machineReason, 200),
  });
}

function readComplaint(draft: NonNullable<EventDraft['complaint']>): EventData['complaint'] {
  return {
    type: cut(draft.type, 100),
    feedback_id: cut(draft.feedbackId, 500),
    user_agent: cut(draft.userAgent, 1_000),
  };
}

function readUnsubscribe(draft: NonNullable<EventDraft['unsubscribe']>): EventData['unsubscribe'] {
  return { method: cut(draft.method, 100), group: cut(draft.group, 200) };
}

/** Labels as a list of texts: one, several, or a list that is written as JSON in a text. */
export function tagsOf(value: unknown): string[] {
  const inText = typeof value === 'string' && value.trim().startsWith('[') ? parse(value) : null;
  const found = list(Array.isArray(inText) ? inText : value).flatMap((one) => {
    const tag = firstText(one, fields(one)['name'], fields(one)['tag'], fields(one)['value']);
    return tag === null ? [] : [tag.replace(/[\u0000-\u001f\u007f]/g, ' ').slice(0, MAX_TAG_CHARS)];
  });
  return [...new Set(found)].slice(0, MAX_TAGS);
}

/** An object as it is, or one that is written as JSON in a text. Too large a one stays in `raw` only. */
export function metadataOf(value: unknown): Record<string, unknown> {
  const object = typeof value === 'string' ? parse(value) : value;
  if (!isFields(object) || JSON.stringify(object).length > MAX_METADATA_CHARS) return {};
  return { ...object };
}

/** JSON in a text; `null` for a text that is none. */
export function parse(written: string): unknown {
  try {
    return parseLosslessJson(written);
  } catch {
    return null;
  }
}

/** Leaves out what is `null`: within a block, what is not known does not stand. */
function known<T extends object>(block: T): T {
  return Object.fromEntries(Object.entries(block).filter(([, value]) => value !== null)) as T;
}

function cut(value: unknown, maxChars: number): string | null {
  return text(value)?.slice(0, maxChars) ?? null;
}

function oneLine(value: unknown): string | null {
  const written = isRawNumber(value) ? null : text(value);
  return written?.replace(/\s*[\r\n]+\s*/g, ' ').slice(0, MAX_RESPONSE_CHARS) ?? null;
}
