import { addressParser, decodeWords } from 'postal-mime';
import {
  explainMetadata,
  MAX_EXPECT_MS,
  MAX_TAG_CHARS,
  MAX_TAGS,
  MIN_EXPECT_MS,
} from '../core/mail/message-limits.ts';
import { isStream, STREAMS, type Stream } from '../core/mail/streams.ts';
import type { TrackingWish } from '../core/mail/tracking.ts';
import { formatDuration, parseDuration } from '../lib/duration.ts';

/** What Posthorn needs to know of a message that came in whole by SMTP. */
export interface SubmittedHeaders {
  /** The address of the From header; null where it has none or several. */
  from: string | null;
  subject: string | null;
  /** With angle brackets; null when the message has none. */
  smtpId: string | null;
  hasDate: boolean;
  stream: Stream;
  tags: string[];
  metadata: Record<string, unknown>;
  tracking: TrackingWish;
  /** `X-Posthorn-Expect-Within: 90s`; null where it says nothing. */
  expectWithinMs: number | null;
  /** `X-Posthorn-Unsubscribe: page`; undefined where it says nothing. */
  wantsPage: boolean | undefined;
  /** Its List-Unsubscribe has a page. */
  hasOwnPage: boolean;
  /** Its List-Unsubscribe has a page or an address. */
  hasWayOut: boolean;
  /** All of them, unfolded, with names in lower case. */
  fields: readonly { name: string; value: string }[];
  /** A header of ours that cannot be read, as a sentence; the message is refused for it. */
  fault: string | null;
}

/** Headers that are for us, or that would betray hidden recipients; not sent on. */
const PRIVATE_HEADERS = new Set([
  'bcc',
  'x-posthorn-tags',
  'x-posthorn-metadata',
  'x-posthorn-stream',
  'x-posthorn-tracking',
  'x-posthorn-expect-within',
  'x-posthorn-unsubscribe',
]);

/** What a message has of its first way out: one that goes out again gets its own. */
export const IDENTITY_HEADERS: ReadonlySet<string> = new Set([
  ...PRIVATE_HEADERS,
  'message-id',
  'date',
  'dkim-signature',
  'received',
]);

/** Longer header sections are refused: 256 kB is several times what real mail has. */
const MAX_HEADER_BYTES = 262_144;
/** As in the HTTP API. A longer subject is cut in events; the message itself keeps it. */
const MAX_SUBJECT_CHARS = 998;

interface HeaderField {
  name: string;
  /** Unfolded. */
  value: string;
  start: number;
  end: number;
}

/**
 * Reads the header section. `X-Posthorn-Tags: receipt, eu`, `X-Posthorn-Metadata: {"order": 7}` and
 * `X-Posthorn-Stream: broadcast` carry what the HTTP API takes as `tags`, `metadata` and `stream`;
 * `X-Posthorn-Tracking: opens, clicks, text-links` (or `none`) and `X-Posthorn-Unsubscribe: page` carry
 * `tracking` and `unsubscribe.hosted`, `X-Posthorn-Expect-Within: 90s` carries `expect_within`.
 */
export function readSubmission(raw: Buffer): SubmittedHeaders {
  const fields = readFields(raw);
  const headerValue = (name: string): string | null =>
    fields.find((field) => field.name === name)?.value ?? null;
  const senders = fields
    .filter((field) => field.name === 'from')
    .flatMap((field) => addressParser(field.value, { flatten: true }));
  // The parser calls `From: nobody at all` an address too.
  const sender = senders.length === 1 ? (senders[0]?.address ?? '') : '';
  const from = /^[^@].*@[^@\s]+$/.test(sender) ? sender : null;
  // Mail libraries write whatever is not plain words as encoded words (RFC 2047), JSON among it.
  const decoded = (name: string): string | null => {
    const value = headerValue(name);
    return value === null ? null : decodeWords(value);
  };
  const tags = (decoded('x-posthorn-tags') ?? '')
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
  const metadata = parseMetadata(decoded('x-posthorn-metadata'));
  const named = headerValue('x-posthorn-stream')?.toLowerCase() ?? 'transactional';
  const stream = isStream(named) ? named : null;
  const tracking = parseTracking(headerValue('x-posthorn-tracking'));
  const page = headerValue('x-posthorn-unsubscribe')?.toLowerCase() ?? null;
  const wayOut = headerValue('list-unsubscribe') ?? '';
  const expect = parseExpectation(headerValue('x-posthorn-expect-within'));
  return {
    from,
    subject: decoded('subject')?.slice(0, MAX_SUBJECT_CHARS) ?? null,
    smtpId: /^<[^<>\s]{1,995}>$/.exec(headerValue('message-id') ?? '')?.[0] ?? null,
    hasDate: headerValue('date') !== null,
    stream: stream ?? 'transactional',
    tags,
    metadata: metadata ?? {},
    tracking: tracking ?? {},
    expectWithinMs: expect.ms,
    wantsPage: page === null ? undefined : page === 'page',
    hasOwnPage: /<\s*https?:/i.test(wayOut),
    hasWayOut: /<\s*(?:https?|mailto):/i.test(wayOut),
    fields,
    fault:
      faultOf(fields, { from, tags, metadata, stream }) ??
      faultOfTracking({ tracking, page }) ??
      expect.fault,
  };
}

