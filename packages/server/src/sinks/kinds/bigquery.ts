import { z } from 'zod';
import type { SinkTroubleCode } from '../../core/sink.ts';
import {
  defineSink,
  type SinkConnection,
  type SinkItem,
  type SinkSurroundings,
  SinkTrouble,
} from '../contract.ts';
import { createGoogleClient } from '../google/google-client.ts';
import { readServiceAccount, serviceAccountField } from '../google/service-account.ts';
import { type ItemFault, sendEach } from '../sending/send-each.ts';
import { inPiecesOfBytes, sendInTurn } from '../sending/send-splitting.ts';
import { urlField } from '../setting-fields.ts';
import { toEventRow } from '../warehouse/event-row.ts';
import { everySecondsField, nameField } from '../warehouse/table-fields.ts';

const settings = z.strictObject({
  project: z
    .string()
    .regex(/^[a-z0-9.:-]{1,100}$/, 'Write the id of a project.')
    .describe('Its id.'),
  dataset: nameField.describe('It has to be there.'),
  table: nameField.default('posthorn_events').describe('Made when it is not there.'),
  service_account: serviceAccountField,
  every_seconds: everySecondsField.default(10),
  endpoint: urlField.optional().describe("In place of Google's own."),
});

type Settings = z.output<typeof settings>;
type Ask = (method: 'GET' | 'POST' | 'PATCH', path: string, input: unknown) => Promise<unknown>;

/** Google advises 500 rows and allows 10 MB. Of an answer, 64 kB are read: each row may have an error. */
const MAX = { items: 200, bytes: 8_000_000 };
const SCOPE = 'https://www.googleapis.com/auth/bigquery';

const FIELDS = [
  { name: 'id', type: 'STRING', mode: 'REQUIRED' },
  { name: 'type', type: 'STRING', mode: 'REQUIRED' },
  { name: 'timestamp', type: 'TIMESTAMP', mode: 'REQUIRED' },
  { name: 'message_id', type: 'STRING', mode: 'NULLABLE' },
  { name: 'recipient', type: 'STRING', mode: 'NULLABLE' },
  { name: 'event', type: 'STRING', mode: 'NULLABLE' },
] as const;

const tableAnswer = z.object({
  schema: z.object({ fields: z.array(z.looseObject({ name: z.string() })).default([]) }).optional(),
});

const insertAnswer = z.object({
  insertErrors: z
    .array(
      z.object({
        index: z.number(),
        errors: z
          .array(z.object({ reason: z.string().optional(), message: z.string().optional() }))
          .default([]),
      }),
    )
    .default([]),
});

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll */
export const bigquery = defineSink<Settings>({
  kind: 'bigquery',
  title: 'Google BigQuery',
  summary: 'A row in a table for each event.',
  repeats:
    'BigQuery leaves out a row that comes again within about a minute (its insertId is the id of the event); later it stands there twice.',
  settings,
  secrets: ['service_account'],
  batch: 1_000,
  open: async (config, surroundings) => connect(config, surroundings),
});

function connect(config: Settings, surroundings: SinkSurroundings): SinkConnection {
  const { project, dataset, table, endpoint = 'https://bigquery.googleapis.com' } = config;
  const account = readServiceAccount(config.service_account);
  const client = createGoogleClient(account, SCOPE, surroundings);
  const tables = new URL(`/bigquery/v2/projects/${project}/datasets/${dataset}/tables`, endpoint);
  let isReady = false;
  return {
    restMs: config.every_seconds * 1_000,
    async send(items, signal) {
      const ask: Ask = (method, path, input) =>
        client.call(method, `${tables.href}${path}`, input, signal);
      if (!isReady) await prepareTable(ask, config);
      isReady = true;
      return sendInTurn(inPiecesOfBytes(items, MAX, sizeOf), (piece) =>
        sendEach(piece, (some) => insert(ask, table, some), {
          clock: surroundings.clock,
          signal,
        }),
      );
    },
    async close() {},
  };
}

/** Makes the table, or adds the columns that it does not have yet. */
async function prepareTable(ask: Ask, { project, dataset, table }: Settings): Promise<void> {
  const found = await ask('GET', `/${table}`, null).catch((error: unknown) => {
    if (error instanceof SinkTrouble && error.code === 'not_found') return null;
    throw error;
  });
  if (found === null) {
    await ask('POST', '', {
      tableReference: { projectId: project, datasetId: dataset, tableId: table },
      schema: { fields: FIELDS },
      timePartitioning: { type: 'DAY', field: 'timestamp' },
      clustering: { fields: ['type'] },
    });
    return;
  }
  const fields = tableAnswer.parse(found).schema?.fields ?? [];
  const missing = FIELDS.filter(({ name }) => !fields.some((field) => field.name === name));
  if (missing.length === 0) return;
  // What is new in a table that has rows cannot be required of them.
  const added = missing.map((field) => ({ ...field, mode: 'NULLABLE' }));
  await ask('PATCH', `/${table}`, { schema: { fields: [...fields, ...added] } });
}

async function insert(
  ask: Ask,
  table: string,
  items: readonly SinkItem[],
): Promise<(ItemFault | null)[]> {
  const answer = await ask('POST', `/${table}/insertAll`, {
    skipInvalidRows: true,
    // A column that was just added is not known everywhere at once; the event has it as well.
    ignoreUnknownValues: true,
    rows: items.map((item) => ({ insertId: item.event.id, json: toRow(item) })),
  });
  const faults = Array<ItemFault | null>(items.length).fill(null);
  for (const { index, errors } of insertAnswer.parse(answer).insertErrors) {
    const [{ reason = '', message = '' } = {}] = errors;
    faults[index] = { code: codeOfReason(reason), detail: `${reason}: ${message}` };
  }
  return faults;
}

/** https://cloud.google.com/bigquery/docs/error-messages */
function codeOfReason(reason: string): SinkTroubleCode {
  if (reason === 'invalid') return 'refused';
  return /LimitExceeded|quotaExceeded/.test(reason) ? 'rate_limited' : 'unavailable';
}

function toRow(item: SinkItem): object {
  const { timestampMs, ...row } = toEventRow(item);
  return { ...row, timestamp: new Date(timestampMs).toISOString() };
}

const sizeOf = (item: SinkItem): number => Buffer.byteLength(JSON.stringify(toRow(item))) + 64;
