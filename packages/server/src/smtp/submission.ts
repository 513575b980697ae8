import type { KeyMode } from '../core/key-mode.ts';
import type { DsnRequest } from '../core/mail/dsn.ts';
import type { SmtpLog } from './smtp-log.ts';

/** A message that has come in whole, with the envelope that it came in. */
export interface SubmittedMessage {
  projectId: string;
  /** Of the key that has logged in. */
  keyMode: KeyMode;
  /** The empty string for the null sender `<>`. Domains are ASCII and in lower case. */
  envelopeFrom: string;
  recipients: string[];
  /** As sent: CRLF line ends throughout, dots unstuffed. */
  raw: Buffer;
  remoteAddress: string;
  /** What the client gave as its user name; only its password says who it is. */
  username: string;
  smtputf8: boolean;
  /** Null where the client asked for no notifications (RFC 3461). */
  dsn: DsnRequest | null;
}

/** Who has logged in. */
export interface SubmissionLogin {
  projectId: string;
  keyMode: KeyMode;
  /**
   * Asked at each MAIL FROM: null while the login holds, otherwise why it does not any more. Rejects
   * where it cannot say (451).
   */
  explainEnd(): Promise<string | null>;
}

/** Why nobody is let in; a sentence for the client. */
export interface LoginRefusal {
  refusal: string;
  /** The login was not looked at (454); it may be a good one later. */
  isForNow?: boolean;
}

export interface SubmissionReceipt {
  messageId: string;
  /** Recipients that will get nothing, although the message as a whole was taken. */
  refused?: readonly { recipient: string; reason: string }[];
}

/** What `accept` may reject with to choose the reply; anything else becomes 451 4.3.0. */
export interface SubmissionRefusal extends Error {
  /** 400 to 599. */
  smtpCode: number;
  enhancedCode?: string;
}

export interface SubmissionOptions {
  /** Our name in the greeting. */
  hostname: string;
  /** PEM. Without it STARTTLS is not offered. */
  tls?: { key: string; cert: string } | undefined;
  /** Refuses AUTH before STARTTLS (538). Needs `tls`. */
  requireTls?: boolean;
  /** TLS from the first byte (RFC 8314 3.3). Needs `tls`. */
  implicitTls?: boolean;
  /** Who gets mail to `<postmaster>` without a domain; without it such a recipient is refused (550). */
  postmaster?: string | null;
  maxSizeBytes: number;
  maxRecipients: number;
  maxConnections: number;
  /** An IPv6 address counts with its whole /64. */
  maxConnectionsPerAddress: number;
  /** Of all messages that are coming in at once; beyond it new ones are put off (452). */
  memoryBytes?: number;
  /** How long a connection may last while nobody has logged in. */
  loginMs?: number;
  /** A client that owes us input for this long gets 421. RFC 5321 4.5.3.2.7 asks for 5 minutes. */
  idleMs: number;
  /** Resolves to a refusal for a wrong password (535); rejects where it cannot say (454). */
  authenticate(login: {
    username: string;
    password: string;
    remoteAddress: string;
  }): Promise<SubmissionLogin | LoginRefusal>;
  /** The client hears 250 only after this has resolved. */
  accept(message: SubmittedMessage): Promise<SubmissionReceipt>;
  /** Asked at MAIL FROM, before a message is sent in vain. */
  canAccept(): { ok: true } | { ok: false; reason: string };
  log: SmtpLog;
}
