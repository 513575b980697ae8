import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import type { buildConnector } from 'undici';
import type { Clock } from '../../../lib/clock.ts';
import type { AddressGuard } from '../../../lib/network/address-guard.ts';
import type { PostTiming } from '../post-result.ts';
import { type FindAddresses, guardLookup, judgeName, type SocketLookup } from './guarded-lookup.ts';
import { openTunnel } from './open-tunnel.ts';
import type { ProxyAddress } from './proxy-settings.ts';

/** Undici's callback: a socket that is ready for a request, or why there is none. */
type Done = buildConnector.Callback;

export type OpenConnection = (done: Done) => Opening;

/** A connection on its way to the endpoint, and what is known of it once it stands. */
export interface Opening {
  readonly phases: Pick<PostTiming, 'dnsMs' | 'connectMs' | 'tlsMs' | 'remoteAddress'>;
  /** What it waits for. */
  readonly stage: 'name' | 'proxy' | 'connect' | 'tls' | 'open';
  /** Gives up; the callback is not called any more. */
  destroy(): void;
}

export interface ProxyWay {
  address: ProxyAddress;
  /** For TLS to the proxy itself. */
  secureContext: () => SecureContext;
}

export interface ConnectionOptions {
  /** As in URL.origin. */
  origin: string;
  /** For TLS to the endpoint. Asked for when a connection needs it; may throw. */
  secureContext: () => SecureContext;
  guard: AddressGuard;
  find: FindAddresses;
  clock: Clock;
  /** Null for a direct connection. */
  proxy: ProxyWay | null;
}

/**
 * Where only the proxy knows names from outside, a look-up of our own often ends in silence, and the
 * deadline of the post must not pass with it.
 */
const PROXY_LOOKUP_MS = 2_000;

/** What all connections to an origin have in common. */
interface Way extends ConnectionOptions {
  host: string;
  port: number;
  isSecure: boolean;
  lookup: SocketLookup;
  /** The latest TLS session, for the next connection to resume. */
  session: Buffer | undefined;
}

export function createOpener(options: ConnectionOptions): OpenConnection {
  const url = new URL(options.origin);
  const isSecure = url.protocol === 'https:';
  const way: Way = {
    ...options,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (isSecure ? 443 : 80),
    isSecure,
    lookup: guardLookup(options.guard, options.find),
    session: undefined,
  };
  return (done) => {
    const opening = new ConnectionOpening(way, done);
    opening.start();
    return opening;
  };
}

class ConnectionOpening implements Opening {
  readonly phases: Opening['phases'] = {
    dnsMs: null,
    connectMs: null,
    tlsMs: null,
    remoteAddress: null,
  };
  stage: Opening['stage'] = 'name';
  readonly #way: Way;
  readonly #done: Done;
  #lastMs: number;
  #isOver = false;
  /** Ends what is under way at the moment. */
  #end: () => void = () => {};

  constructor(way: Way, done: Done) {
    this.#way = way;
    this.#done = done;
    this.#lastMs = way.clock.now();
  }

  start(): void {
    const { proxy, host } = this.#way;
    const isLiteral = isIP(host) !== 0;
    if (isLiteral) this.stage = 'connect';
    try {
      if (proxy === null) this.#dial();
      else if (isLiteral) this.#tunnel(proxy);
      else this.#judgeAndTunnel(proxy);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  destroy(): void {
    this.#isOver = true;
    this.#end();
  }

  #dial(): void {
    const { host, port, lookup, isSecure } = this.#way;
    const socket = isSecure ? this.#startTls({ port, lookup }) : connectTcp({ host, port, lookup });
    this.#end = () => socket.destroy();
    socket.setNoDelay(true);
    socket.once('lookup', (error) => {
      if (error === null) this.stage = 'connect';
      this.phases.dnsMs = this.#lap();
    });
    socket.once('connect', () => this.#connected(socket));
    socket.once(isSecure ? 'secureConnect' : 'connect', () => this.#ready(socket));
    socket.on('error', (error) => this.#fail(error));
  }

  #judgeAndTunnel(proxy: ProxyWay): void {
    const { clock, guard, find, host } = this.#way;
    let isJudged = false;
    const proceed = (): void => {
      if (isJudged || this.#isOver) return;
      isJudged = true;
      cancel();
      this.phases.dnsMs = this.#lap();
      this.#tunnel(proxy);
    };
    const cancel = clock.after(PROXY_LOOKUP_MS, proceed);
    this.#end = cancel;
    judgeName(guard, find, host, (refusal) => (refusal === null ? proceed() : this.#fail(refusal)));
  }

  #tunnel(proxy: ProxyWay): void {
    const { host, port, isSecure } = this.#way;
    this.stage = 'proxy';
    const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const secureContext = proxy.address.tls ? proxy.secureContext() : null;
    this.#end = openTunnel(proxy.address, secureContext, authority, {
      asked: () => {
        this.stage = 'connect';
      },
      opened: (socket) => {
        this.#connected(socket);
        if (isSecure) this.#secureTunnel(socket);
        else this.#ready(socket);
      },
      failed: (error) => this.#fail(error),
    });
  }

  #secureTunnel(tunnel: Socket): void {
    try {
      const socket = this.#startTls({ socket: tunnel });
      socket.once('secureConnect', () => this.#ready(socket));
      socket.on('error', (error) => this.#fail(error));
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #startTls(to: { socket: Socket } | { port: number; lookup: SocketLookup }): Socket {
    const way = this.#way;
    const { host } = way;
    const socket = connectTls({
      ...to,
      host,
      servername: isIP(host) === 0 ? host.replace(/\.$/, '') : '',
      secureContext: way.secureContext(),
      ...(way.session === undefined ? {} : { session: way.session }),
      // A post over HTTP/2 costs the main thread a third more, and many share the fate of one connection.
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true,
    });
    socket.on('session', (session) => {
      way.session = session;
    });
    // An alert that comes after the handshake is told, and then the end of the stream, which undici
    // would take for the cause.
    socket.on('error', (error) => socket.destroy(error));
    return socket;
  }

  #connected(socket: Socket): void {
    this.phases.connectMs = this.#lap();
    this.phases.remoteAddress = socket.remoteAddress ?? null;
    this.stage = 'tls';
  }

  #ready(socket: Socket): void {
    if (this.#way.isSecure) this.phases.tlsMs = this.#lap();
    if (this.#isOver) return;
    // undici would take it for an accident of its own and connect again, without end.
    if (socket.destroyed) {
      this.#fail(socket.errored ?? new Error('closed at once'));
      return;
    }
    this.#isOver = true;
    this.stage = 'open';
    this.#done(null, socket);
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#end();
    this.#done(error, null);
  }

  #lap(): number {
    const ms = this.#way.clock.now() - this.#lastMs;
    this.#lastMs += ms;
    return ms;
  }
}
