import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../../../config.ts';
import { messageOf } from '../../../lib/errors.ts';

const FILE = 'listen-secret';

/**
 * The secret that `posthorn listen` signs with on this machine: the same each time, so that it is
 * written into the settings of an application once. Made at the first use.
 */
export function loadLocalSecret(folder: string, make: () => string): string {
  const file = join(folder, FILE);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (!isMissing(error)) throw unusable(file, error);
  }
  const secret = make();
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Two that start at once: the second takes what the first has written.
    writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: 'wx' });
    return secret;
  } catch (error) {
    if (isTaken(error)) return readFileSync(file, 'utf8').trim();
    throw unusable(file, error);
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
const isMissing = (error: unknown): boolean => hasCode(error, 'ENOENT');
const isTaken = (error: unknown): boolean => hasCode(error, 'EEXIST');

function unusable(file: string, error: unknown): ConfigError {
  return new ConfigError(
    `${file} cannot be used: ${messageOf(error)}. Give a secret with --secret.`,
  );
}
