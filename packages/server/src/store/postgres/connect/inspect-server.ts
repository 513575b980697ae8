import type { Pool } from 'pg';
import { StoreUnavailable } from '../../engine.ts';
import { type ServerKind, serverKindOf } from './capabilities.ts';
import { send } from './connections.ts';

const OLDEST_VERSION = 150_000;

/** What there is to know of the server before anything is done with it. */
export interface ServerFacts {
  kind: ServerKind;
  /** A commit would be acknowledged before it is on disk, if the transaction did not say otherwise. */
  asynchronous: boolean;
}

/** Throws StoreUnavailable for a server that cannot be worked with. */
export async function inspectServer(pool: Pick<Pool, 'query'>): Promise<ServerFacts> {
  const { rows } = await send<{
    version: string;
    number: number;
    encoding: string;
    sync: string;
    readOnly: string;
  }>(
    pool,
    `SELECT version() AS version, current_setting('server_version_num')::integer AS number,
       current_setting('server_encoding') AS encoding,
       current_setting('synchronous_commit') AS sync,
       current_setting('transaction_read_only') AS "readOnly"`,
  );
  const [facts] = rows;
  if (facts === undefined) throw new Error('The server says nothing of itself.');
  const kind = serverKindOf(facts.version, await hasCitus(pool));
  if (kind === 'postgres' && facts.number < OLDEST_VERSION) {
    throw new StoreUnavailable(
      'refused',
      `The database is ${facts.version.split(' ').slice(0, 2).join(' ')}. Posthorn needs PostgreSQL 15 or newer.`,
    );
  }
  if (!/^UTF-?8$/i.test(facts.encoding)) {
    throw new StoreUnavailable(
      'refused',
      `The database's encoding is ${facts.encoding}, which has no room for every text. Create it with "CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0".`,
    );
  }
  if (facts.readOnly === 'on') {
    throw new StoreUnavailable(
      'read_only',
      'The database takes no writes: it is a standby, or default_transaction_read_only is on. Let database_url lead to the primary; a standby can be given as database_read_url.',
    );
  }
  return { kind, asynchronous: facts.sync === 'off' };
}

async function hasCitus(pool: Pick<Pool, 'query'>): Promise<boolean> {
  const { rows } = await send(pool, "SELECT 1 FROM pg_extension WHERE extname = 'citus'");
  return rows.length > 0;
}
