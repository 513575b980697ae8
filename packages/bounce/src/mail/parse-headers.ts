import { decodeWords } from './decode-words.ts';

/** The header fields of one entity, in their order. Names are lower case, values unfolded, undecoded. */
export interface Headers {
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The first value of a field, decoded for people; `null` where it is missing. */
  text(name: string): string | null;
  /** All values of a field, undecoded. */
  all(name: string): string[];
}

export interface ParsedHeaders {
  headers: Headers;
  /** Where the body starts in `source`. */
  bodyStart: number;
}

/** Real mails have some 50 fields of some 5 kB; more than this is an attack or a body. */
const MAX_FIELDS = 500;
const MAX_CHARS = 256 * 1024;

const FIELD = /^([!-9;-~]{1,100})[ \t]*:[ \t]*/;

/** RFC 5322 section 2.2. Reads on over single damaged lines; a text without headers has none. */
export function parseHeaders(source: string): ParsedHeaders {
  const fields: [string, string][] = [];
  let position = skipPreamble(source);
  while (position < source.length && position < MAX_CHARS && fields.length < MAX_FIELDS) {
    const end = lineEnd(source, position);
    const line = source.slice(position, end);
    if (line.trim() === '') {
      position = end + 1;
      break;
    }
    const match = FIELD.exec(line);
    const last = fields.at(-1);
    if (/^[ \t]/.test(line) && last !== undefined) {
      last[1] += ` ${line.trim()}`;
    } else if (match !== null) {
      fields.push([(match[1] ?? '').toLowerCase(), line.slice(match[0].length).trim()]);
    } else if (last === undefined || !goesOn(source, end + 1)) {
      break;
    }
    position = end + 1;
  }
  return { headers: createHeaders(fields), bodyStart: Math.min(position, source.length) };
}

export function createHeaders(fields: readonly (readonly [string, string])[]): Headers {
  const all = (name: string) =>
    fields.filter(([candidate]) => candidate === name).map(([, value]) => value);
  return {
    fields,
    all,
    text(name) {
      const value = all(name)[0];
      return value === undefined ? null : decodeWords(value);
    },
  };
}

/** Empty lines before the first field, and the `From ` line of an mbox file. */
function skipPreamble(source: string): number {
  let position = 0;
  while (source[position] === '\n') position += 1;
  return /^>?From /.test(source.slice(position, position + 6))
    ? lineEnd(source, position) + 1
    : position;
}

/** Whether the line at `position` is a field or the end of the fields: then the line before is noise. */
function goesOn(source: string, position: number): boolean {
  const line = source.slice(position, lineEnd(source, position));
  return position < source.length && FIELD.test(line) && !line.startsWith('--');
}

function lineEnd(source: string, position: number): number {
  const end = source.indexOf('\n', position);
  return end === -1 ? source.length : end;
}
