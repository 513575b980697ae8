// A table file: what each kind of server can do that speaks PostgreSQL's protocol.

/** What the engine makes use of where it is there; each has a way without it. */
export interface Capabilities {
  /**
   * pg_advisory_xact_lock_shared and pg_locks: readers of the log see which places are still being
   * written. Without them commits with events take a row lock one after the other (log-order.ts).
   */
  advisoryLocks: boolean;
  /** FOR UPDATE SKIP LOCKED: several nodes claim at once. Without it they wait for each other. */
  skipLocked: boolean;
  /**
   * PARTITION BY RANGE with a default partition: a day of events, attempts and bodies is dropped in one
   * go. Without them rows are deleted.
   */
  partitions: boolean;
  /**
   * LISTEN and NOTIFY: nodes call each other (signals.ts). Without them each looks by itself, changes
   * twice and work once a second.
   */
  notify: boolean;
  /** Indexes that say at once whether a whole partition has expired. Without them it is read. */
  brin: boolean;
}

export type ServerKind = 'postgres' | 'citus' | 'yugabyte' | 'cockroach';

/** The last three follow their documentation and were not run (docs/operations.md says so). */
export const CAPABILITIES: Readonly<Record<ServerKind, Capabilities>> = {
  postgres: {
    advisoryLocks: true,
    skipLocked: true,
    partitions: true,
    notify: true,
    brin: true,
  },
  // Locks and NOTIFY are those of one node of several, and do not tell of the whole.
  citus: {
    advisoryLocks: false,
    skipLocked: true,
    partitions: true,
    notify: false,
    brin: true,
  },
  // Its storage has no BRIN; pg_locks does not list advisory locks of other nodes; NOTIFY reaches nobody.
  yugabyte: {
    advisoryLocks: false,
    skipLocked: true,
    partitions: true,
    notify: false,
    brin: false,
  },
  // Advisory locks can be called and lock nothing; partitions have another syntax; no NOTIFY.
  cockroach: {
    advisoryLocks: false,
    skipLocked: true,
    partitions: false,
    notify: false,
    brin: false,
  },
};

/** Which of them it is, going by what `version()` says and whether the extension citus is installed. */
export function serverKindOf(version: string, hasCitus: boolean): ServerKind {
  if (hasCitus) return 'citus';
  if (/-YB-/.test(version)) return 'yugabyte';
  return /CockroachDB/.test(version) ? 'cockroach' : 'postgres';
}
