// A table: the objects of the HTTP API that the portal shows, as docs/api.md and /openapi.json describe them.

export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

export interface Message {
  id: string;
  from: string;
  subject: string | null;
  smtp_id: string;
  accepted_by: 'http' | 'smtp';
  size_bytes: number;
  tags: string[];
  metadata: Record<string, string>;
  created_at: string;
  expires_at: string;
}

/** Why a message waits for somebody to let it go. */
export interface Held {
  reason: 'key' | 'rule' | 'limit';
  /** The name of the rule, where one held it. */
  rule: string | null;
  held_at: string;
  expires_at: string;
}

/** As the list of held messages has it. */
export interface HeldMessage extends ListedMessage {
  /** Null for one that was decided on a moment ago. */
  held: Held | null;
}

/** What was said in one SMTP transaction. */
export interface Transcript {
  id: string;
  started_at: string;
  latency_ms: number;
  recipients: { address: string; attempt: number; outcome: string }[];
  transcript: { at_ms: number; from: 'client' | 'server' | 'note'; text: string }[];
}

/** As lists have it. */
export interface ListedMessage extends Message {
  /** The first three. */
  recipients: { address: string; state: string | null }[];
}

export interface MessageContent {
  headers: { name: string; value: string }[];
  text: string | null;
  html: string | null;
  attachments: {
    filename: string | null;
    content_type: string;
    size_bytes: number;
    content_id: string | null;
  }[];
  truncated: boolean;
}

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

export interface Recipient {
  address: string;
  kind: 'to' | 'cc' | 'bcc' | 'envelope';
  state: string | null;
  attempts: number;
  next_attempt_at: string | null;
}

export interface MessageDetail extends Message {
  held: Held | null;
  recipients: Recipient[];
  timeline: TimelineEntry[];
  timeline_truncated: boolean;
}

export interface TimelineEntry {
  event: PosthornEvent;
  deliveries: (Delivery & { attempts: Attempt[] })[];
}

export interface PosthornEvent {
  id: string;
  type: string;
  timestamp: string;
  data: EventData;
}

/** An event as an endpoint with this dialect gets it. */
export interface ShownEvent {
  dialect: string;
  headers: Header[];
  /** Null: the dialect has no word for it. */
  body: string | null;
}

export interface EventData {
  provider?: string;
  recipient?: string | null;
  state?: string | null;
  message?: { id?: string | null; from?: string | null; subject?: string | null };
  delivery?: {
    attempt?: number | null;
    smtp_code?: number | null;
    enhanced_code?: string | null;
    response?: string | null;
    mx?: string | null;
    remote_ip?: string | null;
    tls?: boolean | null;
    latency_ms?: number | null;
    next_attempt_at?: string | null;
    error_code?: string | null;
  };
  bounce?: { type?: string | null; category?: string | null; reason?: string | null };
  /** A mail that came in. */
  inbound?: { id: string };
  [key: string]: unknown;
}

export type DeliveryState =
  | 'pending'
  | 'in_flight'
  | 'retrying'
  | 'delivered'
  | 'dead'
  | 'skipped'
  | 'canceled';

export interface Delivery {
  id: string;
  event_id: string;
  endpoint_id: string;
  endpoint_url: string | null;
  state: DeliveryState;
  attempt_count: number;
  last_status: number | null;
  last_error: string | null;
  next_attempt_at: string | null;
  in_line: boolean;
  created_at: string;
  ended_at: string | null;
}

export interface Attempt {
  id: string;
  number: number;
  started_at: string;
  latency_ms: number;
  outcome: 'succeeded' | 'failed' | 'skipped';
  status: number | null;
  error_code: string | null;
  error_detail: string | null;
  fault: 'endpoint' | 'ours' | null;
}

export interface Header {
  name: string;
  value: string;
}

