import type { KeyMode } from '../core/key-mode.ts';
import type { Stream } from '../core/mail/streams.ts';
import type { TrackingWish } from '../core/mail/tracking.ts';

/** A mailbox as it stands in a header. */
export interface Mailbox {
  email: string;
  name: string | null;
}

export interface AttachmentInput {
  filename: string;
  content: Buffer;
  contentType: string | null;
  /** For images that the HTML names as `cid:`. */
  contentId: string | null;
}

/** How a recipient can leave: at least one of these. */
export interface UnsubscribeInput {
  /** `https:`; takes a POST (RFC 8058) and shows a page. */
  url: string | null;
  mailto: string | null;
  /** By a page of ours, each recipient his own; not beside a `url`. */
  hosted?: boolean;
}

/** A message as the API takes it, checked: addresses are addresses, no header has a line break. */
export interface MessageInput {
  /** Of the key that it came with. */
  keyMode: KeyMode;
  from: Mailbox;
  to: Mailbox[];
  cc: Mailbox[];
  bcc: Mailbox[];
  replyTo: Mailbox[];
  subject: string;
  text: string | null;
  html: string | null;
  headers: { name: string; value: string }[];
  attachments: AttachmentInput[];
  stream: Stream;
  unsubscribe: UnsubscribeInput | null;
  tags: string[];
  metadata: Record<string, unknown>;
  /** When its first attempt falls; without it, at once. */
  sendAtMs?: number;
  /** So long after that it is to have reached its end; otherwise `email.overdue` tells. */
  expectWithinMs?: number;
  /** What it does not say, the project decides. */
  tracking?: TrackingWish;
  /** A notice of Posthorn's own, from its own domain and not the project's. */
  isNotice?: boolean;
}

/** At least this much goes over the line: text as it is, attachments as base64 in lines of 76. */
export function encodedSize({ text, html, attachments }: MessageInput): number {
  const files = attachments.reduce((sum, one) => sum + one.content.length, 0);
  return Buffer.byteLength(text ?? '') + Buffer.byteLength(html ?? '') + Math.ceil(files * 1.37);
}
