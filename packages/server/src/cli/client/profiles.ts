import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../../config.ts';
import { nearestName } from '../../core/nearest-name.ts';
import { messageOf } from '../../lib/errors.ts';

/** A server that somebody has signed in to by `posthorn login`. */
export interface Profile {
  url: string;
  key: string;
}

/** `current` is the one that commands take when nothing else is said; null when there is none. */
export interface Profiles {
  current: string | null;
  profiles: Record<string, Profile>;
}

const FILE = 'profiles.json';

/** `$XDG_CONFIG_HOME/posthorn`, or `~/.config/posthorn`. */
export function configFolder(env: NodeJS.ProcessEnv): string {
  const home = env['HOME'] ?? env['USERPROFILE'] ?? '.';
  return join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'posthorn');
}

export const profilesFile = (env: NodeJS.ProcessEnv): string => join(configFolder(env), FILE);

/** Throws ConfigError when the file can be read by others, or is none that `saveProfiles` wrote. */
export function loadProfiles(env: NodeJS.ProcessEnv): Profiles {
  const file = profilesFile(env);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return { current: null, profiles: {} };
    }
    throw new ConfigError(`${file} cannot be read: ${messageOf(error)}`);
  }
  // Windows knows no such modes: there the folder of a user is the user's own.
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
    throw new ConfigError(
      `${file} has API keys in it, and others on this machine may read it. Run: chmod 600 ${file}`,
    );
  }
  const parsed = parseProfiles(text);
  if (parsed !== null) return parsed;
  throw new ConfigError(
    `${file} is not as "posthorn login" writes it. Remove it and sign in again.`,
  );
}

/** Written beside the old one and put in its place, so that a crash leaves one of the two whole. */
export function saveProfiles(env: NodeJS.ProcessEnv, profiles: Profiles): void {
  const file = profilesFile(env);
  const draft = `${file}.${process.pid}`;
  try {
    mkdirSync(configFolder(env), { recursive: true, mode: 0o700 });
    writeFileSync(draft, `${JSON.stringify(profiles, null, 2)}\n`, { mode: 0o600 });
    renameSync(draft, file);
  } catch (error) {
    throw new ConfigError(`${file} cannot be written: ${messageOf(error)}`);
  }
}

/** Throws ConfigError, which names the nearest one. */
export function findProfile({ profiles }: Profiles, name: string): Profile {
  const found = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (found !== undefined) return found;
  const names = Object.keys(profiles);
  const nearest = nearestName(name, names);
  const hint =
    nearest !== null
      ? `Did you mean "${nearest}"?`
      : names.length === 0
        ? 'There is none yet: "posthorn login" makes one.'
        : `There are: ${names.join(', ')}.`;
  throw new ConfigError(`There is no profile "${name}". ${hint}`);
}

/** Throws ConfigError for a name that would be hard to type, or to tell from a flag. */
export function checkProfileName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return name;
  throw new ConfigError(
    `${JSON.stringify(name)} cannot be the name of a profile: letters, digits, dots and dashes, at most 64.`,
  );
}

function parseProfiles(text: string): Profiles | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(parsed) || !isObject(parsed['profiles'])) return null;
  const { current = null, profiles } = parsed;
  if (current !== null && typeof current !== 'string') return null;
  const read: Record<string, Profile> = {};
  for (const [name, value] of Object.entries(profiles)) {
    if (!isObject(value)) return null;
    const { url, key } = value;
    if (typeof url !== 'string' || typeof key !== 'string') return null;
    read[name] = { url, key };
  }
  return {
    current: current !== null && Object.hasOwn(read, current) ? current : null,
    profiles: read,
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
