import { createServer, isIP } from 'node:net';
import { messageOf } from '../../lib/errors.ts';

/** An address of this machine that mail leaves from. */
export interface SourceAddress {
  address: string;
  /** How often it is chosen, beside the others. */
  weight: number;
  /** The day (UTC) on which it began to send; null: it is known already, and sends what there is. */
  warmingSinceMs: number | null;
}

export type SourceChoice =
  | { kind: 'address'; address: string }
  /** The system chooses: none are given, or the server is known by name only. */
  | { kind: 'system' }
  /** There are some, but none of this family, and one of the system's would not be expected. */
  | { kind: 'none' }
  /** All of this family have sent what they may today. */
  | { kind: 'full' };

/** How many messages addresses have sent today; kept elsewhere, so that a restart does not forget. */
export interface SourceUsage {
  sentToday(address: string): number;
  add(address: string, count: number): void;
}

/** Which of this machine's addresses a connection leaves from. */
export interface SourceAddresses {
  next(destination: string): SourceChoice;
  /** Whether a connection that is there may carry another message. */
  mayUse(address: string | undefined): boolean;
  /** So many recipients were reached from it. */
  sent(address: string | undefined, count: number): void;
}

const DAY_MS = 86_400_000;

interface Candidate extends SourceAddress {
  /** How far it is ahead of its turn. */
  credit: number;
}

/**
 * In turn by weight (each turn adds its weight to all, and takes the sum from the one that is chosen, so
 * that 5:1 is no burst of five). An address that is being warmed up has a number for each day, and is passed over
 * when that is reached; behind the last day there is none.
 */
export function createSourceAddresses(options: {
  addresses: readonly SourceAddress[];
  /** Recipients on the first day, the second ... */
  warmup: readonly number[];
  usage: SourceUsage;
  now: () => number;
}): SourceAddresses {
  const { addresses, warmup, usage, now } = options;
  const known = new Map(addresses.map((one) => [one.address, one]));
  const families = new Map(
    [4, 6].map((family) => {
      const list = addresses.filter(({ address }) => isIP(address) === family);
      return [family, list.map((one): Candidate => ({ ...one, credit: 0 }))];
    }),
  );

  /** Null: as many as there are. */
  function capOf({ warmingSinceMs }: SourceAddress): number | null {
    if (warmingSinceMs === null) return null;
    const day = Math.floor((now() - warmingSinceMs) / DAY_MS);
    if (day < 0) return 0;
    return warmup[day] ?? null;
  }

  function hasRoom(one: SourceAddress): boolean {
    const cap = capOf(one);
    return cap === null || usage.sentToday(one.address) < cap;
  }

  return {
    next(destination) {
      const family = isIP(destination);
      if (addresses.length === 0 || family === 0) return { kind: 'system' };
      const all = families.get(family) ?? [];
      if (all.length === 0) return { kind: 'none' };
      const free = all.filter(hasRoom);
      const sum = free.reduce((total, { weight }) => total + weight, 0);
      let best: Candidate | null = null;
      for (const one of free) {
        one.credit += one.weight;
        if (best === null || one.credit > best.credit) best = one;
      }
      if (best === null) return { kind: 'full' };
      best.credit -= sum;
      return { kind: 'address', address: best.address };
    },
    mayUse(address) {
      const one = address === undefined ? undefined : known.get(address);
      return one === undefined || hasRoom(one);
    },
    sent(address, count) {
      const one = address === undefined ? undefined : known.get(address);
      if (one !== undefined && capOf(one) !== null) usage.add(one.address, count);
    },
  };
}

/** Rejects where this machine does not have one of them, or may not use it. */
export async function checkSourceAddresses(
  addresses: readonly string[],
  setting = 'mail_source_addresses',
): Promise<void> {
  for (const address of addresses) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        const detail = `${setting}: ${address} is not an address of this machine, or cannot be used: ${messageOf(error)}`;
        reject(new Error(detail, { cause: error }));
      });
      server.listen({ host: address, port: 0 }, () => server.close(() => resolve()));
    });
  }
}
