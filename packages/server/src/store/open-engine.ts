import type { Clock } from '../lib/clock.ts';
import { type Log, silentLog } from '../lib/log.ts';
import type { Engine } from './engine.ts';

/** Settings of the program, by their names in config.ts. */
export interface StoreSettings {
  data: string;
  storeMaxSize: number | null;
  /** Null for the embedded store. */
  databaseUrl: string | null;
  databaseReadUrl: string | null;
  databaseListenUrl: string | null;
  databasePool: number;
}

/**
 * The engine that the settings ask for. Loaded only then: a process with one of them has no use for the
 * memory of the other. Rejects with StoreUnavailable or a plain error that says what to do.
 */
export async function openEngine(
  settings: StoreSettings,
  clock: Clock,
  log: Log = silentLog,
): Promise<Engine> {
  const { databaseUrl } = settings;
  if (databaseUrl === null) {
    const { openSqliteEngine } = await import('./sqlite/engine.ts');
    return openSqliteEngine({ folder: settings.data, clock, maxSizeBytes: settings.storeMaxSize });
  }
  const { openPostgresEngine } = await import('./postgres/engine.ts');
  return openPostgresEngine({
    url: databaseUrl,
    readUrl: settings.databaseReadUrl,
    listenUrl: settings.databaseListenUrl,
    poolSize: settings.databasePool,
    clock,
    log,
  });
}
