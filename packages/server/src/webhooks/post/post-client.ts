import { lookup as systemLookup } from 'node:dns';
import type { Clock } from '../../lib/clock.ts';
import type { AddressGuard } from '../../lib/network/address-guard.ts';
import { createTurns } from '../../lib/turns.ts';
import { isLoopbackHost, refuseHost } from '../endpoints/endpoint-url.ts';
import { type Lookup, shareLookups } from './connect/guarded-lookup.ts';
import { createOpener, type ProxyWay } from './connect/open-connection.ts';
import { createProxyBypass, type ProxySettings } from './connect/proxy-settings.ts';
import { createTlsContext, tlsKeyOf } from './connect/tls-material.ts';
import { type ConnectionPool, createConnectionPool } from './connection-pool.ts';
import { createIdleConnections } from './idle-connections.ts';
import { PendingPost } from './pending-post.ts';
import type { PostConnection } from './post-connection.ts';
import { PostFailure } from './post-failure.ts';
import { type PostResult, unsent } from './post-result.ts';
import type { PostTarget } from './post-target.ts';

export interface PostClient {
  /** Never rejects: whatever the network does is a result. */
  post(request: PostRequest): Promise<PostResult>;
  /**
   * The TLS material of an endpoint was changed, or it is gone: its connections are closed once what
   * is under way has ended. Another endpoint with the same origin and material opens new ones.
   */
  forget(target: PostTarget): void;
  /** Ends connections; what is under way becomes `aborted`. */
  close(): Promise<void>;
}

export interface PostRequest {
  /** POST unless it says otherwise. */
  method?: 'POST' | 'OPTIONS';
  target: PostTarget;
  /** Name, value, name, value ... */
  headers: string[];
  body: Uint8Array;
  /** One deadline over name look-up, connecting, headers and body. */
  timeoutMs: number;
  /** The time now, which the caller has just read; latency counts from it. */
  startedAtMs: number;
}

/** Pools that are kept without a connection: each holds a TLS session, 5 to 25 kB. */
const MAX_SPARE_POOLS = 4_096;

/**
 * Posts that reach their deadline in one turn of the event loop. Each ends a connection, half a
 * millisecond: when ten endpoints hang, hundreds do at once, and the others would wait for them.
 */
const EXPIRIES_A_TURN = 4;

/** What is known of a target once it has been posted to. */
interface Route {
  /** Why its host is never dialled: a literal, or a name of this machine. */
  refusal: string | null;
  poolKey: string;
}

export function createPostClient(options: {
  guard: AddressGuard;
  clock: Clock;
  /** How many connections to one origin at most. */
  connectionsPerOrigin: number;
  /** How many connections are kept without work at most, to all origins. */
  idleConnections: number;
  lookup?: Lookup;
  /** PEM certificates to trust beside the system's. */
  ca?: string;
  /** Null for direct connections. */
  proxy?: ProxySettings | null;
}): PostClient {
  const { guard, clock, proxy = null, ca = null } = options;
  const inTurns = createTurns(EXPIRIES_A_TURN);
  const find = shareLookups(options.lookup ?? systemLookup);
  const bypasses = createProxyBypass(proxy?.noProxy ?? []);
  const routes = new WeakMap<PostTarget, Route>();
  /** By origin and TLS material. */
  const pools = new Map<string, ConnectionPool>();
  /** Those that have run out of connections; some may have got one since. The longest idle comes first. */
  const spare = new Map<string, ConnectionPool>();
  const idle = createIdleConnections<PostConnection>(options.idleConnections);
  /** Forgotten, but still at work. */
  const retired = new Set<ConnectionPool>();
  let closed = false;

  const usualContext = once(() => createTlsContext(null, ca));
  const proxyWay: ProxyWay | null =
    proxy === null ? null : { address: proxy, secureContext: usualContext };

  /** Kept, since the host of a target never changes its meaning and parsing it costs 3 us. */
  function routeOf(target: PostTarget): Route {
    const known = routes.get(target);
    if (known !== undefined) return known;
    const { origin, hostname, tls } = target;
    const refusal = refuseHost(hostname, guard);
    const route = { refusal, poolKey: `${origin} ${tlsKeyOf(tls)}` };
    routes.set(target, route);
    return route;
  }

  function createPool({ origin, hostname, tls }: PostTarget, poolKey: string): ConnectionPool {
    const isDirect = isLoopbackHost(hostname) || bypasses(hostname);
    const pool = createConnectionPool({
      origin,
      open: createOpener({
        origin,
        secureContext: tls === null ? usualContext : once(() => createTlsContext(tls, ca)),
        guard,
        find,
        clock,
        proxy: isDirect ? null : proxyWay,
      }),
      limit: options.connectionsPerOrigin,
      idle,
      onEmpty: () => setAside(pool, poolKey),
    });
    pools.set(poolKey, pool);
    return pool;
  }

  /** It keeps its TLS session for the next connection to resume, unless there are many. */
  function setAside(pool: ConnectionPool, poolKey: string): void {
    if (retired.delete(pool)) return;
    spare.delete(poolKey);
    spare.set(poolKey, pool);
    if (spare.size <= MAX_SPARE_POOLS) return;
    for (const [key, oldest] of spare) {
      spare.delete(key);
      // One that is at work again is set aside anew after it.
      if (oldest.isEmpty()) pools.delete(key);
      return;
    }
  }

  return {
    post(request) {
      if (closed) return Promise.resolve(unsent('aborted', 'Posthorn is stopping.'));
      const { target } = request;
      const { refusal, poolKey } = routeOf(target);
      if (refusal !== null) return Promise.resolve(unsent('address_not_allowed', refusal));
      const pool = pools.get(poolKey) ?? createPool(target, poolKey);
      return new Promise((resolve) =>
        pool.send(new PendingPost(request, { clock, inTurns }, resolve)),
      );
    },
    forget(target) {
      const { poolKey } = routeOf(target);
      if (target.tls === null) return;
      const pool = pools.get(poolKey);
      if (pool === undefined) return;
      pools.delete(poolKey);
      spare.delete(poolKey);
      if (!pool.isEmpty()) retired.add(pool);
      pool.retire();
    },
    async close() {
      closed = true;
      const reason = new PostFailure('aborted', 'Posthorn is stopping.');
      await Promise.all([...pools.values(), ...retired].map((pool) => pool.destroy(reason)));
    },
  };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
