/**
 * The canonical event: one shape for everything that becomes of a message, whoever noticed it. The
 * outer object is a Standard Webhooks payload (`type`, `timestamp`, `data`) with an id. An absent
 * block does not apply; `null` means unknown. Times are RFC 3339 UTC strings. Described for people in
 * docs/events.md.
 */

/** Every event type, in the order in which the documentation lists them. */
export const EVENT_TYPES = [
  'email.accepted',
  'email.sent',
  'email.delivered',
  'email.deferred',
  'email.bounced',
  'email.rejected',
  'email.failed',
  'email.held',
  'email.released',
  'email.opened',
  'email.clicked',
  'email.complained',
  'email.unsubscribed',
  'email.resubscribed',
  'email.overdue',
  'email.autoresponded',
  'email.received',
  'email.unknown',
  'inbound.failed',
  'account.status_changed',
  'account.send_limit_approaching',
  'account.send_limit_exceeded',
  'domain.dns_error',
  'domain.dns_recovered',
  'suppression.added',
  'suppression.removed',
  'endpoint.failing',
  'endpoint.recovered',
  'endpoint.disabled',
  'endpoint.backlog',
  'delivery.exhausted',
  'source.stalled',
  'source.recovered',
  'alert.fired',
  'alert.resolved',
  'system.test',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** The state of one message for one recipient: a fold over its events, the same in any order. */
export const RECIPIENT_STATES = [
  'accepted',
  'held',
  'sent',
  'deferred',
  'delivered',
  'rejected',
  'failed',
  'bounced',
] as const;

export type RecipientState = (typeof RECIPIENT_STATES)[number];

/** `hard`: the address or domain takes no mail. `soft`: another cause. */
export const BOUNCE_TYPES = ['hard', 'soft', 'undetermined'] as const;
export type BounceType = (typeof BOUNCE_TYPES)[number];

/** Who is to blame. Only `recipient` and `domain` with type `hard` may suppress an address. */
export const BOUNCE_SCOPES = [
  'recipient',
  'domain',
  'infrastructure',
  'content',
  'policy',
  'network',
] as const;
export type BounceScope = (typeof BOUNCE_SCOPES)[number];

export const BOUNCE_CATEGORIES = [
  'invalid_address',
  'invalid_domain',
  'mailbox_full',
  'mailbox_inactive',
  'message_too_large',
  'spam_content',
  'blocked',
  'policy',
  'relay_denied',
  'rate_limited',
  'greylisted',
  'timeout',
  'dns_failure',
  'connection_failure',
  'auto_reply',
  'content_rejected',
  'suppressed',
  'other',
] as const;
export type BounceCategory = (typeof BOUNCE_CATEGORIES)[number];

export interface EventMessage {
  /** Our id (`msg_...`), or `null` for a message that another provider sent. */
  id: string | null;
  /** The Message-ID header with its angle brackets. */
  smtp_id?: string | null;
  provider_id?: string | null;
  from?: string | null;
  subject?: string | null;
  stream?: string | null;
  sent_at?: string | null;
}

/** One attempt to hand the message to a receiving server. */
export interface EventDelivery {
  attempt?: number | null;
  smtp_code?: number | null;
  enhanced_code?: string | null;
  response?: string | null;
  mx?: string | null;
  remote_ip?: string | null;
  tls?: boolean | null;
  latency_ms?: number | null;
  /** Our word for what went wrong, where a code of the server's does not say it: `connect_timeout`. */
  error_code?: string | null;
  next_attempt_at?: string | null;
}

export interface EventBounce {
  type: BounceType;
  category: BounceCategory;
  scope: BounceScope;
  description?: string | null;
  /** True when the refusal came after the server had accepted the message. */
  async?: boolean | null;
  from_dsn?: boolean | null;
  suppressed?: boolean | null;
}

/** Why a message is kept for review, and how long it is. */
export interface EventHold {
  /** `key`, `rule`, `limit`: what kept it. */
  reason: string;
  /** The name of the rule, where one did. */
  rule?: string | null;
  /** When it is dropped, if nobody lets it go. */
  expires_at?: string | null;
}

export interface EventEngagement {
  url?: string | null;
  link_id?: string | null;
  ip?: string | null;
  user_agent?: string | null;
  client?: { name: string | null; os: string | null; device: string | null } | null;
  first?: boolean | null;
  machine?: boolean | null;
  machine_reason?: string | null;
}

/** How many percent of the time that a failing endpoint is given are used up. */
export const PATIENCE_STEPS = [50, 70, 90, 100] as const;
export type PatienceStep = (typeof PATIENCE_STEPS)[number];

/** The webhook endpoint that an event speaks of. */
export interface EventEndpoint {
  id: string;
  /** The name that its owner gave it. */
  uid?: string | null;
  url: string;
  description?: string | null;
  failing_since?: string | null;
  patience_used_percent?: PatienceStep | null;
  /** In words: why it fails, or why it was switched off. */
  reason?: string | null;
}

/** How much waits for an endpoint, and what was passed. */
export interface EventBacklog {
  /** What it still has to get; with `at_least` there may be more. */
  depth: number;
  at_least: boolean;
  /** Of the event that has waited longest. */
  oldest_age_seconds: number;
  /** For how long the first one has been due; 0 when none is due. */
  lag_seconds: number;
  threshold: { depth: number; lag_seconds: number };
}

/** A delivery that was given up. */
export interface EventExhausted {
  event_id: string;
  event_type: EventType;
  endpoint_id: string;
  delivery_id: string;
  attempts: number;
  first_attempt_at?: string | null;
  /** `status`: the HTTP status, where one came. */
  last_error: { code: string; detail?: string | null; status?: number | null } | null;
}

/** The state of an account at a provider. */
export interface EventAccount {
  /** In the provider's words: `compliance_suspend`. */
  status: string;
  reason?: string | null;
}

/** A project's sending limit, and how much of it is used. */
export interface EventSendLimit {
  /** What the limit counts over: `hour`, `day`, `month`. */
  period: string;
  limit: number;
  used: number;
  used_percent?: number | null;
  resets_at?: string | null;
}

/** What a DNS record of a sending domain is for. */
export const DNS_RECORD_PURPOSES = [
  'spf',
  'dkim',
  'dmarc',
  'mx',
  'return_path',
  'tracking',
  'mta_sts',
  'tls_rpt',
  'bimi',
] as const;
export type DnsRecordPurpose = (typeof DNS_RECORD_PURPOSES)[number];

export const DNS_RECORD_STATUSES = ['ok', 'missing', 'wrong', 'unknown'] as const;
export type DnsRecordStatus = (typeof DNS_RECORD_STATUSES)[number];

export interface EventDnsRecord {
  purpose: DnsRecordPurpose;
  /** Where it stands in DNS. */
  name: string;
  /** `TXT`, `CNAME`, `MX`. */
  type: string;
  status: DnsRecordStatus;
  expected?: string | null;
  found?: string | null;
  detail?: string | null;
}

/** A sending domain with the records that the event speaks of. */
export interface EventDomain {
  name: string;
  failing_since?: string | null;
  records: EventDnsRecord[];
}

/** Why and by whom `data.recipient` was put on the suppression list, or taken off it. */
export interface EventSuppression {
  /** `hard_bounce`, `complaint`, `unsubscribe`, `manual`. */
  reason: string;
  /** Who did it: `posthorn`, `api`, a provider. */
  by?: string | null;
  /** The stream that it holds for; `null` for all. */
  stream?: string | null;
  /** The event that led to it. */
  event_id?: string | null;
  expires_at?: string | null;
  note?: string | null;
}

/** A source that should be talking and is not, or talks again. */
export interface EventStalled {
  source_id: string;
  name?: string | null;
  /** Of a source that talks again: the first event after the silence, or a later one. */
  last_event_at?: string | null;
  /** For how long it has been silent, or was known to be. */
  silent_seconds?: number | null;
  /** Longer than this it should not be silent. */
  expected_within_seconds?: number | null;
}

/** A rule that watches over a project found what it looks for, or does not any more. */
export interface EventAlert {
  /** `alt_...`: the same when it fires and when it resolves. */
  id: string;
  rule_id: string;
  rule_name: string;
  /** `bounce_rate`, `endpoint_failing` ... */
  type: string;
  /** What it is about; `null` for the project as a whole. */
  about: { kind: string; id: string; name: string } | null;
  /** What was found when it fired, for people. */
  sentence: string;
  /** A share of 1, a count or seconds, as its type has it; and the highest so far. */
  value: number;
  worst_value?: number | null;
  threshold: number;
  fired_at: string;
  resolved_at?: string | null;
  /** `recovered`, `gone`, `rule_disabled`, `rule_deleted`. */
  resolved_because?: string | null;
}

export interface EventMailbox {
  address: string;
  name?: string | null;
}

/** A file of a mail that came in. */
export interface EventAttachment {
  /** From 1, in the order of the mail. */
  number: number;
  filename: string | null;
  content_type: string;
  size_bytes: number;
  /** With its angle brackets: what `cid:` in the HTML refers to. */
  content_id?: string | null;
  inline?: boolean | null;
  /** Where it can be fetched without a key, until then; `null` where nobody has said how we are reached. */
  url?: string | null;
}

/** What a mail that came in shows of its sender (RFC 8601 2.7). */
export interface EventAuthentication {
  spf: { result: string; domain?: string | null };
  dkim: { result: string; signatures: EventDkimSignature[] };
  dmarc: { result: string; domain?: string | null; policy?: string | null };
  /** `domain`: who sealed it last, which says no more than how far that one is trusted (RFC 8617). */
  arc: { result: string; domain?: string | null };
}

export interface EventDkimSignature {
  result: string;
  domain: string | null;
  selector: string | null;
  /** Whether its domain is that of the From address, as DMARC asks. */
  aligned: boolean;
}

/** A mail that came in at an address of ours. */
export interface EventInbound {
  /** `rcv_...`: what GET /v1/inbound/messages/{id} knows it by. */
  id: string;
  route_id?: string | null;
  /** Behind the first plus of the recipient: `17` of `reply+17@example.com`. */
  plus_tag?: string | null;
  /** The sender of the envelope; `''` where nobody may be answered (RFC 5321 4.5.5). */
  envelope_from?: string | null;
  from?: EventMailbox | null;
  to?: EventMailbox[];
  cc?: EventMailbox[];
  reply_to?: EventMailbox[];
  in_reply_to?: string | null;
  references?: string[];
  text?: string | null;
  html?: string | null;
  /** The text without what it quotes and without a signature. */
  reply_text?: string | null;
  /** Which fields were cut short here: GET /v1/inbound/messages/{id} has all of them. */
  truncated?: string[];
  /** Names and values, in their order. */
  headers?: { name: string; value: string }[];
  attachments?: EventAttachment[];
  authentication?: EventAuthentication;
  /** A hint out of the headers and the results above; nothing was scanned. */
  spam?: { suspected: boolean; reasons: string[] };
  /** What wrote it, where no person did (RFC 3834): `auto-replied`, `auto-generated`, `bulk`. */
  automatic?: string | null;
  size_bytes?: number;
  /** The whole mail, as `url` of an attachment. */
  url?: string | null;
  urls_expire_at?: string | null;
}

/** Of a post to an endpoint that coalesces: opens or clicks that are alike, and this is the first of them. */
export interface EventCoalesced {
  count: number;
  /** `timestamp` of the last one. */
  last_at: string;
  /** In their order, this one included. */
  event_ids: string[];
}

export interface EventData {
  /** True in a sample, and of mail that was sent with a sandbox key: nothing of it happened. */
  test?: boolean;
  /** True when its recipient was erased: what could tell of the person is gone. */
  erased?: boolean;
  provider?: string;
  source?: string | null;
  received_at?: string;
  provider_type?: string | null;
  provider_event_id?: string | null;
  message?: EventMessage;
  recipient?: string | null;
  /** Only where the recipient itself is withheld. */
  recipient_domain?: string;
  recipient_inferred?: boolean;
  delivery?: EventDelivery;
  bounce?: EventBounce;
  complaint?: { type: string | null; feedback_id?: string | null; user_agent?: string | null };
  reject?: { reason: string };
  hold?: EventHold;
  engagement?: EventEngagement;
  unsubscribe?: { method: string | null; group?: string | null };
  inbound?: EventInbound;
  account?: EventAccount;
  send_limit?: EventSendLimit;
  domain?: EventDomain;
  suppression?: EventSuppression;
  endpoint?: EventEndpoint;
  backlog?: EventBacklog;
  exhausted?: EventExhausted;
  stalled?: EventStalled;
  alert?: EventAlert;
  coalesced?: EventCoalesced;
  tags?: string[];
  metadata?: Record<string, unknown>;
  raw?: unknown;
  /** What the log had learned of this message and recipient, this event included: 1, 2, 3 ... */
  sequence?: number;
  state?: RecipientState;
  previous_state?: RecipientState | null;
}

export interface CanonicalEvent {
  /** `evt_` and a time-ordered id. Never changes: not on retry, not on replay. */
  id: string;
  type: EventType;
  /** When it happened. */
  timestamp: string;
  data: EventData;
}
