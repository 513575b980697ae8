import type { LookupAddress, LookupOptions, lookup as systemLookup } from 'node:dns';
import type { AddressGuard } from '../../../lib/network/address-guard.ts';
import { PostFailure } from '../post-failure.ts';

export type Lookup = typeof systemLookup;

type Found = (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void;

/** Every address of a name. */
export type FindAddresses = (hostname: string, found: Found) => void;

/** In the form that net.connect takes. */
export type SocketLookup = (
  hostname: string,
  options: LookupOptions,
  callback: (
    error: NodeJS.ErrnoException | null,
    address: string | LookupAddress[],
    family?: number,
  ) => void,
) => void;

/**
 * Asks for a name once, however many wait for it. The system's look-ups share four threads with all
 * other work: many posts to one name whose server is silent would take them from everyone else.
 */
export function shareLookups(lookup: Lookup): FindAddresses {
  const waiting = new Map<string, Found[]>();
  return (hostname, found) => {
    const others = waiting.get(hostname);
    if (others !== undefined) {
      others.push(found);
      return;
    }
    const all = [found];
    waiting.set(hostname, all);
    lookup(hostname, { all: true, verbatim: true }, (error, addresses) => {
      waiting.delete(hostname);
      for (const one of all) one(error, error === null ? addresses : []);
    });
  };
}

/** Drops every address that must not be dialled; the socket sees only what is left. */
export function guardLookup(guard: AddressGuard, find: FindAddresses): SocketLookup {
  return (hostname, options, callback) => {
    find(hostname, (error, found) => {
      if (error !== null) return callback(error, []);
      const allowed = found.filter(({ address }) => guard.refuse(address) === null);
      const [first] = allowed;
      if (first === undefined) return callback(refusal(hostname, guard, found), []);
      if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

/**
 * Behind a proxy nobody can say which of the addresses will be dialled, so one that must not be is
 * enough to refuse. A name that cannot be looked up here is left to the proxy.
 */
export function judgeName(
  guard: AddressGuard,
  find: FindAddresses,
  hostname: string,
  judged: (refused: PostFailure | null) => void,
): void {
  find(hostname, (error, found) => {
    const forbidden = found.filter(({ address }) => guard.refuse(address) !== null);
    judged(error !== null || forbidden.length === 0 ? null : refusal(hostname, guard, forbidden));
  });
}

function refusal(hostname: string, guard: AddressGuard, found: LookupAddress[]): PostFailure {
  const reason = found.map(({ address }) => guard.refuse(address)).join('; ');
  return new PostFailure('address_not_allowed', `${hostname}: ${reason || 'it has no address'}`);
}
