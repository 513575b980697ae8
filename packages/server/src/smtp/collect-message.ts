import type { Readable } from 'node:stream';
import { type BareNewline, createBareNewlineScan } from './bare-newline-scan.ts';

export type CollectedMessage =
  | { outcome: 'complete'; raw: Buffer }
  | { outcome: 'too_large' }
  | { outcome: 'bare_newline'; found: BareNewline }
  /** The client went away before the end of the message. */
  | { outcome: 'lost' };

/**
 * Reads a message into one buffer. Beyond `maxSizeBytes`, or once the connection is lost, nothing is
 * kept: the rest is read and dropped, since SMTP has no way to interrupt a client in DATA other than
 * closing the connection (RFC 5321 4.1.1.4). Never rejects.
 */
export function collectMessage(stream: Readable, maxSizeBytes: number): Promise<CollectedMessage> {
  let chunks: Buffer[] = [];
  let sizeBytes = 0;
  const newlines = createBareNewlineScan();

  return new Promise((resolve) => {
    stream.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes > maxSizeBytes) {
        chunks = [];
        return;
      }
      newlines.push(chunk);
      chunks.push(chunk);
    });
    stream.once('end', () => {
      if (sizeBytes > maxSizeBytes) return resolve({ outcome: 'too_large' });
      const found = newlines.end();
      if (found !== null) return resolve({ outcome: 'bare_newline', found });
      resolve({ outcome: 'complete', raw: Buffer.concat(chunks, sizeBytes) });
    });
    // smtp-server destroys the stream when the client disconnects: an error, or only a close.
    stream.once('error', () => resolve({ outcome: 'lost' }));
    stream.once('close', () => {
      chunks = [];
      resolve({ outcome: 'lost' });
    });
  });
}
