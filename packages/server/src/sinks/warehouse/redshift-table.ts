import type { RedshiftData } from '../aws/redshift-data.ts';
import type { SinkItem } from '../contract.ts';
import { toEventRow } from './event-row.ts';
import { missingColumns, toFoundColumn, type WantedColumn } from './fit-table.ts';

const TEXTS = ['character varying'];
const TIMES = ['timestamp with time zone'];

/** In the order of a row. */
const COLUMNS: readonly WantedColumn[] = [
  { name: 'id', type: 'VARCHAR(255)', isRequired: true, fits: TEXTS },
  { name: 'type', type: 'VARCHAR(255)', isRequired: true, fits: TEXTS },
  { name: 'timestamp', type: 'TIMESTAMPTZ', isRequired: true, fits: TIMES },
  { name: 'message_id', type: 'VARCHAR(2000)', isRequired: false, fits: TEXTS },
  { name: 'recipient', type: 'VARCHAR(2000)', isRequired: false, fits: TEXTS },
  { name: 'event', type: 'SUPER', isRequired: false, fits: ['super'] },
];

const NAMES = COLUMNS.map(({ name }) => `"${name}"`).join(', ');

interface Place {
  schema: string;
  table: string;
}

const nameOf = ({ schema, table }: Place): string => `"${schema}"."${table}"`;

/** Makes the table, or adds the columns that it does not have yet. Throws SinkTrouble. */
export async function prepareRedshiftTable(
  data: RedshiftData,
  place: Place,
  signal: AbortSignal,
): Promise<void> {
  const found = await data.query(
    `SELECT column_name, data_type, is_nullable, column_default FROM svv_columns
     WHERE table_schema = '${place.schema}' AND table_name = '${place.table}'`,
    signal,
  );
  const missing = missingColumns(COLUMNS, {
    where: `${place.schema}.${place.table}`,
    columns: found.map(toFoundColumn),
    // It keeps none: a load looks itself for what is there.
    uniqueKeys: [['id']],
  });
  if (missing.length === 0) return;
  const define = ({ name, type, isRequired }: WantedColumn) =>
    `"${name}" ${type}${isRequired ? ' NOT NULL' : ''}`;
  await data.run(
    found.length === 0
      ? [
          `CREATE TABLE IF NOT EXISTS ${nameOf(place)} (${missing.map(define).join(', ')}, PRIMARY KEY ("id"))
             SORTKEY ("timestamp")`,
        ]
      : missing.map(
          ({ name, type }) => `ALTER TABLE ${nameOf(place)} ADD COLUMN "${name}" ${type}`,
        ),
    signal,
  );
}

/** A line for each event, whose JSON stands in it as it is. */
export function toRedshiftLines(items: readonly SinkItem[]): string {
  const lines = items.map((item) => {
    const { timestampMs, event, ...row } = toEventRow(item);
    const columns = JSON.stringify({ ...row, timestamp: new Date(timestampMs).toISOString() });
    return `${columns.slice(0, -1)},"event":${event}}\n`;
  });
  return lines.join('');
}

/**
 * One transaction: what the manifest names comes into a table of its own, and from there what the table
 * does not have yet. The lock makes a second load wait for the first, and see what that has loaded; it
 * has to be the first statement, or the transaction would see the table as it was before.
 */
export function loadStatements(
  place: Place,
  items: readonly SinkItem[],
  from: { manifestUrl: string; region: string; iamRole: string; statementMs: number },
): string[] {
  const times = items.map(({ event }) => Date.parse(event.timestamp));
  const [first, last] = [Math.min(...times), Math.max(...times)].map((ms) =>
    new Date(ms).toISOString(),
  );
  const role = from.iamRole === 'default' ? 'default' : `'${from.iamRole}'`;
  return [
    `SET statement_timeout TO ${from.statementMs}`,
    `LOCK ${nameOf(place)}`,
    `CREATE TEMP TABLE posthorn_load (${COLUMNS.map(({ name, type }) => `"${name}" ${type}`).join(', ')})`,
    `COPY posthorn_load (${NAMES}) FROM '${from.manifestUrl}' IAM_ROLE ${role} REGION '${from.region}'
       MANIFEST GZIP JSON 'auto' TIMEFORMAT 'auto'`,
    // Of the table only the part of that time is read: the time of an event never changes.
    `INSERT INTO ${nameOf(place)} (${NAMES}) SELECT ${NAMES} FROM posthorn_load WHERE "id" NOT IN
       (SELECT "id" FROM ${nameOf(place)} WHERE "timestamp" BETWEEN '${first}' AND '${last}')`,
    'DROP TABLE posthorn_load',
  ];
}
