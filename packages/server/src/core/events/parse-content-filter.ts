import { type FieldError, PosthornError } from '../../lib/errors.ts';
import { toPointerPart } from '../../lib/json-pointer.ts';
import { MAX_METADATA_KEY_CHARS } from '../mail/message-limits.ts';
import { nearestName } from '../nearest-name.ts';
import type { ContentConditions, ContentFilter } from './content-filter.ts';
import {
  CONDITION_NAMES,
  ENGAGEMENT_KINDS,
  LIST_FIELD_NAMES,
  LIST_FIELDS,
  type ListField,
  MAX_FILTER_METADATA_KEYS,
  MAX_FILTER_VALUE_CHARS,
  MAX_FILTER_VALUES,
  type MetadataValue,
} from './content-filter-fields.ts';

/** More faults than this help nobody. */
const MAX_FAULTS = 20;

/**
 * Reads a filter out of parsed JSON, values unchanged. `pointer` is where it stands in the request.
 * Throws `invalid_field` with each fault by its JSON pointer: `/filter/metadata/plan/2`.
 */
export function parseContentFilter(value: unknown, pointer = '/filter'): ContentFilter {
  const faults: FieldError[] = [];
  const filter = readConditions({ value, pointer, faults }, [...CONDITION_NAMES, 'not']);
  if (isObject(value) && Object.hasOwn(value, 'not')) {
    filter.not = readNot({ value: value['not'], pointer: `${pointer}/not`, faults });
  }
  const [first] = faults;
  if (first === undefined) return filter;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more, see "errors")` : '';
  throw new PosthornError('invalid_field', `${first.pointer}: ${first.detail}${more}`, {
    fields: faults.slice(0, MAX_FAULTS),
  });
}

/** A value, where it stands, and where to put what is wrong with it. */
interface Place {
  value: unknown;
  pointer: string;
  faults: FieldError[];
}

function report({ faults, pointer }: Place, detail: string): void {
  faults.push({ pointer, detail });
}

function below({ faults, pointer }: Place, part: string | number, value: unknown): Place {
  return { value, pointer: `${pointer}/${toPointerPart(part)}`, faults };
}

function readNot(place: Place): ContentConditions {
  if (isObject(place.value) && Object.keys(place.value).length === 0) {
    report(place, 'Name at least one condition, or leave "not" out.');
  }
  return readConditions(place, CONDITION_NAMES);
}

function readConditions(place: Place, known: readonly string[]): ContentFilter {
  const { value } = place;
  if (!isObject(value)) {
    report(place, 'Give an object with conditions, such as {"bounce_type": ["hard"]}.');
    return {};
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) report(below(place, key, null), explainUnknown(key, known));
  }
  // Each field is put in by its own reader, which knows its type; the table cannot tell the compiler.
  const conditions: Record<string, unknown> = {};
  for (const name of LIST_FIELD_NAMES) {
    if (Object.hasOwn(value, name)) {
      conditions[name] = readTexts(below(place, name, value[name]), LIST_FIELDS[name]);
    }
  }
  if (Object.hasOwn(value, 'metadata')) {
    conditions['metadata'] = readMetadata(below(place, 'metadata', value['metadata']));
  }
  if (Object.hasOwn(value, 'engagement')) {
    const at = below(place, 'engagement', value['engagement']);
    if (!ENGAGEMENT_KINDS.some((kind) => kind === at.value)) {
      report(at, explainChoice(at.value, ENGAGEMENT_KINDS));
    }
    conditions['engagement'] = at.value;
  }
  if (Object.hasOwn(value, 'test')) {
    const at = below(place, 'test', value['test']);
    if (typeof at.value !== 'boolean') report(at, 'Give true or false.');
    conditions['test'] = at.value;
  }
  return conditions as ContentFilter;
}

function readTexts(place: Place, field: ListField): string[] {
  const items = readList(place, field.example);
  const texts = items.filter((item, index): item is string => {
    const detail = explainText(item, field);
    if (detail !== null) report(below(place, index, item), detail);
    return detail === null;
  });
  if (texts.length === items.length) reportRepeated(place, texts.map(field.normalise ?? String));
  return texts;
}

function explainText(item: unknown, field: ListField): string | null {
  if (field.values !== undefined) {
    return field.values.some((one) => one === item) ? null : explainChoice(item, field.values);
  }
  if (typeof item !== 'string') return `Give a text, such as ${JSON.stringify(field.example)}.`;
  if (item === '') return 'Empty texts match nothing.';
  if (item.length > MAX_FILTER_VALUE_CHARS) return tooLong();
  return field.explain?.(item) ?? null;
}

function readMetadata(place: Place): Record<string, MetadataValue[]> {
  if (!isObject(place.value)) {
    report(place, 'Give an object of keys and lists of values, such as {"plan": ["pro"]}.');
    return {};
  }
  const entries = Object.entries(place.value);
  if (entries.length === 0) report(place, 'Name at least one key, or leave "metadata" out.');
  if (entries.length > MAX_FILTER_METADATA_KEYS) {
    report(place, `At most ${MAX_FILTER_METADATA_KEYS} keys.`);
    return {};
  }
  return Object.fromEntries(
    entries.map(([key, list]) => {
      const at = below(place, key, list);
      if (key === '' || key.length > MAX_METADATA_KEY_CHARS) {
        report(at, `A metadata key has 1 to ${MAX_METADATA_KEY_CHARS} characters.`);
      }
      return [key, readMetadataValues(at)];
    }),
  );
}

function readMetadataValues(place: Place): MetadataValue[] {
  const items = readList(place, 'pro');
  const values = items.filter((item, index): item is MetadataValue => {
    const isValue = ['string', 'number', 'boolean'].includes(typeof item);
    if (!isValue) report(below(place, index, item), 'Give a text, a number, true or false.');
    const isLong = typeof item === 'string' && item.length > MAX_FILTER_VALUE_CHARS;
    if (isLong) report(below(place, index, item), tooLong());
    return isValue && !isLong;
  });
  if (values.length === items.length) reportRepeated(place, values.map(String));
  return values;
}

/** The items of a list; none after a fault of the list itself. */
function readList(place: Place, example: string): unknown[] {
  const { value } = place;
  if (!Array.isArray(value)) {
    report(place, `Give a list, such as ${JSON.stringify([example])}.`);
    return [];
  }
  if (value.length === 0) report(place, 'The list is empty. Leave the field out to let all pass.');
  if (value.length <= MAX_FILTER_VALUES) return value;
  report(place, `At most ${MAX_FILTER_VALUES} values; these are ${value.length}.`);
  return [];
}

function reportRepeated(place: Place, texts: readonly string[]): void {
  const firstIndex = new Map<string, number>();
  texts.forEach((text, index) => {
    const first = firstIndex.get(text);
    if (first === undefined) firstIndex.set(text, index);
    else report(below(place, index, text), `The same stands at position ${first} of the list.`);
  });
}

function explainUnknown(key: string, known: readonly string[]): string {
  if (key === 'not') return '"not" cannot stand inside of "not".';
  const nearest = nearestName(key, known);
  const hint =
    nearest === null ? ` There are: ${known.join(', ')}.` : ` Did you mean "${nearest}"?`;
  return `There is no field "${key}" here.${hint}`;
}

function explainChoice(value: unknown, choices: readonly string[]): string {
  const nearest = typeof value === 'string' ? nearestName(value, choices) : null;
  if (nearest !== null) return `There is no ${JSON.stringify(value)}. Did you mean "${nearest}"?`;
  return `Give one of: ${choices.join(', ')}.`;
}

function tooLong(): string {
  return `A value may have ${MAX_FILTER_VALUE_CHARS} characters.`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
