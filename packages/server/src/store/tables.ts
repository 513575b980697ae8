// A table file: the columns of every table, for Kysely. store/README.md says what each is for.

import type { EventType, RecipientState } from '@posthorn/sdk';
import type { Generated } from 'kysely';
import type { AlertNotice } from '../core/alerts/alert-rule.ts';
import type { AlertType } from '../core/alerts/alert-types.ts';
import type { Urgency } from '../core/events/urgency.ts';
import type { KeyMode } from '../core/key-mode.ts';
import type { HoldReason } from '../core/mail/hold-rules.ts';
import type { Stream } from '../core/mail/streams.ts';
import type { SuppressionReason } from '../core/mail/suppression.ts';
import type { Role } from '../core/roles.ts';
import type { SinkLane, SinkRefusal } from '../core/sink.ts';
import type { Grain, StatsDimension, StatsPlace } from '../core/stats/counts.ts';

/** What the installation knows of itself, by name. */
export interface FactsTable {
  name: string;
  value: string;
}

export interface ProjectsTable {
  id: string;
  name: string;
  limits: string;
  retention: string;
  sending: string;
  version: number;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
}

export interface ApiKeysTable {
  project_id: string;
  id: string;
  name: string;
  key_hash: string;
  hint: string;
  scopes: string;
  mode: KeyMode;
  created_at: number;
  expires_at: number | null;
  last_used_at: number | null;
  revoked_at: number | null;
  link: string | null;
}

export interface UsersTable {
  id: string;
  email: string;
  name: string;
  password_hash: string;
  role: Role;
  project_ids: string | null;
  created_at: number;
  disabled_at: number | null;
  totp_sealed: string | null;
  totp_step: number | null;
  recovery_hashes: string | null;
  oidc_subject: string | null;
}

export interface InvitationsTable {
  id: string;
  token_hash: string;
  email: string;
  role: Role;
  project_ids: string | null;
  created_at: number;
  expires_at: number;
}

export interface AuditLogTable {
  id: string;
  user_id: string;
  user_email: string;
  remote_address: string;
  action: string;
  project_id: string | null;
  target: string | null;
  created_at: number;
  retain_until: number;
}

export interface SessionsTable {
  token_hash: string;
  user_id: string;
  created_at: number;
  seen_at: number;
  expires_at: number;
}

export interface EndpointsTable {
  project_id: string;
  id: string;
  uid: string | null;
  url: string;
  description: string;
  metadata: string;
  event_types: string;
  settings: string;
  secrets_sealed: string;
  status: 'enabled' | 'disabled';
  disabled_reason: string | null;
  version: number;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
  failing_since: number | null;
  warned_percent: number;
}

export interface MessagesTable {
  project_id: string;
  id: string;
  accepted_by: 'http' | 'smtp';
  /** 1: taken with a sandbox key, and never sent. */
  sandbox: number;
  stream: Stream;
  envelope_from: string;
  header_from: string;
  subject: string | null;
  smtp_id: string;
  tags: string;
  metadata: string;
  /** MessageTracking (core/mail/tracking.ts) as JSON. */
  tracking: string | null;
  /** DsnRequest (core/dsn.ts) as JSON. */
  dsn: string | null;
  size_bytes: number;
  created_at: number;
  send_at: number | null;
  expires_at: number;
  retain_until: number;
}

export interface MessageBodiesTable {
  project_id: string;
  message_id: string;
  raw: Uint8Array;
  retain_until: number;
}

/** One attempt of the mail queue in words; `lines` is read and written by transcripts.ts. */
export interface TranscriptsTable {
  project_id: string;
  message_id: string;
  id: string;
  started_at: number;
  latency_ms: number;
  recipients: string;
  lines: string;
  retain_until: number;
}

export interface TransmissionsTable {
  project_id: string;
  message_id: string;
  recipient: string;
  position: number;
  kind: 'to' | 'cc' | 'bcc' | 'envelope';
  domain: string;
  /**
   * `held`: a person has to let it go. `canceled`: not to be sent any more. `rejected`: it was never to be
   * sent.
   */
  state: 'queued' | 'held' | 'delivered' | 'bounced' | 'failed' | 'canceled' | 'rejected';
  attempts: number;
  reached_server: number;
  due_at: number;
  node: string | null;
  retain_until: number;
}

export interface HeldMessagesTable {
  project_id: string;
  message_id: string;
  reason: HoldReason;
  /** The name of the rule, where one was the reason. */
  rule: string | null;
  held_at: number;
  expires_at: number;
}

/** A message that is to have reached its end by then, and has not been asked after yet. */
export interface ExpectationsTable {
  project_id: string;
  message_id: string;
  due_at: number;
}

export interface EventsTable {
  /** Given by the database: the order of the log. */
  position: Generated<number>;
  project_id: string;
  id: string;
  type: EventType;
  message_key: string | null;
  recipient: string | null;
  occurred_at: number;
  received_at: number;
  dedup_key: string | null;
  body: string;
  raw: string | null;
  retain_until: number;
}