export interface AttemptDetail extends Attempt {
  request: { method: string; url: string | null; headers: Header[] };
  response: { status: number; headers: Header[]; excerpt: string | null } | null;
  timing: {
    dns_ms: number | null;
    connect_ms: number | null;
    tls_ms: number | null;
    first_byte_ms: number | null;
    remote_address: string | null;
    connection_reused: boolean;
  } | null;
}

export interface DeliveryDetail extends Delivery {
  attempts: AttemptDetail[];
  body?: string | null;
}

export interface Endpoint {
  id: string;
  uid: string | null;
  url: string;
  description: string;
  event_types: string[];
  dialect: string;
  transformation: string | null;
  order: string;
  status: 'enabled' | 'disabled';
  disabled_reason: string | null;
  health: { failing_since: string | null; patience_used_percent: number };
  version: number;
  created_at: string;
  updated_at: string;
  /** Only in the answer that creates it. */
  secret?: string;
}

/** What an endpoint would get of a past event. */
export interface PreviewLine {
  event_id: string;
  event_type: string;
  outcome: 'sent' | 'left_out' | 'failed';
  body: unknown;
  error: string | null;
}

export interface EventType {
  type: string;
  category: string;
  description: string;
  terminal: boolean;
  example: PosthornEvent;
}

export interface Queue {
  depth: number;
  at_least: boolean;
  oldest_age_seconds: number;
  lag_seconds: number;
  endpoints: number;
  data: QueueEntry[];
}

export const PERIODS = ['1h', '24h', '7d'] as const;

export type VolumePeriod = (typeof PERIODS)[number];

export interface EventVolume {
  from: string;
  to: string;
  bucket_seconds: number;
  at_least: boolean;
  data: { at: string; counts: Partial<Record<string, number>> }[];
}

export interface QueueEntry {
  endpoint_id: string;
  endpoint_uid: string | null;
  endpoint_url: string | null;
  status: 'enabled' | 'disabled' | 'deleted';
  depth: number;
  at_least: boolean;
  oldest_age_seconds: number;
  lag_seconds: number;
  due: number;
  scheduled: number;
  /** Null where the node that answers does not post to it. */
  breaker: { state: 'closed' | 'open' | 'recovering'; next_probe_at: string | null } | null;
}

/** Deliveries that an endpoint was given up on for one reason. */
export interface DeadGroup {
  endpoint_id: string;
  endpoint_url: string | null;
  status: 'enabled' | 'disabled' | 'deleted';
  error_code: string | null;
  count: number;
  first_event_at: string;
  last_event_at: string;
}

export interface Gaps {
  endpoint_id: string;
  owed: number;
  delivered: number;
  missing: number;
  by_state: Record<DeliveryState, number>;
  at_least: boolean;
  data: Delivery[];
  next_cursor: string | null;
}

export type JobState = 'queued' | 'running' | 'paused' | 'canceled' | 'done' | 'failed';

export interface Job {
  id: string;
  kind: string;
  state: JobState;
  progress: { total: number | null; done: number; failed: number };
  rate_per_second: number | null;
  /** What a replay was asked for. */
  replay: { endpoint_id: string | null } | null;
  error: string | null;
  created_at: string;
  ended_at: string | null;
}

export const SUPPRESSION_REASONS = [
  'hard_bounce',
  'soft_bounces',
  'complaint',
  'unsubscribe',
  'manual',
] as const;

export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];

export interface Suppression {
  id: string;
  /** Null once the person was erased. */
  address: string | null;
  stream: 'transactional' | 'broadcast' | null;
  reason: SuppressionReason;
  source: string;
  note: string | null;
  event_id: string | null;
  created_at: string;
  expires_at: string | null;
}

export interface Source {
  id: string;
  name: string;
  provider: string;
  secrets: number;
  activity: {
    requests: number;
    events: number;
    duplicates: number;
    refused: number;
    last_request_at: string | null;
    last_event_at: string | null;
    last_refusal: { at: string; code: string; detail: string } | null;
    expected_within: string | null;
    stalled_since: string | null;
  };
  version: number;
  created_at: string;
  /** Only in the answers that create it or show its secrets. */
  path?: string;
  url?: string | null;
}

