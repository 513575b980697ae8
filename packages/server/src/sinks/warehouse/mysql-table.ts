import type { Connection, RowDataPacket } from 'mysql2/promise';
import { type SinkItem, SinkTrouble } from '../contract.ts';
import { toEventRow } from './event-row.ts';
import { type FoundTable, missingColumns, type WantedColumn } from './fit-table.ts';
import type { EventTable } from './load-table.ts';

const TEXTS = ['varchar', 'text', 'mediumtext', 'longtext'];
const KEYS = ['varchar', 'char'];

/** In the order of a row. What has an index cannot be of any length. */
const COLUMNS: readonly WantedColumn[] = [
  { name: 'id', type: 'VARCHAR(255)', isRequired: true, fits: KEYS },
  { name: 'type', type: 'VARCHAR(255)', isRequired: true, fits: TEXTS },
  { name: 'timestamp', type: 'DATETIME(3)', isRequired: true, fits: ['datetime', 'timestamp'] },
  { name: 'message_id', type: 'VARCHAR(500)', isRequired: false, fits: TEXTS },
  { name: 'recipient', type: 'VARCHAR(500)', isRequired: false, fits: TEXTS },
  // MariaDB calls its own JSON by what it is stored as.
  { name: 'event', type: 'JSON', isRequired: true, fits: ['json', 'longtext', 'mediumtext'] },
];

/**
 * The table, made when it is not there, with the columns that it did not have yet. Throws SinkTrouble
 * `schema_conflict`, and what the server says.
 */
export async function prepareMysqlTable(client: Connection, table: string): Promise<EventTable> {
  const name = `\`${table}\``;
  const found = await readTable(client, table);
  const missing = missingColumns(COLUMNS, found);
  checkOtherKeys(found);
  if (missing.length > 0) {
    const define = ({ name: column, type, isRequired }: WantedColumn) =>
      `\`${column}\` ${type} ${isRequired ? 'NOT NULL' : 'NULL'}`;
    await client.query(
      found.columns.length === 0
        ? // Two ids that differ in a capital letter are two events.
          `CREATE TABLE IF NOT EXISTS ${name} (${missing.map(define).join(', ')}, PRIMARY KEY (id))
             ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`
        : // What is new in a table that has rows cannot be required of them.
          `ALTER TABLE ${name} ${missing.map((one) => `ADD COLUMN \`${one.name}\` ${one.type} NULL`).join(', ')}`,
    );
  }
  const [limits] = await client.query<RowDataPacket[]>('SELECT @@max_allowed_packet AS bytes');
  const maxBytes = Number(limits[0]?.['bytes']) - 1_024;
  return {
    async insert(items) {
      const text = insertText(client, name, items);
      const bytes = Buffer.byteLength(text);
      // The server would hang up.
      if (bytes > maxBytes) {
        const detail = `A statement of ${bytes} bytes is more than its max_allowed_packet.`;
        throw new SinkTrouble('refused', detail);
      }
      await client.query(text);
    },
  };
}

async function readTable(client: Connection, table: string): Promise<FoundTable> {
  const [columns] = await client.query<RowDataPacket[]>(
    `SELECT LOWER(COLUMN_NAME) AS name, DATA_TYPE AS type, IS_NULLABLE = 'YES' AS isNullable,
       COLUMN_DEFAULT IS NOT NULL OR EXTRA REGEXP 'auto_increment|GENERATED' AS hasDefault
     FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?`,
    [table],
  );
  // An index of the beginning of a text takes two texts for one.
  const [keys] = await client.query<RowDataPacket[]>(
    `SELECT GROUP_CONCAT(LOWER(COLUMN_NAME)) AS names
     FROM information_schema.STATISTICS
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND NON_UNIQUE = 0
     GROUP BY INDEX_NAME HAVING COUNT(SUB_PART) = 0`,
    [table],
  );
  return {
    where: table,
    columns: columns.map(({ name, type, isNullable, hasDefault }) => ({
      name: String(name),
      type: String(type).toLowerCase(),
      isNullable: Boolean(isNullable),
      hasDefault: Boolean(hasDefault),
    })),
    uniqueKeys: keys.map(({ names }) => String(names).split(',')),
  };
}

/** MySQL cannot be told which index is to know a row again: any other would drop events silently. */
function checkOtherKeys({ where, uniqueKeys, columns }: FoundTable): void {
  const ours = COLUMNS.map(({ name }) => name);
  for (const key of uniqueKeys) {
    if (key.includes('id')) continue;
    const isFilledByItself = key.some((name) => {
      const column = columns.find((one) => one.name === name);
      return !ours.includes(name) && column?.isNullable === false && column.hasDefault;
    });
    if (isFilledByItself && key.length === 1) continue;
    const detail = `${where}: its unique index of ${key.join(', ')} would keep events out.`;
    throw new SinkTrouble('schema_conflict', detail);
  }
}

function insertText(client: Connection, name: string, items: readonly SinkItem[]): string {
  const names = COLUMNS.map((column) => `\`${column.name}\``).join(', ');
  const rows = items.map((item) => {
    const { id, type, timestampMs, message_id, recipient, event } = toEventRow(item);
    // "2026-11-22 10:00:00.000": the session's zone is UTC.
    const timestamp = new Date(timestampMs).toISOString().replace('T', ' ').replace('Z', '');
    return [id, type, timestamp, message_id, recipient, event];
  });
  // Not IGNORE: that would cut what is too long, and leave out what cannot be stored.
  return client.format(`INSERT INTO ${name} (${names}) VALUES ? ON DUPLICATE KEY UPDATE id = id`, [
    rows,
  ]);
}
