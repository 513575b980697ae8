import { createHash } from 'node:crypto';

/**
 * The hash of a message's body in relaxed form (RFC 6376 3.4.4), piece by piece: runs of spaces and tabs
 * become one space, those at the end of a line and empty lines at the end of the body go. Any cutting
 * of the body gives the same hash.
 */
export interface BodyHash {
  update(chunk: Uint8Array): void;
  /** SHA-256 as base64: the tag bh=. */
  digest(): string;
}

const [TAB, LF, CR, SPACE] = [0x09, 0x0a, 0x0d, 0x20];
/** Most text has nothing that would be changed, and is hashed as it stands. */
const CHANGED = /[ \t][ \t\r]|\t/;

export function createBodyHash(): BodyHash {
  const hash = createHash('sha256');
  /** Line ends that count only if something follows. */
  let lineEnds = 0;
  /** Behind them: a space that counts only if something follows in its line, a CR whose LF may come. */
  let rest = '';
  let isEmpty = true;

  function write(content: Buffer): void {
    if (lineEnds > 0) hash.update('\r\n'.repeat(lineEnds));
    lineEnds = 0;
    isEmpty = false;
    const text = content.toString('latin1');
    if (!CHANGED.test(text)) hash.update(content);
    // In two steps: one expression for both would go over a long run of spaces again and again. A single
    // space stays as it is, and is every sixth character of a text.
    else hash.update(text.replace(/[ \t]{2,}|\t/g, ' ').replaceAll(' \r\n', '\r\n'), 'latin1');
  }

  return {
    update(chunk) {
      const piece =
        rest === ''
          ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
          : Buffer.concat([Buffer.from(rest), chunk]);
      const end = findTail(piece);
      if (end > 0) write(piece.subarray(0, end));
      const tail = piece.toString('latin1', end);
      const lastLine = tail.lastIndexOf('\n') + 1;
      lineEnds += tail.split('\n').length - 1;
      rest = tail.slice(lastLine).replace(/[ \t]+/, ' ');
    },
    digest() {
      if (rest.endsWith('\r')) write(Buffer.from(rest));
      // A body that has something ends with a line end; one that has nothing is nothing.
      if (!isEmpty) hash.update('\r\n');
      return hash.digest('base64');
    },
  };
}

/** Where the white space and line ends begin with which the piece ends, and a CR behind them. */
function findTail(piece: Buffer): number {
  let end = piece.length;
  if (piece[end - 1] === CR) end -= 1;
  for (;;) {
    const byte = piece[end - 1];
    if (byte === SPACE || byte === TAB) end -= 1;
    else if (byte === LF && piece[end - 2] === CR) end -= 2;
    else return end;
  }
}
