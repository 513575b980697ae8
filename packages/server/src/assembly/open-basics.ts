import { randomBytes } from 'node:crypto';
import type { KeyMaterial } from '../cli/key-material.ts';
import { openSecretBox } from '../cli/select-master-key.ts';
import type { Config } from '../config.ts';
import { createIds, type Ids } from '../core/ids.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { SecretBox } from '../lib/secrets/secret-box.ts';
import { createSteadyClock } from '../lib/steady-clock.ts';
import { keepTime } from '../nodes/keep-time.ts';
import type { Engine } from '../store/engine.ts';
import { createRecentEvents } from '../store/log/recent-events.ts';
import { refuseHalfMoved } from '../store/move/move-state.ts';
import { openEngine } from '../store/open-engine.ts';
import { createProjectDirectory, type ProjectDirectory } from '../store/project-directory.ts';
import { createStore, type Store } from '../store/store.ts';
import { createGate, type Gate } from './gate.ts';

/** What every part of this process stands on. It knows none of them. */
export interface Basics {
  config: Config;
  keys: KeyMaterial;
  version: string;
  clock: Clock;
  random: () => number;
  ids: Ids;
  log: Log;
  /** The id of this process among those that share the database. */
  node: string;
  store: Store;
  secretBox: SecretBox;
  projects: ProjectDirectory;
  /** How long this project keeps what it has, ms. */
  retentionMs(projectId: string): number;
  gate: Gate;
  /** Closes the store. */
  close(): Promise<void>;
}

/** Opens the store, and says that what dead nodes had leased is due. */
export async function openBasics(
  config: Config,
  keys: KeyMaterial,
  options: { version: string; log: Log; clock?: Clock; random?: () => number },
): Promise<Basics> {
  const { log } = options;
  const sharedClock = config.databaseUrl === null ? null : createSteadyClock();
  const clock = options.clock ?? sharedClock ?? systemClock;
  const ids = createIds({ now: clock.now, randomBytes });
  const node = ids.next('node');
  const engine = await openEngine(config, clock, log);
  const store = createStore(engine, engine.shared ? null : createRecentEvents({ clock }));
  const timeKeeper = sharedClock === null ? null : keepTime({ engine, clock: sharedClock, log });

  async function close(): Promise<void> {
    timeKeeper?.stop();
    await engine.close();
  }

  try {
    await refuseHalfMoved(engine);
    await timeKeeper?.start();
    const secretBox = await openSecretBox(store.sealed, keys, { log, nowMs: clock.now() });
    // Of an embedded store this process is the only one; whoever is listed there has died.
    if (!engine.shared) await store.nodes.clear();
    await engine.releaseLeases({ exceptNode: node, nowMs: clock.now() });
    logHealth(engine, log);
    const projects = await loadProjects(store, config);
    return {
      ...{ config, keys, version: options.version, clock, ids, log, node, store, secretBox },
      random: options.random ?? Math.random,
      projects,
      retentionMs: (projectId) => projects.settingsOf(projectId).retentionMs,
      gate: createGate(engine),
      close,
    };
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
}

function logHealth(engine: Engine, log: Log): void {
  engine.onHealthChange((health) => {
    if (health.ok) log.info({}, 'The store takes work again');
    else if (health.code !== 'closed')
      log.error({ code: health.code, detail: health.detail }, 'The store takes no work');
  });
}

async function loadProjects(store: Store, config: Config): Promise<ProjectDirectory> {
  const projects = createProjectDirectory({
    projects: store.projects,
    defaults: {
      apiRequestsPerSecond: config.apiRate,
      retentionMs: config.retention,
      bodyRetentionMs: config.bodyRetention,
    },
  });
  await projects.load();
  return projects;
}
