import { isIP } from 'node:net';
import type { SourceAddress } from '../../smtp/client/source-addresses.ts';

/** Addresses that send together, by the name that a stream knows them by. */
export type SourcePools = ReadonlyMap<string, readonly SourceAddress[]>;

/**
 * `main=192.0.2.7*3,192.0.2.8; bulk=192.0.2.9~2026-11-20`: behind `*` a weight, behind `~` the day (UTC) on
 * which the address began to send. Throws an Error that says what is wrong.
 */
export function parseSourcePools(text: string): SourcePools {
  const pools = new Map<string, SourceAddress[]>();
  const taken = new Set<string>();
  for (const part of text.split(';').map((one) => one.trim())) {
    if (part === '') continue;
    const [, name, list = ''] = /^([a-z][a-z0-9_-]{0,30})=(.+)$/i.exec(part) ?? [];
    if (name === undefined || pools.has(name)) {
      throw new Error(`"${part}" is not a pool of its own such as main=192.0.2.7,192.0.2.8`);
    }
    const addresses = list.split(',').map((one) => parseAddress(one.trim()));
    for (const { address } of addresses) {
      if (taken.has(address)) throw new Error(`${address} is in two pools, or twice in one`);
      taken.add(address);
    }
    pools.set(name, addresses);
  }
  return pools;
}

function parseAddress(text: string): SourceAddress {
  const [, address = '', weight = '1', day] =
    /^([0-9a-f.:]+)(?:\*(\d{1,3}))?(?:~(\d{4}-\d\d-\d\d))?$/i.exec(text) ?? [];
  const sinceMs = day === undefined ? null : Date.parse(`${day}T00:00:00Z`);
  if (isIP(address) === 0 || Number(weight) === 0 || Number.isNaN(sinceMs)) {
    throw new Error(
      `"${text}" is not an address such as 192.0.2.7, 192.0.2.7*3 or 192.0.2.7~2026-11-20`,
    );
  }
  return { address, weight: Number(weight), warmingSinceMs: sinceMs };
}

/** Rungs of a warm-up: whole numbers, by the day. Throws an Error that says what is wrong. */
export function parseWarmup(text: string): readonly number[] {
  const rungs = text.split(',').map((one) => one.trim());
  if (rungs.length > 100 || !rungs.every((one) => /^[1-9]\d{0,8}$/.test(one))) {
    throw new Error(`"${text}" is not a list of whole numbers such as 100,200,400`);
  }
  return rungs.map(Number);
}

/** The pool of this name; without a name those of `mail_source_addresses`. Throws where there is none. */
export function findPool(
  config: { mailPools: SourcePools; mailSourceAddresses: readonly string[] },
  name: string | null,
  setting: string,
): readonly SourceAddress[] {
  if (name === null) {
    return config.mailSourceAddresses.map((address) => {
      return { address, weight: 1, warmingSinceMs: null };
    });
  }
  const pool = config.mailPools.get(name);
  if (pool !== undefined) return pool;
  const names = [...config.mailPools.keys()].join(', ') || 'none';
  throw new Error(`${setting}: there is no pool "${name}" in mail_pools (there are: ${names})`);
}
