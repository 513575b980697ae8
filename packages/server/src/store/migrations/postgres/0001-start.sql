-- The first schema: the tables of sqlite/0001-start.sql in PostgreSQL's words. store/README.md explains
-- each table and which index serves which question.
-- Everything is in a schema of its own, and named with it: a pooler keeps no search_path.
-- Text is compared by its bytes (COLLATE "C"), as cursors and bounds of ids need it. JSON is text and not
-- jsonb: bodies are signed byte by byte. PARTITION BY is left out where the database has no partitions
-- (postgres/connect/capabilities.ts); partitions.ts makes those of each day.
-- The hot tables have no CHECK and no foreign key, as on SQLite.

CREATE TABLE posthorn.facts (
  name text COLLATE "C" PRIMARY KEY,
  value text COLLATE "C" NOT NULL
);

CREATE TABLE posthorn.projects (
  id text COLLATE "C" PRIMARY KEY,
  name text COLLATE "C" NOT NULL,
  limits text COLLATE "C" NOT NULL,
  retention text COLLATE "C" NOT NULL,
  sending text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  deleted_at bigint
);

CREATE TABLE posthorn.api_keys (
  project_id text COLLATE "C" NOT NULL REFERENCES posthorn.projects (id),
  id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  key_hash text COLLATE "C" NOT NULL UNIQUE,
  hint text COLLATE "C" NOT NULL,
  scopes text COLLATE "C" NOT NULL,
  mode text COLLATE "C" NOT NULL CHECK (mode IN ('live', 'hold', 'sandbox')),
  created_at bigint NOT NULL,
  expires_at bigint,
  last_used_at bigint,
  revoked_at bigint,
  link text COLLATE "C",
  PRIMARY KEY (project_id, id)
);

CREATE TABLE posthorn.endpoints (
  project_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  uid text COLLATE "C",
  url text COLLATE "C" NOT NULL,
  description text COLLATE "C" NOT NULL,
  metadata text COLLATE "C" NOT NULL,
  event_types text COLLATE "C" NOT NULL,
  settings text COLLATE "C" NOT NULL,
  secrets_sealed text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL CHECK (status IN ('enabled', 'disabled')),
  disabled_reason text COLLATE "C",
  version integer NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  deleted_at bigint,
  failing_since bigint,
  warned_percent integer NOT NULL,
  PRIMARY KEY (project_id, id)
);

CREATE UNIQUE INDEX endpoints_uid ON posthorn.endpoints (project_id, uid)
  WHERE uid IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE posthorn.messages (
  project_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  accepted_by text COLLATE "C" NOT NULL CHECK (accepted_by IN ('http', 'smtp')),
  sandbox integer NOT NULL,
  stream text COLLATE "C" NOT NULL,
  envelope_from text COLLATE "C" NOT NULL,
  header_from text COLLATE "C" NOT NULL,
  subject text COLLATE "C",
  smtp_id text COLLATE "C" NOT NULL,
  tags text COLLATE "C" NOT NULL,
  metadata text COLLATE "C" NOT NULL,
  tracking text,
  dsn text,
  size_bytes bigint NOT NULL,
  created_at bigint NOT NULL,
  send_at bigint,
  expires_at bigint NOT NULL,
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, id)
);

-- By the day in the message's id. The index over retain_until says at once whether a whole partition has
-- expired, and costs an insert next to nothing: it has one entry for 128 pages.
CREATE TABLE posthorn.message_bodies (
  project_id text COLLATE "C" NOT NULL,
  message_id text COLLATE "C" NOT NULL,
  raw bytea NOT NULL,
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, message_id)
) PARTITION BY RANGE (message_id);

CREATE INDEX message_bodies_retention ON posthorn.message_bodies USING brin (retain_until);

-- What was said in an attempt to deliver, one row for all recipients of a transaction; by the day, like bodies.
CREATE TABLE posthorn.transcripts (
  project_id text COLLATE "C" NOT NULL,
  message_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  started_at bigint NOT NULL,
  latency_ms bigint NOT NULL,
  recipients text COLLATE "C" NOT NULL,
  lines text COLLATE "C" NOT NULL,
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, message_id, id)
) PARTITION BY RANGE (message_id);