/** One setting of a kind of sinks, as its JSON Schema has it. */
export interface SinkSetting {
  type?: 'string' | 'integer' | 'boolean' | 'object';
  description?: string;
  default?: unknown;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  maxLength?: number;
}

export interface SinkKind {
  kind: string;
  title: string;
  summary: string;
  /** What becomes of an event that is sent twice. */
  repeats: string;
  settings: { properties?: Record<string, SinkSetting>; required?: string[] };
  /** Settings that are never shown. */
  secrets: string[];
}

/** A sink with everything filled in for one API. */
export interface SinkPreset extends Omit<SinkKind, 'kind' | 'repeats'> {
  preset: string;
  /** What has to be there before. */
  needs: string;
  /** Those of the sink where none are named. */
  event_types: string[];
}

export interface SinkTrouble {
  code: string;
  detail: string;
}

export interface Sink {
  id: string;
  name: string;
  kind: string;
  /** A secret is `true` where there is one. */
  settings: Record<string, unknown>;
  event_types: string[];
  filter: Record<string, unknown> | null;
  transformation: string | null;
  paused: boolean;
  state: 'ok' | 'failing' | 'refusing' | 'paused';
  progress: {
    sent: number;
    refused: number;
    lag_seconds: number;
    last_sent_at: string | null;
    failing_since: string | null;
    refusing_since: string | null;
    next_attempt_at: string | null;
    last_error: SinkTrouble | null;
  };
  backfill: {
    sent: number;
    refused: number;
    percent: number;
    last_error: SinkTrouble | null;
  } | null;
  version: number;
  created_at: string;
}

export interface RefusedEvent {
  event_id: string;
  /** null: the event is not kept any more. */
  event_type: string | null;
  recipient: string | null;
  code: string;
  detail: string;
  refused_at: string;
}

interface Mailbox {
  address: string;
  name?: string | null;
}

/** A mail that came in, as the list has it. */
export interface ReceivedMail {
  id: string;
  route_id?: string | null;
  recipient: string;
  subject: string | null;
  smtp_id: string | null;
  received_at: string;
  from?: Mailbox | null;
  spam?: { suspected: boolean; reasons: string[] };
  automatic?: string | null;
  /** How many files it has. */
  attachments: number;
}

export interface ReceivedFile {
  number: number;
  filename: string | null;
  content_type: string;
  size_bytes: number;
}

export const AUTHENTICATION_METHODS = ['spf', 'dkim', 'dmarc', 'arc'] as const;

export interface ReceivedDetail extends Omit<ReceivedMail, 'attachments'> {
  plus_tag?: string | null;
  /** Empty: nobody may be answered. */
  envelope_from?: string | null;
  to?: Mailbox[];
  cc?: Mailbox[];
  reply_to?: Mailbox[];
  in_reply_to?: string | null;
  /** Null where the bytes are not kept any more, or could not be read. */
  text?: string | null;
  html?: string | null;
  reply_text?: string | null;
  attachments?: ReceivedFile[];
  authentication?: Record<(typeof AUTHENTICATION_METHODS)[number], { result: string }>;
  size_bytes?: number;
}

/** An address that mail is taken for. */
export interface InboundRoute {
  id: string;
  address: string;
  action: 'receive' | 'refuse';
  priority: number;
  tags: string[];
  description: string;
  ready: boolean;
  /** Why it is not ready, and what to do. */
  detail: string | null;
  version: number;
  created_at: string;
}

export interface CheckedRoute extends InboundRoute {
  /** What DNS says of where its mail goes. */
  mx: {
    name: string;
    expected: string;
    status: DomainRecord['status'];
    found: string | null;
    detail: string | null;
  };
}

