/**
 * Merge fields: `{{name}}` in a template stands for a value, `{{name|there}}` has a fallback for where
 * there is none. There is nothing else: no logic, and no way to put in a value unescaped. What was put
 * in is not read again, so a value cannot name a field.
 */
export type MergeValues = Readonly<Record<string, string | number | boolean>>;

/** Where the text stands, which decides how a value is written. */
export type MergeTarget = 'plain' | 'html' | 'url';

export interface Template {
  target: MergeTarget;
  pieces: readonly (string | Placeholder)[];
}

interface Placeholder {
  name: string;
  fallback: string | null;
}

export const MAX_MERGE_NAME_CHARS = 64;
const NAME = new RegExp(`^[A-Za-z_][\\w-]{0,${MAX_MERGE_NAME_CHARS - 1}}$`);

export function isMergeName(name: string): boolean {
  return NAME.test(name);
}

/** `fault`: a sentence about braces that are no placeholder; a typo must not go out to a thousand people. */
export function parseTemplate(
  text: string,
  target: MergeTarget,
): { template: Template; fault: null } | { template: null; fault: string } {
  const pieces: (string | Placeholder)[] = [];
  let position = 0;
  for (;;) {
    const start = text.indexOf('{{', position);
    if (start === -1) break;
    const end = text.indexOf('}}', start);
    const inside = end === -1 ? null : text.slice(start + 2, end);
    const placeholder = inside === null ? null : parsePlaceholder(inside);
    if (placeholder === null) {
      const shown = text.slice(start, start + 30);
      const fault = `"${shown}" is no merge field. Write {{name}} or {{name|fallback}}; a name has letters, digits, _ and -.`;
      return { template: null, fault };
    }
    pieces.push(text.slice(position, start), placeholder);
    position = end + 2;
  }
  pieces.push(text.slice(position));
  return { template: { target, pieces }, fault: null };
}

function parsePlaceholder(inside: string): Placeholder | null {
  const bar = inside.indexOf('|');
  const name = (bar === -1 ? inside : inside.slice(0, bar)).trim();
  if (!isMergeName(name) || inside.includes('{')) return null;
  return { name, fallback: bar === -1 ? null : inside.slice(bar + 1).trim() };
}

/** `missing`: the field that has neither a value nor a fallback. */
export function fillTemplate(
  { target, pieces }: Template,
  values: MergeValues,
): { text: string; missing: null } | { text: null; missing: string } {
  let text = '';
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      text += piece;
      continue;
    }
    const given = Object.hasOwn(values, piece.name) ? String(values[piece.name]) : null;
    // A list of customers has empty names where it knows none: "Hello ," is nobody's wish.
    const value = given === null || given === '' ? (piece.fallback ?? given) : given;
    if (value === null) return { text: null, missing: piece.name };
    text += ENCODERS[target](value);
  }
  return { text, missing: null };
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const ENCODERS: Readonly<Record<MergeTarget, (value: string) => string>> = {
  plain: (value) => value,
  // For text and for attributes in quotes.
  html: (value) => value.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char),
  // A lone surrogate cannot be percent-encoded.
  url: (value) => encodeURIComponent(value.toWellFormed()),
};
