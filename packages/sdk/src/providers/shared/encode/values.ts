import { createHash } from 'node:crypto';
import type { CanonicalEvent, EventData } from '../../../event.ts';
import { numberText } from '../../../lossless-json.ts';
import type { DialectBatch, DialectSender } from '../../dialects/dialect.ts';

/** What the formats have in common when an event of ours is written in them. */

/** The id that a handler knows the message by: ours, or the provider's that sent it. */
export function messageIdOf({ data }: CanonicalEvent): string | null {
  const { message } = data;
  return message?.id ?? message?.provider_id ?? bareSmtpId(data) ?? null;
}

/** The Message-ID without its angle brackets. */
export function bareSmtpId({ message }: EventData): string | null {
  return message?.smtp_id?.replace(/^<|>$/g, '') ?? null;
}

/** Whole seconds since the epoch. */
export function epochSeconds(timestamp: string): number {
  return Math.floor(Date.parse(timestamp) / 1_000);
}

/** Seconds since the epoch with the fraction that the time has, as text: `1795168800.123`. */
export function epochText(timestamp: string): string {
  const fraction = /\.(\d+)/.exec(timestamp)?.[1] ?? '0';
  return `${epochSeconds(timestamp)}.${fraction}`;
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_CHARS = 10;
/** The last 12 bits, which tell ids of one millisecond apart: they are counted up. */
const TAIL = 4_096;

/**
 * A whole number that stands for an id where a format has numbers: the same for the same id. Of an id of
 * ours it is the time in ms, times 4,096, and its last 12 bits, so that who has the number can look near
 * that time; a double holds it until the year 2039.
 */
export function numberFor(id: string): number {
  const ulid = /^[a-z]+_([0-7][0-9A-HJKMNP-TV-Z]{25})$/.exec(id)?.[1];
  if (ulid !== undefined) {
    const valueOf32 = (text: string): number =>
      [...text].reduce((sum, char) => sum * 32 + CROCKFORD.indexOf(char), 0);
    const number = valueOf32(ulid.slice(0, TIME_CHARS)) * TAIL + (valueOf32(ulid.slice(-3)) % TAIL);
    if (Number.isSafeInteger(number)) return number;
  }
  // 48 bits: a double and a bigint column hold it.
  return createHash('sha256').update(id).digest().readUIntBE(0, 6);
}

/** A UUID (version 8, RFC 9562) that stands for an id: the same for the same id. */
export function uuidFor(id: string): string {
  const bytes = createHash('sha256').update(id).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Without what is not known, for formats that leave a field out then. */
export function known<T extends object>(fields: T): T {
  const entries = Object.entries(fields).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  return Object.fromEntries(entries) as T;
}

/** What the receiving server said, else our sentence. */
export function saidOf({ delivery, bounce }: EventData): string | null {
  return delivery?.response ?? bounce?.description ?? null;
}

export const isHard = ({ bounce }: EventData): boolean => bounce?.type === 'hard';

/** A refusal that came after the message had been accepted. */
export const isLate = ({ bounce }: EventData): boolean =>
  bounce?.async === true || bounce?.from_dsn === true;

/** Metadata whose values are texts, numbers or flags, as texts. */
export function textMetadata({ metadata }: EventData): Record<string, string> {
  const entries = Object.entries(metadata ?? {}).flatMap(([key, value]) => {
    const isPlain = typeof value === 'string' || typeof value === 'boolean';
    const text = isPlain ? String(value) : numberText(value);
    return key === '' || text === null || text === '' ? [] : [[key, text] as const];
  });
  return Object.fromEntries(entries);
}

/** The one event of a post of a format without lists. */
export function onlyEvent({ events }: DialectBatch): CanonicalEvent {
  const [event] = events;
  if (event === undefined || events.length > 1) {
    throw new RangeError('This format has one event in a post.');
  }
  return event;
}

export function notCarried({ type }: CanonicalEvent, dialect: string): RangeError {
  return new RangeError(`${dialect} has no word for ${type}.`);
}

/** A chosen option, or its default. */
export function optionOf({ options }: DialectSender, name: string, fallback: string): string {
  return options[name] ?? fallback;
}

export const JSON_TYPE = ['Content-Type', 'application/json'] as const;
