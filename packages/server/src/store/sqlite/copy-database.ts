import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';

/** What is in a store: how many rows each table has, and the number of its schema. */
export interface DatabaseContents {
  schema: number;
  tables: Record<string, number>;
}

/** Pages of 4 kB between two looks at how far it is: some milliseconds of copying. */
const PAGES_AT_ONCE = 2_000;

/**
 * Copies a store that may be in use into a new file, with everything that was committed when it began.
 * An open read transaction keeps that moment: without one SQLite would begin again with each commit of
 * the server (sqlite.org/c3ref/backup_finish.html), and on a busy one never end. Resolves with what was
 * there at that moment.
 */
export async function copyDatabase(options: {
  from: string;
  to: string;
  onProgress?(pages: number, totalPages: number): void;
}): Promise<DatabaseContents> {
  const source = new DatabaseSync(options.from, { readOnly: true, timeout: 5_000 });
  try {
    source.exec('BEGIN');
    const contents = readContents(source);
    await backup(source, options.to, {
      rate: PAGES_AT_ONCE,
      progress: ({ totalPages, remainingPages }) =>
        options.onProgress?.(totalPages - remainingPages, totalPages),
    });
    source.exec('ROLLBACK');
    return contents;
  } finally {
    source.close();
  }
}

/**
 * Reads a copy from its first page to its last. Throws when SQLite finds a fault in it. Its header is
 * written, so that the file stands alone, without a write-ahead log beside it.
 */
export function inspectDatabase(file: string): DatabaseContents {
  const db = new DatabaseSync(file);
  try {
    db.exec('PRAGMA journal_mode = DELETE');
    const faults = db.prepare('PRAGMA integrity_check(10)').all();
    const said = faults.map((row) => String(Object.values(row)[0]));
    if (said.length !== 1 || said[0] !== 'ok') {
      throw new Error(`The copy ${file} is damaged: ${said.join('; ')}.`);
    }
    return readContents(db);
  } finally {
    db.close();
  }
}

/** SHA-256 of a file in hex, read in pieces. */
export async function digestFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

function readContents(db: DatabaseSync): DatabaseContents {
  const version = db.prepare('PRAGMA user_version').get();
  const names = db
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .all();
  const tables = names.map(({ name }) => {
    const quoted = `"${String(name).replaceAll('"', '""')}"`;
    const row = db.prepare(`SELECT count(*) AS rows FROM ${quoted}`).get();
    return [String(name), Number(row?.['rows'] ?? 0)] as const;
  });
  return { schema: Number(version?.['user_version'] ?? 0), tables: Object.fromEntries(tables) };
}