export interface RecipientStatesTable {
  project_id: string;
  message_key: string;
  recipient: string;
  sequence: number;
  state: RecipientState | null;
  state_rank: number | null;
  state_at: number | null;
  retain_until: number;
}

export type DeliveryState = 'pending' | 'delivered' | 'dead' | 'skipped' | 'canceled';

export interface DeliveriesTable {
  project_id: string;
  event_id: string;
  endpoint_id: string;
  state: DeliveryState;
  urgency: Urgency;
  attempts: number;
  failures: number;
  /** Null when it has ended, and while it stands in line behind an earlier one of its order_key. */
  due_at: number | null;
  node: string | null;
  created_at: number;
  ended_at: number | null;
  order_key: string | null;
  position: number | null;
  /** The latest attempt; null before the first. */
  attempt_id: string | null;
  attempt_started_at: number | null;
  attempt_latency_ms: number | null;
  last_status: number | null;
  last_error: string | null;
  last_error_detail: string | null;
  last_response_excerpt: string | null;
  last_trace: string | null;
  retain_until: number;
}

export interface AttemptsTable {
  project_id: string;
  event_id: string;
  endpoint_id: string;
  id: string;
  number: number;
  started_at: number;
  latency_ms: number;
  status: number | null;
  error_code: string | null;
  error_detail: string | null;
  response_excerpt: string | null;
  trace: string | null;
  retain_until: number;
}

export type JobKind =
  | 'replay'
  | 'erase'
  | 'redecode'
  | 'import_suppressions'
  | 'export_suppressions';
export type JobState = 'queued' | 'running' | 'paused' | 'canceled' | 'done' | 'failed';

export interface JobsTable {
  project_id: string;
  id: string;
  kind: JobKind;
  state: JobState;
  params: string;
  progress: string;
  cursor: string | null;
  rate_per_second: number | null;
  error: string | null;
  created_at: number;
  started_at: number | null;
  updated_at: number;
  ended_at: number | null;
  retain_until: number;
}

export interface JobPartsTable {
  project_id: string;
  job_id: string;
  /** Counted from 000000. */
  part: string;
  content: string;
  retain_until: number;
}

export interface SuppressionsTable {
  project_id: string;
  address_hash: string;
  /** '' for all streams. */
  stream: Stream | '';
  id: string;
  /** Null once the person was erased. */
  address: string | null;
  reason: SuppressionReason;
  source: string;
  note: string | null;
  event_id: string | null;
  created_at: number;
  expires_at: number | null;
}

export interface SoftBouncesTable {
  project_id: string;
  address_hash: string;
  message_key: string;
  bounced_at: number;
  retain_until: number;
}

/** What a project has sent in an hour or a day that has a limit. */
export interface SendWindowsTable {
  project_id: string;
  period: 'hour' | 'day';
  started_at: number;
  used: number;
}

export interface SourcesTable {
  project_id: string;
  id: string;
  name: string;
  provider: string;
  settings: string;
  secrets_sealed: string;
  version: number;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
}

export interface SinksTable {
  project_id: string;
  id: string;
  name: string;
  kind: string;
  settings: string;
  secrets_sealed: string;
  event_types: string;
  filter: string | null;
  transformation: string | null;
  is_paused: number;
  version: number;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
}

export interface SinkPlacesTable {
  project_id: string;
  sink_id: string;
  lane: SinkLane;
  position: number;
  from_position: number;
  until_position: number | null;
  sent: number;
  refused: number;
  failures: number;
  failing_since: number | null;
  last_error: string | null;
  retry_at: number | null;
  last_sent_at: number | null;
  refusing_since: number | null;
}

export interface SinkRefusalsTable {
  project_id: string;
  sink_id: string;
  event_id: string;
  code: SinkRefusal['code'];
  detail: string;
  refused_at: number;
  retain_until: number;
}

export interface StatsCountsTable {
  project_id: string;
  grain: Grain;
  dimension: StatsDimension;
  starts_at: number;
  value: string;
  stream: string;
  metric: string;
  count: number;
}

export interface StatsFirstsTable {
  project_id: string;
  mark: string;
  occurred_at: number;
  generation: number;
  counted: string;
  retain_until: number;
}

export interface StatsPlacesTable {
  project_id: string;
  state: StatsPlace['state'];
  position: number;
  until_position: number | null;
  floor_at: number;
  generation: number;
}

export interface AlertRulesTable {
  project_id: string;
  id: string;
  name: string;
  type: AlertType;
  settings: string;
  is_enabled: number;
  version: number;
  created_at: number;
  updated_at: number;
}

export interface AlertsTable {
  project_id: string;
  id: string;
  rule_id: string;
  open_key: string | null;
  resolved_at: number | null;
  acknowledged_at: number | null;
  snoozed_until: number | null;
  body: string;
  version: number;
  retain_until: number;
}

