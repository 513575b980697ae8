import type { EventMapping, GenericSignature } from '@posthorn/sdk';

/** A source: where the webhooks of another provider come in, and what is decided of it. */
export interface SourceRecord {
  projectId: string;
  id: string;
  /** For people. */
  name: string;
  /** Its name in the SDK's registry. Never changes: what is stored was made by its decoder. */
  provider: string;
  settings: SourceSettings;
  /** SourceSecrets as JSON, sealed (lib/secrets/secret-box.ts). */
  secretsSealed: string;
  /** 1, then one more with each change. */
  version: number;
  createdAtMs: number;
  updatedAtMs: number;
}

export interface SourceSettings {
  /** ARNs of SNS topics whose messages and subscriptions are taken. */
  topics: string[];
  /** The URL as the provider has it, where that is signed and a proxy changes it. */
  signedUrl: string | null;
  /** For `generic`: which path is which field, and what is signed how. */
  mapping: EventMapping | null;
  signature: GenericSignature | null;
  /** For messages whose provider names no stream. */
  stream: string | null;
  /** Added to those of the provider. */
  tags: string[];
  /** Longer than this it should not be silent; null: what its own past says. */
  expectEveryMs: number | null;
  /** `stop`: a bad signature gets the status after which the provider does not try again. */
  onRefusal: 'retry' | 'stop';
}

export const DEFAULT_SOURCE_SETTINGS: SourceSettings = {
  topics: [],
  signedUrl: null,
  mapping: null,
  signature: null,
  stream: null,
  tags: [],
  expectEveryMs: null,
  onRefusal: 'retry',
};

export interface SourceSecrets {
  /** What its webhooks are signed with; each of them counts. */
  secrets: ExpiringText[];
  /** What its URL ends in, the current one first. */
  tokens: ExpiringText[];
}

export interface ExpiringText {
  text: string;
  createdAtMs: number;
  /** When it stops to count; null for one that stays. */
  expiresAtMs: number | null;
}

/** More would be tried one after the other at each request. */
export const MAX_SOURCE_SECRETS = 10;

export function livingTexts(texts: readonly ExpiringText[], nowMs: number): ExpiringText[] {
  return texts.filter(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > nowMs);
}

/**
 * Puts a new one first. Those that were there count for the overlap, or as long as they were to; without
 * an overlap they end at once.
 */
export function rotateTexts(
  texts: readonly ExpiringText[],
  text: string,
  { overlapMs, nowMs }: { overlapMs: number; nowMs: number },
): ExpiringText[] {
  const next = { text, createdAtMs: nowMs, expiresAtMs: null };
  if (overlapMs === 0) return [next];
  const endMs = nowMs + overlapMs;
  const others = livingTexts(texts, nowMs).filter((one) => one.text !== text);
  const old = others.map((one) => ({
    ...one,
    expiresAtMs: Math.min(one.expiresAtMs ?? endMs, endMs),
  }));
  return [next, ...old];
}

/** What was noticed of a source, over all nodes. */
export interface SourceActivity {
  /** Webhooks that were taken, duplicates included. */
  requests: number;
  events: number;
  /** Events that were here already. */
  duplicates: number;
  refused: number;
  lastRequestAtMs: number | null;
  lastEventAtMs: number | null;
  lastRefusal: { atMs: number; code: string; detail: string } | null;
  /** The longest silence of each of the last days. */
  silences: DailySilence[];
  /** Since when it is silent, once that has been told; null while it talks. */
  stalledSinceMs: number | null;
}

export interface DailySilence {
  /** Days since the epoch, UTC. */
  day: number;
  longestMs: number;
}

/** What came in since the last time that it was noted. */
export type ActivityDelta = Omit<SourceActivity, 'silences' | 'stalledSinceMs'>;

export const NO_DELTA: ActivityDelta = {
  requests: 0,
  events: 0,
  duplicates: 0,
  refused: 0,
  lastRequestAtMs: null,
  lastEventAtMs: null,
  lastRefusal: null,
};

export const NO_ACTIVITY: SourceActivity = { ...NO_DELTA, silences: [], stalledSinceMs: null };

/** A request as it is kept: what its decoder needs, and nothing that proves its sender. */
export interface KeptRequest {
  method: string;
  /** With its `?`; empty without a query. */
  query: string;
  headers: Record<string, string>;
}

/** A webhook as it is kept, so that a newer decoder can read it again. */
export interface SourcePayload {
  projectId: string;
  id: string;
  sourceId: string;
  receivedAtMs: number;
  request: KeptRequest;
  encoding: 'identity' | 'gzip';
  body: Uint8Array;
  /** SHA-256 of all of it. */
  digest: string;
  /** Whom its events speak of. */
  recipients: string[];
  /** The key and type of each event that was made of it. */
  decoded: DecodedMark[];
  retainUntilMs: number;
}

export type DecodedMark = [key: string, type: string];