export const SCOPES = ['send', 'events', 'read', 'manage', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

export interface ApiKey {
  id: string;
  name: string;
  /** The last characters of the key. */
  hint: string;
  scopes: Scope[];
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  /** Only in the answer that creates it. */
  key?: string;
}

export interface Project {
  id: string;
  name: string;
  limits: {
    api_requests_per_second: number | null;
    events_per_second: number | null;
    endpoints: number | null;
    emails_per_hour: number | null;
    emails_per_day: number | null;
  };
  retention: { events_days: number | null; bodies_days: number | null };
  version: number;
  created_at: string;
}

export interface DomainRecord {
  purpose: string;
  name: string;
  type: 'TXT' | 'CNAME' | 'MX';
  required: boolean;
  /** What to publish; null where there is no one right value. */
  expected: string | null;
  status: 'ok' | 'missing' | 'wrong' | 'unknown';
  found: string | null;
  detail: string | null;
}

export interface Domain {
  id: string;
  name: string;
  unicode_name: string;
  status: 'pending' | 'verified' | 'failing';
  records: DomainRecord[];
  version: number;
  created_at: string;
  verified_at: string | null;
  checked_at: string | null;
  failing_since: string | null;
}

export const ROLES = ['owner', 'developer', 'support', 'read_only'] as const;

export interface User {
  id: string;
  email: string;
  name: string;
  role: (typeof ROLES)[number];
  /** Null: all. */
  project_ids: string[] | null;
  has_totp: boolean;
  is_disabled: boolean;
  created_at: string;
}

export interface Invitation {
  id: string;
  email: string;
  role: User['role'];
  project_ids: string[] | null;
  expires_at: string;
  is_expired: boolean;
  /** Only in the answer that creates it: the link below this server's address. */
  path?: string;
  is_mailed?: boolean;
}

export interface AuditEntry {
  id: string;
  user_email: string;
  remote_address: string;
  action: string;
  project_id: string | null;
  target: string | null;
  created_at: string;
}

/** What was counted in some time. */
export interface StatsTotals {
  accepted: number;
  sent: number;
  delivered: number;
  deferred: number;
  bounced: number;
  bounced_by_type: Record<string, number>;
  bounced_by_category: Record<string, number>;
  rejected: number;
  failed: number;
  complained: number;
  opened: number;
  clicked: number;
  unsubscribed: number;
  delivery_latency_ms: { p50: number | null; p95: number | null };
  /** Parts of one; null where there is nothing to share. */
  rates: Record<
    'delivery' | 'bounce' | 'complaint' | 'open' | 'click' | 'unsubscribe',
    number | null
  >;
}

export interface StatsWindow {
  from: string;
  to: string;
  interval: 'minute' | 'hour' | 'day';
}

export interface Stats extends StatsWindow {
  totals: StatsTotals;
  /** Of the time before; null when it was not asked for, or is not kept any more. */
  previous: (StatsWindow & { totals: StatsTotals }) | null;
  series: (StatsTotals & { start: string })[];
  groups: (StatsTotals & { value: string })[] | null;
  catching_up: boolean;
  rebuilding: boolean;
}

export type RateLevel = 'unknown' | 'good' | 'warning' | 'critical';

interface RatedCounts {
  delivered: number;
  bounced: number;
  complained: number;
  rates: StatsTotals['rates'];
  level: RateLevel;
}

export interface Deliverability extends RatedCounts, StatsWindow {
  checks: {
    rate: 'bounce' | 'complaint';
    value: number | null;
    level: RateLevel;
    publisher: string;
    recommended: number;
    limit: number;
    source: string;
  }[];
  receiving_domains: (RatedCounts & { domain: string })[];
}

/** How an endpoint does, from its newest deliveries. */
export interface EndpointNumbers {
  endpoint_id: string;
  endpoint_uid: string | null;
  sampled: number;
  at_least: boolean;
  delivered: number;
  dead: number;
  pending: number;
  success_rate: number | null;
  retried: number;
  retries: number;
  latency_ms: { p50: number | null; p95: number | null };
}

/** What mail is sent as. */
export const STREAMS = ['transactional', 'broadcast'] as const;

/** Of thresholds and values: parts of one, a count, or seconds. */
export type AlertUnit = 'share' | 'count' | 'seconds';

export const ALERT_SCOPES = [
  'stream',
  'tag',
  'sending_domain',
  'receiving_domain',
  'provider',
  'endpoint',
  'source',
  'sink',
  'domain',
] as const;

export type AlertScope = (typeof ALERT_SCOPES)[number];

export type AlertActionType = 'hold_stream' | 'hold_key' | 'suppress' | 'disable_endpoint';

export interface AlertRuleType {
  type: string;
  title: string;
  summary: string;
  unit: AlertUnit;
  about: string;
  threshold: { default: number | null; min: number; max: number; optional: boolean };
  /** Null: it looks at what is so now. */
  window_seconds: { default: number; min: number; max: number } | null;
  /** Null: even one says all. */
  min_volume: { default: number; min: number } | null;
  resolve_after_seconds: number;
  scope: AlertScope[];
  actions: AlertActionType[];
  /** Null: nothing is kept of the past. */
  past: 'statistics' | 'events' | null;
}

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

export interface AlertSettings {
  name: string;
  type: string;
  enabled: boolean;
  scope: Partial<Record<AlertScope, string>>;
  threshold: number | null;
  window_seconds: number | null;
  min_volume: number | null;
  resolve_below: number | null;
  resolve_after_seconds: number;
  quiet_hours: {
    time_zone: string;
    from: string;
    to: string;
    days: (typeof WEEKDAYS)[number][];
  } | null;
  urgent: boolean;
  repeat_seconds: number | null;
  to: { sinks: string[]; emails: string[] };
  actions: { type: AlertActionType; stream?: string; key?: string }[];
  /** When it fires and what it does then, for people. */
  sentence: string;
}

export interface AlertRule extends AlertSettings {
  id: string;
  /** What it names and is not there any more. */
  problems: { pointer: string; detail: string }[];
  /** How many alerts of it are not resolved. */
  firing: number;
  version: number;
}

export type DefaultAlertRule = AlertSettings & { taken: boolean };

export type AlertSubject = { kind: string; id: string; name: string } | null;

export interface AlertPreview {
  sentence: string;
  fired: { subject: string; text: string };
  /** What it finds now. */
  now: { about: AlertSubject; fires: boolean; sentence: string | null }[];
}

/** When a rule would have fired. */
export interface AlertPast {
  sentence: string;
  /** Null: nothing of it is kept. */
  basis: 'statistics' | 'events' | null;
  count: number;
  firings: {
    about: AlertSubject;
    fired_at: string;
    resolved_at: string | null;
    sentence: string;
  }[];
}

export interface Alert {
  id: string;
  rule: { id: string; name: string; type: string };
  about: AlertSubject;
  state: 'firing' | 'acknowledged' | 'snoozed' | 'resolved';
  sentence: string;
  fired_at: string;
  resolved_at: string | null;
  resolved_because: 'recovered' | 'gone' | 'rule_disabled' | 'rule_deleted' | null;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  snoozed_until: string | null;
  snoozed_by: string | null;
  notices: { sent: number; waiting: number; failed: number };
}

/** What was told to whom, or done, because of an alert. */
export interface AlertNotice {
  id: string;
  what: 'fired' | 'resolved' | 'reminder';
  kind: 'sink' | 'email' | 'action';
  to: string;
  name: string;
  /** `quiet`: it waits for quiet hours to end. */
  state: 'waiting' | 'quiet' | 'sent' | 'failed';
  attempts: number;
  detail: string | null;
  created_at: string;
  due_at: string | null;
  settled_at: string | null;
}

export type WholeAlert = Alert & { history: AlertNotice[] };
