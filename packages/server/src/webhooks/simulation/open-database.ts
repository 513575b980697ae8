import { silentLog } from '../../lib/log.ts';
import type { Engine } from '../../store/engine.ts';
import { openPostgresEngine } from '../../store/postgres/engine.ts';
import { openSqliteEngine } from '../../store/sqlite/engine.ts';
import type { OpenStore } from './simulate.ts';
import { openEngineTwin } from './store/engine-twin.ts';

/** A run on SQLite in this folder. */
export function onSqlite(folder: string): OpenStore {
  return onEngine((clock) => openSqliteEngine({ folder, clock }));
}

/** A run on the PostgreSQL database of this URL, which is empty. */
export function onPostgres(url: string): OpenStore {
  return onEngine((clock) =>
    openPostgresEngine({ url, readUrl: null, listenUrl: null, clock, log: silentLog, poolSize: 6 }),
  );
}

type StillClock = { now: () => number; after: () => () => void };

/** Faults are virtual-disk.ts's, so the engine has no use for timers. */
function onEngine(open: (clock: StillClock) => Promise<Engine>): OpenStore {
  return (model, { fail, now }) =>
    openEngineTwin(model, { fail, openEngine: () => open({ now, after: () => () => {} }) });
}
