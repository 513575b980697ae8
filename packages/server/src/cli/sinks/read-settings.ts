import { ConfigError } from '../../config.ts';
import { nearestName } from '../../core/nearest-name.ts';
import type { ApiClient } from '../client/api-client.ts';
import { readText } from '../program/values.ts';
import type { World } from '../program/world.ts';

/** What has settings: a kind, or a preset. */
export interface WithSettings {
  title: string;
  summary: string;
  /** JSON Schema. */
  settings: { properties?: Record<string, SettingSchema>; required?: string[] };
  secrets: string[];
}

/** As `GET /v1/sink-kinds` says it. */
export interface SinkKindView extends WithSettings {
  kind: string;
  repeats: string;
}

/** As `GET /v1/sink-presets` says it. */
export interface SinkPresetView extends WithSettings {
  preset: string;
  needs: string;
  event_types: string[];
}

export interface SettingSchema {
  type?: string;
  enum?: string[];
  default?: unknown;
  description?: string;
}

export async function readKinds(client: Pick<ApiClient, 'get'>): Promise<SinkKindView[]> {
  return (await client.get<{ data: SinkKindView[] }>('/v1/sink-kinds')).data;
}

export async function readPresets(client: Pick<ApiClient, 'get'>): Promise<SinkPresetView[]> {
  return (await client.get<{ data: SinkPresetView[] }>('/v1/sink-presets')).data;
}

/** Throws ConfigError, which names the nearest kind. */
export function findKind(kinds: readonly SinkKindView[], name: string): SinkKindView {
  return findNamed('kind', name, new Map(kinds.map((one) => [one.kind, one])));
}

/** Throws ConfigError, which names the nearest preset. */
export function findPreset(presets: readonly SinkPresetView[], name: string): SinkPresetView {
  return findNamed('preset', name, new Map(presets.map((one) => [one.preset, one])));
}

function findNamed<T>(what: string, name: string, all: ReadonlyMap<string, T>): T {
  const found = all.get(name);
  if (found !== undefined) return found;
  const hint = hintOf(name, [...all.keys()]);
  throw new ConfigError(`There is no ${what} ${JSON.stringify(name)}. ${hint}`);
}

/**
 * What `--set name=value` says, as the API takes it: numbers, yes and no by the kind's schema, `headers.name=value`
 * for a pair, `name=@FILE` for the text of a file, `name=` for the default. Throws ConfigError.
 */
export async function readSettings(
  pairs: readonly string[],
  { settings: { properties = {} }, title }: Pick<WithSettings, 'settings' | 'title'>,
  world: Pick<World, 'readInput'>,
): Promise<Record<string, unknown>> {
  const settings: Record<string, unknown> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) {
      throw new ConfigError(`--set: ${JSON.stringify(pair)} is not of the form name=value.`);
    }
    const [name = '', ...rest] = pair.slice(0, at).split('.');
    const schema = properties[name];
    if (schema === undefined) {
      const hint = hintOf(name, Object.keys(properties));
      throw new ConfigError(`--set: ${title} has no setting ${JSON.stringify(name)}. ${hint}`);
    }
    const text = await textOf(pair.slice(at + 1), world);
    if (schema.type === 'object') {
      const key = rest.join('.');
      if (key === '') {
        throw new ConfigError(`--set: ${name} has names of its own: ${name}.NAME=value.`);
      }
      settings[name] = { ...(settings[name] as object | undefined), [key]: text };
    } else settings[name] = toValue(text, schema);
  }
  return settings;
}

/** A key or certificate with lines is read from a file, where others cannot see it. */
async function textOf(text: string, world: Pick<World, 'readInput'>): Promise<string> {
  return text.startsWith('@') ? (await readText(text.slice(1), world, '--set')).trim() : text;
}

/** What cannot be read stays a text: the server says what it wants instead, and where. */
function toValue(text: string, { type }: SettingSchema): unknown {
  if (text === '') return null;
  if (type === 'integer' && /^-?\d+$/.test(text)) return Number(text);
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}

function hintOf(name: string, names: readonly string[]): string {
  const nearest = nearestName(name, names);
  return nearest === null ? `There are: ${names.join(', ')}.` : `Did you mean "${nearest}"?`;
}
