import { connect, type Socket } from 'node:net';

/** Somebody who hands messages over as fast as they are taken, over connections that stay open. */
export interface Submitter {
  /** Messages that were answered 250 a second. Throws where one was answered otherwise. */
  run(forMs: number): Promise<number>;
  close(): void;
}

interface Line {
  socket: Socket;
  /** The next so many replies, each on one line. */
  replies(count: number): Promise<string[]>;
}

/**
 * MAIL, RCPT and DATA leave together (PIPELINING), then the message; each connection waits for its 250. The
 * nth message goes to `recipientOf(n)`.
 */
export async function createSubmitter(options: {
  port: number;
  connections: number;
  password: string;
  raw: Buffer;
  recipientOf: (number: number) => string;
}): Promise<Submitter> {
  const { port, connections, raw, recipientOf } = options;
  const body = Buffer.concat([raw, Buffer.from('.\r\n')]);
  const lines = await Promise.all(Array.from({ length: connections }, () => logIn(port, options)));
  let number = 0;

  async function sendUntil({ socket, replies }: Line, endMs: number): Promise<number> {
    let sent = 0;
    while (performance.now() < endMs) {
      number += 1;
      socket.write(
        `MAIL FROM:<shop@bench.example>\r\nRCPT TO:<${recipientOf(number)}>\r\nDATA\r\n`,
      );
      expect(await replies(3), '354');
      socket.write(body);
      expect(await replies(1), '250');
      sent += 1;
    }
    return sent;
  }

  return {
    async run(forMs) {
      const startedAt = performance.now();
      const sent = await Promise.all(lines.map((line) => sendUntil(line, startedAt + forMs)));
      const tookMs = performance.now() - startedAt;
      return sent.reduce((sum, count) => sum + count, 0) / (tookMs / 1_000);
    },
    close() {
      for (const { socket } of lines) socket.destroy();
    },
  };
}

async function logIn(port: number, { password }: { password: string }): Promise<Line> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const line = readLines(socket);
  expect(await line.replies(1), '220');
  socket.write('EHLO bench.example\r\n');
  expect(await line.replies(1), '250');
  socket.write(`AUTH PLAIN ${Buffer.from(`\0bench\0${password}`).toString('base64')}\r\n`);
  expect(await line.replies(1), '235');
  return line;
}

/** Replies of several lines count as one. */
function readLines(socket: Socket): Line {
  let text = '';
  let wanted = 0;
  let found: string[] = [];
  let resolve: (lines: string[]) => void = () => {};
  let reject: (error: Error) => void = () => {};
  function take(): void {
    for (let end = text.indexOf('\r\n'); end !== -1; end = text.indexOf('\r\n')) {
      const one = text.slice(0, end);
      text = text.slice(end + 2);
      if (one[3] !== '-') found.push(one);
    }
    if (wanted === 0 || found.length < wanted) return;
    const taken = found;
    [found, wanted] = [[], 0];
    resolve(taken);
  }
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
    take();
  });
  socket.on('error', (error) => reject(error));
  socket.on('close', () => reject(new Error(`The server hung up after: ${found.join(' / ')}`)));
  return {
    socket,
    replies: (count) =>
      new Promise((settle, fail) => {
        [resolve, reject, wanted] = [settle, fail, count];
        take();
      }),
  };
}

function expect(replies: readonly string[], code: string): void {
  const last = replies.at(-1) ?? '';
  if (!last.startsWith(code)) throw new Error(`${code} was due, and came: ${replies.join(' / ')}`);
}
