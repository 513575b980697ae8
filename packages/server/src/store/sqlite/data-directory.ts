import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreUnavailable } from '../engine.ts';
import { faultOf } from './open-database.ts';

export const DATABASE_FILE = 'posthorn.sqlite';

/**
 * One process owns a data directory. The lock is an open exclusive transaction on a small database
 * of its own: the operating system drops it with the process, however that ends, so there is no
 * stale lock to clear after a crash.
 */
export function lockDataDirectory(folder: string): { release(): void } {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Opening an SQLite file for reading works in a read-only folder; only a write shows that we may.
    writeFileSync(join(folder, 'in-use'), 'This folder belongs to a running Posthorn.\n');
    // SQLite gives its -wal and -shm files the mode of the database. Mail is nobody else's to read.
    closeSync(openSync(join(folder, DATABASE_FILE), 'a', 0o600));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StoreUnavailable(
      'io_error',
      `The data directory ${folder} cannot be used: ${reason}.`,
      {
        cause,
      },
    );
  }
  const lock = new DatabaseSync(join(folder, 'lock.sqlite'));
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    if (faultOf(cause) !== 'locked') throw cause;
    throw new StoreUnavailable(
      'locked',
      `The data directory ${folder} is in use by another Posthorn process. Stop that one, or give this one another --data.`,
      { cause },
    );
  }
  return { release: () => lock.close() };
}
