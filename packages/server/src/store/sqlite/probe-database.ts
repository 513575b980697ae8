import { DatabaseSync } from 'node:sqlite';
import { listMigrations, SchemaTooNew } from './migrate.ts';

/**
 * The number of the schema of a store that may be in use, and the number that this version would give it.
 * Nothing is changed. Throws SchemaTooNew, or what SQLite says of a file that it cannot read.
 */
export function probeDatabase(file: string): { schema: number; known: number } {
  const known = listMigrations().length;
  const db = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  try {
    const row = db.prepare('PRAGMA user_version').get();
    const schema = Number(row?.['user_version'] ?? 0);
    if (schema > known) throw new SchemaTooNew(schema, known);
    return { schema, known };
  } finally {
    db.close();
  }
}
