import type { Socket } from 'node:net';
import type { SMTPServer } from 'smtp-server';
import { SMTPConnection, type SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import { InputStream } from './input-stream.ts';

/** Set once the server stops: connections finish their transaction, then go. */
export interface Draining {
  on: boolean;
}

/**
 * RFC 5321 4.5.3.1.4 asks for 512 octets at least, and extensions (SIZE, BODY, ENVID, ORCPT) for a
 * few hundred more. smtp-server's own limit is for AUTH lines, and it hangs up beyond it.
 */
const MAX_COMMAND_BYTES = 2_048;

const OWN_ENHANCED_CODE = /^[245]\.\d{1,3}\.\d{1,3} /;

/**
 * smtp-server's connection, put right in seven places:
 * - messages are read by our own hand (`InputStream`);
 * - it derives the enhanced code from the basic code alone (every 552 becomes 5.2.2, every 550
 *   5.1.1); a reply that brings its own keeps it;
 * - a command line that is too long for a command, though not for AUTH, gets 500 and may be followed
 *   by a better one, instead of the loss of the connection;
 * - who is a stranger is not let stay for as long as it takes him to send a byte now and then: the
 *   library's own limits begin anew with each byte, or count whole commands;
 * - replies to commands that came together leave together (RFC 2920 3.2): each write of its own wakes the
 *   client, and costs both sides as much as reading a command;
 * - 538 says 5.7.11, as RFC 4954 section 6 has it for "encryption required";
 * - on shutdown the library answers 421 to every command, in the middle of a transaction too. Here a
 *   transaction that MAIL has opened runs to its end first.
 */
export class ServerConnection extends SMTPConnection {
  readonly #draining: Draining;
  readonly #strangerTimer: NodeJS.Timeout;

  constructor(
    server: SMTPServer,
    socket: Socket,
    given: {
      options: SMTPConnectionOptions | null | undefined;
      draining: Draining;
      /** How long a connection may last while nobody has logged in. */
      strangerMs: number;
    },
  ) {
    super(server, socket, given.options);
    this.#draining = given.draining;
    this.#strangerTimer = setTimeout(() => this.#endStranger(), given.strangerMs);
    this.#strangerTimer.unref();
  }

  #endStranger(): void {
    if (!this.session.user) this.send(421, '4.4.2 This takes too long');
  }

  /** Whether MAIL was accepted and the transaction is neither finished nor reset. */
  inTransaction(): boolean {
    return Boolean(this.session.envelope?.mailFrom);
  }

  /** Says 421 and closes, unless a transaction is open. */
  leaveIfIdle(): void {
    if (!this.inTransaction()) this.send(421, '4.3.2 Shutting down');
  }

  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    if (code === 250 || code === 354) this.#gatherReplies();
    else this._socket?.uncork();
    if (typeof data === 'string' && OWN_ENHANCED_CODE.test(data)) {
      super.send(code, data, false);
    } else if (code === 538) {
      super.send(code, '5.7.11 Encryption required: issue STARTTLS first', false);
    } else {
      super.send(code, data, context);
    }
  }

  /** What is said until this turn is over is one write. Not of 220: TLS begins right behind it. */
  #gatherReplies(): void {
    const socket = this._socket;
    if (!socket || socket.writableCorked > 0) return;
    socket.cork();
    process.nextTick(() => socket.uncork());
  }

  /** As the library makes its own; after STARTTLS another one. */
  override _createParser(): InputStream {
    const parser = new InputStream({ maxCommandLength: this._server.options.maxCommandLength });
    parser.oncommand = (command, callback) => this._onCommand(command, callback);
    parser.on('error', (error) => this.send(421, `Error: ${error.message}`));
    return parser;
  }

  override _onCommand(command: Buffer, callback?: () => void): void {
    const isAuth = this._nextHandler !== false || /^auth\b/i.test(command.toString('latin1', 0, 5));
    if (command.length > MAX_COMMAND_BYTES && !isAuth) {
      this.send(500, '5.5.2 Line too long');
      callback?.();
      return;
    }
    if (this.#draining.on && !this.inTransaction() && !this._upgrading) {
      this.leaveIfIdle();
      return;
    }
    super._onCommand(command, callback);
  }

  override _onClose(): void {
    clearTimeout(this.#strangerTimer);
    super._onClose();
  }

  /** Runs when a transaction ends, before its reply is flushed. */
  override _resetSession(): void {
    super._resetSession();
    if (this.#draining.on) setImmediate(() => this.leaveIfIdle());
  }
}
