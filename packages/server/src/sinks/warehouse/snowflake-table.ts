import type { SinkItem } from '../contract.ts';
import type { SnowflakeClient } from '../snowflake/snowflake-client.ts';
import { toEventRow } from './event-row.ts';
import { missingColumns, toFoundColumn, type WantedColumn } from './fit-table.ts';

const TEXTS = ['TEXT'];
const TIMES = ['TIMESTAMP_TZ', 'TIMESTAMP_LTZ', 'TIMESTAMP_NTZ'];

/** In the order of a row. Snowflake makes capitals of names without quotes. */
const COLUMNS: readonly WantedColumn[] = [
  { name: 'ID', type: 'VARCHAR', isRequired: true, fits: TEXTS },
  { name: 'TYPE', type: 'VARCHAR', isRequired: true, fits: TEXTS },
  { name: 'TIMESTAMP', type: 'TIMESTAMP_TZ', isRequired: true, fits: TIMES },
  { name: 'MESSAGE_ID', type: 'VARCHAR', isRequired: false, fits: TEXTS },
  { name: 'RECIPIENT', type: 'VARCHAR', isRequired: false, fits: TEXTS },
  { name: 'EVENT', type: 'VARIANT', isRequired: false, fits: ['VARIANT'] },
];

/** Names in capitals. */
interface Place {
  database: string;
  schema: string;
  table: string;
}

const nameOf = ({ database, schema, table }: Place): string =>
  `"${database}"."${schema}"."${table}"`;

/** Makes the table, or adds the columns that it does not have yet. Throws SinkTrouble. */
export async function prepareSnowflakeTable(
  client: SnowflakeClient,
  place: Place,
  signal: AbortSignal,
): Promise<void> {
  const { database, schema, table } = place;
  const found = await client.run(
    `SELECT column_name, data_type, is_nullable, column_default
     FROM "${database}".INFORMATION_SCHEMA.COLUMNS
     WHERE table_schema = '${schema}' AND table_name = '${table}'`,
    null,
    signal,
  );
  const missing = missingColumns(COLUMNS, {
    where: `${database}.${schema}.${table}`,
    columns: found.map(toFoundColumn),
    // It keeps none: MERGE looks for what is there.
    uniqueKeys: [['id']],
  });
  if (missing.length === 0) return;
  const define = ({ name, type, isRequired }: WantedColumn) =>
    `"${name}" ${type}${isRequired ? ' NOT NULL' : ''}`;
  const added = missing.map(({ name, type }) => `"${name}" ${type}`);
  await client.run(
    found.length === 0
      ? `CREATE TABLE IF NOT EXISTS ${nameOf(place)} (${missing.map(define).join(', ')})`
      : `ALTER TABLE ${nameOf(place)} ADD COLUMN ${added.join(', ')}`,
    null,
    signal,
  );
}

/** Takes the rows as JSON in the place of its `?`. What stands there already stays as it is. */
export function mergeStatement(place: Place): string {
  const names = COLUMNS.map(({ name }) => `"${name}"`);
  const values = COLUMNS.map(({ name, type }) => {
    const cast = type === 'VARIANT' ? '' : `::${type}`;
    return `row_of.value:${name.toLowerCase()}${cast} AS "${name}"`;
  });
  return `MERGE INTO ${nameOf(place)} AS there
    USING (SELECT ${values.join(', ')} FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) AS row_of) AS loaded
    ON there."ID" = loaded."ID"
    WHEN NOT MATCHED THEN INSERT (${names.join(', ')})
      VALUES (${names.map((name) => `loaded.${name}`).join(', ')})`;
}

/** A list in JSON; what a row has not got is left out. */
export function toSnowflakeRows(items: readonly SinkItem[]): string {
  const rows = items.map((item) => {
    const { timestampMs, event, message_id, recipient, ...row } = toEventRow(item);
    const columns = {
      ...row,
      timestamp: new Date(timestampMs).toISOString(),
      message_id: message_id ?? undefined,
      recipient: recipient ?? undefined,
    };
    return `${JSON.stringify(columns).slice(0, -1)},"event":${event}}`;
  });
  return `[${rows.join(',')}]`;
}
