import { isRawNumber, numberText } from '../../../lossless-json.ts';

/**
 * Reading fields of unknown JSON: every function takes any value and answers `null` or an empty thing
 * for what is not there, so that a decoder needs no checks of its own.
 */

export type Fields = Readonly<Record<string, unknown>>;

const NONE: Fields = {};

export function isFields(value: unknown): value is Fields {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value)
  );
}

/** The object itself, or an empty one. */
export function fields(value: unknown): Fields {
  return isFields(value) ? value : NONE;
}

/** The list itself; one thing as a list of one; nothing for `null` and `undefined`. */
export function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === null || value === undefined ? [] : [value];
}

/** A text or number as text, without the spaces around it. `null` for an empty one and for the rest. */
export function text(value: unknown): string | null {
  if (typeof value === 'string') return value.trim() === '' ? null : value.trim();
  return typeof value === 'object' || typeof value === 'number' ? numberText(value) : null;
}

/** The first that is a text. */
export function firstText(...values: readonly unknown[]): string | null {
  for (const value of values) {
    const found = text(value);
    if (found !== null) return found;
  }
  return null;
}

/** A safe integer, rounded; `null` for everything else. */
export function integer(value: unknown): number | null {
  const written = numberText(value);
  const number = written === null ? Number.NaN : Math.round(Number(written));
  return Number.isSafeInteger(number) ? number : null;
}

/** An entry of a table by a name from outside, which may be `constructor`. */
export function lookUp<T>(table: Readonly<Record<string, T>>, name: string | null): T | undefined {
  return name !== null && Object.hasOwn(table, name) ? table[name] : undefined;
}

/** true, false, 1, 0 and their spellings in forms. */
export function flag(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  switch (text(value)?.toLowerCase()) {
    case 'true':
    case '1':
    case 'yes':
      return true;
    case 'false':
    case '0':
    case 'no':
      return false;
    default:
      return null;
  }
}

/** A header's value by name in any case, from an object of headers or a list of name and value. */
export function headerIn(headers: unknown, name: string): string | null {
  const wanted = name.toLowerCase();
  if (isFields(headers)) {
    const key = Object.keys(headers).find((one) => one.toLowerCase() === wanted);
    return key === undefined ? null : firstText(...list(headers[key]));
  }
  for (const entry of list(headers)) {
    const [key, value] = Array.isArray(entry)
      ? entry
      : [fields(entry)['name'] ?? fields(entry)['Name'] ?? fields(entry)['key'], valueIn(entry)];
    if (text(key)?.toLowerCase() === wanted) return text(value);
  }
  return null;
}

function valueIn(entry: unknown): unknown {
  const { value, Value } = fields(entry);
  return value ?? Value;
}
