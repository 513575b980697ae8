/**
 * One installation at a time in a checkout. The lock is a directory, because creating one is atomic
 * on every file system; the owner touches it while it works, and whoever finds it untouched for a
 * minute, or its owner gone from this machine, takes it over.
 */
import { randomUUID } from 'node:crypto';
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const POLL_MS = 200;
const TOUCH_MS = 5_000;
/** Twelve missed touches: a machine this busy is rare, a crash on another machine's mount is not. */
const STALE_AFTER_MS = 60_000;

/**
 * Runs `work` while holding the lock directory.
 *
 * @template T
 * @param {{ directory: string, say?: (line: string) => void }} lock
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withInstallLock({ directory, say = () => {} }, work) {
  const token = `${hostname()} ${process.pid} ${randomUUID()}`;
  for (let waited = 0; !tryTake(directory, token); waited += 1) {
    if (removeStale(directory)) continue;
    if (waited === 5) say('Waiting for another process that is installing the dependencies...');
    await wait(POLL_MS);
  }
  const touch = setInterval(() => touchLock(directory), TOUCH_MS);
  try {
    return await work();
  } finally {
    clearInterval(touch);
    if (readOwner(directory) === token) rmSync(directory, { recursive: true, force: true });
    removeIfEmpty(dirname(directory));
  }
}

function tryTake(directory, token) {
  mkdirSync(dirname(directory), { recursive: true });
  try {
    mkdirSync(directory);
  } catch (error) {
    // ENOENT: the one before us has just removed the empty parent folder.
    if (error.code === 'EEXIST' || error.code === 'ENOENT') return false;
    throw error;
  }
  writeFileSync(join(directory, 'owner'), token);
  return true;
}

/** Is the lock's owner gone? `nowMs` and `isAlive` are arguments so that tests need not wait. */
export function isStale(directory, nowMs, isAlive = isProcessAlive) {
  const [host, pid] = readOwner(directory).split(' ');
  if (host === hostname() && !isAlive(Number(pid))) return true;
  try {
    return nowMs - statSync(directory).mtimeMs > STALE_AFTER_MS;
  } catch {
    return false;
  }
}

/** Empty when the lock was just created or removed, or its owner died in between: then age must tell. */
function readOwner(directory) {
  try {
    return readFileSync(join(directory, 'owner'), 'utf8');
  } catch {
    return '';
  }
}

/** Moves a stale lock away. Of two processes that try, one wins the rename. */
function removeStale(directory) {
  if (!isStale(directory, Date.now())) return false;
  const aside = `${directory}.stale-${randomUUID()}`;
  try {
    renameSync(directory, aside);
  } catch {
    return true;
  }
  // Between looking and renaming, another process may have taken the lock afresh: give it back.
  if (!isStale(aside, Date.now())) renameSync(aside, directory);
  else rmSync(aside, { recursive: true, force: true });
  return true;
}

function isProcessAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}

function touchLock(directory) {
  const now = new Date();
  try {
    utimesSync(directory, now, now);
  } catch {
    // Someone took it for stale; the installation goes on, npm itself bears that.
  }
}

function removeIfEmpty(directory) {
  try {
    rmdirSync(directory);
  } catch {
    // It holds something else, or another process has just put its lock there.
  }
}
