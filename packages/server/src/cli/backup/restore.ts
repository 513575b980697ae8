import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../../config.ts';
import { messageOf } from '../../lib/errors.ts';
import {
  type DatabaseContents,
  digestFile,
  inspectDatabase,
} from '../../store/sqlite/copy-database.ts';
import { DATABASE_FILE } from '../../store/sqlite/data-directory.ts';
import { flush } from './back-up.ts';
import { type Manifest, readManifest } from './manifest.ts';

export interface Restored {
  contents: DatabaseContents;
  /** Null for a copy that was made by other means: its checksum is known to nobody. */
  manifest: Manifest | null;
}

/**
 * Puts a backup into a data folder without a store. The backup is checked before anything is written,
 * and has its name only when it is whole. Throws ConfigError where something would be written over, an
 * Error for a backup that is damaged.
 */
export async function restore(options: { file: string; data: string }): Promise<Restored> {
  const { file, data } = options;
  if (!existsSync(file)) throw new ConfigError(`There is no backup ${file}.`);
  refuseUsed(data);
  const manifest = readManifest(file);
  await checkDigest(file, manifest);
  const target = join(data, DATABASE_FILE);
  const draft = `${target}.part`;
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    copyFileSync(file, draft);
    chmodSync(draft, 0o600);
    const contents = inspectCopy(draft);
    if (manifest !== null && !isDeepStrictEqual(contents.tables, manifest.tables)) {
      throw new Error(`${file} does not hold what its .json says. Take another backup.`);
    }
    flush(draft);
    renameSync(draft, target);
    flush(data);
    return { contents, manifest };
  } finally {
    for (const part of [draft, `${draft}-journal`, `${draft}-wal`, `${draft}-shm`]) {
      rmSync(part, { force: true });
    }
  }
}

/** A folder in which only keys lie is what a restore begins with. */
function refuseUsed(data: string): void {
  if (!existsSync(data)) return;
  if (!statSync(data).isDirectory()) throw new ConfigError(`data: ${data} is not a folder.`);
  const stores = readdirSync(data).filter((name) => name.startsWith(DATABASE_FILE));
  if (stores.length === 0) return;
  throw new ConfigError(
    `data: there is a store in ${data} already (${stores.join(', ')}), and it is not written over. Stop the server and move the folder away, or name another with --data.`,
  );
}

async function checkDigest(file: string, manifest: Manifest | null): Promise<void> {
  if (manifest === null) return;
  const digest = await digestFile(file);
  if (digest === manifest.sha256) return;
  throw new Error(
    `${file} is not as it was made: its SHA-256 is ${digest}, and was ${manifest.sha256}. Take another backup.`,
  );
}

function inspectCopy(draft: string): DatabaseContents {
  let contents: DatabaseContents;
  try {
    contents = inspectDatabase(draft);
  } catch (error) {
    throw new Error(`The backup cannot be read: ${messageOf(error)}`);
  }
  if ('projects' in contents.tables) return contents;
  throw new Error('The backup is a database, but not of Posthorn.');
}
