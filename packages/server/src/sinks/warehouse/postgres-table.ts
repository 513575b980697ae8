import type { Client } from 'pg';
import { LOCK_MS, STATEMENT_MS } from './database-fields.ts';
import { toEventRow } from './event-row.ts';
import { type FoundTable, keyOfEvents, missingColumns, type WantedColumn } from './fit-table.ts';
import type { EventTable } from './load-table.ts';

const TEXTS = ['text', 'character varying'];
const TIMES = ['timestamp with time zone', 'timestamp without time zone'];
const JSONS = ['jsonb', 'json', 'text'];

/** In the order of a row. */
const COLUMNS: readonly WantedColumn[] = [
  { name: 'id', type: 'text', isRequired: true, fits: TEXTS },
  { name: 'type', type: 'text', isRequired: true, fits: TEXTS },
  { name: 'timestamp', type: 'timestamp with time zone', isRequired: true, fits: TIMES },
  { name: 'message_id', type: 'text', isRequired: false, fits: TEXTS },
  { name: 'recipient', type: 'text', isRequired: false, fits: TEXTS },
  { name: 'event', type: 'jsonb', isRequired: true, fits: JSONS },
];

type Place = { schema: string; table: string };

/**
 * The table, made when it is not there, with the columns that it did not have yet. Throws SinkTrouble
 * `schema_conflict`, and what the server says.
 */
export async function preparePostgresTable(client: Client, place: Place): Promise<EventTable> {
  const name = `"${place.schema}"."${place.table}"`;
  const found = await inTransaction(client, async () => {
    const before = await readTable(client, place);
    const missing = missingColumns(COLUMNS, before);
    if (missing.length === 0) return before;
    const define = ({ name: column, type, isRequired }: WantedColumn) =>
      `"${column}" ${type}${isRequired ? ' NOT NULL' : ''}`;
    await client.query(
      before.columns.length === 0
        ? `CREATE TABLE IF NOT EXISTS ${name} (${missing.map(define).join(', ')}, PRIMARY KEY ("id"))`
        : // What is new in a table that has rows cannot be required of them.
          `ALTER TABLE ${name} ${missing.map((one) => `ADD COLUMN IF NOT EXISTS "${one.name}" ${one.type}`).join(', ')}`,
    );
    return readTable(client, place);
  });
  const text = insertText(name, found);
  return {
    async insert(items) {
      const rows = items.map(toEventRow);
      const values = [
        rows.map(({ id }) => id),
        rows.map(({ type }) => type),
        rows.map(({ timestampMs }) => new Date(timestampMs).toISOString()),
        rows.map(({ message_id }) => message_id),
        rows.map(({ recipient }) => recipient),
        rows.map(({ event }) => event),
      ];
      await inTransaction(client, () => client.query(text, values));
    },
  };
}

async function readTable(client: Client, { schema, table }: Place): Promise<FoundTable> {
  const name = [`"${schema}"."${table}"`];
  const columns = await client.query<FoundTable['columns'][number]>(
    `SELECT attname::text AS name, format_type(atttypid, NULL) AS type,
       NOT attnotnull AS "isNullable", atthasdef OR attidentity <> '' AS "hasDefault"
     FROM pg_attribute
     WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
    name,
  );
  // Not those that hold for a part of the rows, nor those that are looked at only in the end.
  const keys = await client.query<{ columns: string[] }>(
    `SELECT array_agg(a.attname::text) AS columns
     FROM pg_index i JOIN pg_attribute a
       ON a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
     WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indimmediate AND i.indisvalid
       AND i.indpred IS NULL AND i.indexprs IS NULL
     GROUP BY i.indexrelid`,
    name,
  );
  return {
    where: `${schema}.${table}`,
    columns: columns.rows,
    uniqueKeys: keys.rows.map((row) => row.columns),
  };
}

function insertText(name: string, { columns, uniqueKeys }: FoundTable): string {
  const names = COLUMNS.map((wanted) => `"${wanted.name}"`).join(', ');
  const casts = COLUMNS.map((wanted) => {
    const type = columns.find((column) => column.name === wanted.name)?.type ?? wanted.type;
    // A time without a zone is one of UTC, whatever the zone of the session.
    return wanted.name === 'timestamp' && type === 'timestamp without time zone'
      ? `"timestamp"::timestamptz AT TIME ZONE 'UTC'`
      : `"${wanted.name}"::${type}`;
  });
  const arrays = COLUMNS.map((_, i) => `$${i + 1}::text[]`).join(', ');
  const key = (keyOfEvents(uniqueKeys) ?? ['id']).map((column) => `"${column}"`).join(', ');
  return `INSERT INTO ${name} (${names})
    SELECT ${casts.join(', ')} FROM unnest(${arrays}) AS rows (${names})
    ON CONFLICT (${key}) DO NOTHING`;
}

/** The limits are those of the transaction: a pooler gives the connection to others afterwards. */
async function inTransaction<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query(
    `BEGIN; SET LOCAL statement_timeout = ${STATEMENT_MS}; SET LOCAL lock_timeout = ${LOCK_MS}`,
  );
  try {
    const done = await work();
    await client.query('COMMIT');
    return done;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
