// A table file: what `posthorn move` takes along, in the order of who refers to whom.
import type { Tables } from '../tables.ts';

type MovedTables = {
  readonly [T in keyof Tables]: readonly (keyof Tables[T] & string)[] | null;
};

/** By what each table is read in order: columns of an index that name a row. Null: it stays behind. */
export const MOVED_TABLES: MovedTables = {
  facts: ['name'],
  projects: ['id'],
  api_keys: ['project_id', 'id'],
  users: ['id'],
  sessions: ['token_hash'],
  invitations: ['id'],
  audit_log: ['id'],
  endpoints: ['project_id', 'id'],
  sources: ['project_id', 'id'],
  sinks: ['project_id', 'id'],
  sink_places: ['project_id', 'sink_id', 'lane'],
  sink_refusals: ['project_id', 'sink_id', 'event_id'],
  stats_counts: ['project_id', 'grain', 'dimension', 'starts_at', 'value', 'stream', 'metric'],
  stats_firsts: ['project_id', 'mark'],
  stats_places: ['project_id'],
  alert_rules: ['project_id', 'id'],
  alerts: ['project_id', 'id'],
  alert_notices: ['project_id', 'alert_id', 'id'],
  source_activity: ['project_id', 'source_id'],
  source_payloads: ['project_id', 'id'],
  source_replays: ['project_id', 'source_id', 'replay_key'],
  suppressions: ['project_id', 'address_hash', 'stream'],
  soft_bounces: ['project_id', 'address_hash', 'message_key'],
  send_windows: ['project_id', 'period', 'started_at'],
  domains: ['project_id', 'id'],
  dkim_keys: ['project_id', 'domain_id', 'selector'],
  inbound_routes: ['project_id', 'id'],
  received_mail: ['project_id', 'id'],
  received_bodies: ['project_id', 'received_id'],
  messages: ['project_id', 'id'],
  message_bodies: ['project_id', 'message_id'],
  transmissions: ['project_id', 'message_id', 'recipient'],
  held_messages: ['project_id', 'message_id'],
  expectations: ['project_id', 'message_id'],
  transcripts: ['project_id', 'message_id', 'id'],
  events: ['position'],
  recipient_states: ['project_id', 'message_key', 'recipient'],
  deliveries: ['project_id', 'event_id', 'endpoint_id'],
  attempts: ['project_id', 'event_id', 'endpoint_id', 'id'],
  jobs: ['project_id', 'id'],
  job_parts: ['project_id', 'job_id', 'part'],
  idempotency_keys: ['project_id', 'key'],
  // Who works on a database is of that database.
  nodes: null,
  duties: null,
  changes: null,
};

export interface MovedTable {
  name: keyof Tables;
  key: readonly string[];
}

export const movedTables = (): MovedTable[] =>
  (Object.keys(MOVED_TABLES) as (keyof Tables)[]).flatMap((name) => {
    const key = MOVED_TABLES[name];
    return key === null ? [] : [{ name, key }];
  });
