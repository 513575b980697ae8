import { z } from 'zod';
import type { SinkTroubleCode } from '../../core/sink.ts';
import {
  defineSink,
  type SinkConnection,
  type SinkHttpAnswer,
  type SinkItem,
  type SinkSurroundings,
  SinkTrouble,
} from '../contract.ts';
import { codeOfStatus, retryAfterOf } from '../dialing/http-answer.ts';
import { urlField } from '../setting-fields.ts';
import { batchDigest, toEventRow } from '../warehouse/event-row.ts';
import { everySecondsField, nameField } from '../warehouse/table-fields.ts';

const settings = z.strictObject({
  url: urlField.describe('Of its HTTP interface: https://clickhouse.example.com:8443.'),
  database: nameField.default('default').describe('It has to be there.'),
  table: nameField.default('posthorn_events').describe('Made when it is not there.'),
  username: z
    .string()
    .regex(/^[^:]{1,200}$/, 'A name has no colon here.')
    .default('default'),
  password: z.string().max(1_000).optional().describe('Kept sealed and never shown.'),
  every_seconds: everySecondsField.default(10),
});

type Settings = z.output<typeof settings>;
type Run = (
  query: string,
  more?: { params?: Record<string, string>; body?: string },
) => Promise<string>;

/** In the order of a row. */
const COLUMNS: Record<string, string> = {
  id: 'String',
  type: 'LowCardinality(String)',
  timestamp: "DateTime64(3, 'UTC')",
  message_id: 'Nullable(String)',
  recipient: 'Nullable(String)',
  event: 'String',
};

/**
 * ClickHouse by its HTTP interface. The table replaces what has the same sorting key, so that a row that
 * was loaded twice is one when its parts are merged, and with FINAL at once.
 * https://clickhouse.com/docs/interfaces/http
 */
export const clickhouse = defineSink<Settings>({
  kind: 'clickhouse',
  title: 'ClickHouse',
  summary: 'A row in a table for each event.',
  repeats:
    'The same batch is not taken twice; otherwise the table has one row of it as soon as its parts are merged (SELECT ... FINAL sees one at once).',
  settings,
  secrets: ['password'],
  batch: 5_000,
  open: async (config, surroundings) => connect(config, surroundings),
});

function connect(config: Settings, { http }: SinkSurroundings): SinkConnection {
  const { table, database, username, password = '' } = config;
  let isReady = false;

  const runner =
    (signal: AbortSignal): Run =>
    async (query, { params = {}, body = '' } = {}) => {
      const url = new URL(config.url);
      const asked = { database, query, wait_end_of_query: '1', ...params };
      for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
      const headers = {
        'content-type': 'text/plain; charset=utf-8',
        authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
      };
      const answer = await http.request({ method: 'POST', url: url.href, headers, body, signal });
      checkClickhouseAnswer(answer);
      return answer.text;
    };

  return {
    restMs: config.every_seconds * 1_000,
    async send(items, signal) {
      const run = runner(signal);
      if (!isReady) await prepareTable(run, config);
      isReady = true;
      const names = Object.keys(COLUMNS).join(', ');
      await run(`INSERT INTO \`${table}\` (${names}) FORMAT JSONEachRow`, {
        // The server's own settings may gather inserts, and answer before they are stored.
        params: { insert_deduplication_token: batchDigest(items), async_insert: '0' },
        body: items.map(toLine).join('\n'),
      });
      return [];
    },
    async close() {},
  };
}

/** Makes the table, or adds the columns that it does not have yet; a user who may only insert is enough then. */
async function prepareTable(run: Run, { database, table }: Settings): Promise<void> {
  const text = await run(
    'SELECT name FROM system.columns WHERE database = {d:String} AND table = {t:String} FORMAT TabSeparated',
    { params: { param_d: database, param_t: table } },
  );
  const there = text.split('\n').filter((name) => name !== '');
  const missing = Object.entries(COLUMNS).filter(([name]) => !there.includes(name));
  if (missing.length === 0) return;
  const definitions = missing.map(([name, type]) => `${name} ${type}`);
  await run(
    there.length === 0
      ? `CREATE TABLE IF NOT EXISTS \`${table}\` (${definitions.join(', ')})
         ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(timestamp) ORDER BY (type, timestamp, id)
         SETTINGS non_replicated_deduplication_window = 1000`
      : `ALTER TABLE \`${table}\` ${definitions.map((one) => `ADD COLUMN IF NOT EXISTS ${one}`).join(', ')}`,
  );
}

function toLine(item: SinkItem): string {
  const { timestampMs, ...row } = toEventRow(item);
  // "2026-11-22 10:00:00.000": how a DateTime64 is written.
  const timestamp = new Date(timestampMs).toISOString().replace('T', ' ').replace('Z', '');
  return JSON.stringify({ ...row, timestamp });
}

/** https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp */
const CODES: Record<number, SinkTroubleCode> = {
  // Unknown user, wrong password, required password, access denied, authentication failed.
  192: 'credentials',
  193: 'credentials',
  194: 'credentials',
  497: 'credentials',
  516: 'credentials',
  // No such column, unknown table, unknown database.
  16: 'not_found',
  60: 'not_found',
  81: 'not_found',
  // Quota exceeded, too many simultaneous queries, too many parts.
  201: 'rate_limited',
  202: 'rate_limited',
  252: 'rate_limited',
  // What it was sent cannot be read: a row, a number, a date, a quoted text, or the whole.
  6: 'refused',
  26: 'refused',
  27: 'refused',
  38: 'refused',
  41: 'refused',
  53: 'refused',
  72: 'refused',
  117: 'refused',
};

/** Throws what an exception means. One that came late has a status of success. */
function checkClickhouseAnswer(answer: SinkHttpAnswer): void {
  const { status, text, headers } = answer;
  const exception = headers['x-clickhouse-exception-code'];
  if (status < 300 && exception === undefined) return;
  // Anything else is its own trouble, or a matter of settings: no event is put aside for that.
  const byStatus = codeOfStatus(status);
  const otherwise = byStatus === 'refused' ? 'unavailable' : byStatus;
  const code = CODES[Number(exception)] ?? otherwise;
  const said = text.replace(/\s+/g, ' ').trim().slice(0, 300);
  throw new SinkTrouble(code, `It answered ${status}: ${said}`, {
    retryAfterMs: retryAfterOf(answer),
  });
}
