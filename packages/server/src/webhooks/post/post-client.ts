import { lookup as systemLookup } from 'node:dns';
import type { SecureContext } from 'node:tls';
import type { AddressGuard } from '../../lib/address-guard.ts';
import type { Clock } from '../../lib/clock.ts';
import { isLoopbackHost, refuseHost } from '../endpoint-url.ts';
import { type Lookup, shareLookups } from './connect/guarded-lookup.ts';
import { createOpener, type ProxyWay } from './connect/open-connection.ts';
import { createProxyBypass, type ProxySettings } from './connect/proxy-settings.ts';
import { createTlsContext, tlsKeyOf } from './connect/tls-material.ts';
import { type ConnectionPool, createConnectionPool } from './connection-pool.ts';
import { PendingPost } from './pending-post.ts';
import type { PostErrorCode } from './post-errors.ts';
import { PostFailure } from './post-failure.ts';
import type { PostResult } from './post-result.ts';
import type { EndpointTls, PostTarget } from './post-target.ts';

export interface PostClient {
  /** Never rejects: whatever the network does is a result. */
  post(request: PostRequest): Promise<PostResult>;
  /**
   * The endpoint was changed or deleted. Connections with its TLS material are closed when no other
   * target in use has the same; what is under way ends as it would.
   */
  forget(target: PostTarget): void;
  /** Ends connections; what is under way becomes `aborted`. */
  close(): Promise<void>;
}

export interface PostRequest {
  target: PostTarget;
  /** Name, value, name, value ... */
  headers: string[];
  body: Uint8Array;
  /** One deadline over name look-up, connecting, headers and body. */
  timeoutMs: number;
  /** The time now, which the caller has just read; latency counts from it. */
  startedAtMs: number;
}

/** What is known of a target once it has been posted to. */
interface Route {
  /** Why its host is never dialled: a literal, or a name of this machine. */
  refusal: string | null;
  poolKey: string;
  material: Material;
}

/** The TLS material of one endpoint or several. */
interface Material {
  tls: EndpointTls | null;
  /** Those that brought it; not counted where there is none. */
  targets: Set<PostTarget>;
  pools: Set<ConnectionPool>;
  context: SecureContext | null;
}

export function createPostClient(options: {
  guard: AddressGuard;
  clock: Clock;
  /** How many connections to one origin at most. */
  connectionsPerOrigin: number;
  lookup?: Lookup;
  /** PEM certificates to trust beside the system's. */
  ca?: string;
  /** Null for direct connections. */
  proxy?: ProxySettings | null;
}): PostClient {
  const { guard, clock, proxy = null, ca = null } = options;
  const find = shareLookups(options.lookup ?? systemLookup);
  const bypasses = createProxyBypass(proxy?.noProxy ?? []);
  const routes = new WeakMap<PostTarget, Route>();
  const materials = new Map<string, Material>();
  const pools = new Map<string, ConnectionPool>();
  /** Those that are retired and still at work as well. */
  const open = new Set<ConnectionPool>();
  let closed = false;

  const noMaterial = newMaterial(null);
  const proxyWay: ProxyWay | null =
    proxy === null ? null : { address: proxy, secureContext: () => contextOf(noMaterial) };

  function contextOf(material: Material): SecureContext {
    material.context ??= createTlsContext(material.tls, ca);
    return material.context;
  }

  /** Kept, since the host of a target never changes its meaning and parsing it costs 3 us. */
  function routeOf(target: PostTarget): Route {
    const known = routes.get(target);
    if (known !== undefined) return known;
    const { origin, hostname, tls } = target;
    const key = tlsKeyOf(tls);
    const material = key === '' ? noMaterial : (materials.get(key) ?? newMaterial(tls));
    if (key !== '') {
      materials.set(key, material);
      material.targets.add(target);
    }
    const route = { refusal: refuseHost(hostname, guard), poolKey: `${origin} ${key}`, material };
    routes.set(target, route);
    return route;
  }

  function poolOf({ origin, hostname }: PostTarget, { poolKey, material }: Route): ConnectionPool {
    const known = pools.get(poolKey);
    if (known !== undefined) return known;
    const isDirect = isLoopbackHost(hostname) || bypasses(hostname);
    const pool = createConnectionPool({
      origin,
      open: createOpener({
        origin,
        secureContext: () => contextOf(material),
        guard,
        find,
        clock,
        proxy: isDirect ? null : proxyWay,
      }),
      limit: options.connectionsPerOrigin,
      onEmpty() {
        open.delete(pool);
        material.pools.delete(pool);
        if (pools.get(poolKey) === pool) pools.delete(poolKey);
      },
    });
    pools.set(poolKey, pool);
    open.add(pool);
    material.pools.add(pool);
    return pool;
  }

  return {
    post(request) {
      if (closed) return Promise.resolve(unsent('aborted', 'Posthorn is stopping.'));
      const { target } = request;
      const route = routeOf(target);
      const { refusal } = route;
      if (refusal !== null) return Promise.resolve(unsent('address_not_allowed', refusal));
      const pool = pools.get(route.poolKey) ?? poolOf(target, route);
      return new Promise((resolve) => pool.send(new PendingPost(request, clock, resolve)));
    },
    forget(target) {
      const material = routes.get(target)?.material;
      routes.delete(target);
      if (material === undefined || !material.targets.delete(target)) return;
      if (material.targets.size > 0) return;
      materials.delete(tlsKeyOf(material.tls));
      for (const pool of material.pools) pool.retire();
      for (const [key, pool] of pools) if (material.pools.has(pool)) pools.delete(key);
    },
    async close() {
      closed = true;
      const reason = new PostFailure('aborted', 'Posthorn is stopping.');
      await Promise.all([...open].map((pool) => pool.destroy(reason)));
    },
  };
}

function newMaterial(tls: EndpointTls | null): Material {
  return { tls, targets: new Set(), pools: new Set(), context: null };
}

/** The result of a post for which nothing was dialled. */
function unsent(errorCode: PostErrorCode, errorDetail: string): PostResult {
  return {
    status: null,
    errorCode,
    errorDetail,
    retryAfter: null,
    responseExcerpt: null,
    responseHeaders: null,
    timing: null,
    latencyMs: 0,
  };
}
