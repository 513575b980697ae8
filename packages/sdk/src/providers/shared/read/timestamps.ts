import { numberText } from '../../../lossless-json.ts';
import { text } from './fields.ts';

/**
 * Times of providers as RFC 3339 in UTC, with as many digits after the second as the source wrote.
 * Nothing here throws; what is no time, or none that an email can have, is `null`.
 */

/** MailChannels' own example is of 1975. What lies outside is a mistake, not a time. */
const EARLIEST_MS = Date.UTC(2000, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);

const MAX_FRACTION_DIGITS = 9;

/** Seconds, or ms, µs or ns when the number is that large; exact, since digits are only moved. */
export function fromEpoch(value: unknown): string | null {
  const written = numberText(value);
  if (written === null || written.startsWith('-')) return null;
  const plain = /[eE]/.test(written) ? String(Number(written)) : written;
  const [whole = '', fraction = ''] = plain.split('.');
  if (!/^\d{1,20}$/.test(whole) || !/^\d*$/.test(fraction)) return null;
  const cut = whole.length > 17 ? 9 : whole.length > 14 ? 6 : whole.length > 11 ? 3 : 0;
  const seconds = Number(whole.slice(0, whole.length - cut));
  return format(seconds * 1_000, whole.slice(whole.length - cut) + fraction);
}

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,30}))?)?)? ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/i;
/** As .NET writes it for the US: `11/21/2026 4:05:06 PM`. */
const US = /^(\d\d?)\/(\d\d?)\/(\d{4}) (\d\d?):(\d\d):(\d\d) ?([AP]M)?$/i;
/** RFC 5322 3.3, and what HTTP makes of it. */
const MAIL = /^(?:[a-z]{3}, ?)?\d{1,2} [a-z]{3} \d{4} \d\d:\d\d/i;

/** ISO 8601, a mail's Date header, or the US form. A time without a zone is taken as UTC. */
export function fromDateText(value: unknown): string | null {
  const written = typeof value === 'string' ? value.trim().slice(0, 100) : '';
  const iso = ISO.exec(written);
  if (iso) return fromIso(iso);
  const us = US.exec(written);
  if (us) return fromUs(us);
  if (!MAIL.test(written)) return null;
  const ms = Date.parse(written.replace(/ \([^()]*\)$/, ''));
  return Number.isNaN(ms) ? null : format(ms, '');
}

/** The first of these that is a time: a number since the epoch, or a date in words. */
export function timeOf(...values: readonly unknown[]): string | null {
  for (const value of values) {
    const found = fromEpoch(value) ?? fromDateText(text(value));
    if (found !== null) return found;
  }
  return null;
}

/** Milliseconds since the epoch of a time that one of the above gave. */
export function toMs(timestamp: string): number {
  return Date.parse(timestamp);
}

function fromIso(match: RegExpExecArray): string | null {
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone] = match;
  // A leap second happens within the second before it; nothing else ends in :60.
  const clamped = second === '60' ? '59' : second;
  const ms = utc(year, month, day, hour, minute, clamped);
  return ms === null ? null : format(ms - offsetMs(zone), fraction);
}

function fromUs(match: RegExpExecArray): string | null {
  const [, month, day, year, hour = '0', minute, second, half] = match;
  const twelve =
    half === undefined ? Number(hour) : (Number(hour) % 12) + (/p/i.test(half) ? 12 : 0);
  const ms = utc(year, month, day, String(twelve), minute, second);
  return ms === null ? null : format(ms, '');
}

/** `null` for a date or time of day that does not exist. */
function utc(...parts: readonly (string | undefined)[]): number | null {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number);
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  const back = new Date(ms);
  const isReal =
    back.getUTCMonth() === month - 1 && back.getUTCDate() === day && hour < 24 && minute < 60;
  return isReal && second < 60 ? ms : null;
}

function offsetMs(zone: string | undefined): number {
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(zone ?? '');
  if (!match) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  return (match[1] === '-' ? -1 : 1) * minutes * 60_000;
}

function format(ms: number, fraction: string): string | null {
  if (!(ms >= EARLIEST_MS && ms < LATEST_MS)) return null;
  const digits = fraction.slice(0, MAX_FRACTION_DIGITS);
  return `${new Date(ms).toISOString().slice(0, 19)}${digits === '' ? '' : `.${digits}`}Z`;
}
