import { connect, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import type { TransmitErrorCode } from '../transmission.ts';
import { createReplyReader, type ServerReply } from './reply-reader.ts';
import { readTlsPeer, type TlsOffer, type TlsPeer, tlsOptions } from './tls-peer.ts';
import type { Transcript } from './transcript.ts';

/** Node tells who runs it what to try; the sentence stands in events, before people who do not. */
const NODE_ADVICE = /; if the root CA is installed locally.*$/;

/** Why a link is of no more use. `cause` keeps what the socket said. */
export class LinkFailure extends Error {
  readonly errorCode: TransmitErrorCode;

  constructor(errorCode: TransmitErrorCode, message: string, cause?: unknown) {
    super(message.replace(NODE_ADVICE, ''), { cause });
    this.errorCode = errorCode;
  }
}

/**
 * One connection to a server: bytes out, replies in.
 *
 *     open --(reset, end, nonsense, timeout, destroy)--> failed
 *
 * Nothing leaves `failed`. Replies that came before it are still handed out, so that "421 ... going
 * down" with a reset behind it is not lost.
 */
export interface SmtpLink {
  readonly remoteIp: string | null;
  /** Where what is said is written down; changes with each message. Bytes are not, only text. */
  transcript: Transcript | null;
  /** `shown`: what the transcript has in their place, for what is secret. */
  write(pieces: readonly (Uint8Array | string)[], shown?: string): void;
  /** `null` in plain text. */
  tlsPeer(): TlsPeer | null;
  /** Rejects with a `LinkFailure`. */
  nextReply(timeoutMs: number): Promise<ServerReply>;
  /** A reply that is here already. */
  pendingReply(): ServerReply | null;
  /** Resolves when the socket takes more. Rejects with a `LinkFailure`. */
  drained(timeoutMs: number): Promise<void>;
  /** Forgets what came in plain text (RFC 3207 section 6). Rejects with a `LinkFailure`. */
  startTls(offer: TlsOffer, timeoutMs: number): Promise<void>;
  /** Open, and with nothing said that we did not ask for. */
  isFresh(): boolean;
  /** Closes once what was written is out. */
  end(): void;
  destroy(failure: LinkFailure): void;
}

interface Waiter {
  ready(): boolean;
  settle(): void;
  fail(failure: LinkFailure): void;
}

/** One read of 64 kB may hold the replies to a large pipelined batch; more is a flood. */
const MAX_QUEUED_REPLIES = 10_000;
/** Below this one copy and one write are cheaper than writev, which took a sixth of all time at 5 kB. */
const COPIED_BYTES = 65_536;
/** A server that does not take our QUIT gets no more of our time. */
const LINGER_MS = 5_000;

/** Connects. Rejects with a `LinkFailure`. */
export function connectLink(to: {
  host: string;
  port: number;
  localAddress?: string | undefined;
  timeoutMs: number;
  /** TLS from the first byte (smtps). */
  tls?: TlsOffer | undefined;
  signal: AbortSignal;
}): Promise<SmtpLink> {
  return new Promise((resolve, reject) => {
    const { host, port, localAddress } = to;
    const base = localAddress === undefined ? { host, port } : { host, port, localAddress };
    const socket =
      to.tls === undefined ? connect(base) : connectTls({ ...tlsOptions(to.tls), ...base });
    const finish = (failure: LinkFailure | null) => {
      clearTimeout(timer);
      to.signal.removeEventListener('abort', onAbort);
      socket.removeAllListeners();
      socket.on('error', () => {});
      if (failure === null) return resolve(createLink(socket));
      socket.destroy();
      reject(failure);
    };
    const onAbort = () => finish(aborted());
    const timer = setTimeout(
      () => finish(new LinkFailure('connect_timeout', 'no connection in time')),
      to.timeoutMs,
    );
    to.signal.addEventListener('abort', onAbort);
    socket.once(to.tls === undefined ? 'connect' : 'secureConnect', () => finish(null));
    socket.once('error', (error: NodeJS.ErrnoException) => finish(connectFailure(error)));
    socket.once('close', () => finish(new LinkFailure('tls_error', 'closed in the TLS handshake')));
    if (to.signal.aborted) onAbort();
  });
}

export function aborted(): LinkFailure {
  return new LinkFailure('aborted', 'stopped');
}

function connectFailure(error: NodeJS.ErrnoException): LinkFailure {
  const codes: Record<string, TransmitErrorCode> = {
    ECONNREFUSED: 'connection_refused',
    ETIMEDOUT: 'connect_timeout',
    ECONNRESET: 'connection_lost',
    ENOTFOUND: 'dns_not_found',
    EAI_AGAIN: 'dns_error',
  };
  // System errors are EHOSTUNREACH and the like; OpenSSL's are EPROTO, ERR_SSL_..., CERT_...
  const code = error.code ?? '';
  const isSystem = /^E[A-Z0-9]+$/.test(code) && code !== 'EPROTO';
  const errorCode = codes[code] ?? (isSystem ? 'connection_failed' : 'tls_error');
  return new LinkFailure(errorCode, error.message || code, error);
}

function createLink(connected: Socket | TLSSocket): SmtpLink {
  let socket: Socket = connected;
  let reader = createReplyReader();
  let replies: ServerReply[] = [];
  let failure: LinkFailure | null = null;
  let waiter: Waiter | null = null;
  const remoteIp = connected.remoteAddress ?? null;

  /** A reply that is handed out has been heard. */
  function heard(reply: ServerReply | null): ServerReply | null {
    const last = (reply?.lines.length ?? 0) - 1;
    for (const [at, line] of reply?.lines.entries() ?? []) {
      link.transcript?.server(`${reply?.code}${at === last ? ' ' : '-'}${line}`);
    }
    return reply;
  }

  function fail(reason: LinkFailure): void {
    if (failure !== null) return;
    failure = reason;
    socket.destroy();
    wake();
  }

  function wake(): void {
    const current = waiter;
    if (current === null) return;
    if (current.ready()) current.settle();
    else if (failure !== null) current.fail(failure);
  }

  function onData(chunk: Buffer): void {
    replies.push(...reader.push(chunk));
    if (reader.isBroken() || replies.length > MAX_QUEUED_REPLIES) {
      fail(new LinkFailure('protocol_error', 'the server does not speak SMTP'));
    }
    wake();
  }

  function attach(): void {
    socket.on('data', onData);
    socket.on('drain', wake);
    socket.on('error', (error) => fail(new LinkFailure('connection_lost', error.message, error)));
    socket.on('end', () => fail(new LinkFailure('connection_lost', 'the server hung up')));
    socket.on('close', () => fail(new LinkFailure('connection_lost', 'the connection closed')));
  }

  /** Waits for one thing at a time: SMTP is a conversation. */
  function waitFor(ready: () => boolean, timeoutMs: number): Promise<void> {
    if (ready()) return Promise.resolve();
    if (failure !== null) return Promise.reject(failure);
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        waiter = null;
      };
      const timer = setTimeout(
        () => fail(new LinkFailure('reply_timeout', 'no reply in time')),
        timeoutMs,
      );
      waiter = {
        ready,
        settle() {
          done();
          resolve();
        },
        fail(reason) {
          done();
          reject(reason);
        },
      };
    });
  }

  socket.setNoDelay(true);
  attach();

  const link: SmtpLink = {
    remoteIp,
    transcript: null,
    tlsPeer: () => (socket instanceof TLSSocket ? readTlsPeer(socket) : null),
    write(pieces, shown) {
      if (failure !== null) return;
      if (shown !== undefined) link.transcript?.client(shown);
      else {
        for (const piece of pieces) {
          if (typeof piece === 'string') link.transcript?.client(piece.trimEnd());
        }
      }
      const bytes = pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece));
      const sizeBytes = bytes.reduce((sum, piece) => sum + piece.length, 0);
      if (sizeBytes <= COPIED_BYTES) {
        socket.write(bytes.length === 1 && bytes[0] ? bytes[0] : Buffer.concat(bytes, sizeBytes));
        return;
      }
      socket.cork();
      for (const piece of bytes) socket.write(piece);
      socket.uncork();
    },
    async nextReply(timeoutMs) {
      await waitFor(() => replies.length > 0, timeoutMs);
      const reply = heard(replies.shift() ?? null);
      if (reply === null) throw new LinkFailure('protocol_error', 'no reply');
      return reply;
    },
    pendingReply: () => heard(replies.shift() ?? null),
    drained: (timeoutMs) => waitFor(() => !socket.writableNeedDrain && failure === null, timeoutMs),
    async startTls(offer, timeoutMs) {
      const plain = socket;
      plain.removeAllListeners();
      plain.on('error', () => {});
      reader = createReplyReader();
      replies = [];
      let secured = false;
      const upgraded = connectTls({ socket: plain, ...tlsOptions(offer) }, () => {
        secured = true;
        wake();
      });
      socket = upgraded;
      const lost = (error?: Error) =>
        fail(new LinkFailure('tls_error', error?.message ?? 'closed in the TLS handshake', error));
      const onClose = () => lost();
      upgraded.once('error', lost);
      upgraded.once('close', onClose);
      await waitFor(() => secured, timeoutMs).catch((reason: LinkFailure) => {
        plain.destroy();
        if (reason.errorCode === 'aborted') throw reason;
        throw new LinkFailure('tls_error', reason.message, reason);
      });
      upgraded.removeListener('error', lost);
      upgraded.removeListener('close', onClose);
      attach();
    },
    isFresh: () => failure === null && replies.length === 0 && socket.writable,
    end() {
      failure ??= new LinkFailure('connection_lost', 'we hung up');
      socket.setTimeout(LINGER_MS, () => socket.destroy());
      socket.destroySoon();
    },
    destroy: fail,
  };
  return link;
}
