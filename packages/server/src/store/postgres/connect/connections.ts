import { types as defaultTypes, Pool, type PoolClient } from 'pg';
import type { SqlValue } from '../../engine.ts';
import type { ConnectionSettings } from './connection-settings.ts';
import { decodeText, encodeText } from './text.ts';

/** How long connecting, or waiting for a free connection, may take, ms. */
export const CONNECT_TIMEOUT_MS = 5_000;
/**
 * How long any answer may take, ms, before the connection is given up: longer than what the server
 * itself allows a statement (transactions.ts), so that it is met only when the server is gone.
 */
const ANSWER_TIMEOUT_MS = 20_000;
const KEEP_ALIVE_AFTER_MS = 10_000;
const IDLE_MS = 60_000;

const INT8 = 20;
const TEXT = 25;

/** Several connections, opened as they are needed. Nothing of a session is relied on (PgBouncer). */
export function createPool(settings: ConnectionSettings, size: number): Pool {
  const { applicationName, ...where } = settings;
  return new Pool({
    ...where,
    application_name: applicationName,
    max: size,
    min: 1,
    idleTimeoutMillis: IDLE_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    // Statements of a transaction are sent together: a round trip for each would be most of its time.
    pipeline: true,
    types: { getTypeParser },
  });
}

/** Numbers as numbers: all are times in ms, places in the log or counts. Texts as they were given. */
function getTypeParser(oid: number, format?: 'text' | 'binary') {
  if (oid === INT8) return Number;
  if (oid === TEXT) return decodeText;
  return defaultTypes.getTypeParser(oid, format);
}

export type Parameter = SqlValue;

export interface Rows<R> {
  rows: R[];
  /** How many rows a write touched. */
  count: number;
}

/** Sends one statement, with its texts in the form that can be stored. */
export async function send<R>(
  client: Pick<PoolClient, 'query'>,
  text: string,
  values: readonly Parameter[] = [],
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
): Promise<Rows<R>> {
  const encoded = values.map((value) => (typeof value === 'string' ? encodeText(value) : value));
  const query = { text, values: encoded, query_timeout: answerTimeoutMs };
  const { rows, rowCount } = await client.query(query);
  return { rows: rows as R[], count: rowCount ?? 0 };
}
