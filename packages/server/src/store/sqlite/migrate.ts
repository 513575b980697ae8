import { readdirSync, readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

const FOLDER = new URL('../migrations/sqlite/', import.meta.url);

/** The numbered files, in their order. */
export const listMigrations = (): string[] =>
  readdirSync(FOLDER)
    .filter((name) => /^\d{4}-.+\.sql$/.test(name))
    .sort();

/** The file was made by a newer Posthorn; this one must not touch it. */
export class SchemaTooNew extends Error {
  constructor(found: number, known: number) {
    super(
      `The database has schema ${found}, and this version of Posthorn knows schemas up to ${known}. Start the newer version, or restore the backup from before the upgrade.`,
    );
    this.name = 'SchemaTooNew';
  }
}

/**
 * Applies the numbered SQL files that the database has not seen, each in a transaction with its
 * number. The number lives in SQLite's own user_version. Returns the schema's number.
 */
export function migrate(db: DatabaseSync): number {
  const files = listMigrations();
  const known = files.length;
  const row = db.prepare('PRAGMA user_version').get();
  let version = Number(row?.['user_version'] ?? 0);
  if (version > known) throw new SchemaTooNew(version, known);
  for (const name of files.slice(version)) {
    db.exec('BEGIN IMMEDIATE');
    try {
      db.exec(readFileSync(new URL(name, FOLDER), 'utf8'));
      version += 1;
      db.exec(`PRAGMA user_version = ${version}`);
      db.exec('COMMIT');
    } catch (error) {
      // On a full disk SQLite may have rolled back by itself; a second time would hide its error.
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }
  return version;
}
