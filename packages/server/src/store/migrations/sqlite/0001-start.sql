-- The first schema. store/README.md explains each table and which index serves which question.
-- Times are integer milliseconds since the epoch, given by the program; JSON is text; ids are text.
-- Hot tables lead with project_id. retain_until is when a row may be deleted.
-- The hot tables have no CHECK: testing deliveries.state against a list at each insert and update cost
-- 10 of the 56 us that an event takes in the writer.

-- What the installation knows of itself, such as a text sealed with its master key.
CREATE TABLE facts (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- `limits`, `retention` and `sending` hold what a project has of its own (core/project-settings.ts). A deleted one
-- stays as a row: what it has stored goes by its retention, project by project.
CREATE TABLE projects (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  limits TEXT NOT NULL,
  retention TEXT NOT NULL,
  sending TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER
) STRICT;

CREATE TABLE api_keys (
  project_id TEXT NOT NULL REFERENCES projects (id),
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  key_hash TEXT NOT NULL UNIQUE,
  hint TEXT NOT NULL,
  scopes TEXT NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('live', 'hold', 'sandbox')),
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  last_used_at INTEGER,
  revoked_at INTEGER,
  link TEXT,
  PRIMARY KEY (project_id, id)
) STRICT, WITHOUT ROWID;

-- `settings` holds what is decided per endpoint (core/webhooks/endpoint-settings.ts), `secrets_sealed` its signing
-- keys, secret headers and client key. `version` counts changes made by people (If-Match). The last
-- three are what dispatching noticed: kept apart, so that noticing is no change.
CREATE TABLE endpoints (
  project_id TEXT NOT NULL REFERENCES projects (id),
  id TEXT NOT NULL,
  uid TEXT,
  url TEXT NOT NULL,
  description TEXT NOT NULL,
  metadata TEXT NOT NULL,
  event_types TEXT NOT NULL,
  settings TEXT NOT NULL,
  secrets_sealed TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('enabled', 'disabled')),
  disabled_reason TEXT,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER,
  failing_since INTEGER,
  warned_percent INTEGER NOT NULL,
  PRIMARY KEY (project_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX endpoints_uid ON endpoints (project_id, uid)
  WHERE uid IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE messages (
  project_id TEXT NOT NULL,
  id TEXT NOT NULL,
  accepted_by TEXT NOT NULL CHECK (accepted_by IN ('http', 'smtp')),
  sandbox INTEGER NOT NULL,
  stream TEXT NOT NULL,
  envelope_from TEXT NOT NULL,
  header_from TEXT NOT NULL,
  subject TEXT,
  smtp_id TEXT NOT NULL,
  tags TEXT NOT NULL,
  metadata TEXT NOT NULL,
  tracking TEXT,
  dsn TEXT,
  size_bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  send_at INTEGER,
  expires_at INTEGER NOT NULL,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE message_bodies (
  project_id TEXT NOT NULL,
  message_id TEXT NOT NULL,
  raw BLOB NOT NULL,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, message_id)
) STRICT;

-- The mail queue: one row for each recipient of a message of ours.
CREATE TABLE transmissions (
  project_id TEXT NOT NULL,
  message_id TEXT NOT NULL,
  recipient TEXT NOT NULL,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('to', 'cc', 'bcc', 'envelope')),
  domain TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  reached_server INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  node TEXT,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, message_id, recipient)
) STRICT, WITHOUT ROWID;

CREATE INDEX transmissions_due ON transmissions (due_at) WHERE state = 'queued' AND node IS NULL;
CREATE INDEX transmissions_leased ON transmissions (node) WHERE node IS NOT NULL;

-- What was said in an attempt to deliver, one row for all recipients of a transaction: the key alone, no index.
CREATE TABLE transcripts (
  project_id TEXT NOT NULL,
  message_id TEXT NOT NULL,
  id TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  latency_ms INTEGER NOT NULL,
  recipients TEXT NOT NULL,
  lines TEXT NOT NULL,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, message_id, id)
) STRICT, WITHOUT ROWID;

