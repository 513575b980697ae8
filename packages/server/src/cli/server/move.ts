import { randomUUID } from 'node:crypto';
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../../config.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { silentLog } from '../../lib/log.ts';
import { type Engine, StoreUnavailable } from '../../store/engine.ts';
import { copyStore } from '../../store/move/copy-store.ts';
import { endMove, readMoveState, sourceName } from '../../store/move/move-state.ts';
import { parseDatabaseUrl } from '../../store/postgres/connect/connection-settings.ts';
import { openPostgresEngine } from '../../store/postgres/engine.ts';
import { DATABASE_FILE } from '../../store/sqlite/data-directory.ts';
import { openSqliteEngine } from '../../store/sqlite/engine.ts';

const POOL_SIZE = 8;
/** Between two lines about the same table, ms. */
const PROGRESS_MS = 5_000;

/**
 * `posthorn move --from sqlite:DIR --to postgres://...`, while the server is stopped: takes everything
 * that the embedded store holds into an empty PostgreSQL database, compares both, and puts the old file
 * away, so that it is not started again by mistake. Resolves with the exit code.
 */
export async function move(input: { from: string; to: string }): Promise<number> {
  const write = (line: string): void => void process.stdout.write(`${line}\n`);
  try {
    await moveStore({ ...input, write, clock: systemClock });
    return 0;
  } catch (error) {
    process.stderr.write(`posthorn: ${messageOf(error)}\n`);
    return error instanceof ConfigError ? 2 : 1;
  }
}

/** Throws ConfigError, MoveRefused, or what is wrong with one of the two. */
export async function moveStore(options: {
  from: string;
  to: string;
  write(line: string): void;
  clock: Clock;
}): Promise<void> {
  const { write, clock } = options;
  const folder = readFolder(options.from);
  const url = readUrl(options.to);
  const to = await openPostgresEngine({
    url,
    readUrl: null,
    listenUrl: null,
    poolSize: POOL_SIZE,
    clock,
    log: silentLog,
  });
  try {
    if (!existsSync(join(folder, DATABASE_FILE))) {
      await endOnly(to, folder);
    } else {
      const from = await openSource(folder, clock);
      try {
        const source = await sourceName(from, randomUUID);
        await copyStore({ from, to, source, report: createReport(write, clock) });
      } finally {
        await from.close();
      }
      write(`The old store is kept as ${putAway(folder, clock.now())}.`);
      await endMove(to);
    }
    write(
      `Moved. Start the server with database_url and the same master key: ${join(folder, 'master.key')}, or the setting it was given as.`,
    );
  } finally {
    await to.close();
  }
}

function readFolder(from: string): string {
  const [, folder = ''] = /^sqlite:(.+)$/.exec(from) ?? [];
  if (folder !== '') return folder;
  throw new ConfigError(
    `--from: ${JSON.stringify(from)} is not sqlite: and the data folder, such as sqlite:posthorn-data. Only an embedded store can be moved.`,
  );
}

function readUrl(to: string): string {
  try {
    parseDatabaseUrl(to);
    return to;
  } catch (error) {
    throw new ConfigError(`--to: ${messageOf(error)}`);
  }
}

async function openSource(folder: string, clock: Clock): Promise<Engine> {
  try {
    return await openSqliteEngine({ folder, clock });
  } catch (error) {
    if (!(error instanceof StoreUnavailable) || error.code !== 'locked') throw error;
    throw new Error(
      `A Posthorn server runs on ${folder}. Stop it first: what it did meanwhile would be lost. Its clients are answered again as soon as a server runs on the new database.`,
      { cause: error },
    );
  }
}

/** The process may have ended between putting the old file away and saying so in the new database. */
async function endOnly(to: Engine, folder: string): Promise<void> {
  if ((await readMoveState(to))?.isVerified !== true) {
    throw new ConfigError(`--from: there is no store in ${folder}.`);
  }
  await endMove(to);
}

function putAway(folder: string, nowMs: number): string {
  const file = join(folder, DATABASE_FILE);
  const kept = `${file}.moved-${new Date(nowMs).toISOString().replace(/[:.]/g, '-')}`;
  // The log is folded in when it closes; should it not be, it belongs to the file.
  for (const part of ['-wal', '-shm', '']) {
    if (existsSync(file + part)) renameSync(file + part, kept + part);
  }
  return kept;
}

function createReport(write: (line: string) => void, clock: Clock) {
  let current = '';
  let nextAtMs = 0;
  return {
    copied(table: string, rows: number, total: number): void {
      if (total === 0) return;
      const isOver = rows >= total;
      if (table !== current) nextAtMs = 0;
      if (!isOver && clock.now() < nextAtMs) return;
      if (isOver && table === current && nextAtMs === Number.POSITIVE_INFINITY) return;
      current = table;
      nextAtMs = isOver ? Number.POSITIVE_INFINITY : clock.now() + PROGRESS_MS;
      write(`copied   ${table}: ${rows} of ${total}`);
    },
    compared: (table: string, rows: number, sha256: string): void =>
      write(`compared ${table}: ${rows} rows, sha256 ${sha256}`),
  };
}
