import { readFileSync } from 'node:fs';
import { ConfigError } from '../../config.ts';
import { messageOf } from '../../lib/errors.ts';
import { findProfile, loadProfiles, type Profile } from './profiles.ts';

/** What each command that talks to a server takes, as flags or from the environment. */
export interface ClientFlags {
  url?: string;
  key?: string;
  profile?: string;
}

/** `from`: where the URL comes from, for who wonders why this server is asked. */
export interface ClientSettings extends Profile {
  from: string;
}

export const DEFAULT_URL = 'http://127.0.0.1:8480';

/**
 * Which server, and with which key. Whoever says the one says the other too: `--profile`; or flags, then
 * variables; or POSTHORN_PROFILE; or the profile in use. A saved key goes to the server that it was
 * saved for and to no other. Throws ConfigError.
 */
export function readClientSettings(flags: ClientFlags, env: NodeJS.ProcessEnv): ClientSettings {
  const named = readNamedProfile(flags, env);
  if (named !== null) return checkSettings(named);
  const [url, key] = [env['POSTHORN_URL'], env['POSTHORN_API_KEY']].map((one) => one || undefined);
  const hasAny = [flags.url, flags.key, url, key].some((one) => one !== undefined);
  const saved = hasAny ? null : readCurrent(env);
  if (saved !== null) return checkSettings(saved);
  const from =
    flags.url !== undefined ? '--url' : url !== undefined ? 'POSTHORN_URL' : 'the default';
  const chosen = trimUrl(flags.url ?? url ?? DEFAULT_URL);
  const given = flags.key === undefined ? key : readKey(flags.key);
  return checkSettings({ url: chosen, key: given ?? savedKeyFor(chosen, env), from });
}

export const trimUrl = (url: string): string => url.replace(/\/+$/, '');

/** A key as it is given to a flag: itself, or `@FILE`. Throws ConfigError. */
export function readKey(given: string): string {
  if (!given.startsWith('@')) return given;
  try {
    return readFileSync(given.slice(1), 'utf8').trim();
  } catch (error) {
    throw new ConfigError(`--key: ${given.slice(1)} cannot be read: ${messageOf(error)}`);
  }
}

/** Throws ConfigError. A key that no header can carry would come back in the text of an error. */
export function checkSettings(settings: ClientSettings): ClientSettings {
  const { url, key, from } = settings;
  if (!/^https?:\/\/[^/?#]/.test(url) || !URL.canParse(url) || new URL(url).username !== '') {
    throw new ConfigError(
      `${from}: ${JSON.stringify(hideUser(url))} is not the URL of a server, such as ${DEFAULT_URL}.`,
    );
  }
  if (key === '') {
    throw new ConfigError(
      'This command needs an API key. "posthorn login" saves one; or set POSTHORN_API_KEY, or give --key.',
    );
  }
  if (!/^[!-~]+$/.test(key)) {
    throw new ConfigError(
      'The API key has spaces or other characters that no key has. Was it copied whole?',
    );
  }
  return settings;
}

const hideUser = (url: string): string => url.replace(/\/\/[^/]*@/, '//...@');

function readNamedProfile(flags: ClientFlags, env: NodeJS.ProcessEnv): ClientSettings | null {
  if (flags.profile !== undefined) {
    if (flags.url !== undefined || flags.key !== undefined) {
      throw new ConfigError(
        'A profile says the URL and the key: give --profile, or --url and --key.',
      );
    }
    return readProfile(flags.profile, env, '--profile');
  }
  const name = env['POSTHORN_PROFILE'];
  if (!name || flags.url !== undefined || flags.key !== undefined) return null;
  return readProfile(name, env, 'POSTHORN_PROFILE');
}

function readProfile(name: string, env: NodeJS.ProcessEnv, from: string): ClientSettings {
  return { ...findProfile(loadProfiles(env), name), from: `the profile "${name}" (${from})` };
}

function readCurrent(env: NodeJS.ProcessEnv): ClientSettings | null {
  const saved = loadProfiles(env);
  if (saved.current === null) return null;
  return { ...findProfile(saved, saved.current), from: `the profile "${saved.current}"` };
}

function savedKeyFor(url: string, env: NodeJS.ProcessEnv): string {
  const { current, profiles } = loadProfiles(env);
  const fitting = Object.entries(profiles).filter(([, profile]) => profile.url === url);
  const [, profile] = fitting.find(([name]) => name === current) ?? fitting[0] ?? [];
  return profile?.key ?? '';
}
