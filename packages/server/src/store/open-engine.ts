import type { Clock } from '../lib/clock.ts';
import type { Engine } from './engine.ts';

export interface StoreSettings {
  /** Of the embedded store. */
  folder: string;
  maxSizeBytes: number | null;
  /** Of PostgreSQL; null for the embedded store. */
  databaseUrl: string | null;
  databaseReadUrl: string | null;
  databasePool: number;
}

/**
 * The engine that the settings ask for. Loaded only then: a process with one of them has no use for the
 * memory of the other. Rejects with StoreUnavailable or a plain error that says what to do.
 */
export async function openEngine(settings: StoreSettings, clock: Clock): Promise<Engine> {
  const { folder, maxSizeBytes, databaseUrl } = settings;
  if (databaseUrl === null) {
    const { openSqliteEngine } = await import('./sqlite/engine.ts');
    return openSqliteEngine({ folder, clock, maxSizeBytes });
  }
  const { openPostgresEngine } = await import('./postgres/engine.ts');
  return openPostgresEngine({
    url: databaseUrl,
    readUrl: settings.databaseReadUrl,
    poolSize: settings.databasePool,
    clock,
  });
}
