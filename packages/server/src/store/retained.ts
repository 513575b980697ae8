/**
 * What has a retention, and how to walk through it for what has expired: a bounded number of rows a
 * step, along the primary key and one project at a time, so that no insert of the hot path pays for an
 * index on retain_until. Most keys begin with time-ordered ids, so a walk may end at the first row that
 * has not expired. What is still to be done is kept whatever its age: a delivery that waits, a message
 * in the queue or held, and what they need.
 */
export interface Retained {
  table: string;
  /** Behind project_id. */
  key: string[];
  /** SQL over the row `t`: whether it is still needed. */
  inUse: string;
  timeOrdered: boolean;
}

/** `schema`: what stands before the name of a table, with its dot. */
export function listRetained(schema: string): Retained[] {
  const queued = (key: string): string => `EXISTS (SELECT 1 FROM ${schema}transmissions x
    WHERE x.project_id = t.project_id AND x.message_id = t.${key} AND x.state IN ('queued', 'held'))`;
  const owed = `EXISTS (SELECT 1 FROM ${schema}deliveries x
    WHERE x.project_id = t.project_id AND x.event_id = t.id AND x.state = 'pending')`;
  const list: Retained[] = [
    {
      table: 'attempts',
      key: ['event_id', 'endpoint_id', 'id'],
      inUse: 'FALSE',
      timeOrdered: true,
    },
    { table: 'events', key: ['id'], inUse: owed, timeOrdered: true },
    {
      table: 'deliveries',
      key: ['event_id', 'endpoint_id'],
      inUse: "t.state = 'pending'",
      timeOrdered: true,
    },
    {
      table: 'message_bodies',
      key: ['message_id'],
      inUse: queued('message_id'),
      timeOrdered: true,
    },
    { table: 'messages', key: ['id'], inUse: queued('id'), timeOrdered: true },
    {
      table: 'transmissions',
      key: ['message_id', 'recipient'],
      inUse: "t.state IN ('queued', 'held')",
      timeOrdered: true,
    },
    {
      table: 'transcripts',
      key: ['message_id', 'id'],
      inUse: 'FALSE',
      timeOrdered: true,
    },
    // Keyed by whatever a provider calls its messages.
    {
      table: 'recipient_states',
      key: ['message_key', 'recipient'],
      inUse: 'FALSE',
      timeOrdered: false,
    },
    { table: 'jobs', key: ['id'], inUse: 't.ended_at IS NULL', timeOrdered: true },
    {
      table: 'job_parts',
      key: ['job_id', 'part'],
      inUse: `EXISTS (SELECT 1 FROM ${schema}jobs x
    WHERE x.project_id = t.project_id AND x.id = t.job_id AND x.ended_at IS NULL)`,
      timeOrdered: true,
    },
    {
      table: 'soft_bounces',
      key: ['address_hash', 'message_key'],
      inUse: 'FALSE',
      timeOrdered: false,
    },
    { table: 'source_payloads', key: ['id'], inUse: 'FALSE', timeOrdered: true },
    {
      table: 'sink_refusals',
      key: ['sink_id', 'event_id'],
      inUse: 'FALSE',
      timeOrdered: false,
    },
    { table: 'stats_firsts', key: ['mark'], inUse: 'FALSE', timeOrdered: false },
    {
      table: 'alert_notices',
      key: ['alert_id', 'id'],
      inUse: `EXISTS (SELECT 1 FROM ${schema}alerts x
    WHERE x.project_id = t.project_id AND x.id = t.alert_id)`,
      timeOrdered: false,
    },
    { table: 'alerts', key: ['id'], inUse: 't.resolved_at IS NULL', timeOrdered: false },
    {
      table: 'source_replays',
      key: ['source_id', 'replay_key'],
      inUse: 'FALSE',
      timeOrdered: false,
    },
    { table: 'received_mail', key: ['id'], inUse: 'FALSE', timeOrdered: true },
    { table: 'received_bodies', key: ['received_id'], inUse: 'FALSE', timeOrdered: true },
    { table: 'idempotency_keys', key: ['key'], inUse: 'FALSE', timeOrdered: false },
  ];
  return list.map((one) => ({ ...one, table: `${schema}${one.table}` }));
}