export interface AlertNoticesTable {
  project_id: string;
  alert_id: string;
  id: string;
  turn: AlertNotice['turn'];
  kind: AlertNotice['kind'];
  destination: string;
  state: AlertNotice['state'];
  attempts: number;
  due_at: number | null;
  is_quiet: number;
  detail: string | null;
  created_at: number;
  settled_at: number | null;
  retain_until: number;
}

export interface SourceActivityTable {
  project_id: string;
  source_id: string;
  requests: number;
  events: number;
  duplicates: number;
  refused: number;
  last_request_at: number | null;
  last_event_at: number | null;
  last_refusal_at: number | null;
  last_refusal_code: string | null;
  last_refusal_detail: string | null;
  silences: string;
  stalled_since: number | null;
}

export interface SourcePayloadsTable {
  project_id: string;
  id: string;
  source_id: string;
  received_at: number;
  request: string;
  encoding: 'identity' | 'gzip';
  body: Uint8Array;
  digest: string;
  recipients: string;
  decoded: string;
  retain_until: number;
}

export interface SourceReplaysTable {
  project_id: string;
  source_id: string;
  replay_key: string;
  digest: string;
  retain_until: number;
}

export interface DomainsTable {
  project_id: string;
  id: string;
  /** In ASCII. */
  name: string;
  settings: string;
  version: number;
  created_at: number;
  updated_at: number;
  verified_at: number | null;
  checked_at: number | null;
  checked: string | null;
}

export interface DkimKeysTable {
  project_id: string;
  domain_id: string;
  selector: string;
  algorithm: 'rsa' | 'ed25519';
  state: 'next' | 'active' | 'retired';
  public_key: string;
  /** '' once it is retired. */
  private_sealed: string;
  created_at: number;
  retired_at: number | null;
}

export interface InboundRoutesTable {
  project_id: string;
  id: string;
  pattern: string;
  domain: string;
  priority: number;
  action: 'receive' | 'refuse';
  description: string;
  tags: string;
  version: number;
  created_at: number;
  updated_at: number;
}

export interface ReceivedMailTable {
  project_id: string;
  id: string;
  recipient: string;
  route_id: string | null;
  envelope_from: string;
  header_from: string | null;
  subject: string | null;
  smtp_id: string | null;
  digest: string;
  size_bytes: number;
  details: string;
  created_at: number;
  retain_until: number;
}

export interface ReceivedBodiesTable {
  project_id: string;
  received_id: string;
  raw: Uint8Array;
  retain_until: number;
}

export interface IdempotencyKeysTable {
  project_id: string;
  key: string;
  request_hash: string;
  status: number;
  body_sealed: string;
  retain_until: number;
}

export interface NodesTable {
  id: string;
  host: string;
  pid: number;
  version: string;
  roles: string;
  state: 'working' | 'draining';
  stats: string;
  started_at: number;
  beat: number;
  beat_at: number;
}

export interface DutiesTable {
  name: string;
  node: string | null;
}

export interface ChangesTable {
  position: Generated<number>;
  kind: ChangeKind;
  project_id: string;
  id: string;
  created_at: number;
}

export type ChangeKind = 'endpoint' | 'project' | 'key' | 'source' | 'sink' | 'domain';

export interface Tables {
  nodes: NodesTable;
  duties: DutiesTable;
  changes: ChangesTable;
  facts: FactsTable;
  projects: ProjectsTable;
  api_keys: ApiKeysTable;
  endpoints: EndpointsTable;
  messages: MessagesTable;
  message_bodies: MessageBodiesTable;
  transcripts: TranscriptsTable;
  transmissions: TransmissionsTable;
  held_messages: HeldMessagesTable;
  expectations: ExpectationsTable;
  events: EventsTable;
  recipient_states: RecipientStatesTable;
  deliveries: DeliveriesTable;
  attempts: AttemptsTable;
  jobs: JobsTable;
  job_parts: JobPartsTable;
  suppressions: SuppressionsTable;
  soft_bounces: SoftBouncesTable;
  send_windows: SendWindowsTable;
  domains: DomainsTable;
  dkim_keys: DkimKeysTable;
  inbound_routes: InboundRoutesTable;
  received_mail: ReceivedMailTable;
  received_bodies: ReceivedBodiesTable;
  idempotency_keys: IdempotencyKeysTable;
  sources: SourcesTable;
  sinks: SinksTable;
  sink_places: SinkPlacesTable;
  sink_refusals: SinkRefusalsTable;
  stats_counts: StatsCountsTable;
  stats_firsts: StatsFirstsTable;
  stats_places: StatsPlacesTable;
  alert_rules: AlertRulesTable;
  alerts: AlertsTable;
  alert_notices: AlertNoticesTable;
  source_activity: SourceActivityTable;
  source_payloads: SourcePayloadsTable;
  source_replays: SourceReplaysTable;
  users: UsersTable;
  sessions: SessionsTable;
  invitations: InvitationsTable;
  audit_log: AuditLogTable;
}
