import type { WebhookErrorCode } from '../errors.ts';

/** What a receiver tells its operator. Secrets, signatures, bodies and queries are never in it. */
export type ReceiverRecord = { receiver: string; level: 'info' | 'warn' | 'error' } & (
  | {
      kind: 'refused';
      code: WebhookErrorCode;
      message: string;
      /** What was answered. */
      status: number;
      method: string;
      /** Without the query, which may hold a secret. */
      path: string;
      remoteAddress: string | null;
      /** `null` when the body was not read. */
      bodyBytes: number | null;
    }
  | {
      kind: 'handler_failed';
      eventId: string;
      eventType: string;
      attempt: number;
      retryInMs: number;
      message: string;
    }
  | {
      kind: 'dead_letter';
      eventId: string;
      eventType: string;
      key: string;
      attempts: number;
      message: string;
    }
  /** Another process has taken it over; its handler runs there again. */
  | { kind: 'lease_lost'; key: string }
  | { kind: 'inbox_failed'; action: string; message: string }
  | { kind: 'inbox_warning'; message: string }
  /** Events are stored, but neither `start` nor `drain` was called. */
  | { kind: 'not_started'; message: string }
  | { kind: 'silent'; message: string; lastReceivedAt: string | null }
  | { kind: 'talking_again'; silentForMs: number }
);

export type Log = (record: ReceiverRecord) => void;

/** A record without what every one of a receiver has. */
export type Say = (record: DistributiveOmit<ReceiverRecord, 'receiver'>) => void;
type DistributiveOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;

/** What a log hook throws is its own affair: no event may be lost by it. */
export function createSay(receiver: string, log: Log | undefined): Say {
  return (record) => {
    try {
      log?.({ receiver, ...record } as ReceiverRecord);
    } catch {
      // There is nobody left to tell.
    }
  };
}
