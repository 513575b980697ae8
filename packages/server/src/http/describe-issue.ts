import type { z } from 'zod';
import { nearestName } from '../core/nearest-name.ts';

/** What a value may be, as the start of "Give ...". */
const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

const FORMATS: Readonly<Record<string, string>> = {
  datetime: 'a time, such as 2026-11-21T16:00:00Z',
  url: 'a URL, such as https://app.example.com/path',
  email: 'an address, such as you@example.com',
  base64: 'base64',
};

/**
 * What is wrong with a value, where its schema has no words of its own for it: what to give instead, in words
 * that people know. Null where the library says it as well.
 */
export function describeIssue(issue: z.core.$ZodRawIssue): string | null {
  switch (issue.code) {
    case 'invalid_type':
      return describeKind(issue.expected, issue.input);
    case 'invalid_value':
      return describeChoice(issue.values, issue.input);
    case 'invalid_format':
      return issue.format in FORMATS ? `Give ${FORMATS[issue.format]}.` : null;
    case 'too_small': {
      const { origin, minimum, inclusive } = issue;
      if (minimum === 1 && (origin === 'string' || origin === 'array'))
        return 'It must not be empty.';
      return describeBound(origin, inclusive === false ? 'more than' : 'at least', minimum);
    }
    case 'too_big':
      return describeBound(
        issue.origin,
        issue.inclusive === false ? 'less than' : 'at most',
        issue.maximum,
      );
    default:
      return null;
  }
}

function describeKind(expected: string, input: unknown): string | null {
  if (input === undefined) return 'This field is needed.';
  const kind = KINDS[expected];
  return kind === undefined ? null : `Give ${kind}, not ${nameOf(input)}.`;
}

function nameOf(input: unknown): string {
  if (input === null) return 'null';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'boolean') return String(input);
  if (typeof input === 'number') return Number.isFinite(input) ? String(input) : 'a text';
  return KINDS[typeof input] ?? 'this';
}

function describeChoice(values: readonly unknown[], input: unknown): string {
  if (input === undefined) return 'This field is needed.';
  if (values.length === 1) return `Give ${JSON.stringify(values[0])}.`;
  const names = values.map(String);
  const nearest = typeof input === 'string' ? nearestName(input, names) : null;
  const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
  return `Give one of: ${names.join(', ')}.${hint}`;
}

function describeBound(origin: string, bound: string, limit: number | bigint): string {
  const units: Readonly<Record<string, [one: string, many: string]>> = {
    string: [' character', ' characters'],
    array: [' entry', ' entries'],
  };
  return `Give ${bound} ${limit}${units[origin]?.[Number(limit) === 1 ? 0 : 1] ?? ''}.`;
}
