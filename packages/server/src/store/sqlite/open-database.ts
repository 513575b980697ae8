import { DatabaseSync } from 'node:sqlite';
import type { FileFault, ThreadData } from './protocol.ts';

/**
 * WAL with synchronous=FULL: every commit is fsynced before it is acknowledged. How much the writer
 * keeps in memory and in its log is page-budget.ts's matter. The reader's page cache is small, because
 * what it misses is in the system's cache, which other programs can have when they need it.
 */
export function openDatabase(data: ThreadData): DatabaseSync {
  const reading = data.role === 'reader';
  const db = new DatabaseSync(data.file, { readOnly: reading, timeout: data.busyTimeoutMs });
  if (!reading) {
    db.exec('PRAGMA journal_mode = WAL');
    db.exec('PRAGMA synchronous = FULL');
  }
  db.exec('PRAGMA foreign_keys = ON');
  if (reading) db.exec('PRAGMA cache_size = -2048');
  db.exec('PRAGMA temp_store = MEMORY');
  if (!reading && data.maxSizeBytes !== null) {
    const row = db.prepare('PRAGMA page_size').get();
    const pages = Math.max(1, Math.floor(data.maxSizeBytes / Number(row?.['page_size'] ?? 4096)));
    db.exec(`PRAGMA max_page_count = ${pages}`);
  }
  return db;
}

/** SQLite's primary result codes (sqlite.org/rescode.html) that are the disk's or the file's fault. */
const FAULTS: Record<number, FileFault> = {
  5: 'locked',
  6: 'locked',
  8: 'read_only',
  10: 'io_error',
  11: 'corrupt',
  13: 'disk_full',
  14: 'io_error',
  26: 'corrupt',
};

/**
 * Extended codes of a key that is taken or missing: UNIQUE, PRIMARYKEY, ROWID, FOREIGNKEY. What breaks another
 * constraint (NOTNULL, CHECK) would break it alone too, so it is nobody's conflict.
 */
const KEY_CONFLICTS = [2067, 1555, 2579, 787];

function extendedCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error)) return null;
  return typeof error.errcode === 'number' ? error.errcode : null;
}

/** The store's word for what SQLite threw; null when the fault is in a statement, not in the store. */
export function faultOf(error: unknown): FileFault | null {
  const code = extendedCode(error);
  return code === null ? null : (FAULTS[code & 0xff] ?? null);
}

export function isKeyConflict(error: unknown): boolean {
  return KEY_CONFLICTS.includes(extendedCode(error) ?? 0);
}