CREATE INDEX transcripts_retention ON posthorn.transcripts USING brin (retain_until);

CREATE TABLE posthorn.transmissions (
  project_id text COLLATE "C" NOT NULL,
  message_id text COLLATE "C" NOT NULL,
  recipient text COLLATE "C" NOT NULL,
  position integer NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('to', 'cc', 'bcc', 'envelope')),
  domain text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  attempts integer NOT NULL,
  reached_server integer NOT NULL,
  due_at bigint NOT NULL,
  node text COLLATE "C",
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, message_id, recipient)
);

CREATE INDEX transmissions_due ON posthorn.transmissions (due_at)
  WHERE state = 'queued' AND node IS NULL;
CREATE INDEX transmissions_leased ON posthorn.transmissions (node) WHERE node IS NOT NULL;

CREATE TABLE posthorn.held_messages (
  project_id text COLLATE "C" NOT NULL,
  message_id text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL CHECK (reason IN ('key', 'rule', 'limit')),
  rule text,
  held_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  PRIMARY KEY (project_id, message_id)
);

CREATE INDEX held_messages_expiry ON posthorn.held_messages (expires_at);

CREATE TABLE posthorn.expectations (
  project_id text COLLATE "C" NOT NULL,
  message_id text COLLATE "C" NOT NULL,
  due_at bigint NOT NULL,
  PRIMARY KEY (project_id, message_id)
);

CREATE INDEX expectations_due ON posthorn.expectations (due_at);

-- The order of the log. It begins with 1: its 0 is taken here, so that `last_value` always is one that
-- was given (postgres/write/log-order.ts).
CREATE SEQUENCE posthorn.log_position MINVALUE 0 START WITH 0;
SELECT nextval('posthorn.log_position');

-- By the day in the event's id: what looks an event up by its id looks into one partition.
CREATE TABLE posthorn.events (
  position bigint NOT NULL,
  project_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  message_key text COLLATE "C",
  recipient text COLLATE "C",
  occurred_at bigint NOT NULL,
  received_at bigint NOT NULL,
  dedup_key text COLLATE "C",
  body text COLLATE "C" NOT NULL,
  raw text COLLATE "C",
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, id)
) PARTITION BY RANGE (id);

CREATE INDEX events_position ON posthorn.events (position);
CREATE INDEX events_message ON posthorn.events (project_id, message_key, id)
  WHERE message_key IS NOT NULL;
CREATE INDEX events_retention ON posthorn.events USING brin (retain_until);

-- Two events with the same key are the same event. Apart from the events, because a partitioned table
-- cannot keep anything unique that says nothing of the partition.
CREATE TABLE posthorn.event_keys (
  project_id text COLLATE "C" NOT NULL,
  dedup_key text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, dedup_key)
);

CREATE TABLE posthorn.recipient_states (
  project_id text COLLATE "C" NOT NULL,
  message_key text COLLATE "C" NOT NULL,
  recipient text COLLATE "C" NOT NULL,
  sequence integer NOT NULL,
  state text COLLATE "C",
  state_rank integer,
  state_at bigint,
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, message_key, recipient)
);

CREATE INDEX recipient_states_recipient
  ON posthorn.recipient_states (project_id, recipient, message_key);

CREATE TABLE posthorn.deliveries (
  project_id text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  endpoint_id text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  urgency integer NOT NULL,
  attempts integer NOT NULL,
  failures integer NOT NULL,
  due_at bigint,
  node text COLLATE "C",
  created_at bigint NOT NULL,
  ended_at bigint,
  order_key text COLLATE "C",
  position bigint,
  attempt_id text COLLATE "C",
  attempt_started_at bigint,
  attempt_latency_ms integer,
  last_status integer,
  last_error text COLLATE "C",
  last_error_detail text COLLATE "C",
  last_response_excerpt text COLLATE "C",
  last_trace text COLLATE "C",
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, event_id, endpoint_id)
);

