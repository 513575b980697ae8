import type { Readable } from 'node:stream';
import { createByteCollector } from '../byte-collector.ts';
import type { SharedMemory } from '../shared-memory.ts';

export type CollectedBeginning =
  | { outcome: 'complete'; raw: Buffer }
  | { outcome: 'too_large' }
  | { outcome: 'no_memory' }
  /** The client went away before the end. */
  | { outcome: 'lost' };

/**
 * The first `keepBytes` of a mail, read to its end: a report says what it has to say before it returns a
 * message of any length. What it holds of the shared memory is its caller's to give back, by the length
 * of `raw`; in every other outcome it has been given back. Never rejects.
 */
export function collectBeginning(
  stream: Readable,
  limits: { maxSizeBytes: number; keepBytes: number; memory: SharedMemory },
): Promise<CollectedBeginning> {
  const { memory } = limits;
  let kept = createByteCollector();
  let sizeBytes = 0;
  let hasMemory = true;

  function forget(): void {
    memory.giveBack(kept.sizeBytes());
    kept = createByteCollector();
  }

  return new Promise((resolve) => {
    let isOver = false;
    function end(outcome: CollectedBeginning): void {
      if (isOver) return;
      isOver = true;
      if (outcome.outcome !== 'complete') forget();
      resolve(outcome);
    }
    stream.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      const room = limits.keepBytes - kept.sizeBytes();
      if (!hasMemory || isOver || room <= 0) return;
      // Copied where it is a part, because that would hold on to all of it.
      const piece = chunk.length <= room ? chunk : Buffer.from(chunk.subarray(0, room));
      hasMemory = memory.take(piece.length);
      if (!hasMemory) return forget();
      kept.push(piece);
    });
    stream.once('end', () => {
      if (sizeBytes > limits.maxSizeBytes) return end({ outcome: 'too_large' });
      if (!hasMemory) return end({ outcome: 'no_memory' });
      end({ outcome: 'complete', raw: kept.concat() });
    });
    // smtp-server destroys the stream when the client disconnects: an error, or only a close.
    stream.once('error', () => end({ outcome: 'lost' }));
    stream.once('close', () => end({ outcome: 'lost' }));
  });
}
