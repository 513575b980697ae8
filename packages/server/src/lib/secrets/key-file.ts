import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/**
 * Files with one key in them (base64, mode 0600). A file is whole and on disk, or not there: what was
 * sealed with a key that a crash took away could never be opened again.
 */

/** A file that another process made meanwhile is left as it is. */
export function createKeyFile(file: string, key: Uint8Array): void {
  const draft = `${file}.${process.pid}`;
  writeDraft(draft, key);
  try {
    linkSync(draft, file);
  } catch (error) {
    if (!existsSync(file)) throw error;
  }
  unlinkSync(draft);
  syncFolder(dirname(file));
}

/** Puts a key where there may be one. */
export function writeKeyFile(file: string, key: Uint8Array): void {
  const draft = `${file}.${process.pid}`;
  writeDraft(draft, key);
  renameSync(draft, file);
  syncFolder(dirname(file));
}

/** Moves `next` to where `file` is, which is kept as `kept`. At each moment `file` is a whole key. */
export function replaceKeyFile(file: string, next: string, kept: string): void {
  if (!existsSync(kept)) linkSync(file, kept);
  renameSync(next, file);
  syncFolder(dirname(file));
}

function writeDraft(draft: string, key: Uint8Array): void {
  const text = `${Buffer.from(key).toString('base64')}\n`;
  writeFileSync(draft, text, { mode: 0o600, flush: true });
}

/** A name in a folder is on disk when the folder is. Windows has no such call. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const directory = openSync(folder, 'r');
  fsyncSync(directory);
  closeSync(directory);
}
