import { createServer, isIP } from 'node:net';
import { messageOf } from '../../lib/errors.ts';

/** Which of this machine's addresses a connection leaves from. */
export interface SourceAddresses {
  /**
   * For a connection to this address: `localAddress`, or undefined where the system chooses (none are
   * given, or the server is known by name only). Null: there are some, but none of this family, and one
   * that the system chose would not be one that the receivers are told to expect.
   */
  next(destination: string): string | undefined | null;
}

/** Those of the destination's family, one after the other with each connection. */
export function createSourceAddresses(addresses: readonly string[]): SourceAddresses {
  const families = new Map(
    [4, 6].map((family) => [family, addresses.filter((one) => isIP(one) === family)]),
  );
  return {
    next(destination) {
      const family = isIP(destination);
      if (addresses.length === 0 || family === 0) return undefined;
      const list = families.get(family) ?? [];
      const first = list.shift();
      if (first === undefined) return null;
      list.push(first);
      return first;
    },
  };
}

/** Rejects where this machine does not have one of them, or may not use it. */
export async function checkSourceAddresses(addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        const detail = `mail_source_addresses: ${address} is not an address of this machine, or cannot be used: ${messageOf(error)}`;
        reject(new Error(detail, { cause: error }));
      });
      server.listen({ host: address, port: 0 }, () => server.close(() => resolve()));
    });
  }
}
