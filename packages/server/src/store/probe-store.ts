import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { StoreSettings } from './open-engine.ts';
import { DATABASE_FILE } from './sqlite/data-directory.ts';

/**
 * Looks at the store of the settings without changing it or taking its lock, and says what it found.
 * Throws an error that says what to do.
 */
export async function probeStore({ data, databaseUrl }: StoreSettings): Promise<string> {
  if (databaseUrl !== null) return probePostgres(databaseUrl);
  const file = join(data, DATABASE_FILE);
  if (!existsSync(file)) return `There is no store in ${data} yet; the first start makes one.`;
  const { probeDatabase } = await import('./sqlite/probe-database.ts');
  const { schema, known } = probeDatabase(file);
  const next = schema < known ? `; the next start brings it to ${known}` : '';
  return `The embedded store can be read, and has schema ${schema}${next}.`;
}

async function probePostgres(databaseUrl: string): Promise<string> {
  const { createPool } = await import('./postgres/connect/connections.ts');
  const { parseDatabaseUrl } = await import('./postgres/connect/connection-settings.ts');
  const { inspectServer } = await import('./postgres/connect/inspect-server.ts');
  const { toUnavailable, faultOf } = await import('./postgres/connect/faults.ts');
  const pool = createPool(parseDatabaseUrl(databaseUrl), 1);
  // A connection that breaks while nobody uses it must not end the process.
  pool.on('error', () => {});
  try {
    const { kind, asynchronous } = await inspectServer(pool);
    const late = asynchronous ? ' Its synchronous_commit is off; Posthorn turns it on.' : '';
    return `The database answers and takes writes (${kind}).${late}`;
  } catch (error) {
    const fault = faultOf(error);
    throw fault === null ? error : toUnavailable(fault, error);
  } finally {
    await pool.end();
  }
}
