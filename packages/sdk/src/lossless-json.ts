/**
 * JSON without loss: a number that a double cannot hold (Mailjet's MessageID, Postal's counters) stays
 * as it was written. Such a number is a raw-JSON object (`JSON.rawJSON`), which `JSON.stringify`
 * writes back digit by digit; `numberText` reads it. Everything else is what `JSON.parse` gives.
 */

/** What `JSON.rawJSON` makes. It has no prototype, so it must not be put into a template string. */
interface RawNumber {
  readonly rawJSON: string;
}

/** Node has these since 21; TypeScript's library does not list them yet. */
interface LosslessJson {
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
}
const json = JSON as unknown as LosslessJson;

/** No webhook nests deeper by itself, and what is nested deeper cannot be written out again. */
export const MAX_JSON_DEPTH = 100;

/** A double keeps every decimal of up to 15 significant digits. */
const SAFE_DIGITS = 15;

/**
 * Throws SyntaxError when `text` is no JSON or is nested deeper than MAX_JSON_DEPTH. The slower way
 * through a reviver is taken only where a number would lose something.
 */
export function parseLosslessJson(text: string): unknown {
  const { depth, hasInexactNumber } = scan(text);
  if (depth > MAX_JSON_DEPTH) {
    throw new SyntaxError(`The JSON is nested more than ${MAX_JSON_DEPTH} levels deep.`);
  }
  return hasInexactNumber ? json.parse(text, keepNumber) : JSON.parse(text);
}

function keepNumber(_key: string, value: unknown, { source }: { source?: string }): unknown {
  if (typeof value !== 'number' || source === undefined) return value;
  return isExact(value, source) ? value : json.rawJSON(source);
}

function isExact(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  if (/^-?\d+$/.test(source)) return Number.isSafeInteger(value);
  const digits = source
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '');
  if (value === 0) return digits === '';
  return digits.length <= SAFE_DIGITS || String(value) === source;
}

/**
 * The decimal text of a number as the source wrote it, `null` for what is none. A number in a string
 * counts: providers send ids and times both ways.
 */
export function numberText(value: unknown): string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : null;
  if (json.isRawJSON(value)) return value.rawJSON;
  if (typeof value !== 'string') return null;
  const text = value.trim();
  return /^-?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?$/.test(text) ? text : null;
}

/** A number that `JSON.stringify` writes as it stands here, such as `1.0`. */
export function writtenNumber(text: string): unknown {
  return json.rawJSON(text);
}

/** True for a number that a double cannot hold. */
export function isRawNumber(value: unknown): boolean {
  return json.isRawJSON(value);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** How deep the text nests, and whether a number outside of strings needs more than a double. */
function scan(text: string): { depth: number; hasInexactNumber: boolean } {
  let depth = 0;
  let deepest = 0;
  let hasInexactNumber = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (code >= 0x30 && code <= 0x39) {
      const end = endOfNumber(text, i);
      // Short ones without an exponent are exact whatever they are.
      if (!hasInexactNumber && end - i > SHORT_CHARS) {
        hasInexactNumber = !isExact(Number(text.slice(i, end)), text.slice(i, end));
      }
      i = end - 1;
    } else if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x7d || code === 0x5d) depth--;
  }
  return { depth: deepest, hasInexactNumber };
}

/** `1e999` is the shortest number that a double cannot hold. */
const SHORT_CHARS = 4;

/** Behind the last character that a number can have. */
function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && '0123456789.eE+-'.includes(text.charAt(end))) end++;
  return end;
}

/** The index of the closing quote, or of the last character where there is none. */
function endOfString(text: string, start: number): number {
  let end = start;
  do {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length - 1;
  } while (isEscaped(text, end));
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}
