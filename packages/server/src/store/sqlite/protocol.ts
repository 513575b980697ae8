import type {
  AppendedEvent,
  AttemptRecord,
  ClaimedDeliveries,
  ClaimedTransmissions,
  Commit,
  DeliveryClaim,
  SqlValue,
  StoreFault,
  TransmissionClaim,
} from '../engine.ts';

/** What the main thread and a database thread say to each other. */

/** One transaction, one fsync: everything that came in while the one before was under way. */
export interface WriteBatch {
  commits: Commit[];
  attempts: AttemptRecord[];
  deliveryClaims: DeliveryClaim[];
  transmissionClaims: TransmissionClaim[];
}

export interface WriteBatchResult {
  commits: CommitResult[];
  deliveryClaims: ClaimedDeliveries[];
  transmissionClaims: ClaimedTransmissions[];
}

export type CommitResult = { appended: AppendedEvent[] } | { conflict: string };

export type ThreadRequest =
  | { kind: 'write'; batch: WriteBatch }
  | { kind: 'release'; exceptNode: string; nowMs: number }
  | { kind: 'purge'; nowMs: number; limit: number }
  | { kind: 'probe' }
  | { kind: 'read'; sql: string; parameters: readonly SqlValue[] }
  | { kind: 'close' };

export type ThreadReply =
  | { ok: true; result: unknown }
  | { ok: false; fault: StoreFault | null; message: string };

export interface ThreadData {
  file: string;
  role: 'writer' | 'reader';
  /** The file may not grow beyond this; null for the disk's own limit. */
  maxSizeBytes: number | null;
}