-- A message that waits for a person: its transmissions are 'held'. Apart from it, because most never are.
CREATE TABLE held_messages (
  project_id TEXT NOT NULL,
  message_id TEXT NOT NULL,
  reason TEXT NOT NULL CHECK (reason IN ('key', 'rule', 'limit')),
  rule TEXT,
  held_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (project_id, message_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX held_messages_expiry ON held_messages (expires_at);

-- Messages that are to have reached their end by some time (expect_within), until they were asked after.
CREATE TABLE expectations (
  project_id TEXT NOT NULL,
  message_id TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  PRIMARY KEY (project_id, message_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX expectations_due ON expectations (due_at);

-- `position` is the order of the log, over all projects: what a reader of the log goes by.
CREATE TABLE events (
  position INTEGER PRIMARY KEY,
  project_id TEXT NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  message_key TEXT,
  recipient TEXT,
  occurred_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  dedup_key TEXT,
  body TEXT NOT NULL,
  raw TEXT,
  retain_until INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_id ON events (project_id, id);
CREATE UNIQUE INDEX events_dedup ON events (project_id, dedup_key) WHERE dedup_key IS NOT NULL;
CREATE INDEX events_message ON events (project_id, message_key, id) WHERE message_key IS NOT NULL;

-- The fold of the events of one message and recipient (core/recipient-state.ts).
CREATE TABLE recipient_states (
  project_id TEXT NOT NULL,
  message_key TEXT NOT NULL,
  recipient TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  state TEXT,
  state_rank INTEGER,
  state_at INTEGER,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, message_key, recipient)
) STRICT, WITHOUT ROWID;

CREATE INDEX recipient_states_recipient ON recipient_states (project_id, recipient, message_key);

-- What is owed: one row for each event and endpoint. The pair is the identity. The latest attempt
-- lives on the row itself: most deliveries have one attempt, and a row of its own for it would be a
-- tenth of what an event costs the writer. A delivery of an endpoint that wants order has an order_key
-- and its event's position; while an earlier one of that key is pending, its due_at is null: it stands
-- in line, and whoever ends the one before it makes it due.
CREATE TABLE deliveries (
  project_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  endpoint_id TEXT NOT NULL,
  state TEXT NOT NULL,
  urgency INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  due_at INTEGER,
  node TEXT,
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  order_key TEXT,
  position INTEGER,
  attempt_id TEXT,
  attempt_started_at INTEGER,
  attempt_latency_ms INTEGER,
  last_status INTEGER,
  last_error TEXT,
  last_error_detail TEXT,
  last_response_excerpt TEXT,
  last_trace TEXT,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, event_id, endpoint_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_due ON deliveries (project_id, endpoint_id, urgency, due_at)
  WHERE state = 'pending' AND node IS NULL AND due_at IS NOT NULL;
CREATE INDEX deliveries_in_line ON deliveries (project_id, endpoint_id, order_key, position)
  WHERE state = 'pending' AND order_key IS NOT NULL;
CREATE INDEX deliveries_leased ON deliveries (node) WHERE node IS NOT NULL;
CREATE INDEX deliveries_endpoint ON deliveries (project_id, endpoint_id, event_id);
CREATE INDEX deliveries_dead ON deliveries (project_id, event_id) WHERE state = 'dead';

-- Attempts that a later one has followed, and those of nodes that had lost their lease.
CREATE TABLE attempts (
  project_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  endpoint_id TEXT NOT NULL,
  id TEXT NOT NULL,
  number INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  latency_ms INTEGER NOT NULL,
  status INTEGER,
  error_code TEXT,
  error_detail TEXT,
  response_excerpt TEXT,
  trace TEXT,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, event_id, endpoint_id, id)
) STRICT, WITHOUT ROWID;

-- Long work that a person asked for. `params`, `progress` and `cursor` belong to its kind
-- (webhooks/jobs/); the cursor moves in the same commit as what it stands for.
CREATE TABLE jobs (
  project_id TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'paused', 'canceled', 'done', 'failed')),
  params TEXT NOT NULL,
  progress TEXT NOT NULL,
  cursor TEXT,
  rate_per_second INTEGER,
  error TEXT,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  updated_at INTEGER NOT NULL,
  ended_at INTEGER,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX jobs_open ON jobs (project_id, id) WHERE ended_at IS NULL;

-- Text that a job reads or has made, in pieces: a list to import, a list to download.
CREATE TABLE job_parts (
  project_id TEXT NOT NULL,
  job_id TEXT NOT NULL,
  part TEXT NOT NULL,
  content TEXT NOT NULL,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, job_id, part)
) STRICT;

-- Who gets no mail. Found by the hash of the address (core/mail/suppression.ts): when the person is erased the
-- address goes and what it stands for stays. `stream` is '' for all streams.
CREATE TABLE suppressions (
  project_id TEXT NOT NULL,
  address_hash TEXT NOT NULL,
  stream TEXT NOT NULL,
  id TEXT NOT NULL,
  address TEXT,
  reason TEXT NOT NULL,
  source TEXT NOT NULL,
  note TEXT,
  event_id TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  PRIMARY KEY (project_id, address_hash, stream)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX suppressions_id ON suppressions (project_id, id);

-- Messages that bounced softly by the recipient's own fault, where a project counts them.
CREATE TABLE soft_bounces (
  project_id TEXT NOT NULL,
  address_hash TEXT NOT NULL,
  message_key TEXT NOT NULL,
  bounced_at INTEGER NOT NULL,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, address_hash, message_key)
) STRICT, WITHOUT ROWID;

-- How many recipients a project with a limit has sent to in this hour and this day. Nodes take some at a time
-- (mail/send-limits.ts).
CREATE TABLE send_windows (
  project_id TEXT NOT NULL,
  period TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  used INTEGER NOT NULL,
  PRIMARY KEY (project_id, period, started_at)
) STRICT, WITHOUT ROWID;

-- Where other providers' webhooks come in. `settings` holds what is decided per source (core/source.ts),
-- `secrets_sealed` what its webhooks are signed with and the tokens of its URL.
CREATE TABLE sources (
  project_id TEXT NOT NULL REFERENCES projects (id),
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  provider TEXT NOT NULL,
  settings TEXT NOT NULL,
  secrets_sealed TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER,
  PRIMARY KEY (project_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sinks (
  project_id TEXT NOT NULL REFERENCES projects (id),
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  settings TEXT NOT NULL,
  secrets_sealed TEXT NOT NULL,
  event_types TEXT NOT NULL,
  filter TEXT,
  transformation TEXT,
  is_paused INTEGER NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER,
  PRIMARY KEY (project_id, id)
) STRICT, WITHOUT ROWID;

-- How far a sink has come in the log: `live`, and `backfill` while a part of the past is sent again.
CREATE TABLE sink_places (
  project_id TEXT NOT NULL,
  sink_id TEXT NOT NULL,
  lane TEXT NOT NULL,
  position INTEGER NOT NULL,
  from_position INTEGER NOT NULL,
  until_position INTEGER,
  sent INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  failing_since INTEGER,
  last_error TEXT,
  retry_at INTEGER,
  last_sent_at INTEGER,
  refusing_since INTEGER,
  PRIMARY KEY (project_id, sink_id, lane)
) STRICT, WITHOUT ROWID;

-- Events that a sink would not take: it went on without them.
CREATE TABLE sink_refusals (
  project_id TEXT NOT NULL,
  sink_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  code TEXT NOT NULL,
  detail TEXT NOT NULL,
  refused_at INTEGER NOT NULL,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, sink_id, event_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX sink_refusals_time ON sink_refusals (project_id, sink_id, refused_at);

-- Sums of what the log says, for charts and alarms. `dimension` is 'all' or what `value` is of: a tag, a domain. A row
-- for each metric that was counted, so that a new one is no migration.
CREATE TABLE stats_counts (
  project_id TEXT NOT NULL,
  grain TEXT NOT NULL,
  dimension TEXT NOT NULL,
  starts_at INTEGER NOT NULL,
  value TEXT NOT NULL,
  stream TEXT NOT NULL,
  metric TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (project_id, grain, dimension, starts_at, value, stream, metric)
) STRICT, WITHOUT ROWID;

-- The earliest open and click of a message and recipient, under a hash of the three, and how it was counted.
CREATE TABLE stats_firsts (
  project_id TEXT NOT NULL,
  mark TEXT NOT NULL,
  occurred_at INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  counted TEXT NOT NULL,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, mark)
) STRICT, WITHOUT ROWID;

-- How far the log is counted: '' for all of it as it grows, and a project while it is counted anew.
CREATE TABLE stats_places (
  project_id TEXT NOT NULL PRIMARY KEY,
  state TEXT NOT NULL,
  position INTEGER NOT NULL,
  until_position INTEGER,
  floor_at INTEGER NOT NULL,
  generation INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Rules that watch over a project (core/alerts). `settings` has everything but what is asked for by columns.
CREATE TABLE alert_rules (
  project_id TEXT NOT NULL REFERENCES projects (id),
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  settings TEXT NOT NULL,
  is_enabled INTEGER NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (project_id, id)
) STRICT, WITHOUT ROWID;

-- Firings of rules. `open_key` is the rule and what it is about while it fires, so that it fires once; then null.
CREATE TABLE alerts (
  project_id TEXT NOT NULL,
  id TEXT NOT NULL,
  rule_id TEXT NOT NULL,
  open_key TEXT,
  resolved_at INTEGER,
  acknowledged_at INTEGER,
  snoozed_until INTEGER,
  body TEXT NOT NULL,
  version INTEGER NOT NULL,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX alerts_open ON alerts (project_id, open_key) WHERE open_key IS NOT NULL;

-- What is told of an alert, and to whom: one row for each turn of it and destination.
CREATE TABLE alert_notices (
  project_id TEXT NOT NULL,
  alert_id TEXT NOT NULL,
  id TEXT NOT NULL,
  turn TEXT NOT NULL,
  kind TEXT NOT NULL,
  destination TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  due_at INTEGER,
  is_quiet INTEGER NOT NULL,
  detail TEXT,
  created_at INTEGER NOT NULL,
  settled_at INTEGER,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, alert_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX alert_notices_due ON alert_notices (due_at) WHERE due_at IS NOT NULL;

-- What was noticed of a source: apart from it, so that noticing is no change. `silences` has the longest
-- silence of each of the last days (core/source-silence.ts).
CREATE TABLE source_activity (
  project_id TEXT NOT NULL,
  source_id TEXT NOT NULL,
  requests INTEGER NOT NULL,
  events INTEGER NOT NULL,
  duplicates INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  last_request_at INTEGER,
  last_event_at INTEGER,
  last_refusal_at INTEGER,
  last_refusal_code TEXT,
  last_refusal_detail TEXT,
  silences TEXT NOT NULL,
  stalled_since INTEGER,
  PRIMARY KEY (project_id, source_id)
) STRICT, WITHOUT ROWID;

-- What came in, so that a newer decoder can read it again: a request without what proves its sender.
-- `decoded` says which events were made of it. The same bytes are kept once.
CREATE TABLE source_payloads (
  project_id TEXT NOT NULL,
  id TEXT NOT NULL,
  source_id TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  request TEXT NOT NULL,
  encoding TEXT NOT NULL,
  body BLOB NOT NULL,
  digest TEXT NOT NULL,
  recipients TEXT NOT NULL,
  decoded TEXT NOT NULL,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, id)
) STRICT;

CREATE UNIQUE INDEX source_payloads_digest ON source_payloads (project_id, source_id, digest);

-- What a webhook whose signature does not cover its body may be sent with only once.
CREATE TABLE source_replays (
  project_id TEXT NOT NULL,
  source_id TEXT NOT NULL,
  replay_key TEXT NOT NULL,
  digest TEXT NOT NULL,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, source_id, replay_key)
) STRICT, WITHOUT ROWID;

-- Domains that a project sends from. `settings` holds the names that it has chosen, `checked` what DNS said
-- the last time (core/mail/domain-check.ts): kept apart from `version`, so that checking is no change.
CREATE TABLE domains (
  project_id TEXT NOT NULL REFERENCES projects (id),
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  settings TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  verified_at INTEGER,
  checked_at INTEGER,
  checked TEXT,
  PRIMARY KEY (project_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX domains_name ON domains (project_id, name);

-- Keys that its mail is signed with. A next one is to be published, an active one signs, a retired one
-- stays published for mail that is on its way, and has no private half any more.
CREATE TABLE dkim_keys (
  project_id TEXT NOT NULL,
  domain_id TEXT NOT NULL,
  selector TEXT NOT NULL,
  algorithm TEXT NOT NULL CHECK (algorithm IN ('rsa', 'ed25519')),
  state TEXT NOT NULL CHECK (state IN ('next', 'active', 'retired')),
  public_key TEXT NOT NULL,
  private_sealed TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  retired_at INTEGER,
  PRIMARY KEY (project_id, domain_id, selector)
) STRICT, WITHOUT ROWID;

-- Which mail that comes in a project takes (core/mail/inbound-route.ts): `domain` is what has to be proven.
CREATE TABLE inbound_routes (
  project_id TEXT NOT NULL REFERENCES projects (id),
  id TEXT NOT NULL,
  pattern TEXT NOT NULL,
  domain TEXT NOT NULL,
  priority INTEGER NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('receive', 'refuse')),
  description TEXT NOT NULL,
  tags TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (project_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX inbound_routes_domain ON inbound_routes (project_id, domain, pattern);

-- Mail that came in, a row for each recipient. `details` is what was read out of it, `digest` what makes two
-- of them the same one.
CREATE TABLE received_mail (
  project_id TEXT NOT NULL,
  id TEXT NOT NULL,
  recipient TEXT NOT NULL,
  route_id TEXT,
  envelope_from TEXT NOT NULL,
  header_from TEXT,
  subject TEXT,
  smtp_id TEXT,
  digest TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  details TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, id)
) STRICT;

CREATE UNIQUE INDEX received_mail_digest ON received_mail (project_id, digest);
CREATE INDEX received_mail_recipient ON received_mail (project_id, recipient, id);

CREATE TABLE received_bodies (
  project_id TEXT NOT NULL,
  received_id TEXT NOT NULL,
  raw BLOB NOT NULL,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, received_id)
) STRICT;

CREATE TABLE idempotency_keys (
  project_id TEXT NOT NULL,
  key TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  status INTEGER NOT NULL,
  body_sealed TEXT NOT NULL,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (project_id, key)
) STRICT, WITHOUT ROWID;

-- The processes that work on this database. `beat` counts up while one lives; `beat_at` is for people,
-- since the clocks of machines differ. A lease of a node that is not here is nobody's.
CREATE TABLE nodes (
  id TEXT NOT NULL PRIMARY KEY,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  version TEXT NOT NULL,
  roles TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('working', 'draining')),
  stats TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  beat INTEGER NOT NULL,
  beat_at INTEGER NOT NULL
) STRICT;

-- What one node does for all: retention, alerts, jobs.
CREATE TABLE duties (
  name TEXT NOT NULL PRIMARY KEY,
  node TEXT
) STRICT;

-- What was changed of the things that nodes keep in memory (endpoints, projects, keys), in order.
CREATE TABLE changes (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  project_id TEXT NOT NULL,
  id TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- Who may sign in to the portal. `project_ids` is a JSON list, NULL for all projects. `totp_step` is the last
-- step of time whose code was used, `recovery_hashes` a JSON list. Of a session only the hash of its cookie is here.
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  role TEXT NOT NULL,
  project_ids TEXT,
  created_at INTEGER NOT NULL,
  disabled_at INTEGER,
  totp_sealed TEXT,
  totp_step INTEGER,
  recovery_hashes TEXT,
  oidc_subject TEXT UNIQUE
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  token_hash TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who is asked to become a user; of the link only the hash of its token is here.
CREATE TABLE invitations (
  id TEXT PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL,
  project_ids TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What people have changed in the portal. `project_id` is NULL for what belongs to no project. The address of
-- the user stands here too, because users are removed.
CREATE TABLE audit_log (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  user_email TEXT NOT NULL,
  remote_address TEXT NOT NULL,
  action TEXT NOT NULL,
  project_id TEXT,
  target TEXT,
  created_at INTEGER NOT NULL,
  retain_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_log_retention ON audit_log (retain_until);
