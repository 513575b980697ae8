import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { format } from 'node:util';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import { addressGroup } from '../lib/network/address-group.ts';
import { type Draining, ServerConnection } from './server-connection.ts';
import type { SmtpLog } from './smtp-log.ts';

export interface SmtpListener {
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

/** What servers of either kind have in common; sizes in bytes, times in ms. */
export interface ListenerOptions {
  /** Our name in the greeting. */
  hostname: string;
  /** PEM. Without it STARTTLS is not offered. */
  tls?: { key: string; cert: string } | undefined;
  maxSizeBytes: number;
  maxRecipients: number;
  maxConnections: number;
  /** The longest line; one that goes on beyond it loses its connection. */
  maxLineBytes: number;
  /** A client that owes us input for this long gets 421. RFC 5321 4.5.3.2.7 asks for 5 minutes. */
  idleMs: number;
  /** A connection on which nobody has logged in by then gets 421. */
  strangerMs: number;
  log: SmtpLog;
}

type Handlers = Pick<
  SMTPServerOptions,
  'onConnect' | 'onAuth' | 'onMailFrom' | 'onRcptTo' | 'onData'
>;

class DrainingSmtpServer extends SMTPServer {
  readonly draining: Draining = { on: false };
  readonly #strangerMs: number;

  constructor(options: SMTPServerOptions, strangerMs: number) {
    super(options);
    this.#strangerMs = strangerMs;
  }

  override connect(socket: Socket | TLSSocket, options?: SMTPConnectionOptions | null): void {
    const { draining } = this;
    const given = { options, draining, strangerMs: this.#strangerMs };
    const connection = new ServerConnection(this, socket, given);
    this.connections.add(connection);
    connection.on('error', (error: Error) => this._onError(error));
    connection.init();
  }
}

/**
 * A server over the smtp-server library. Commands may end in a bare LF there; no message can be smuggled
 * by it, since DATA is over only at CRLF.CRLF. The library waits 100 ms before its greeting and answers
 * 421 to a client that talks first.
 */
export function createSmtpListener(
  options: ListenerOptions,
  more: {
    /** Options of the library that differ. */
    library: SMTPServerOptions;
    /** `connectionsFrom`: how many are open from this address, or from the /64 that it is in. */
    handlers(state: { connectionsFrom(address: string): number }): Handlers;
  },
): SmtpListener {
  const { disabledCommands = [], ...library } = more.library;
  const server: DrainingSmtpServer = new DrainingSmtpServer(
    {
      ...libraryOptions(options),
      ...library,
      disabledCommands: [
        ...NEVER_OFFERED,
        ...(options.tls ? [] : ['STARTTLS']),
        ...disabledCommands,
      ],
      ...more.handlers({ connectionsFrom: (address) => countFrom(server, address) }),
    },
    options.strangerMs,
  );
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
      if (bound === null) throw new Error('the SMTP server is not listening');
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
    if (connection instanceof ServerConnection) connection.leaveIfIdle();
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
  const group = addressGroup(address);
  let count = 0;
  for (const { remoteAddress } of server.connections) {
    if (remoteAddress === address || addressGroup(remoteAddress) === group) count += 1;
  }
  return count;
}

/** Jokes of the library's, and what only a trusted proxy may say. */
const NEVER_OFFERED = ['WIZ', 'SHELL', 'KILL', 'XCLIENT', 'XFORWARD'];

function libraryOptions(options: ListenerOptions): SMTPServerOptions {
  return {
    ...(options.tls ? { key: options.tls.key, cert: options.tls.cert } : {}),
    name: options.hostname,
    banner: 'Posthorn',
    size: options.maxSizeBytes,
    maxRecipients: options.maxRecipients,
    maxClients: options.maxConnections,
    maxCommandLength: options.maxLineBytes,
    socketTimeout: options.idleMs,
    disableReverseLookup: true,
    hideENHANCEDSTATUSCODES: false,
    hideDSN: false,
    // It promises verified TLS all the way, which a server further on may not have (RFC 8689).
    hideREQUIRETLS: true,
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