-- The event's id at the end is what a claim sorts by when many are due at the same time.
CREATE INDEX deliveries_due ON posthorn.deliveries (project_id, endpoint_id, urgency, due_at, event_id)
  WHERE state = 'pending' AND node IS NULL AND due_at IS NOT NULL;
CREATE INDEX deliveries_in_line
  ON posthorn.deliveries (project_id, endpoint_id, order_key, position)
  WHERE state = 'pending' AND order_key IS NOT NULL;
CREATE INDEX deliveries_leased ON posthorn.deliveries (node) WHERE node IS NOT NULL;
CREATE INDEX deliveries_endpoint ON posthorn.deliveries (project_id, endpoint_id, event_id);
CREATE INDEX deliveries_dead ON posthorn.deliveries (project_id, event_id) WHERE state = 'dead';

-- Whoever changes lines of an endpoint's deliveries holds its row until he has committed.
CREATE TABLE posthorn.delivery_lines (
  project_id text COLLATE "C" NOT NULL,
  endpoint_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (project_id, endpoint_id)
);

-- By the day in the event's id, as the events.
CREATE TABLE posthorn.attempts (
  project_id text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  endpoint_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  number integer NOT NULL,
  started_at bigint NOT NULL,
  latency_ms integer NOT NULL,
  status integer,
  error_code text COLLATE "C",
  error_detail text COLLATE "C",
  response_excerpt text COLLATE "C",
  trace text COLLATE "C",
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, event_id, endpoint_id, id)
) PARTITION BY RANGE (event_id);

CREATE INDEX attempts_retention ON posthorn.attempts USING brin (retain_until);

CREATE TABLE posthorn.jobs (
  project_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL
    CHECK (state IN ('queued', 'running', 'paused', 'canceled', 'done', 'failed')),
  params text COLLATE "C" NOT NULL,
  progress text COLLATE "C" NOT NULL,
  cursor text COLLATE "C",
  rate_per_second integer,
  error text COLLATE "C",
  created_at bigint NOT NULL,
  started_at bigint,
  updated_at bigint NOT NULL,
  ended_at bigint,
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, id)
);

CREATE INDEX jobs_open ON posthorn.jobs (project_id, id) WHERE ended_at IS NULL;

CREATE TABLE posthorn.job_parts (
  project_id text COLLATE "C" NOT NULL,
  job_id text COLLATE "C" NOT NULL,
  part text COLLATE "C" NOT NULL,
  content text COLLATE "C" NOT NULL,
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, job_id, part)
);

CREATE TABLE posthorn.suppressions (
  project_id text COLLATE "C" NOT NULL,
  address_hash text COLLATE "C" NOT NULL,
  stream text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  address text COLLATE "C",
  reason text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL,
  note text COLLATE "C",
  event_id text COLLATE "C",
  created_at bigint NOT NULL,
  expires_at bigint,
  PRIMARY KEY (project_id, address_hash, stream)
);

CREATE UNIQUE INDEX suppressions_id ON posthorn.suppressions (project_id, id);

CREATE TABLE posthorn.soft_bounces (
  project_id text COLLATE "C" NOT NULL,
  address_hash text COLLATE "C" NOT NULL,
  message_key text COLLATE "C" NOT NULL,
  bounced_at bigint NOT NULL,
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, address_hash, message_key)
);

-- How many recipients a project with a limit has sent to in this hour and this day. Nodes take some at a time
-- (mail/send-limits.ts).
CREATE TABLE posthorn.send_windows (
  project_id text COLLATE "C" NOT NULL,
  period text COLLATE "C" NOT NULL,
  started_at bigint NOT NULL,
  used bigint NOT NULL,
  PRIMARY KEY (project_id, period, started_at)
);

CREATE TABLE posthorn.sources (
  project_id text COLLATE "C" NOT NULL REFERENCES posthorn.projects (id),
  id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  settings text COLLATE "C" NOT NULL,
  secrets_sealed text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  deleted_at bigint,
  PRIMARY KEY (project_id, id)
);

