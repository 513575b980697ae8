import type { EventType, Standing } from '@posthorn/sdk';
import type { Kysely } from 'kysely';
import type { EventPosition } from '../core/events/event-body.ts';
import type { Urgency } from '../core/events/urgency.ts';
import type { Tables } from './tables.ts';

/**
 * What a database has to offer so that everything else in store/ works on it: one atomic write, the
 * few hot statements, and plain reads. `sqlite/` implements it; a second engine passes the same
 * conformance suite (conformance/). All times are milliseconds since the epoch.
 */
export interface Engine {
  /** Several processes may work on the database at once. */
  readonly shared: boolean;

  /** Builds queries, and runs the reading ones. A write is compiled and handed to `commit`. */
  readonly db: Kysely<Tables>;

  /** For lists, which may lag a moment behind: a standby's where there is one, otherwise as `db`. */
  readonly lists: Kysely<Tables>;

  /**
   * A place in the log up to which everything can be read: nothing will ever appear at or below it that
   * is not there now. 0 in an empty log.
   */
  logEnd(): Promise<number>;

  /** What time it is by the clock that all who share the database go by; null where nobody shares it. */
  timeMs(): Promise<number | null>;

  /**
   * Durable when it resolves: events, what they owe, and the statements beside them, all or nothing.
   * Rejects with StoreConflict when a statement did not affect what it must, with StoreUnavailable
   * when the database cannot take the write (nothing of it is stored then).
   */
  commit(commit: Commit): Promise<AppendedEvent[]>;

  /** Stores an attempt and its delivery's next state. A delivery that another node holds is left. */
  recordAttempt(attempt: AttemptRecord): Promise<void>;

  /**
   * Leases due deliveries of one endpoint and urgency to a node, the earliest first. One that has an
   * orderKey brings those that stand in line behind it, in the order of the log.
   */
  claimDeliveries(claim: DeliveryClaim): Promise<ClaimedDeliveries>;

  /** Leases due transmissions to a node, the earliest first. */
  claimTransmissions(claim: TransmissionClaim): Promise<ClaimedTransmissions>;

  /** Makes due again what is held by nodes that are neither this one nor on the list (nodes.ts). */
  releaseLeases(input: { exceptNode: string; nowMs: number }): Promise<{ released: number }>;

  /**
   * Deletes what has outlived its retention and is not still to be done, up to `limit` rows of each
   * table a call. `more`: the round over all projects is not finished.
   */
  purgeExpired(input: { nowMs: number; limit: number }): Promise<{ purged: number; more: boolean }>;

  /**
   * Called when another node has changed something, or left something to be done. Signals may get lost,
   * and come when there is nothing: who listens looks by himself as well.
   */
  onSignal(listener: (signal: Signal) => void): void;

  /**
   * How many commits were refused of which nobody knows whether they were stored after all: what they
   * leased to this node, it does not know of. Only grows.
   */
  doubtfulCommits(): number;

  health(): StoreHealth;
  onHealthChange(listener: (health: StoreHealth) => void): void;

  /** Ends what is under way, then closes. */
  close(): Promise<void>;
}

/**
 * `change`: nodes keep something in memory that is not so any more (changes.ts). `work`: something is due
 * that no node holds.
 */
export const SIGNALS = ['change', 'work'] as const;
export type Signal = (typeof SIGNALS)[number];

export type SqlValue = string | number | bigint | null | Uint8Array;

export interface Statement {
  sql: string;
  parameters: readonly SqlValue[];
  /** The number of rows that it has to touch; otherwise the whole commit is refused. */
  mustAffect?: number;
  /** The endpoints whose deliveries it moves in their lines, which nobody else may do meanwhile. */
  lines?: readonly { projectId: string; endpointId: string }[];
  /** What the other nodes are told once it is committed. */
  signal?: Signal;
}

export interface Commit {
  events: readonly EventRecord[];
  statements: readonly Statement[];
}

export interface EventRecord {
  projectId: string;
  id: string;
  type: EventType;
  /** What ties the events of a message together: our id, or the provider's. */
  messageKey: string | null;
  recipient: string | null;
  occurredAtMs: number;
  receivedAtMs: number;
  /**
   * Two events of a project with the same key are the same event, and so are two with the same id.
   * Null: the caller vouches for a new id, and a used one is a StoreConflict.
   */
  dedupKey: string | null;
  /** The event as JSON, `data` last and still without its position. */
  json: string;
  raw: string | null;
  retainUntilMs: number;
  standing: Standing | null;
  deliveries: readonly OwedDelivery[];
}

