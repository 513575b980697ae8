import type { Readable } from 'node:stream';

const CONTINUE = Buffer.from('HTTP/1.1 100');
const HEAD_END = Buffer.from('\r\n\r\n');
/** A 100 has no headers worth the name; what goes on for longer is left to the parser to refuse. */
const MAX_HEAD_BYTES = 4_096;
/** One is usual. Without end they would keep the main thread busy up to the deadline. */
const MAX_CONTINUES = 32;

export interface ContinueFilter {
  /** A request goes out: what comes next begins an answer. */
  expectAnswer(): void;
}

/**
 * Takes `100 Continue` out of what is read from a socket. A client has to pass over 1xx answers that
 * it did not ask for (RFC 9110, 15.2). undici does so with all but this one, where it hangs up: the
 * endpoint would have taken the event, and we would count a failure and send it again.
 */
export function passOverContinue(socket: Readable): ContinueFilter {
  const read: () => Buffer | null = socket.read.bind(socket);
  let beginning = false;
  let held: Buffer | null = null;
  let passedOver = 0;

  /** What is to be handed on of the first bytes of an answer; null to see more of it first. */
  function sift(chunk: Buffer): Buffer | null {
    let rest = held === null ? chunk : Buffer.concat([held, chunk]);
    held = null;
    while (passedOver < MAX_CONTINUES && beginsWithContinue(rest)) {
      const end = rest.indexOf(HEAD_END);
      if (end === -1) {
        if (rest.length > MAX_HEAD_BYTES) break;
        held = rest;
        return null;
      }
      passedOver += 1;
      rest = rest.subarray(end + HEAD_END.length);
      if (rest.length === 0) return null;
    }
    beginning = false;
    return rest;
  }

  socket.read = () => {
    let chunk = read();
    while (beginning && chunk !== null) {
      const rest = sift(chunk);
      if (rest !== null) return rest;
      chunk = read();
    }
    return chunk;
  };
  return {
    expectAnswer() {
      beginning = true;
      held = null;
      passedOver = 0;
    },
  };
}

/** As far as there are bytes to compare. */
function beginsWithContinue(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, CONTINUE.length);
  // The tenth byte decides nearly always: 2xx to 5xx begin with another digit.
  if (length > 9 && bytes[9] !== 0x31) return false;
  return bytes.compare(CONTINUE, 0, length, 0, length) === 0;
}
