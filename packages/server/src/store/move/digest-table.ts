import { createHash } from 'node:crypto';
import type { Engine } from '../engine.ts';
import type { MovedTable } from './moved-tables.ts';
import { type Row, readTable } from './read-table.ts';

/** What a table holds, in two numbers that are the same on every engine. */
export async function digestTable(
  engine: Pick<Engine, 'db'>,
  table: MovedTable,
): Promise<{ rows: number; sha256: string }> {
  const hash = createHash('sha256');
  let count = 0;
  for await (const { rows } of readTable(engine, table, null)) {
    for (const row of rows) addRow(hash, row);
    count += rows.length;
  }
  return { rows: count, sha256: hash.digest('hex') };
}

/** Each column with its name, kind and length, so that no two rows are written alike. */
function addRow(hash: ReturnType<typeof createHash>, row: Row): void {
  for (const column of Object.keys(row).sort()) {
    const value = row[column] ?? null;
    if (value instanceof Uint8Array) {
      hash.update(`${column} bytes ${value.length}\n`).update(value);
    } else if (typeof value === 'string') {
      const bytes = Buffer.from(value);
      hash.update(`${column} text ${bytes.length}\n`).update(bytes);
    } else {
      hash.update(`${column} ${value === null ? 'null' : `number ${value}`}\n`);
    }
  }
}
