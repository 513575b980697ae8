import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import {
  type Config,
  ConfigError,
  SETTINGS,
  type SettingName,
  settingFlag,
  settingKey,
  settingVariable,
} from '../config.ts';
import { nearestName } from '../core/nearest-name.ts';
import { messageOf } from '../lib/errors.ts';
import { DATABASE_FILE } from '../store/sqlite/data-directory.ts';
import type { Setting } from './setting-kinds.ts';

const NAMES = Object.keys(SETTINGS) as SettingName[];

/** What hosts set when they attach a database to a program. */
const USUAL_DATABASE_URL = 'DATABASE_URL';

/** Variables under our prefix that are not settings. */
const OTHER_VARIABLES = new Set([
  'POSTHORN_CONFIG',
  'POSTHORN_DEBUG',
  'POSTHORN_PROFILE',
  'POSTHORN_URL',
]);

/**
 * Flags win over environment variables, which win over the file. Throws ConfigError; unknown names
 * are refused with the nearest known one.
 */
export function loadConfig(input: {
  /** By setting name. */
  flags?: Partial<Record<SettingName, string>>;
  env?: NodeJS.ProcessEnv;
  /** A YAML file; also taken from POSTHORN_CONFIG. */
  file?: string;
}): Config {
  const env = input.env ?? {};
  const file = input.file ?? env['POSTHORN_CONFIG'];
  const given = new Map<SettingName, { value: string; where: string }>();
  const put = (name: SettingName, value: unknown, where: string): void => {
    given.set(name, { value: Array.isArray(value) ? value.join(',') : String(value ?? ''), where });
  };
  const usual = env[USUAL_DATABASE_URL] ?? '';
  // Of another kind of database it is somebody else's.
  if (/^postgres(ql)?:/.test(usual)) put('databaseUrl', usual, USUAL_DATABASE_URL);
  if (file !== undefined && file !== '') readFile(file, put);
  readEnvironment(env, put);
  for (const name of NAMES) {
    const value = input.flags?.[name];
    if (value !== undefined) put(name, value, settingFlag(name));
  }
  const config: Record<string, unknown> = {};
  for (const name of NAMES) {
    const setting: Setting<unknown> = SETTINGS[name];
    const { value, where } = given.get(name) ?? { value: setting.default, where: settingKey(name) };
    try {
      config[name] = setting.parse(value);
    } catch (error) {
      throw new ConfigError(`${where}: ${messageOf(error).replace(/\.$/, '')}.`);
    }
  }
  const complete = Object.freeze(config) as Config;
  if (given.get('databaseUrl')?.where === USUAL_DATABASE_URL) refuseToForget(complete.data);
  return complete;
}

/** A variable that somebody else may have set must not make a store that is there look empty. */
function refuseToForget(folder: string): void {
  if (!existsSync(join(folder, DATABASE_FILE))) return;
  throw new ConfigError(
    `DATABASE_URL names a PostgreSQL database, and ${folder} holds an embedded store. Unset DATABASE_URL to go on with that one, or set POSTHORN_DATABASE_URL to begin anew in PostgreSQL.`,
  );
}

type Put = (name: SettingName, value: unknown, where: string) => void;

function readFile(file: string, put: Put): void {
  let content: unknown;
  try {
    content = parseYaml(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(`The settings file ${file} cannot be read: ${messageOf(error)}`);
  }
  if (content === null) return;
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new ConfigError(`The settings file ${file} has to be a list of "name: value" lines.`);
  }
  for (const [key, value] of Object.entries(content)) {
    put(findSetting(key, settingKey, `in ${file}`), value, `${key} in ${file}`);
  }
}

function readEnvironment(env: NodeJS.ProcessEnv, put: Put): void {
  for (const [key, value] of Object.entries(env)) {
    if (!key.startsWith('POSTHORN_') || OTHER_VARIABLES.has(key)) continue;
    put(findSetting(key, settingVariable, 'in the environment'), value, key);
  }
}

function findSetting(
  key: string,
  spell: (name: SettingName) => string,
  where: string,
): SettingName {
  const found = NAMES.find((name) => spell(name) === key);
  if (found !== undefined) return found;
  const nearest = nearestName(key, NAMES.map(spell));
  const hint = nearest === null ? 'See docs/configuration.md.' : `Did you mean ${nearest}?`;
  throw new ConfigError(`There is no setting ${key} (${where}). ${hint}`);
}
