import { PosthornError } from '../lib/errors.ts';
import { findJsonFault } from './find-json-fault.ts';

/**
 * Deeper bodies are refused: what comes in is written out again (events, hashes of requests), and
 * JSON.stringify recurses until the stack ends. Real payloads stay below ten.
 */
const MAX_DEPTH = 64;

/** The body as a value; `undefined` for an empty one. Throws `malformed_json`, which says where. */
export function readJson(body: string): unknown {
  const text = body.startsWith('\ufeff') ? body.slice(1) : body;
  if (text === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PosthornError('malformed_json', describeFault(text), { cause });
  }
  const fault = findUnsafe(value, 1);
  if (fault !== null) throw new PosthornError('malformed_json', fault);
  return value;
}

function describeFault(text: string): string {
  const fault = findJsonFault(text);
  if (fault === null) return 'The body is not JSON.';
  const before = text.slice(0, fault.offset).split('\n');
  const place = `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`;
  return `The body is not JSON: at ${place} there should be ${fault.expected}.`;
}

/** What would change objects instead of filling them, and what is nested too deep. */
function findUnsafe(value: unknown, depth: number): string | null {
  if (typeof value !== 'object' || value === null) return null;
  if (depth > MAX_DEPTH) return `The body is nested deeper than ${MAX_DEPTH} levels.`;
  if (Array.isArray(value)) {
    for (const item of value) {
      const fault = findUnsafe(item, depth + 1);
      if (fault !== null) return fault;
    }
    return null;
  }
  for (const [key, item] of Object.entries(value)) {
    if (key === '__proto__') return 'The name "__proto__" is not allowed in a body.';
    if (key === 'constructor' && typeof item === 'object' && item !== null) {
      if (Object.hasOwn(item, 'prototype')) {
        return 'An object "constructor" with a "prototype" is not allowed in a body.';
      }
    }
    const fault = findUnsafe(item, depth + 1);
    if (fault !== null) return fault;
  }
  return null;
}
