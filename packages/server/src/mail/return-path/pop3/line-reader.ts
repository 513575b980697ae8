import type { Socket } from 'node:net';

/** A server that sends more than this without an end of line is no server of mail. */
const MAX_LINE_BYTES = 1_048_576;
/** Lines that wait to be read; beyond it the server has to wait. */
const MAX_WAITING_BYTES = 4 * 1_048_576;

/** Lines of a socket, as they are asked for. */
export interface LineReader {
  /** Without its CRLF or LF. Rejects once the connection is over, or broken. */
  line(): Promise<Buffer>;
  /** Lets go of the socket: somebody else reads on. What had come and was not read is dropped. */
  release(): void;
}

export function readLines(socket: Socket): LineReader {
  const lines: Buffer[] = [];
  let waitingBytes = 0;
  let rest: Buffer[] = [];
  let restBytes = 0;
  let fault: Error | null = null;
  let wake = (): void => {};

  function end(error: Error): void {
    fault ??= error;
    wake();
  }

  function onData(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...rest, chunk.subarray(from, at)]);
      rest = [];
      restBytes = 0;
      from = at + 1;
      lines.push(line.at(-1) === 13 ? line.subarray(0, -1) : line);
      waitingBytes += line.length;
    }
    if (from < chunk.length) {
      rest.push(chunk.subarray(from));
      restBytes += chunk.length - from;
    }
    if (restBytes > MAX_LINE_BYTES) end(new Error('the server sent a line without an end'));
    if (waitingBytes > MAX_WAITING_BYTES) socket.pause();
    wake();
  }

  const onClose = (): void => end(new Error('the server closed the connection'));
  socket.on('data', onData);
  socket.on('error', end);
  socket.on('close', onClose);

  return {
    async line() {
      for (;;) {
        const line = lines.shift();
        if (line !== undefined) {
          waitingBytes -= line.length;
          if (socket.isPaused() && waitingBytes < MAX_WAITING_BYTES / 2) socket.resume();
          return line;
        }
        if (fault !== null) throw fault;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    release() {
      socket.off('data', onData);
      socket.off('close', onClose);
    },
  };
}
