import { createHash } from 'node:crypto';
import type { CanonicalEvent } from './event.ts';
import type { DecodedEvent, Provider } from './providers/provider.ts';

/** Crockford's base 32, as ULIDs use it. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_CHARS = 10;
const CHANCE_CHARS = 16;

export interface EventOrigin {
  /** Tells apart several accounts at one provider; `null` where there is one. */
  source: string | null;
  receivedAtMs: number;
}

/**
 * A decoded event as a log or inbox keeps it. Its id follows from what makes two reports the same, so
 * the same report gets the same id each time; an event of ours keeps its own.
 */
export function toCanonicalEvent(
  event: DecodedEvent,
  provider: Provider,
  { source, receivedAtMs }: EventOrigin,
): CanonicalEvent {
  const receivedAt = new Date(receivedAtMs).toISOString();
  const { provider: name = provider.name, ...data } = event.data;
  return {
    id: event.id ?? derivedId(event, provider, source),
    type: event.type,
    timestamp: event.timestamp ?? receivedAt,
    data: { provider: name, source, received_at: receivedAt, ...data },
  };
}

function derivedId(event: DecodedEvent, provider: Provider, source: string | null): string {
  const hash = hashParts(event, provider, source).subarray(0, CHANCE_CHARS);
  const chance = Array.from(hash, (byte) => ALPHABET[byte & 31]).join('');
  const atMs = event.timestamp === null ? 0 : Date.parse(event.timestamp);
  return `evt_${timeChars(atMs)}${chance}`;
}

/** The same for two reports of one event of one source, and different otherwise: 64 hex digits. */
export function dedupKey(event: DecodedEvent, provider: Provider, source: string | null): string {
  return hashParts(event, provider, source).toString('hex');
}

function hashParts(event: DecodedEvent, provider: Provider, source: string | null): Buffer {
  const parts = [provider.name, source, event.type, ...provider.dedupParts(event)];
  return createHash('sha256').update(JSON.stringify(parts)).digest();
}

function timeChars(atMs: number): string {
  let rest = Math.max(0, atMs);
  let text = '';
  for (let i = 0; i < TIME_CHARS; i++) {
    text = `${ALPHABET[rest % 32]}${text}`;
    rest = Math.floor(rest / 32);
  }
  return text;
}
