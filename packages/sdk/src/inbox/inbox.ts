/**
 * Where a receiver keeps events between the acknowledgement and their handlers. Four engines stand
 * behind this contract (memory, SQLite, PostgreSQL, Redis) and pass one conformance suite.
 *
 * An entry is
 *
 *   pending   put, and due at a time; claimed while it carries a lease and its due time, which is then
 *             the end of the lease, has not come
 *   done      finish(): its event is gone, its key stays until its life ends, so that a duplicate is known
 *   dead      bury(): waits for a person; revive() makes it pending again, discard() done
 *
 * Only who holds the lease can end a claim: what a process does whose lease was lost has no effect.
 * Several receivers share one inbox, each with a queue of its own; several processes share a queue.
 * Times are ms since the epoch, given by the caller.
 */
export interface Inbox {
  /** Makes tables where there are none. Says what keeps it from being durable. May be called again. */
  open(): Promise<{ warnings: readonly string[] }>;
  /** All or nothing, and durable when it resolves. */
  put(batch: InboxBatch): Promise<PutOutcome>;
  /** Leases up to `limit` entries that are due, in the order in which they fell due. */
  claim(claim: ClaimRequest): Promise<readonly ClaimedEntry[]>;
  /** Lengthens leases; the keys of those that are still held. */
  renew(queue: string, held: readonly Lease[], untilMs: number): Promise<readonly string[]>;
  /** These three end a claim. False when the lease is lost; nothing happens then. */
  finish(queue: string, lease: Lease): Promise<boolean>;
  postpone(queue: string, lease: Lease, until: { dueMs: number; error: string }): Promise<boolean>;
  bury(
    queue: string,
    lease: Lease,
    death: { retainUntilMs: number; error: string },
  ): Promise<boolean>;
  /** Newest first; `before` is the `position` of the last one of the page before. */
  listDead(queue: string, page: { limit: number; before?: number }): Promise<readonly DeadEntry[]>;
  /** A dead one becomes pending, with no attempts and no lane. False when it is not dead. */
  revive(queue: string, key: string, nowMs: number): Promise<boolean>;
  /** A dead one becomes done. False when it is not dead. */
  discard(queue: string, key: string): Promise<boolean>;
  stats(queue: string): Promise<InboxStats>;
  /** Forgets up to `limit` keys whose life has ended; how many. What is pending is never forgotten. */
  purge(queue: string, nowMs: number, limit: number): Promise<number>;
}

export interface InboxEntry {
  /** What makes two reports the same. A hash: at most 200 characters, letters and digits. */
  key: string;
  /** Entries of one lane are claimed one at a time, in the order of their arrival; `null`: no order. */
  lane: string | null;
  /** JSON. */
  event: string;
}

export interface InboxBatch {
  queue: string;
  /** With different keys. */
  entries: readonly InboxEntry[];
  nowMs: number;
  /** So long the keys are remembered, handled or not. */
  retainUntilMs: number;
  /**
   * A signature that does not cover the body: `key` is what it covers, `digest` stands for the events.
   * A second batch with the key and another digest is a replay, and nothing of it is stored.
   */
  replay: { key: string; digest: string } | null;
}

/** `fresh`: the keys that were not known before. */
export type PutOutcome = { replayed: true } | { replayed: false; fresh: readonly string[] };

export interface ClaimRequest {
  queue: string;
  /** A name of the caller's for this claim that nobody else uses. */
  lease: string;
  nowMs: number;
  leaseMs: number;
  limit: number;
}

export interface Lease {
  key: string;
  lease: string;
}

export interface ClaimedEntry extends Lease {
  lane: string | null;
  event: string;
  /** 1 for the first claim. Counted when it is claimed, so that one which ends the process counts. */
  attempt: number;
  receivedAtMs: number;
}

export interface DeadEntry {
  key: string;
  event: string;
  attempts: number;
  receivedAtMs: number;
  error: string;
  position: number;
}

export interface InboxStats {
  /** Not handled yet, those under way included. */
  pending: number;
  dead: number;
  /** When the one that has waited longest came; `null` when none waits. */
  oldestPendingMs: number | null;
  /** When something new came last; `null` when nothing is remembered. */
  lastReceivedMs: number | null;
}
