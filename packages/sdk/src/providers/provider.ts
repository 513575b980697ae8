import type { EventData, EventType } from '../event.ts';
import type { Dialect } from './dialects/dialect.ts';

/**
 * What the file of a provider has to offer. It knows the provider's format and nothing of ours but
 * the canonical event; the caller brings the request, the secrets and the time.
 */

/** A webhook as it came in. */
export interface ProviderRequest {
  /** `POST`, `HEAD` ... */
  method: string;
  /** As the sender asked for it, with its query; an empty string where it is not known. */
  url: string;
  /** Names in any case; an array where a header was repeated. */
  headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The bytes as received: signatures are over these. */
  body: Uint8Array;
}

export interface VerifyContext {
  /**
   * What the provider's head comment calls its secrets; several while one is being replaced. Each may
   * instead say what the sender puts into the request: see shared/verify/transport-secrets.ts.
   */
  secrets: readonly string[];
  /** The URL as it was given to the provider, where that is signed; `request.url` by default. */
  url?: string;
  nowMs: number;
  /** How far a signed time may be off; the provider's own tolerance by default. */
  toleranceMs?: number;
  /**
   * Fetches a certificate or public key from the provider; its text. Only `https` URLs that the
   * provider's file has judged are asked for. The caller caches and bounds.
   */
  fetchKey?: (url: string) => Promise<string>;
}

export interface VerifyResult {
  /** `body`: the signature is over the body. `part`: over a part of it. `none`: only the sender is known. */
  covers: 'body' | 'part' | 'none';
  /**
   * Where the signature does not cover the body, what must not be seen twice: remember it, and refuse
   * the second one as a replay. `null` where there is nothing to remember.
   */
  replayKey: string | null;
}

/** An answer that the provider expects instead of a plain acknowledgement. */
export interface HandshakeAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
  /** True when `verify` must have passed before this is answered or asked for. */
  afterVerify: boolean;
  /** GET this to confirm a subscription. Already judged to be the provider's. */
  confirmUrl?: string;
}

/** An event before the log gives it its id. */
export interface DecodedEvent {
  /** Only where the source sends events of ours: `evt_...`. */
  id?: string;
  type: EventType;
  /** RFC 3339 in UTC, the source's fraction kept; `null` where it does not say when it happened. */
  timestamp: string | null;
  data: EventData;
}

export type DedupPart = string | number | null;

/** How the provider wants to be answered, and what it does if it is not. */
export interface AnswerPolicy {
  /** For a bad signature. 401 asks for another try with most; 403 and 406 stop the provider. */
  refused: 401 | 403 | 406;
  /** When the events cannot be stored now. Brevo discards on a 5xx, so it gets 429. */
  busy: 503 | 429;
  /** The provider waits so long; `null` where it does not say. */
  timeoutMs: number | null;
  /** Waits before each further try; `null` where it does not say. */
  retryDelaysMs: readonly number[] | null;
  /** A status after which it does not try again, beside 2xx. */
  stopStatuses: readonly number[];
  /** What a table cannot say. */
  note?: string;
}

export interface Provider {
  /** As in the CLI and in `data.provider`. */
  name: string;
  aliases: readonly string[];
  /** Its own spelling. */
  title: string;
  /** The vendor's pages that this was written from. */
  pages: readonly string[];
  answer: AnswerPolicy;
  /** Beside POST, what its events come by. */
  methods?: readonly 'GET'[];
  /** A probe or subscription that wants its own answer; `null` for everything else. Never throws. */
  handshake?(request: ProviderRequest): HandshakeAnswer | null;
  /**
   * Throws WebhookError `invalid_secret` for a text that can be none of its secrets; absent where any text
   * can. What the URL or the headers carry (`basic:`, `query:` ...) is not asked for.
   */
  checkSecret?(secret: string): void;
  /** Throws WebhookError when the request is not from the provider. */
  verify(request: ProviderRequest, context: VerifyContext): VerifyResult | Promise<VerifyResult>;
  /**
   * The events of a request, one for each recipient; none for a probe. Total: whatever the
   * bytes, it gives events or throws WebhookError `invalid_payload`.
   */
  decode(request: ProviderRequest): DecodedEvent[];
  /** Two events of one source are the same when all of these are. */
  dedupParts(event: DecodedEvent): readonly DedupPart[];
  /** Events of ours in its format; absent where nobody has asked to be sent to like that. */
  dialect?: Dialect;
}