function faultOf(
  fields: HeaderField[],
  {
    from,
    tags,
    metadata,
    stream,
  }: {
    from: string | null;
    tags: string[];
    metadata: Record<string, unknown> | null;
    stream: Stream | null;
  },
): string | null {
  if (fields.length === 0) return 'The message has no header section of a readable size.';
  if (from === null) return 'The message needs one From header with one address.';
  if (tags.length > MAX_TAGS || tags.some((tag) => tag.length > MAX_TAG_CHARS)) {
    return `X-Posthorn-Tags takes up to ${MAX_TAGS} tags of up to ${MAX_TAG_CHARS} characters, separated by commas.`;
  }
  if (metadata === null) return 'X-Posthorn-Metadata has to be a JSON object.';
  if (stream === null) return `X-Posthorn-Stream is one of: ${STREAMS.join(', ')}.`;
  return explainMetadata(metadata)?.detail ?? null;
}

const TRACKING_WORDS = ['opens', 'clicks', 'text-links'] as const;

/** What is not named is not wanted; no header leaves it to the project. Null: it cannot be read. */
function parseTracking(value: string | null): TrackingWish | null {
  if (value === null) return {};
  const words = value
    .toLowerCase()
    .split(',')
    .map((word) => word.trim());
  if (!words.every((word) => word === 'none' || TRACKING_WORDS.some((one) => one === word))) {
    return null;
  }
  const [opens, clicks, textLinks] = TRACKING_WORDS.map((one) => words.includes(one));
  return { opens: opens === true, clicks: clicks === true, textLinks: textLinks === true };
}

function faultOfTracking(given: {
  tracking: TrackingWish | null;
  page: string | null;
}): string | null {
  if (given.tracking === null) {
    return `X-Posthorn-Tracking takes none, or words of these: ${TRACKING_WORDS.join(', ')}.`;
  }
  if (given.page === null || ['page', 'none'].includes(given.page)) return null;
  return 'X-Posthorn-Unsubscribe is page or none.';
}

function parseExpectation(value: string | null): { ms: number | null; fault: string | null } {
  const ms = value === null ? null : parseDuration(value);
  if (value === null) return { ms, fault: null };
  if (ms !== null && ms >= MIN_EXPECT_MS && ms <= MAX_EXPECT_MS) return { ms, fault: null };
  const range = `${formatDuration(MIN_EXPECT_MS)} to ${formatDuration(MAX_EXPECT_MS)}`;
  return { ms: null, fault: `X-Posthorn-Expect-Within is a duration from ${range}, such as 90s.` };
}

function parseMetadata(value: string | null): Record<string, unknown> | null {
  if (value === null) return {};
  try {
    const parsed: unknown = JSON.parse(value);
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    return isObject ? (parsed as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** The message without private headers. `dropped`: names of headers that are taken out, in lower case. */
export function withoutHeaders(
  raw: Buffer,
  dropped: ReadonlySet<string> = PRIVATE_HEADERS,
): Buffer {
  const fields = readFields(raw).filter((field) => dropped.has(field.name));
  // Most messages have none, and a large one is not copied for nothing.
  if (fields.length === 0) return raw;
  const kept: Buffer[] = [];
  let position = 0;
  for (const field of fields) {
    kept.push(raw.subarray(position, field.start));
    position = field.end;
  }
  kept.push(raw.subarray(position));
  return Buffer.concat(kept);
}

function readFields(raw: Buffer): HeaderField[] {
  const blank = raw.subarray(0, MAX_HEADER_BYTES).indexOf('\r\n\r\n');
  if (blank === -1) return [];
  const text = raw.toString('latin1', 0, blank + 2);
  const fields: HeaderField[] = [];
  // A field runs on while the next line begins with white space (RFC 5322 2.2.3).
  for (const match of text.matchAll(/([!-9;-~]+)[ \t]*:((?:[^\r]|\r\n[ \t]|\r(?!\n))*)\r\n/g)) {
    const start = match.index;
    const value = Buffer.from(match[2] ?? '', 'latin1').toString('utf8');
    fields.push({
      name: (match[1] ?? '').toLowerCase(),
      value: value.replace(/\r\n(?=[ \t])/g, '').trim(),
      start,
      end: start + match[0].length,
    });
  }
  return fields;
}
