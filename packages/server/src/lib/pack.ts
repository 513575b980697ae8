import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

/** Bytes as they are kept: compressed where it saves something. */
export interface PackedBytes {
  encoding: 'identity' | 'gzip';
  body: Uint8Array;
}

/** Shorter ones gain next to nothing. */
const MIN_BYTES = 256;

const compress = promisify(gzip);
const expand = promisify(gunzip);

/** In a thread of Node's pool: megabytes must not stop the event loop. */
export async function packBytes(bytes: Uint8Array): Promise<PackedBytes> {
  if (bytes.length < MIN_BYTES) return { encoding: 'identity', body: bytes };
  const packed = await compress(bytes);
  return packed.length < bytes.length
    ? { encoding: 'gzip', body: packed }
    : { encoding: 'identity', body: bytes };
}

export async function unpackBytes({ encoding, body }: PackedBytes): Promise<Uint8Array> {
  return encoding === 'gzip' ? expand(body) : body;
}
