import { connect as dial, isIP, type Socket } from 'node:net';
import type { Connection } from 'mysql2/promise';
import { z } from 'zod';
import type { SinkTroubleCode } from '../../core/sink.ts';
import {
  defineSink,
  type SinkConnection,
  type SinkSurroundings,
  SinkTrouble,
} from '../contract.ts';
import { closeSoon, createLifeline } from '../dialing/lifeline.ts';
import { loadPackage } from '../dialing/load-package.ts';
import { portField } from '../setting-fields.ts';
import { CONNECT_MS, databaseFields, LOCK_MS, STATEMENT_MS } from '../warehouse/database-fields.ts';
import { loadIntoTable } from '../warehouse/load-table.ts';
import { prepareMysqlTable } from '../warehouse/mysql-table.ts';

const { host, tls, ca, username, password, database, table, every_seconds } = databaseFields;

const settings = z
  .strictObject({
    host,
    port: portField.default(3306),
    tls,
    ca,
    username,
    password,
    database,
    table,
    every_seconds,
  })
  // The client holds a certificate against a name, and against nothing where there is none.
  .refine((config) => !config.tls || isIP(config.host.replace(/^\[|\]$/g, '')) === 0, {
    path: ['host'],
    message: 'With TLS, write a name: the certificate is held against it.',
  });

type Settings = z.output<typeof settings>;

/** MySQL, MariaDB, and what speaks as they do. */
export const mysql = defineSink<Settings>({
  kind: 'mysql',
  title: 'MySQL, MariaDB',
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
  const address = await addressOf(config.host);
  const sockets: Socket[] = [];
  const stream = (): Socket => {
    const socket = dial(config.port, address);
    sockets.push(socket);
    return socket;
  };
  const client = await createClient(config, stream).catch((error) => {
    for (const socket of sockets) socket.destroy();
    throw explain(error, where);
  });
  client.on('error', (error) => lifeline.cut(explain(error, where)));
  return {
    restMs: config.every_seconds * 1_000,
    send: loadIntoTable({
      lifeline,
      async prepare() {
        await client.query(SESSION);
        return prepareMysqlTable(client, config.table);
      },
      explain: (error) => explain(error, where),
    }),
    close: () => closeSoon(client.end(), () => client.destroy(), clock),
  };
}

/** Nothing is cut or guessed, times are UTC, and no statement waits for ever. The last line is MariaDB's. */
const SESSION = `SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',
  SESSION autocommit = 1, SESSION time_zone = '+00:00',
  SESSION innodb_lock_wait_timeout = ${LOCK_MS / 1_000}, SESSION lock_wait_timeout = ${LOCK_MS / 1_000}
  /*M! , SESSION max_statement_time = ${STATEMENT_MS / 1_000} */`;

async function createClient(config: Settings, stream: () => Socket): Promise<Connection> {
  const { createConnection } = await loadPackage('mysql2', () => import('mysql2/promise'));
  const { ca } = config;
  return createConnection({
    host: config.host,
    port: config.port,
    user: config.username,
    password: config.password ?? '',
    database: config.database,
    ...(config.tls
      ? {
          ssl: {
            rejectUnauthorized: true,
            verifyIdentity: true,
            ...(ca === undefined ? {} : { ca }),
          },
        }
      : {}),
    stream,
    connectTimeout: CONNECT_MS,
    // It would write code for each answer and run it.
    disableEval: true,
  });
}

/** https://mariadb.com/kb/en/mariadb-error-code-reference/, and MySQL's own, which share their numbers */
const CODES: readonly [numbers: readonly number[], SinkTroubleCode][] = [
  // Wrong user or password, a host that may not come, no right to do this, an account that is locked.
  [[1044, 1045, 1130, 1142, 1143, 1227, 1370, 1698, 1820, 1862, 3118, 3159, 4151], 'credentials'],
  // No such database, table or column.
  [[1049, 1054, 1146], 'not_found'],
  // Too many connections, of all or of this user.
  [[1040, 1203, 1226], 'rate_limited'],
  // Its own limit of time for a statement.
  [[1969, 3024], 'timeout'],
  // A value that it cannot store, or a constraint.
  [[1048, 1153, 1264, 1292, 1366, 1406, 1452, 3140, 3819, 4025], 'refused'],
  [[1364], 'schema_conflict'],
];

function explain(error: unknown, where: string): SinkTrouble {
  if (error instanceof SinkTrouble) return error;
  const { errno = 0, code = '', message = String(error) } = error as NodeJS.ErrnoException;
  const said = `${where}: ${message}`.slice(0, 500);
  return new SinkTrouble(codeOf(errno, `${code} ${message}`), said, { cause: error });
}

function codeOf(errno: number, text: string): SinkTroubleCode {
  const known = CODES.find(([numbers]) => numbers.includes(errno))?.[1];
  if (known !== undefined) return known;
  // Those of the system are below zero. Of the rest, no event is put aside for it.
  if (errno > 0) return 'unavailable';
  return /ETIMEDOUT|timed? ?out/i.test(text) ? 'timeout' : 'unreachable';
}
