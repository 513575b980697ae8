import { SIGNING_KINDS, type SigningKind } from '@posthorn/sdk';
import type { ContentFilter } from '../events/content-filter.ts';

/**
 * What a person decides for one endpoint, as it is stored and as the dispatcher reads it. Null stands
 * for the server's default.
 */
export interface EndpointSettings {
  filter: ContentFilter | null;
  /** JSONata that makes the body of an event; only with the dialect standard. */
  transformation: string | null;
  /** Sent with every post. Those whose values are secret live in EndpointSecrets. */
  headers: Record<string, string>;
  timeoutMs: number | null;
  /** Posts under way at once, at most. */
  concurrency: number | null;
  /** Events a second, at most. */
  ratePerSecond: number | null;
  order: EndpointOrder;
  batch: BatchSettings | null;
  /** Opens and clicks that repeat within this time go as one. */
  coalesceMs: number | null;
  dialect: DialectName;
  /** What the dialect leaves to the endpoint, by name (core/webhooks/dialects.ts checks them). */
  dialectOptions: Record<string, string>;
  /** The name of a preset, or the waits as the user wrote them: `5s`, `5m`, `2h`. */
  retryLadder: string | string[] | null;
  apiVersion: ApiVersion;
  signature: SignatureKind;
  /** How long it may fail without a success before it is disabled. */
  patienceMs: number | null;
  /** Who hears of trouble by email. */
  notifyEmail: string | null;
  redactRecipient: 'hash' | 'remove' | null;
  /** PEM: our certificate for mTLS (its key is in EndpointSecrets), and a CA to trust. */
  clientCertificate: string | null;
  caCertificate: string | null;
}

/**
 * `per-message`: of one message, in the order of the log, without waiting for other messages.
 * `per-endpoint`: everything in the order of the log, one after the other.
 */
export const ENDPOINT_ORDERS = ['none', 'per-message', 'per-endpoint'] as const;
export type EndpointOrder = (typeof ENDPOINT_ORDERS)[number];

/** The providers of the SDK that have the direction out; registry.ts there has their formats. */
export const DIALECTS = [
  'standard',
  'cloudevents',
  'flexmail',
  'frontengine',
  'postal',
  'mailchannels',
  'sendarix',
  'mailfloss',
  'sendgrid',
  'mailgun',
  'postmark',
  'resend',
  'ses',
] as const;
export type DialectName = (typeof DIALECTS)[number];

/** The shape of events. A change that could break a handler gets a new date. */
export const API_VERSIONS = ['2026-11-21'] as const;
export type ApiVersion = (typeof API_VERSIONS)[number];

/** Which of them an endpoint may have, its dialect says. */
export const SIGNATURE_KINDS = SIGNING_KINDS;
export type SignatureKind = SigningKind;

export interface BatchSettings {
  maxEvents: number;
  /** How long the first event of a batch waits for others. */
  maxWaitMs: number;
  /** Patterns of the types that go in batches; null for all. The others go singly. */
  eventTypes: string[] | null;
}

/** What is sealed with the master key, as one JSON text. */
export interface EndpointSecrets {
  keys: SigningKeyRecord[];
  headers: Record<string, string>;
  clientKey: string | null;
}

export interface SigningKeyRecord {
  id: string;
  kind: SignatureKind;
  /** `whsec_...` of v1, `whsk_...` of v1a, any text of hmac, else a private key in PEM (PKCS #8). */
  secret: string;
  createdAtMs: number;
  /** When it stops signing, after a rotation; null for the current one. */
  expiresAtMs: number | null;
}

export const DEFAULT_ENDPOINT_SETTINGS: EndpointSettings = {
  filter: null,
  transformation: null,
  headers: {},
  timeoutMs: null,
  concurrency: null,
  ratePerSecond: null,
  order: 'none',
  batch: null,
  coalesceMs: null,
  dialect: 'standard',
  dialectOptions: {},
  retryLadder: null,
  apiVersion: API_VERSIONS[0],
  signature: 'v1',
  patienceMs: null,
  notifyEmail: null,
  redactRecipient: null,
  clientCertificate: null,
  caCertificate: null,
};
