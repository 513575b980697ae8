import type { SmtpLog } from '../smtp-log.ts';

/** A mail that a stranger hands over, as far as the door that takes it needs it. */
export interface IncomingMail {
  /** As they were given; the ones that the door knew. */
  recipients: string[];
  /** The sender of the envelope; '' for `<>`, from which notifications come (RFC 5321 4.5.5). */
  from: string;
  /** Dots unstuffed; bytes as they came, bare CR and LF too. Of a long one the beginning, where that will do. */
  raw: Buffer;
  remoteAddress: string;
  /** What the client called itself. */
  helo: string;
  /** Whether it came over TLS. */
  isSecure: boolean;
}

/** What the client is told instead of 250. */
export interface IncomingRefusal {
  code: number;
  /** With its enhanced code in front. */
  text: string;
}

/** One kind of mail that is taken at the listener for the world. */
export interface IncomingDoor {
  /** So much of a mail is kept; the rest is read and dropped. */
  keepBytes: number;
  /** A larger mail is refused (552). */
  maxSizeBytes: number;
  /**
   * Whether mail to this address is taken here; a refusal where it is an address of this door that takes none
   * now. Where it rejects: 451.
   */
  knows(address: string): Promise<boolean | IncomingRefusal>;
  /** The client hears 250 only after this has resolved to null. Where it rejects: 451. */
  take(mail: IncomingMail): Promise<IncomingRefusal | null>;
}

export interface IncomingOptions {
  /** Our name in the greeting. */
  hostname: string;
  /** PEM. Without it STARTTLS is not offered. */
  tls?: { key: string; cert: string } | undefined;
  /** Asked in turn: the first that knows an address has it. Addresses that none knows get 550 5.1.1. */
  doors: readonly IncomingDoor[];
  /** Of all mails that are coming in at once; beyond it new ones are put off (452). */
  memoryBytes: number;
  maxConnections: number;
  maxConnectionsPerAddress: number;
  /** A client that owes us input for this long gets 421. */
  idleMs: number;
  /** The longest that a connection may last. */
  connectionMs?: number;
  /** Asked at MAIL FROM, before a mail is sent in vain. */
  canAccept(): { ok: true } | { ok: false; reason: string };
  log: SmtpLog;
}
