import { type Clock, systemClock } from '../../lib/clock.ts';
import { createAddressGuard } from '../../lib/network/address-guard.ts';
import type { ProxySettings } from './connect/proxy-settings.ts';
import { createPostClient, type PostClient } from './post-client.ts';

/** What makes a client, as plain data: it crosses to the threads that post. */
export interface PostClientSettings {
  /** Networks that may be posted to although they are not public. */
  networks: readonly string[];
  connectionsPerOrigin: number;
  /** How many connections without work are kept at most, of one client. */
  idleConnections: number;
  /** PEM certificates to trust beside the system's. */
  ca: string | null;
  proxy: ProxySettings | null;
}

export function createConfiguredPostClient(
  settings: PostClientSettings,
  clock: Clock = systemClock,
): PostClient {
  const { networks, connectionsPerOrigin, idleConnections, ca, proxy } = settings;
  return createPostClient({
    guard: createAddressGuard([...networks]),
    clock,
    connectionsPerOrigin,
    idleConnections,
    proxy,
    ...(ca === null ? {} : { ca }),
  });
}
