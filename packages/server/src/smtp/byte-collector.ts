/** Bytes that arrive in pieces of any size, kept in about as much memory as they have. */
export interface ByteCollector {
  push(piece: Uint8Array): void;
  sizeBytes(): number;
  /** Everything so far, in one buffer. */
  concat(): Buffer;
}

/**
 * Pieces below this are copied together. Each one on its own costs some 200 bytes however short it is,
 * and a client chooses how short: a message of stuffed dots, or one in packets of a byte, would take a
 * hundred times its size.
 */
const KEPT_BYTES = 4_096;
const FIRST_BLOCK_BYTES = 1_024;
const LARGEST_BLOCK_BYTES = 65_536;

export function createByteCollector(): ByteCollector {
  const whole: Uint8Array[] = [];
  let block = Buffer.alloc(0);
  let [filled, wholeBytes, blockBytes] = [0, 0, FIRST_BLOCK_BYTES];

  function closeBlock(): void {
    if (filled > 0) whole.push(block.subarray(0, filled));
    wholeBytes += filled;
    block = block.subarray(filled);
    filled = 0;
  }

  return {
    push(piece) {
      if (piece.length >= KEPT_BYTES) {
        closeBlock();
        whole.push(piece);
        wholeBytes += piece.length;
        return;
      }
      if (piece.length > block.length - filled) {
        closeBlock();
        block = Buffer.allocUnsafeSlow(Math.max(blockBytes, piece.length));
        blockBytes = Math.min(blockBytes * 2, LARGEST_BLOCK_BYTES);
      }
      block.set(piece, filled);
      filled += piece.length;
    },
    sizeBytes: () => wholeBytes + filled,
    concat: () => Buffer.concat([...whole, block.subarray(0, filled)], wholeBytes + filled),
  };
}
