import type {
  ClaimedDeliveries,
  ClaimedTransmissions,
  DeliveryClaim,
  SqlValue,
  Statement,
  StoreFault,
  TransmissionClaim,
} from '../engine.ts';

/**
 * What the main thread and a database thread say to each other. Hot rows cross as flat arrays in the
 * order of their statement's parameters (rows.ts): a structured clone of objects writes and reads
 * every key of every row, which cost the main thread 7 us an event, a third of its share.
 */
export type Row = SqlValue[];

/** One transaction, one fsync: everything that came in while the one before was under way. */
export interface WriteBatch {
  commits: CommitRows[];
  attempts: Row[];
  deliveryClaims: DeliveryClaim[];
  transmissionClaims: TransmissionClaim[];
}

export interface CommitRows {
  events: Row[];
  statements: readonly Statement[];
}

export interface WriteBatchResult {
  commits: CommitResult[];
  deliveryClaims: ClaimedDeliveries[];
  transmissionClaims: ClaimedTransmissions[];
}

/** One row for each event (see `fromAppendedRow`), or why the commit was refused. */
export type CommitResult = Row[] | { isConflict: boolean; message: string };

export type ThreadRequest =
  | { kind: 'open'; data: ThreadData }
  | { kind: 'write'; batch: WriteBatch }
  | { kind: 'release'; exceptNode: string; nowMs: number }
  | { kind: 'purge'; nowMs: number; limit: number }
  | { kind: 'probe' }
  | { kind: 'read'; sql: string; parameters: readonly SqlValue[] }
  | { kind: 'close' };

export type ThreadReply =
  | { ok: true; result: unknown }
  | { ok: false; fault: FileFault | null; message: string };

/** What can be wrong with a file. */
export type FileFault = Exclude<StoreFault, 'unreachable' | 'refused' | 'overloaded'>;

export interface ThreadData {
  file: string;
  role: 'writer' | 'reader';
  /** The file may not grow beyond this; null for the disk's own limit. */
  maxSizeBytes: number | null;
  /** How long a statement waits for a lock before it gives up. */
  busyTimeoutMs: number;
}