CREATE TABLE posthorn.sinks (
  project_id text COLLATE "C" NOT NULL REFERENCES posthorn.projects (id),
  id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  settings text COLLATE "C" NOT NULL,
  secrets_sealed text COLLATE "C" NOT NULL,
  event_types text COLLATE "C" NOT NULL,
  filter text COLLATE "C",
  transformation text COLLATE "C",
  is_paused integer NOT NULL,
  version integer NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  deleted_at bigint,
  PRIMARY KEY (project_id, id)
);

CREATE TABLE posthorn.sink_places (
  project_id text COLLATE "C" NOT NULL,
  sink_id text COLLATE "C" NOT NULL,
  lane text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  from_position bigint NOT NULL,
  until_position bigint,
  sent bigint NOT NULL,
  refused bigint NOT NULL,
  failures integer NOT NULL,
  failing_since bigint,
  last_error text COLLATE "C",
  retry_at bigint,
  last_sent_at bigint,
  refusing_since bigint,
  PRIMARY KEY (project_id, sink_id, lane)
);

CREATE TABLE posthorn.sink_refusals (
  project_id text COLLATE "C" NOT NULL,
  sink_id text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  code text COLLATE "C" NOT NULL,
  detail text COLLATE "C" NOT NULL,
  refused_at bigint NOT NULL,
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, sink_id, event_id)
);

CREATE INDEX sink_refusals_time ON posthorn.sink_refusals (project_id, sink_id, refused_at);

CREATE TABLE posthorn.stats_counts (
  project_id text COLLATE "C" NOT NULL,
  grain text COLLATE "C" NOT NULL,
  dimension text COLLATE "C" NOT NULL,
  starts_at bigint NOT NULL,
  value text COLLATE "C" NOT NULL,
  stream text COLLATE "C" NOT NULL,
  metric text COLLATE "C" NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (project_id, grain, dimension, starts_at, value, stream, metric)
);

CREATE TABLE posthorn.stats_firsts (
  project_id text COLLATE "C" NOT NULL,
  mark text COLLATE "C" NOT NULL,
  occurred_at bigint NOT NULL,
  generation integer NOT NULL,
  counted text COLLATE "C" NOT NULL,
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, mark)
);

CREATE TABLE posthorn.stats_places (
  project_id text COLLATE "C" NOT NULL PRIMARY KEY,
  state text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  until_position bigint,
  floor_at bigint NOT NULL,
  generation integer NOT NULL
);

CREATE TABLE posthorn.alert_rules (
  project_id text COLLATE "C" NOT NULL REFERENCES posthorn.projects (id),
  id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  settings text COLLATE "C" NOT NULL,
  is_enabled integer NOT NULL,
  version integer NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  PRIMARY KEY (project_id, id)
);

CREATE TABLE posthorn.alerts (
  project_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  rule_id text COLLATE "C" NOT NULL,
  open_key text COLLATE "C",
  resolved_at bigint,
  acknowledged_at bigint,
  snoozed_until bigint,
  body text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, id)
);

CREATE UNIQUE INDEX alerts_open ON posthorn.alerts (project_id, open_key) WHERE open_key IS NOT NULL;

CREATE TABLE posthorn.alert_notices (
  project_id text COLLATE "C" NOT NULL,
  alert_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  turn text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  destination text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  attempts integer NOT NULL,
  due_at bigint,
  is_quiet integer NOT NULL,
  detail text COLLATE "C",
  created_at bigint NOT NULL,
  settled_at bigint,
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, alert_id, id)
);

