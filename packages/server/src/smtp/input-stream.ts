import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';

const [LF, CR, DOT] = [0x0a, 0x0d, 0x2e];
/** A dot at the beginning of a line, seen from the line end before it. */
const LINE_DOT = Buffer.from('\n.');
const NOTHING = Buffer.alloc(0);

type Done = Parameters<SMTPStream['_feedDataStream']>[1];

/**
 * What a client sends: commands as smtp-server reads them, and messages (RFC 5321 4.5.2) by ourselves. The
 * library copies each piece of a message to look at it byte by byte, and waits a turn for each stuffed dot; here
 * a piece goes on as it came. The end is CR LF . CR LF and nothing else, in whatever pieces it comes: a
 * server that takes less for it can be made to take one message for two.
 */
export class InputStream extends SMTPStream {
  /** The last two bytes of the message so far, stuffed dots included. */
  #before: readonly [number, number] = [CR, LF];
  /** A dot that may be the end, `.` or `.` CR: what follows decides. */
  #held: Buffer = NOTHING;

  override startDataMode(maxBytes?: number | string | null) {
    // A message may end before its first line (4.1.1.4): DATA's own line end counts.
    this.#before = [CR, LF];
    this.#held = NOTHING;
    return super.startDataMode(maxBytes);
  }

  override _feedDataStream(chunk: Buffer, done: Done): void {
    const data = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = NOTHING;
    const found = this.#findEnd(data);
    const content = join(found.pieces);
    this._countDataBytes(content.length);
    if (found.rest !== null) {
      this._endDataMode(content, found.rest, done);
      return;
    }
    this.#remember(data.subarray(0, data.length - this.#held.length));
    this.#pass(content, done);
  }

  #pass(content: Buffer, done: Done): void {
    const stream = this._dataStream;
    if (content.length === 0 || stream === null || !stream.writable || stream.write(content)) {
      done();
      return;
    }
    // Who does not want the rest destroys the stream, and then it never drains.
    const goOn = (): void => {
      stream.off('drain', goOn);
      stream.off('close', goOn);
      done();
    };
    stream.on('drain', goOn);
    stream.on('close', goOn);
  }

  /** The message's bytes in `data` without stuffed dots; `rest`: what stands behind its end, if it is there. */
  #findEnd(data: Buffer): { pieces: Buffer[]; rest: Buffer | null } {
    const pieces: Buffer[] = [];
    let start = 0;
    for (let at = this.#nextDot(data, 0); at !== -1; at = this.#nextDot(data, at + 1)) {
      const [next, last] = [data[at + 1], data[at + 2]];
      if (next === undefined || (next === CR && last === undefined)) {
        this.#held = data.subarray(at);
        pieces.push(data.subarray(start, at));
        return { pieces, rest: null };
      }
      if (next === CR && last === LF && this.#byteAt(data, at - 2) === CR) {
        pieces.push(data.subarray(start, at));
        return { pieces, rest: data.subarray(at + 3) };
      }
      if (next !== DOT) continue;
      pieces.push(data.subarray(start, at));
      start = at + 1;
    }
    pieces.push(data.subarray(start));
    return { pieces, rest: null };
  }

  /** Where the next line begins with a dot; -1: none does. */
  #nextDot(data: Buffer, from: number): number {
    if (from === 0 && data[0] === DOT && this.#before[1] === LF) return 0;
    const lineEnd = data.indexOf(LINE_DOT, Math.max(0, from - 1));
    return lineEnd === -1 ? -1 : lineEnd + 1;
  }

  /** Below 0: of what came before `data`. */
  #byteAt(data: Buffer, index: number): number | undefined {
    return index < 0 ? this.#before.at(index) : data[index];
  }

  #remember(seen: Buffer): void {
    const { length } = seen;
    if (length === 0) return;
    this.#before = [this.#byteAt(seen, length - 2) ?? CR, seen[length - 1] ?? LF];
  }
}

function join(pieces: readonly Buffer[]): Buffer {
  const [only = NOTHING] = pieces;
  return pieces.length > 1 ? Buffer.concat(pieces) : only;
}
