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
  'account.send_limit_approaching',
  'account.send_limit_exceeded',
  'domain.dns_error',
  'domain.dns_recovered',
  'suppression.added',
  'suppression.removed',
  'endpoint.failing',
  'endpoint.recovered',
  'endpoint.disabled',
  'delivery.exhausted',
  'source.stalled',
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

export interface EventData {
  provider?: string;
  source?: string | null;
  received_at?: string;
  provider_type?: string | null;
  provider_event_id?: string | null;
  message?: EventMessage;
  recipient?: string | null;
  recipient_inferred?: boolean;
  delivery?: EventDelivery;
  bounce?: EventBounce;
  complaint?: { type: string | null; feedback_id?: string | null; user_agent?: string | null };
  reject?: { reason: string };
  engagement?: EventEngagement;
  unsubscribe?: { method: string | null; group?: string | null };
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