CREATE INDEX alert_notices_due ON posthorn.alert_notices (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE posthorn.source_activity (
  project_id text COLLATE "C" NOT NULL,
  source_id text COLLATE "C" NOT NULL,
  requests bigint NOT NULL,
  events bigint NOT NULL,
  duplicates bigint NOT NULL,
  refused bigint NOT NULL,
  last_request_at bigint,
  last_event_at bigint,
  last_refusal_at bigint,
  last_refusal_code text COLLATE "C",
  last_refusal_detail text COLLATE "C",
  silences text COLLATE "C" NOT NULL,
  stalled_since bigint,
  PRIMARY KEY (project_id, source_id)
);

CREATE TABLE posthorn.source_payloads (
  project_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  source_id text COLLATE "C" NOT NULL,
  received_at bigint NOT NULL,
  request text COLLATE "C" NOT NULL,
  encoding text COLLATE "C" NOT NULL,
  body bytea NOT NULL,
  digest text COLLATE "C" NOT NULL,
  recipients text COLLATE "C" NOT NULL,
  decoded text COLLATE "C" NOT NULL,
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, id)
);

CREATE UNIQUE INDEX source_payloads_digest ON posthorn.source_payloads (project_id, source_id, digest);

CREATE TABLE posthorn.source_replays (
  project_id text COLLATE "C" NOT NULL,
  source_id text COLLATE "C" NOT NULL,
  replay_key text COLLATE "C" NOT NULL,
  digest text COLLATE "C" NOT NULL,
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, source_id, replay_key)
);

CREATE TABLE posthorn.domains (
  project_id text COLLATE "C" NOT NULL REFERENCES posthorn.projects (id),
  id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  settings text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  verified_at bigint,
  checked_at bigint,
  checked text COLLATE "C",
  PRIMARY KEY (project_id, id)
);

CREATE UNIQUE INDEX domains_name ON posthorn.domains (project_id, name);

CREATE TABLE posthorn.dkim_keys (
  project_id text COLLATE "C" NOT NULL,
  domain_id text COLLATE "C" NOT NULL,
  selector text COLLATE "C" NOT NULL,
  algorithm text COLLATE "C" NOT NULL CHECK (algorithm IN ('rsa', 'ed25519')),
  state text COLLATE "C" NOT NULL CHECK (state IN ('next', 'active', 'retired')),
  public_key text COLLATE "C" NOT NULL,
  private_sealed text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  retired_at bigint,
  PRIMARY KEY (project_id, domain_id, selector)
);

-- Which mail that comes in a project takes (core/mail/inbound-route.ts): `domain` is what has to be proven.
CREATE TABLE posthorn.inbound_routes (
  project_id text COLLATE "C" NOT NULL REFERENCES posthorn.projects (id),
  id text COLLATE "C" NOT NULL,
  pattern text COLLATE "C" NOT NULL,
  domain text COLLATE "C" NOT NULL,
  priority integer NOT NULL,
  action text COLLATE "C" NOT NULL CHECK (action IN ('receive', 'refuse')),
  description text COLLATE "C" NOT NULL,
  tags text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  PRIMARY KEY (project_id, id)
);

CREATE UNIQUE INDEX inbound_routes_domain ON posthorn.inbound_routes (project_id, domain, pattern);

-- Mail that came in, a row for each recipient. `details` is what was read out of it, `digest` what makes two
-- of them the same one.
CREATE TABLE posthorn.received_mail (
  project_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  recipient text COLLATE "C" NOT NULL,
  route_id text COLLATE "C",
  envelope_from text COLLATE "C" NOT NULL,
  header_from text COLLATE "C",
  subject text COLLATE "C",
  smtp_id text COLLATE "C",
  digest text COLLATE "C" NOT NULL,
  size_bytes bigint NOT NULL,
  details text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, id)
);

CREATE UNIQUE INDEX received_mail_digest ON posthorn.received_mail (project_id, digest);
CREATE INDEX received_mail_recipient ON posthorn.received_mail (project_id, recipient, id);

CREATE TABLE posthorn.received_bodies (
  project_id text COLLATE "C" NOT NULL,
  received_id text COLLATE "C" NOT NULL,
  raw bytea NOT NULL,
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, received_id)
);

CREATE TABLE posthorn.idempotency_keys (
  project_id text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  request_hash text COLLATE "C" NOT NULL,
  status integer NOT NULL,
  body_sealed text COLLATE "C" NOT NULL,
  retain_until bigint NOT NULL,
  PRIMARY KEY (project_id, key)
);

