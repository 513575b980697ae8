import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { format } from 'node:util';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import type { SmtpLog } from './smtp-log.ts';
import type { SubmissionOptions } from './submission.ts';
import { type Draining, SubmissionConnection } from './submission-connection.ts';
import { createSubmissionHandlers } from './submission-handlers.ts';

export interface SubmissionServer {
  /** Rejects where the port cannot be had. Port 0 takes any. */
  listen(at: { host: string; port: number }): Promise<void>;
  /** Throws before `listen` has resolved. */
  address(): { host: string; port: number };
  connectionCount(): number;
  /**
   * Accepts no more connections, says 421 to idle ones, lets open transactions end for `graceMs`,
   * then says 421 to the rest. Resolves when every socket is closed.
   */
  close(how: { graceMs: number }): Promise<void>;
}

/** The longest AUTH line (RFC 4954 section 4); a line that goes on beyond it loses its connection. */
const MAX_LINE_BYTES = 12_288;

class DrainingSmtpServer extends SMTPServer {
  readonly draining: Draining = { on: false };

  override connect(socket: Socket | TLSSocket, options?: SMTPConnectionOptions | null): void {
    const connection = new SubmissionConnection(this, socket, { options, draining: this.draining });
    this.connections.add(connection);
    connection.on('error', (error: Error) => this._onError(error));
    connection.init();
  }
}

/**
 * A submission server (RFC 6409) over the smtp-server library: authentication is required, each
 * message goes to `accept` as one buffer. Bytes with a bare CR or LF are refused (550 5.6.11):
 * smtp-server ends DATA on CRLF.CRLF alone, but passes bare ones through. Commands, in contrast, may
 * end in a bare LF there; no message can be smuggled by it, since DATA is over only at CRLF.CRLF.
 * The library waits 100 ms before its greeting and answers 421 to a client that talks first.
 */
export function createSubmissionServer(options: SubmissionOptions): SubmissionServer {
  if (options.requireTls && !options.tls) throw new TypeError('requireTls needs a key and a cert');
  const server: DrainingSmtpServer = new DrainingSmtpServer({
    ...libraryOptions(options),
    ...createSubmissionHandlers(options, {
      connectionsFrom: (address) => countFrom(server, address),
    }),
  });
  const sockets = new Set<Socket>();
  server.server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  // Without a listener a client's reset in mid-message would end the process.
  server.on('error', (error: Error) => {
    options.log.debug({ err: error }, 'smtp connection failed');
  });

  return {
    listen: (at) =>
      new Promise((resolve, reject) => {
        server.server.once('error', reject);
        server.listen(at.port, at.host, () => {
          server.server.off('error', reject);
          resolve();
        });
      }),
    address() {
      const bound = server.server.address() as AddressInfo | null;
      if (bound === null) throw new Error('the submission server is not listening');
      return { host: bound.address, port: bound.port };
    },
    connectionCount: () => sockets.size,
    close: (how) => drain(server, sockets, how.graceMs),
  };
}

async function drain(
  server: DrainingSmtpServer,
  sockets: ReadonlySet<Socket>,
  graceMs: number,
): Promise<void> {
  server.draining.on = true;
  const closed = new Promise<void>((resolve) => server.server.close(() => resolve()));
  for (const connection of server.connections) {
    if (connection instanceof SubmissionConnection) connection.leaveIfIdle();
  }
  let timer: NodeJS.Timeout | undefined;
  const grace = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, graceMs);
  });
  await Promise.race([closed, grace]);
  clearTimeout(timer);
  for (const connection of server.connections) connection.send(421, '4.3.2 Shutting down');
  // A client that never closes its side must not hold the shutdown; what was written is flushed.
  for (const socket of sockets) socket.destroySoon();
  await closed;
}

function countFrom(server: SMTPServer, address: string): number {
  let count = 0;
  for (const connection of server.connections) if (connection.remoteAddress === address) count += 1;
  return count;
}

function libraryOptions(options: SubmissionOptions): SMTPServerOptions {
  // Off: jokes of the library's (WIZ, SHELL, KILL) and what only a trusted proxy may say.
  const disabledCommands = ['WIZ', 'SHELL', 'KILL', 'XCLIENT', 'XFORWARD'];
  if (!options.tls) disabledCommands.push('STARTTLS');
  return {
    ...(options.tls ? { key: options.tls.key, cert: options.tls.cert } : {}),
    name: options.hostname,
    banner: 'Posthorn',
    size: options.maxSizeBytes,
    maxRecipients: options.maxRecipients,
    maxClients: options.maxConnections,
    maxCommandLength: MAX_LINE_BYTES,
    socketTimeout: options.idleMs,
    authMethods: ['PLAIN', 'LOGIN'],
    allowInsecureAuth: options.requireTls !== true,
    disabledCommands,
    disableReverseLookup: true,
    hideENHANCEDSTATUSCODES: false,
    // Not offered, but ENVID, RET, NOTIFY and ORCPT are tolerated.
    hideDSN: true,
    logger: {
      // Every command and reply, addresses included: not for a log.
      trace: () => {},
      debug: () => {},
      info: (fields: unknown, ...text: unknown[]) => forward(options.log, 'debug', fields, text),
      warn: (fields: unknown, ...text: unknown[]) => forward(options.log, 'warn', fields, text),
      // What the library calls errors are clients that misbehave or go away.
      error: (fields: unknown, ...text: unknown[]) => forward(options.log, 'warn', fields, text),
      fatal: (fields: unknown, ...text: unknown[]) => forward(options.log, 'error', fields, text),
    },
  };
}

/** The library writes its messages for util.format. */
function forward(log: SmtpLog, level: keyof SmtpLog, fields: unknown, text: unknown[]): void {
  const message = text.length > 0 ? format(...text) : 'smtp server';
  log[level](typeof fields === 'object' && fields !== null ? fields : {}, message);
}
