import {
  type Dialect,
  type DialectSender,
  EVENT_TYPES,
  type EventType,
  DIALECTS as FORMATS,
} from '@posthorn/sdk';
import { compileEventFilter } from '../events/event-filter.ts';
import { nearestName } from '../nearest-name.ts';
import type { BatchSettings, DialectName, EndpointSettings } from './endpoint-settings.ts';

/** What a dialect means for an endpoint: its presets, its options, and what it has no word for. */

export function dialectOf(name: DialectName): Dialect {
  const dialect = FORMATS.get(name);
  if (dialect === undefined) throw new Error(`There is no dialect ${name}.`);
  return dialect;
}

/** What goes to an endpoint: of what it subscribes to, the types that its dialect has a word for. */
export function sentTypes(
  eventTypes: readonly string[],
  name: DialectName,
): ReadonlySet<EventType> {
  const { carries } = dialectOf(name);
  const wanted = compileEventFilter(eventTypes);
  return new Set(EVENT_TYPES.filter((type) => wanted.has(type) && carries[type] !== undefined));
}

/** Of what an endpoint subscribes to, what its dialect has no word for. */
export function leftOutTypes(eventTypes: readonly string[], name: DialectName): EventType[] {
  return [...compileEventFilter(eventTypes).difference(sentTypes(eventTypes, name))];
}

/** Lists are not filled for longer than this where the provider does not say. */
export function batchOf({
  batch,
  dialect,
}: Pick<EndpointSettings, 'batch' | 'dialect'>): BatchSettings | null {
  const { lists } = dialectOf(dialect);
  if (batch !== null || typeof lists === 'string') return batch;
  return { ...lists, eventTypes: null };
}

/** Whether the receiver is asked before the first post. */
export function asksFirst({
  dialect,
  dialectOptions,
}: Pick<EndpointSettings, 'dialect' | 'dialectOptions'>): boolean {
  return dialectOf(dialect).handshake !== null && dialectOptions['handshake'] !== 'none';
}

export function senderOf(
  projectId: string,
  { dialectOptions }: Pick<EndpointSettings, 'dialectOptions'>,
): DialectSender {
  return { projectId, options: dialectOptions };
}

/** A field that does not fit the dialect, and a sentence that says what to do. */
export interface DialectFault {
  field: 'dialect_options' | 'event_types' | 'batch' | 'coalesce' | 'dialect';
  /** Further into the field, such as the name of an option. */
  at?: string;
  detail: string;
}

/** The first thing that the dialect cannot do; `null` when everything fits. */
export function findDialectFault(
  settings: EndpointSettings,
  eventTypes: readonly string[],
  { hasPublicUrl }: { hasPublicUrl: boolean },
): DialectFault | null {
  if (settings.dialect === 'ses' && !hasPublicUrl) {
    const detail =
      'Receivers of ses fetch a certificate from this server. An operator has to say where it is reached: public_url.';
    return { field: 'dialect', detail };
  }
  return (
    findOptionFault(settings) ?? findListFault(settings) ?? findTypeFault(settings, eventTypes)
  );
}

function findOptionFault({ dialect, dialectOptions }: EndpointSettings): DialectFault | null {
  const { options } = dialectOf(dialect);
  const names = options.map(({ name }) => name);
  for (const [name, value] of Object.entries(dialectOptions)) {
    const option = options.find((one) => one.name === name);
    const detail = option === undefined ? explainName(name) : option.explain(value);
    if (detail !== null) return { field: 'dialect_options', at: name, detail };
  }
  return null;

  function explainName(name: string): string {
    if (names.length === 0) return `The dialect ${dialect} has no options.`;
    const nearest = nearestName(name, names);
    const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
    return `The dialect ${dialect} has no option "${name}".${hint} It has: ${names.join(', ')}.`;
  }
}

function findListFault(settings: EndpointSettings): DialectFault | null {
  const { dialect, dialectOptions, batch, coalesceMs } = settings;
  if (coalesceMs !== null && dialect !== 'standard') {
    const detail = `The dialect ${dialect} cannot say that several opens or clicks go as one. Set coalesce to null.`;
    return { field: 'coalesce', detail };
  }
  if (batch === null) return null;
  if (dialectOf(dialect).lists === 'single') {
    const detail = `The dialect ${dialect} has one event in each post. Set batch to null.`;
    return { field: 'batch', detail };
  }
  if (dialectOptions['mode'] === 'binary') {
    const detail = 'In the mode binary a post has one event. Set batch to null.';
    return { field: 'batch', detail };
  }
  return null;
}

/** A pattern that leads to nothing is a mistake; one that leads to some of its types is fine. */
function findTypeFault(
  { dialect }: EndpointSettings,
  eventTypes: readonly string[],
): DialectFault | null {
  const index = eventTypes.findIndex((pattern) => sentTypes([pattern], dialect).size === 0);
  if (index === -1) return null;
  const known = Object.keys(dialectOf(dialect).carries).join(', ');
  const detail = `The dialect ${dialect} has no word for ${eventTypes[index]}. It carries: ${known}.`;
  return { field: 'event_types', at: String(index), detail };
}