export interface OwedDelivery {
  endpointId: string;
  /** `skipped`: the endpoint is disabled; kept on record, and it can be retried. */
  state: 'pending' | 'skipped';
  urgency: Urgency;
  dueAtMs: number;
  /** The node that dispatches it from memory, or null when it waits in the store. */
  node: string | null;
  /**
   * Deliveries of one endpoint and key go in the order of the log: while an earlier one is pending,
   * this one stands in line whatever its dueAtMs. Null for no order. Only with `node: null`.
   */
  orderKey: string | null;
}

export interface AppendedEvent {
  id: string;
  /** The id of the event that was there before, when this one is a duplicate. Nothing was stored. */
  duplicateOf: string | null;
  position: EventPosition | null;
  /** Its place in the log, grown with each event; null for a duplicate. */
  place: number | null;
}

export interface AttemptRecord {
  projectId: string;
  eventId: string;
  endpointId: string;
  node: string;
  attemptId: string;
  number: number;
  startedAtMs: number;
  latencyMs: number;
  status: number | null;
  /** Null for a success. */
  errorCode: string | null;
  errorDetail: string | null;
  responseExcerpt: string | null;
  /** AttemptTrace (core/webhooks/attempt-trace.ts) as text. */
  trace: string | null;
  retainUntilMs: number;
  /** The delivery's, so that the next one in line can become due when this one has ended. */
  orderKey: string | null;
  next:
    | { state: 'delivered' | 'dead' | 'skipped'; endedAtMs: number }
    /** `dueAtMs: null`: in line, behind an earlier one of its orderKey. */
    | { state: 'pending'; dueAtMs: number | null; failures: number };
}

export interface DeliveryClaim {
  projectId: string;
  endpointId: string;
  urgency: Urgency;
  nowMs: number;
  limit: number;
  node: string;
}

export interface ClaimedDelivery {
  eventId: string;
  body: string;
  type: EventType;
  attempts: number;
  failures: number;
  orderKey: string | null;
}

export interface ClaimedDeliveries {
  deliveries: ClaimedDelivery[];
  /** When the next one of this urgency that stays in the store is due; null when there is none. */
  nextDueAtMs: number | null;
}

export interface TransmissionClaim {
  nowMs: number;
  limit: number;
  node: string;
  /** Domains whose lanes are full. */
  exceptDomains: readonly string[];
}

export interface ClaimedTransmission {
  projectId: string;
  messageId: string;
  recipient: string;
  domain: string;
  attempts: number;
  reachedServer: boolean;
  /** When its message is given up; null where that is gone. */
  expiresAtMs: number | null;
}

export interface ClaimedTransmissions {
  transmissions: ClaimedTransmission[];
  nextDueAtMs: number | null;
}

export type StoreHealth = { ok: true } | { ok: false; code: StoreFault; detail: string };

export type StoreFault =
  | 'disk_full'
  | 'locked'
  | 'corrupt'
  | 'io_error'
  | 'read_only'
  | 'closed'
  // Of a database that is reached over a network.
  | 'unreachable'
  | 'refused'
  | 'overloaded';

/** What strangers may read of it: without the database's own words, which can name hosts and paths. */
export function toPublicHealth(health: StoreHealth): StoreHealth {
  if (health.ok) return health;
  return { ...health, detail: health.detail.replace(/ \((?:PostgreSQL|SQLite): .*\)$/s, '') };
}

/** The database cannot take work. Nothing of the call was stored; the caller may try again later. */
export class StoreUnavailable extends Error {
  readonly code: StoreFault;
  constructor(code: StoreFault, detail: string, options?: { cause: unknown }) {
    super(detail, options);
    this.name = 'StoreUnavailable';
    this.code = code;
  }
}

/** The commit met something that another one had changed first. Nothing of it was stored. */
export class StoreConflict extends Error {
  constructor(detail: string) {
    super(detail);
    this.name = 'StoreConflict';
  }
}
