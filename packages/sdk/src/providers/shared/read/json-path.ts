import { isFields } from './fields.ts';

/**
 * The part of JSONPath (RFC 9535) that a mapping needs: `$.data.email`, `items[0].id`, `$['a b']`,
 * `recipients[*].address`. `$` stands for the whole.
 */

export type PathStep = string | number | '*';

const STEP = /\.?([A-Za-z_][\w-]*)|\[(\d{1,9})\]|\[\*\]|\[(?:'([^']*)'|"([^"]*)")\]/y;

/** `null` for a text that is no such path. */
export function parsePath(path: string): PathStep[] | null {
  const steps: PathStep[] = [];
  STEP.lastIndex = path.startsWith('$') ? 1 : 0;
  while (STEP.lastIndex < path.length) {
    const at = STEP.lastIndex;
    const match = STEP.exec(path);
    // Without its dot a name may only stand at the start.
    if (match === null || (match[1] !== undefined && at > 0 && path[at] !== '.')) return null;
    const [whole, name, index, single, double] = match;
    if (name !== undefined) steps.push(name);
    else if (index !== undefined) steps.push(Number(index));
    else if (whole === '[*]') steps.push('*');
    else steps.push(single ?? double ?? '');
  }
  return path === '' ? null : steps;
}

const MAX_VALUES = 10_000;

/** What stands at a path: nothing, one value, or several where it has `[*]`. */
export function valuesAt(root: unknown, steps: readonly PathStep[]): unknown[] {
  // Most paths have no [*], and most lead nowhere.
  let value: unknown = root;
  for (const [at, step] of steps.entries()) {
    if (step === '*') return allAt(value, steps.slice(at));
    if (!hasStep(value, step)) return [];
    value = Reflect.get(value, step);
  }
  return [value];
}

function allAt(root: unknown, steps: readonly PathStep[]): unknown[] {
  let values: unknown[] = [root];
  for (const step of steps) {
    values = values.flatMap((value) => stepInto(value, step)).slice(0, MAX_VALUES);
  }
  return values;
}

function stepInto(value: unknown, step: PathStep): readonly unknown[] {
  if (step === '*')
    return Array.isArray(value) ? value : isFields(value) ? Object.values(value) : [];
  return hasStep(value, step) ? [Reflect.get(value, step)] : [];
}

function hasStep(value: unknown, step: string | number): value is object {
  if (Array.isArray(value)) return typeof step === 'number' && step in value;
  return isFields(value) && Object.hasOwn(value, step);
}
