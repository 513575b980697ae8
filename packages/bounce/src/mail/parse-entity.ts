import { decodeText } from './decode-text.ts';
import { decodeTransfer } from './decode-transfer.ts';
import { type Headers, parseHeaders } from './parse-headers.ts';

/** One MIME entity (RFC 2045, 2046): the mail itself, or a part of it. */
export interface Entity {
  headers: Headers;
  /** `text/plain`, in lower case. */
  type: string;
  charset: string | null;
  /** `delivery-status` of `multipart/report; report-type=delivery-status` (RFC 6522). */
  reportType: string | null;
  encoding: string;
  /** Undecoded. Of a multipart it is everything, preamble and boundaries included. */
  body: string;
  /** Empty for what is no multipart. An attached `message/rfc822` is a leaf. */
  parts: Entity[];
}

/** Deeper nesting or more parts than any report has are left unread, as one leaf. */
export const MAX_DEPTH = 12;
const MAX_PARTS = 100;

const MAX_INDENT = 10;

/** Reads `source` (of `readSource`) as a mail or part. Total: every string is some entity. */
export function parseEntity(source: string): Entity {
  return parseWithin(source, 0, { partsLeft: MAX_PARTS });
}

function parseWithin(source: string, depth: number, budget: { partsLeft: number }): Entity {
  const { headers, bodyStart } = parseHeaders(source);
  const contentType = headers.all('content-type')[0] ?? '';
  const entity: Entity = {
    headers,
    type: /^\s*([\w.+-]+\/[\w.+-]+)/.exec(contentType)?.[1]?.toLowerCase() ?? 'text/plain',
    charset: parameter(contentType, 'charset'),
    reportType: parameter(contentType, 'report-type')?.toLowerCase() ?? null,
    encoding: (headers.all('content-transfer-encoding')[0] ?? '')
      .replace(/["';]/g, '')
      .trim()
      .toLowerCase(),
    body: source.slice(bodyStart),
    parts: [],
  };
  const boundary = parameter(contentType, 'boundary');
  if (!entity.type.startsWith('multipart/') || !boundary || depth >= MAX_DEPTH) return entity;
  for (const part of splitParts(entity.body, boundary)) {
    if (budget.partsLeft <= 0) break;
    budget.partsLeft -= 1;
    entity.parts.push(parseWithin(part, depth + 1, budget));
  }
  return entity;
}

/** The text of a leaf: transfer encoding and charset decoded. */
export function textOf(entity: Entity): string {
  return decodeText(sourceOf(entity), entity.charset);
}

/** The bytes of a leaf with the transfer encoding undone, as of `readSource`. */
export function sourceOf(entity: Entity): string {
  return decodeTransfer(entity.body, entity.encoding);
}

/** RFC 2045 section 5.1, without insisting on quotes where they belong. */
function parameter(contentType: string, name: string): string | null {
  const pattern = new RegExp(`[;\\s]${name}\\s*=\\s*(?:"([^"\\n]*)"?|([^\\s;"]+))`, 'i');
  const match = pattern.exec(contentType);
  return match?.[1] ?? match?.[2] ?? null;
}

/** RFC 2046 section 5.1.1. A missing end is where the text ends. */
function* splitParts(body: string, boundary: string): Generator<string> {
  const text = `\n${body}`;
  let start: number | null = null;
  for (const { at, next, isLast } of findDelimiters(text, boundary)) {
    if (start !== null) yield text.slice(start, at);
    if (isLast) return;
    start = next;
  }
  if (start !== null) yield text.slice(start);
}

/**
 * Lines of `--boundary` or `--boundary--`, indented by whoever pasted the mail or not. One that goes
 * on (`--abc` against `--abcd`) is another's.
 */
function* findDelimiters(text: string, boundary: string) {
  const delimiter = `--${boundary}`;
  for (
    let found = text.indexOf(delimiter);
    found !== -1;
    found = text.indexOf(delimiter, found + 1)
  ) {
    const at = text.lastIndexOf('\n', found);
    if (found - at > MAX_INDENT || text.slice(at, found).trim() !== '') continue;
    const after = found + delimiter.length;
    const lineEnd = text.indexOf('\n', after);
    const next = lineEnd === -1 ? text.length : lineEnd + 1;
    const isLast = text.startsWith('--', after);
    if (isLast || text.slice(after, next).trim() === '') yield { at, next, isLast };
  }
}