-- The number of the latest transaction that used a slot: how a commit whose answer was lost is found.
CREATE TABLE posthorn.commit_marks (
  slot text COLLATE "C" PRIMARY KEY,
  mark bigint NOT NULL,
  marked_at bigint NOT NULL
) WITH (fillfactor = 50);

-- What a store that was full tries to write, to find out whether there is room again.
CREATE TABLE posthorn.probe (raw bytea NOT NULL);

CREATE TABLE posthorn.nodes (
  id text COLLATE "C" PRIMARY KEY,
  host text COLLATE "C" NOT NULL,
  pid integer NOT NULL,
  version text COLLATE "C" NOT NULL,
  roles text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('working', 'draining')),
  stats text COLLATE "C" NOT NULL,
  started_at bigint NOT NULL,
  beat bigint NOT NULL,
  beat_at bigint NOT NULL
);

CREATE TABLE posthorn.duties (
  name text COLLATE "C" PRIMARY KEY,
  node text COLLATE "C"
);

-- The row that counts changes is locked until the change has been committed: so their positions grow in
-- the order in which they can be read, and nobody who reads on behind one misses another. A sequence
-- would give the lower number to what may come later.
CREATE TABLE posthorn.change_counter (value bigint NOT NULL);
INSERT INTO posthorn.change_counter VALUES (0);
CREATE FUNCTION posthorn.next_change() RETURNS bigint LANGUAGE sql VOLATILE AS
  'UPDATE posthorn.change_counter SET value = value + 1 RETURNING value';

CREATE TABLE posthorn.changes (
  position bigint PRIMARY KEY DEFAULT posthorn.next_change(),
  kind text COLLATE "C" NOT NULL,
  project_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL
);

-- Who may sign in to the portal. `project_ids` is a JSON list, NULL for all projects. `totp_step` is the last
-- step of time whose code was used, `recovery_hashes` a JSON list. Of a session only the hash of its cookie is here.
CREATE TABLE posthorn.users (
  id text COLLATE "C" PRIMARY KEY,
  email text COLLATE "C" NOT NULL UNIQUE,
  name text COLLATE "C" NOT NULL,
  password_hash text COLLATE "C" NOT NULL,
  role text COLLATE "C" NOT NULL,
  project_ids text COLLATE "C",
  created_at bigint NOT NULL,
  disabled_at bigint,
  totp_sealed text COLLATE "C",
  totp_step bigint,
  recovery_hashes text COLLATE "C",
  oidc_subject text COLLATE "C" UNIQUE
);

CREATE TABLE posthorn.sessions (
  token_hash text COLLATE "C" PRIMARY KEY,
  user_id text COLLATE "C" NOT NULL REFERENCES posthorn.users (id),
  created_at bigint NOT NULL,
  seen_at bigint NOT NULL,
  expires_at bigint NOT NULL
);

-- Who is asked to become a user; of the link only the hash of its token is here.
CREATE TABLE posthorn.invitations (
  id text COLLATE "C" PRIMARY KEY,
  token_hash text COLLATE "C" NOT NULL UNIQUE,
  email text COLLATE "C" NOT NULL UNIQUE,
  role text COLLATE "C" NOT NULL,
  project_ids text COLLATE "C",
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL
);

-- What people have changed in the portal. `project_id` is NULL for what belongs to no project. The address of
-- the user stands here too, because users are removed.
CREATE TABLE posthorn.audit_log (
  id text COLLATE "C" PRIMARY KEY,
  user_id text COLLATE "C" NOT NULL,
  user_email text COLLATE "C" NOT NULL,
  remote_address text COLLATE "C" NOT NULL,
  action text COLLATE "C" NOT NULL,
  project_id text COLLATE "C",
  target text COLLATE "C",
  created_at bigint NOT NULL,
  retain_until bigint NOT NULL
);

CREATE INDEX audit_log_retention ON posthorn.audit_log (retain_until);
