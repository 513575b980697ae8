const CR = 0x0d;
const LF = 0x0a;

export interface BareNewline {
  byte: 'CR' | 'LF';
  /** Position in the message, from 0. */
  offset: number;
}

export interface BareNewlineScan {
  push(chunk: Uint8Array): void;
  /** The first bare CR or LF seen, or `null`. A CR at the very end counts once `end` was called. */
  end(): BareNewline | null;
}

/**
 * Looks for CR without LF and LF without CR in a message that arrives in any chunking. RFC 5321
 * 2.3.8 allows neither; servers that read them as line ends are what "SMTP smuggling" (2023) is
 * built on, so a message that carries one must not be passed on.
 */
export function createBareNewlineScan(): BareNewlineScan {
  let found: BareNewline | null = null;
  let seenBytes = 0;
  let endedWithCr = false;

  function scan(chunk: Uint8Array): void {
    if (endedWithCr && chunk[0] !== LF) found = { byte: 'CR', offset: seenBytes - 1 };
    const bareLf = endedWithCr && chunk[0] === LF ? findBareLf(chunk, 1) : findBareLf(chunk, 0);
    const bareCr = findBareCr(chunk);
    const first = [bareLf, bareCr].filter((at) => at >= 0).sort((a, b) => a - b)[0];
    if (found === null && first !== undefined) {
      found = { byte: first === bareLf ? 'LF' : 'CR', offset: seenBytes + first };
    }
    endedWithCr = chunk[chunk.length - 1] === CR;
    seenBytes += chunk.length;
  }

  return {
    push(chunk) {
      if (found === null && chunk.length > 0) scan(chunk);
    },
    end() {
      return found ?? (endedWithCr ? { byte: 'CR', offset: seenBytes - 1 } : null);
    },
  };
}

function findBareLf(chunk: Uint8Array, from: number): number {
  for (let at = chunk.indexOf(LF, from); at >= 0; at = chunk.indexOf(LF, at + 1)) {
    if (at === 0 || chunk[at - 1] !== CR) return at;
  }
  return -1;
}

/** A CR at the end of the chunk is left to the next one. */
function findBareCr(chunk: Uint8Array): number {
  for (let at = chunk.indexOf(CR); at >= 0; at = chunk.indexOf(CR, at + 1)) {
    if (at < chunk.length - 1 && chunk[at + 1] !== LF) return at;
  }
  return -1;
}
