import type { CanonicalEvent } from '@posthorn/sdk';
import type { z } from 'zod';
import type { SinkTroubleCode } from '../core/sink.ts';
import type { Clock } from '../lib/clock.ts';

/** What a destination gets of one event. */
export interface SinkItem {
  /** Its place in the log: grows with each event, and never comes twice. */
  position: number;
  event: CanonicalEvent;
  /** What its transformation has made of it; without one, the event itself. */
  json: string;
  /** There is a transformation. */
  isMade: boolean;
}

/** One item of a batch that the destination will never take; the others are with it. */
export interface ItemRefusal {
  /** Of the item in its batch. */
  index: number;
  detail: string;
}

/** An open way to a destination. Used by one lane, one batch at a time. */
export interface SinkConnection {
  /**
   * Resolves when the destination has all of these in keeping, but for those that it refuses one by one.
   * Rejects with SinkTrouble when nobody knows, or nothing got through: all of them come again then, but
   * for the first `taken`.
   */
  send(items: readonly SinkItem[], signal: AbortSignal): Promise<readonly ItemRefusal[]>;
  close(): Promise<void>;
  /**
   * When all that there is has been sent, the next batch waits for so long, ms, so that it is worth an
   * object or a load. What is in the log at once, and a backfill, goes without waiting.
   */
  readonly restMs?: number;
}

/** What a connection is opened with, beside its own settings. */
export interface SinkSurroundings {
  http: SinkHttp;
  /**
   * The address to dial for a host, looked up and judged: throws SinkTrouble `address_refused` or
   * `unreachable`. Whoever dials the host itself would ask again, and could be led elsewhere.
   */
  addressOf(host: string): Promise<string>;
  /** Sends mails of Posthorn's own to people, all or none. Throws SinkTrouble `unavailable`. */
  mail(notices: readonly SinkNotice[]): Promise<void>;
  clock: Clock;
  projectId: string;
  sinkId: string;
}

/** A mail to one person, in plain text. */
export interface SinkNotice {
  projectId: string;
  to: string;
  /** Without line breaks. */
  subject: string;
  text: string;
}

/** Requests to addresses that may be dialled. */
export interface SinkHttp {
  /** Any status is an answer. Throws SinkTrouble when there is none. */
  request(request: SinkHttpRequest): Promise<SinkHttpAnswer>;
}

export interface SinkHttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string | Uint8Array | null;
  signal: AbortSignal;
}

export interface SinkHttpAnswer {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** The first 64 kB. */
  text: string;
}

/** A kind of destination: one file under kinds/, and one line in sink-kinds.ts. */
export interface SinkKind<S = unknown> {
  /** In the API: `slack`. Never changes. */
  readonly kind: string;
  /** For people: "Slack". */
  readonly title: string;
  /** One sentence: what arrives there. */
  readonly summary: string;
  /** What happens to an event that is sent twice, after an answer was lost. One sentence. */
  readonly repeats: string;
  /** snake_case fields; each says what it is. */
  readonly settings: z.ZodType<S> & { readonly shape: Record<string, z.ZodType> };
  /** Fields of the settings that are kept sealed and never shown. */
  readonly secrets: readonly (keyof S & string)[];
  /** At most so many items a batch. */
  readonly batch: number;
  /** What it never gets, whatever its types and its filter say. */
  ignores?(event: CanonicalEvent): boolean;
  /** So long after each batch a lane waits, ms, however much there is, also after a restart. */
  spacingMs?(settings: S): number;
  /** Throws SinkTrouble. A package that is not installed is `package_missing` with what to run. */
  open(settings: S, surroundings: SinkSurroundings): Promise<SinkConnection>;
}

/** Why a batch did not get through. The message is for the person who looks after the sink. */
export class SinkTrouble extends Error {
  readonly code: SinkTroubleCode;
  /** The destination's own wish, ms. */
  readonly retryAfterMs: number | null;
  /** Of the batch, so many items from its beginning are done; of these, some were refused. */
  readonly taken: number;
  readonly refusals: readonly ItemRefusal[];

  constructor(
    code: SinkTroubleCode,
    message: string,
    options: {
      retryAfterMs?: number | null;
      taken?: number;
      refusals?: readonly ItemRefusal[];
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'SinkTrouble';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.taken = options.taken ?? 0;
    this.refusals = options.refusals ?? [];
  }
}

/** Keeps the types of a kind's own settings to itself. */
export function defineSink<S>(kind: SinkKind<S>): SinkKind {
  return kind as unknown as SinkKind;
}
