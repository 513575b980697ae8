import type { KeyObject } from 'node:crypto';
import type { CanonicalEvent, EventType } from '../../event.ts';

/**
 * The other direction of a provider: events of ours as it would send them, so that a handler which was
 * written for it needs no change. What goes out depends on the events and the sender alone, so a retry
 * has the same bytes; the signature is made for each try.
 */

/**
 * What signs. `v1` (HMAC) and `v1a` (Ed25519) are those of Standard Webhooks; `hmac` is a shared secret
 * whose text is the key; the others are private keys.
 */
export const SIGNING_KINDS = ['v1', 'v1a', 'hmac', 'rsa', 'ecdsa', 'ed25519'] as const;
export type SigningKind = (typeof SIGNING_KINDS)[number];

/** Who sends, for formats that say so. */
export interface DialectSender {
  projectId: string;
  /** What was chosen for the endpoint; a missing one is its default. */
  options: Readonly<Record<string, string>>;
}

/** What goes out in one post: events that the dialect carries, at least one. */
export interface DialectBatch {
  events: readonly CanonicalEvent[];
  /** They were gathered to go as a list, even where it is a list of one. */
  isList: boolean;
}

export interface UnsignedPost {
  body: string;
  /** Name, value, name, value ..., content type included. */
  headers: readonly string[];
}

export interface SigningContext {
  /** The same on every try: the event's id, or one of all events of a list. */
  id: string;
  nowMs: number;
  /**
   * Those that sign at the moment, the current one first; at least one. A format with room for one
   * signature uses the last, which is the one that receivers know.
   */
  keys: readonly DialectKey[];
  /** Where the certificate of a key is served, for formats that name it; needs a public URL. */
  certificateUrl: (keyId: string) => string;
}

export interface DialectKey {
  /** Its name, for formats that name the key. */
  id: string;
  kind: SigningKind;
  key: KeyObject;
}

/** Something that an endpoint may choose beside the dialect. */
export interface DialectOption {
  name: string;
  description: string;
  /** What holds without it; `null` where it follows from the sender. */
  fallback: string | null;
  /** What is wrong with a value, as a sentence that says what to write; `null` when it is fine. */
  explain: (value: string) => string | null;
}

/** How an event type goes over. */
export interface CarriedType {
  /** The type that comes out when it is decoded again, where the format has no word of its own. */
  as?: EventType;
  /**
   * What of an event survives, as paths within `data`; `event_id` is the event's id, `time` its
   * timestamp (`time:s` to the second). `message` is our id of the message, else the provider's.
   * `bounce.hard` says whether the bounce is hard, where the format knows no undetermined ones.
   */
  fields: readonly string[];
}

export interface Dialect {
  /** What has no entry has no word in this format, and is not sent. */
  carries: Readonly<Partial<Record<EventType, CarriedType>>>;
  /** The first is the default. */
  signs: readonly SigningKind[];
  /** Waits after failures; `null` where the provider publishes none. */
  ladderMs: readonly number[] | null;
  /** How long the provider waits for an answer; `null` where it does not say. */
  timeoutMs: number | null;
  /**
   * `single`: one event in each post. `any`: one alone, several as a list. `list`: always a list, of
   * so many events, that are waited for so long by default.
   */
  lists: 'single' | 'any' | { maxEvents: number; maxWaitMs: number };
  /** Whether the receiver is asked before the first post. */
  handshake: 'options' | null;
  options: readonly DialectOption[];
  /** Throws RangeError for an event that it does not carry. */
  encode(batch: DialectBatch, sender: DialectSender): UnsignedPost;
  /** The post with its signature: in the headers, or in the body where the format has it there. */
  sign(post: UnsignedPost, context: SigningContext): UnsignedPost;
}
