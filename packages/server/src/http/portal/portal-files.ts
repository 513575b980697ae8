import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

/** Vite names these by what is in them, so they never change. */
const FOREVER = 'public, max-age=31536000, immutable';

export const ENCODINGS = ['br', 'gzip'] as const;

export type Encoding = (typeof ENCODINGS)[number];

const COMPRESS = { br: promisify(brotliCompress), gzip: promisify(gzip) };

export interface PortalFile {
  type: string;
  cacheControl: string;
  /** As it is, or compressed: once, when somebody first asks for it so. */
  bytes(encoding: Encoding | null): Promise<Buffer>;
}

export interface PortalFiles {
  /** By path below /portal/, without a leading slash; the start page for everything that is no file. */
  find(path: string): PortalFile | null;
}

/**
 * The built portal, some hundred kB, in memory. Null when it was not built.
 */
export function readPortalFiles(folder: string): PortalFiles | null {
  try {
    return readAll(folder);
  } catch (error) {
    // Another process has built it anew meanwhile, and put the new files in their place.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return readAll(folder);
  }
}

function readAll(folder: string): PortalFiles | null {
  const files = new Map<string, PortalFile>();
  for (const path of listFiles(folder)) {
    const name = relative(folder, path).split(sep).join('/');
    const identity = readFileSync(path);
    files.set(name, {
      type: TYPES[extname(name)] ?? 'application/octet-stream',
      cacheControl: name.startsWith('assets/') ? FOREVER : 'no-cache',
      bytes: compressOnce(identity),
    });
  }
  const start = files.get('index.html');
  if (start === undefined) return null;
  // What looks like a file and is none is not found; anything else is a page of the portal.
  return { find: (path) => files.get(path) ?? (extname(path) === '' ? start : null) };
}

function compressOnce(identity: Buffer): PortalFile['bytes'] {
  const made = new Map<Encoding, Promise<Buffer>>();
  return async (encoding) => {
    if (encoding === null) return identity;
    const compressed = made.get(encoding) ?? COMPRESS[encoding](identity);
    made.set(encoding, compressed);
    return compressed;
  };
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}
