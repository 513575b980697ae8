import type { Readable } from 'node:stream';
import { type BareNewline, createBareNewlineScan } from './bare-newline-scan.ts';
import { createByteCollector } from './byte-collector.ts';
import type { SharedMemory } from './shared-memory.ts';

export type CollectedMessage =
  | { outcome: 'complete'; raw: Buffer }
  | { outcome: 'too_large' }
  | { outcome: 'no_memory' }
  | { outcome: 'bare_newline'; found: BareNewline }
  /** The client went away before the end of the message. */
  | { outcome: 'lost' };

/**
 * Reads a message into one buffer. Beyond `maxSizeBytes`, where the memory is used up, or once the
 * connection is lost, nothing is kept: the rest is read and dropped, since SMTP has no way to interrupt
 * a client in DATA other than closing the connection (RFC 5321 4.1.1.4). What a complete one holds of the
 * shared memory is its caller's to give back, by the length of `raw`. Never rejects.
 */
export function collectMessage(
  stream: Readable,
  limits: { maxSizeBytes: number; memory: SharedMemory },
): Promise<CollectedMessage> {
  const { maxSizeBytes, memory } = limits;
  let kept = createByteCollector();
  let sizeBytes = 0;
  let hasMemory = true;
  const newlines = createBareNewlineScan();

  function forget(): void {
    memory.giveBack(kept.sizeBytes());
    kept = createByteCollector();
  }

  return new Promise((resolve) => {
    let isOver = false;
    function end(outcome: CollectedMessage): void {
      if (isOver) return;
      isOver = true;
      if (outcome.outcome !== 'complete') forget();
      resolve(outcome);
    }
    stream.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (isOver || !hasMemory) return;
      if (sizeBytes > maxSizeBytes) return forget();
      hasMemory = memory.take(chunk.length);
      if (!hasMemory) return forget();
      newlines.push(chunk);
      kept.push(chunk);
    });
    stream.once('end', () => {
      if (sizeBytes > maxSizeBytes) return end({ outcome: 'too_large' });
      if (!hasMemory) return end({ outcome: 'no_memory' });
      const found = newlines.end();
      if (found !== null) return end({ outcome: 'bare_newline', found });
      end({ outcome: 'complete', raw: kept.concat() });
    });
    // smtp-server destroys the stream when the client disconnects: an error, or only a close.
    stream.once('error', () => end({ outcome: 'lost' }));
    stream.once('close', () => end({ outcome: 'lost' }));
  });
}
