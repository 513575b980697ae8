import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../../config.ts';
import { toTimestamp } from '../../lib/clock.ts';
import { copyDatabase, digestFile, inspectDatabase } from '../../store/sqlite/copy-database.ts';
import { DATABASE_FILE } from '../../store/sqlite/data-directory.ts';
import { readVersion } from '../read-version.ts';
import { type Manifest, manifestFile } from './manifest.ts';

/**
 * Copies the store of a data folder, whether a server runs on it or not, reads the copy as a whole, and
 * only then gives it its name. Throws ConfigError for a wrong folder or a name that is taken, an Error
 * when the copy is not what was copied.
 */
export async function backUp(options: {
  data: string;
  file: string;
  nowMs: number;
  onProgress?(pages: number, totalPages: number): void;
}): Promise<Manifest> {
  const { data, file, nowMs, onProgress } = options;
  const source = join(data, DATABASE_FILE);
  if (!existsSync(source)) {
    throw new ConfigError(`data: there is no store in ${data}. Name its folder with --data.`);
  }
  refuseTaken(file);
  const draft = `${file}.part`;
  rmSync(draft, { force: true });
  try {
    // It holds mail: nobody else's to read, from the first byte on.
    closeSync(openSync(draft, 'wx', 0o600));
    const copied = await copyDatabase({
      from: source,
      to: draft,
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    const found = inspectDatabase(draft);
    if (!isDeepStrictEqual(copied, found)) {
      throw new Error('The copy does not hold what the store held. Is its disk full, or failing?');
    }
    const manifest: Manifest = {
      format: 1,
      posthorn: readVersion(),
      made_at: toTimestamp(nowMs),
      size_bytes: statSync(draft).size,
      sha256: await digestFile(draft),
      ...found,
    };
    flush(draft);
    renameSync(draft, file);
    writeFileSync(manifestFile(file), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
    flush(manifestFile(file));
    flush(dirname(file));
    return manifest;
  } finally {
    for (const part of [draft, `${draft}-journal`, `${draft}-wal`, `${draft}-shm`]) {
      rmSync(part, { force: true });
    }
  }
}

function refuseTaken(file: string): void {
  for (const one of [file, manifestFile(file)]) {
    if (existsSync(one)) throw new ConfigError(`${one} is there already, and is not written over.`);
  }
  if (!existsSync(dirname(file))) {
    throw new ConfigError(`The folder ${dirname(file)} is not there. Make it first.`);
  }
}

/** A backup that is lost with the power is none. */
export function flush(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
