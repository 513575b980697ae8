import type { SmtpLog } from '../smtp-log.ts';

/** A mail to an address that we know, as far as it is kept. */
export interface ReturnedMessage {
  /** As they were given; the ones that `knows` knew. */
  recipients: string[];
  /** Whether it came from `<>`, as notifications do (RFC 5321 4.5.5). */
  hasNullSender: boolean;
  /** Dots unstuffed; bytes as they came, bare CR and LF too. Of a long one the beginning. */
  raw: Buffer;
}

export interface ReturnPathOptions {
  /** Our name in the greeting. */
  hostname: string;
  /** PEM. Without it STARTTLS is not offered. */
  tls?: { key: string; cert: string } | undefined;
  /** A larger mail is refused (552). */
  maxSizeBytes: number;
  /** So much of a mail is kept; the rest is read and dropped. */
  keepBytes: number;
  /** Of all mails that are coming in at once; beyond it new ones are put off (452). */
  memoryBytes: number;
  maxConnections: number;
  maxConnectionsPerAddress: number;
  /** A client that owes us input for this long gets 421. */
  idleMs: number;
  /** The longest that a connection may last. */
  connectionMs?: number;
  /** Whether mail to this address is taken at all: 550 5.1.1 for others, 451 where it rejects. */
  knows(address: string): Promise<boolean>;
  /** The client hears 250 only after this has resolved; false: 550. Where it rejects: 451. */
  take(message: ReturnedMessage): Promise<boolean>;
  /** Asked at MAIL FROM, before a mail is sent in vain. */
  canAccept(): { ok: true } | { ok: false; reason: string };
  log: SmtpLog;
}
