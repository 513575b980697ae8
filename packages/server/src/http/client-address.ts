import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { createAddressGuard } from '../lib/network/address-guard.ts';

/** Refuses what no stranger can come from: loopback, private networks. */
const publicOnly = createAddressGuard([]);

/**
 * Whose request it is. A connection from the machine itself or a private network is a proxy's, which says in
 * the last place of X-Forwarded-For who asked it; anybody else could write anything there.
 */
export function readClientAddress(
  peer: string | undefined,
  forwarded: string | string[] | undefined,
): string | null {
  if (peer === undefined) return null;
  const last = String(forwarded ?? '')
    .split(',')
    .at(-1)
    ?.trim();
  const isProxy = publicOnly.refuse(peer) !== null;
  if (isProxy && last !== undefined && isIP(last) !== 0) return last;
  return peer.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** Whose request it is, in a text: for limits by address, and for records of who did something. */
export function clientOf({ socket, headers }: Pick<FastifyRequest, 'socket' | 'headers'>): string {
  return readClientAddress(socket.remoteAddress, headers['x-forwarded-for']) ?? 'unknown';
}
