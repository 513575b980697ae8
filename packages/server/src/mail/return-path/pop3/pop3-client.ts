import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { MailboxPlace } from '../parse-mailbox-url.ts';
import { type LineReader, readLines } from './line-reader.ts';

/** A mail in the mailbox. */
export interface Pop3Mail {
  /** Its place in this session. */
  number: number;
  /** What it is called for ever (RFC 1939 7, UIDL). */
  uid: string;
}

/** A session with a POP3 server (RFC 1939), one command after the other. All reject with a sentence. */
export interface Pop3Client {
  list(): Promise<Pop3Mail[]>;
  /** The first `maxBytes` of a mail, with CRLF at the end of lines. */
  retrieve(number: number, maxBytes: number): Promise<Buffer>;
  /** It is gone once `quit` has been answered, and not before. */
  remove(number: number): Promise<void>;
  quit(): Promise<void>;
  /** Ends the connection; what was to be removed stays. */
  close(): void;
}

/** A mailbox of more mails than this is read from its beginning. */
const MAX_LISTED = 100_000;
const CRLF = Buffer.from('\r\n');

/** Connects and logs in. The password goes out over verified TLS only, unless the place says otherwise. */
export async function openPop3(
  place: MailboxPlace,
  options: {
    timeoutMs: number;
    /** Beside the system's authorities. */
    ca?: string;
    /** Called as soon as there is something to close. */
    onOpen: (close: () => void) => void;
  },
): Promise<Pop3Client> {
  const { host, port, secure, requireTls, user, pass } = place;
  const tls = {
    // RFC 6066 3: no address.
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  };
  let socket: Socket = secure ? connectTls({ host, port, ...tls }) : connect({ host, port });
  options.onOpen(() => socket.destroy());
  let lines = watch(socket);

  function watch(one: Socket): LineReader {
    one.setTimeout(options.timeoutMs, () => one.destroy(new Error('the server does not answer')));
    return readLines(one);
  }

  /** What follows `+OK`. */
  async function reply(what: string): Promise<string> {
    const text = (await lines.line()).toString('latin1');
    if (/^\+OK\b/i.test(text)) return text.slice(3).trim();
    const said = text.replace(/^-ERR\s*/i, '').slice(0, 200);
    throw new Error(said === '' ? `${what} was refused` : `${what} was refused: ${said}`);
  }

  async function command(line: string, what = line): Promise<string> {
    // Nothing of a user or a password may be a command of its own.
    if (/[\r\n]/.test(line)) throw new Error(`${what} has a line break in it`);
    socket.write(`${line}\r\n`);
    return reply(what);
  }

  /** The lines behind a reply, up to the dot alone, their own dots unstuffed (RFC 1939 3). */
  async function eachLine(use: (line: Buffer) => void): Promise<void> {
    for (;;) {
      const line = await lines.line();
      if (line.length === 1 && line[0] === 46) return;
      use(line[0] === 46 ? line.subarray(1) : line);
    }
  }

  try {
    await reply('the connection');
    if (!secure && requireTls) {
      await command('STLS', 'STLS (TLS)');
      lines.release();
      socket = connectTls({ socket, ...tls });
      lines = watch(socket);
    }
    await command(`USER ${user}`, 'the user');
    await command(`PASS ${pass}`, 'the password');
  } catch (error) {
    socket.destroy();
    throw error;
  }

  return {
    async list() {
      await command('UIDL');
      const mails: Pop3Mail[] = [];
      await eachLine((line) => {
        const [, number, uid] = /^(\d+) +(\S+)/.exec(line.toString('latin1')) ?? [];
        if (number === undefined || uid === undefined || mails.length >= MAX_LISTED) return;
        mails.push({ number: Number(number), uid });
      });
      return mails;
    },
    async retrieve(number, maxBytes) {
      await command(`RETR ${number}`);
      const kept: Buffer[] = [];
      let size = 0;
      await eachLine((line) => {
        if (size >= maxBytes) return;
        kept.push(line, CRLF);
        size += line.length + CRLF.length;
      });
      return Buffer.concat(kept, size).subarray(0, maxBytes);
    },
    async remove(number) {
      await command(`DELE ${number}`);
    },
    async quit() {
      await command('QUIT');
      socket.destroy();
    },
    close: () => socket.destroy(),
  };
}
