import { isIP } from 'node:net';
import type { AddressGuard } from '../../lib/network/address-guard.ts';
import { SinkTrouble } from '../contract.ts';
import { type GuardedLookup, isRefusal, refuseLiteral } from './sink-http.ts';

/** The address to dial for a host: see SinkSurroundings.addressOf. */
export function resolveForSinks(
  guard: Pick<AddressGuard, 'refuse'>,
  lookup: GuardedLookup,
): (host: string) => Promise<string> {
  return async (host) => {
    refuseLiteral(guard, host);
    const literal = host.replace(/^\[|\]$/g, '');
    if (isIP(literal) !== 0) return literal;
    return new Promise((resolve, reject) => {
      lookup(host, { all: false }, (error, address) => {
        if (error === null && typeof address === 'string') return resolve(address);
        const code = isRefusal(error) ? 'address_refused' : 'unreachable';
        reject(new SinkTrouble(code, `${error?.message ?? `${host} has no address`}.`));
      });
    });
  };
}
