import { Socket } from 'node:net';
import type { Client } from 'pg';
import { z } from 'zod';
import type { SinkTroubleCode } from '../../core/sink.ts';
import {
  defineSink,
  type SinkConnection,
  type SinkSurroundings,
  SinkTrouble,
} from '../contract.ts';
import { closeSoon, createLifeline } from '../dialing/lifeline.ts';
import { tlsOptions } from '../dialing/tls-options.ts';
import { portField } from '../setting-fields.ts';
import { CONNECT_MS, databaseFields } from '../warehouse/database-fields.ts';
import { loadIntoTable } from '../warehouse/load-table.ts';
import { preparePostgresTable } from '../warehouse/postgres-table.ts';
import { nameField } from '../warehouse/table-fields.ts';

const { host, tls, ca, username, password, database, table, every_seconds } = databaseFields;

const settings = z.strictObject({
  host,
  port: portField.default(5432),
  tls,
  ca,
  username,
  password,
  database,
  schema: nameField.max(63).default('public').describe('It has to be there.'),
  table,
  every_seconds,
});

type Settings = z.output<typeof settings>;

/** A database of PostgreSQL, or what speaks as it does. */
export const postgres = defineSink<Settings>({
  kind: 'postgres',
  title: 'PostgreSQL',
  summary: 'A row in a table for each event.',
  repeats: 'It stands there once.',
  settings,
  secrets: ['password'],
  batch: 1_000,
  open: connect,
});

async function connect(
  config: Settings,
  { addressOf, clock }: Pick<SinkSurroundings, 'addressOf' | 'clock'>,
): Promise<SinkConnection> {
  const where = `${config.host}:${config.port}`;
  const lifeline = createLifeline(where);
  const socket = new Socket();
  const client = await createClient(config, { socket, address: await addressOf(config.host) });
  client.on('error', (error) => lifeline.cut(explain(error, where)));
  const hangUp = () => closeSoon(client.end(), () => socket.destroy(), clock);
  try {
    await client.connect();
  } catch (error) {
    await hangUp();
    throw explain(error, where);
  }

  return {
    restMs: config.every_seconds * 1_000,
    send: loadIntoTable({
      lifeline,
      prepare: () => preparePostgresTable(client, config),
      explain: (error) => explain(error, where),
    }),
    close: hangUp,
  };
}

/** Whatever is not said here, the client would take from the environment of the server. */
async function createClient(
  config: Settings,
  { socket, address }: { socket: Socket; address: string },
): Promise<Client> {
  const { Client: PostgresClient } = await import('pg');
  const { port, database: name, username: user, password: word = '' } = config;
  return new PostgresClient({
    host: address,
    port,
    database: name,
    user,
    // An empty text would be taken for none.
    password: () => word,
    ssl: config.tls ? { ...tlsOptions(config), rejectUnauthorized: true } : false,
    stream: () => socket,
    connectionTimeoutMillis: CONNECT_MS,
    application_name: 'posthorn',
    keepAlive: true,
  });
}

/** By code or class. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const CODES: readonly [RegExp, SinkTroubleCode][] = [
  // Wrong password or user; no right to do this.
  [/^28|^42501$/, 'credentials'],
  // No such database, schema, table or column.
  [/^3D|^3F|^42P01$|^42703$/, 'not_found'],
  // Of another type than what is there, or without a key for ON CONFLICT.
  [/^42804$|^42P10$|^428C9$/, 'schema_conflict'],
  [/^53300$/, 'rate_limited'],
  // Its own limit of time for a statement.
  [/^57014$/, 'timeout'],
  // A value that it cannot store, a constraint, or a limit of its own, such as the size of a row.
  [/^22|^23|^54/, 'refused'],
  // Anything else is its own trouble, or a matter of settings: no event is put aside for that.
  [/^[0-9A-Z]{5}$/, 'unavailable'],
];

function explain(error: unknown, where: string): SinkTrouble {
  if (error instanceof SinkTrouble) return error;
  const { code = '', message = String(error), detail } = error as Error & Record<string, string>;
  const said = `${where}: ${message}${detail === undefined ? '' : ` (${detail})`}`.slice(0, 500);
  return new SinkTrouble(codeOf(code, message), said, { cause: error });
}

function codeOf(code: string, message: string): SinkTroubleCode {
  // Codes of the system look alike: EPIPE.
  const isSystem = /^E[A-Z]+$/.test(code);
  const known = isSystem ? undefined : CODES.find(([pattern]) => pattern.test(code))?.[1];
  if (known !== undefined) return known;
  // The client itself, about the way in which it was to sign in.
  if (/SASL|password/i.test(message)) return 'credentials';
  return /ETIMEDOUT|timed? ?out|timeout/i.test(`${code} ${message}`) ? 'timeout' : 'unreachable';
}
