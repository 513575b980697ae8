import { readdirSync, readFileSync } from 'node:fs';
import { DatabaseError } from 'pg';
import { messageOf } from '../../../lib/errors.ts';
import { textArray } from '../connect/arrays.ts';
import type { Capabilities } from '../connect/capabilities.ts';
import { isKeyConflict } from '../connect/faults.ts';
import type { Transaction, Transactions } from '../connect/transactions.ts';

const FOLDER = new URL('../../migrations/postgres/', import.meta.url);

/** The database was made by a newer Posthorn; this one must not touch it. */
export class SchemaTooNew extends Error {
  constructor(found: number, known: number) {
    super(
      `The database has schema ${found}, and this version of Posthorn knows schemas up to ${known}. Start the newer version, or restore the backup from before the upgrade.`,
    );
    this.name = 'SchemaTooNew';
  }
}

/** Something else than a migration has made a part of it: a restore that was cut short, or a person. */
export class SchemaUnknown extends Error {
  constructor(detail: string) {
    super(
      `The schema posthorn in this database is not one that Posthorn has made whole: ${detail}. Was a restore cut short? Restore it again. If nothing in it is needed, DROP SCHEMA posthorn CASCADE, and the next start makes it anew.`,
    );
    this.name = 'SchemaUnknown';
  }
}

/**
 * Applies the numbered SQL files that the database has not seen, each in a transaction that begins with
 * inserting its number. Of several nodes that start at once, one gets to insert it; the others wait at
 * that row until it has committed, and then find nothing left to do. That needs no lock that a pooler
 * or another kind of server would not have. Returns the schema's number, and whether it was changed.
 */
export async function migrate(
  transactions: Transactions,
  options: { capabilities: Capabilities; nowMs: number },
): Promise<{ version: number; changed: boolean }> {
  const files = readdirSync(FOLDER)
    .filter((name) => /^\d{4}-.+\.sql$/.test(name))
    .sort();
  await makeHistory(transactions);
  const before = await readVersion(transactions);
  for (let version = before; ; ) {
    if (version > files.length) throw new SchemaTooNew(version, files.length);
    const name = files[version];
    if (name === undefined) {
      await refuseIncomplete(transactions, version, files);
      return { version, changed: version > before };
    }
    const text = adapt(readMigration(name), options.capabilities);
    try {
      await transactions.run((tx) => apply(tx, version + 1, name, text, options.nowMs), {
        slow: true,
      });
    } catch (error) {
      if (isThereAlready(error)) throw new SchemaUnknown(messageOf(error));
      if (!isKeyConflict(error)) throw error;
    }
    version = await readVersion(transactions);
  }
}

/** Two nodes that make it at once meet in the catalogue's own unique indexes: one is refused. */
async function makeHistory(transactions: Transactions): Promise<void> {
  const exists = async (tx: Transaction): Promise<boolean> => {
    const { rows } = await tx.send("SELECT to_regclass('posthorn.schema_migrations') AS found");
    return (rows[0] as { found: string | null } | undefined)?.found !== null;
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return await transactions.run(
        async (tx) => {
          if (await exists(tx)) return;
          await tx.send('CREATE SCHEMA IF NOT EXISTS posthorn');
          await tx.send(
            `CREATE TABLE IF NOT EXISTS posthorn.schema_migrations (
               version integer PRIMARY KEY, name text NOT NULL, applied_at bigint NOT NULL)`,
          );
        },
        { slow: true },
      );
    } catch (error) {
      if (!isKeyConflict(error) || attempt === 5) throw error;
    }
  }
}

async function readVersion(transactions: Transactions): Promise<number> {
  return transactions.run(async (tx) => {
    const { rows } = await tx.send<{ version: number }>(
      'SELECT coalesce(max(version), 0) AS version FROM posthorn.schema_migrations',
    );
    return rows[0]?.version ?? 0;
  });
}

async function apply(
  tx: Transaction,
  version: number,
  name: string,
  text: string,
  nowMs: number,
): Promise<void> {
  await tx.send('INSERT INTO posthorn.schema_migrations VALUES ($1, $2, $3)', [
    version,
    name,
    nowMs,
  ]);
  await tx.send(text);
}

const readMigration = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8');

/** What a migration makes was there before its number was. */
function isThereAlready(error: unknown): boolean {
  return error instanceof DatabaseError && /^(42P0[67]|42710|42723)$/.test(error.code ?? '');
}

/** A migration is whole or not there; that its number is there and its tables are not is not its doing. */
async function refuseIncomplete(
  transactions: Transactions,
  version: number,
  files: readonly string[],
): Promise<void> {
  const tables = files
    .flatMap((name) => [...readMigration(name).matchAll(/CREATE TABLE posthorn\.(\w+)/g)])
    .map(([, table = '']) => table);
  const { rows } = await transactions.run((tx) =>
    tx.send<{ name: string }>(MISSING_TABLES, [textArray(tables)]),
  );
  if (rows.length === 0) return;
  const missing = rows.map(({ name }) => name).join(', ');
  throw new SchemaUnknown(
    `it says that it has version ${version}, and lacks the tables ${missing}`,
  );
}

const MISSING_TABLES = `SELECT name FROM unnest($1::text[]) AS expected(name)
  WHERE to_regclass('posthorn.' || name) IS NULL ORDER BY name`;

/** Leaves out what this kind of server does not have. */
export function adapt(text: string, { partitions, brin }: Capabilities): string {
  const whole = partitions ? text : text.replaceAll(/ PARTITION BY RANGE \(\w+\)/g, '');
  return brin && partitions ? whole : whole.replaceAll(/CREATE INDEX [^;]+ USING brin [^;]+;/g, '');
}
