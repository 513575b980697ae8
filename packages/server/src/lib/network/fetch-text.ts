import type { LookupAddress } from 'node:dns';
import { get } from 'node:https';
import type { AddressGuard } from './address-guard.ts';
import { createNameLookup } from './name-lookup.ts';

/**
 * GETs a small text by HTTPS from an address that a stranger's DNS leads to: only addresses that the
 * guard lets pass are dialled, the certificate is checked, redirects are not followed, and size and time
 * are bounded. Rejects with a sentence.
 */
export function createTextFetcher(options: {
  guard: AddressGuard;
  timeoutMs: number;
  maxBytes: number;
  /** Who is asked for names, `ip` or `ip:port`; without any, whoever the system asks. */
  dnsServers: readonly string[];
  /** Beside the system's authorities. */
  ca?: string;
  /** In place of 443. */
  port?: number;
}): (url: string) => Promise<string> {
  const { guard, timeoutMs, maxBytes } = options;
  const lookUp = createNameLookup(options.dnsServers);
  const refuse = (all: LookupAddress[]): Error | null => {
    const reasons = all.map(({ address }) => guard.refuse(address)).filter((one) => one !== null);
    return reasons.length === 0 ? null : new Error(`${reasons[0]}.`);
  };
  return (url) =>
    new Promise((resolve, reject) => {
      const request = get(
        url,
        {
          signal: AbortSignal.timeout(timeoutMs),
          agent: false,
          ...(options.ca === undefined ? {} : { ca: options.ca }),
          ...(options.port === undefined ? {} : { port: options.port }),
          lookup(hostname, wanted, found) {
            lookUp(hostname).then(
              (all) => {
                const fault = refuse(all);
                const [first] = all;
                if (fault !== null || first === undefined) {
                  found(fault ?? new Error(`${hostname} has no address.`), '', 4);
                } else if (wanted.all === true) found(null, all);
                else found(null, first.address, first.family);
              },
              (error) => found(error, '', 4),
            );
          },
        },
        (response) => {
          if (response.statusCode !== 200) {
            response.destroy();
            reject(new Error(`The server answered ${response.statusCode}.`));
            return;
          }
          const pieces: Buffer[] = [];
          let size = 0;
          response.on('data', (piece: Buffer) => {
            pieces.push(piece);
            size += piece.length;
            if (size > maxBytes) response.destroy(new Error(`It has more than ${maxBytes} bytes.`));
          });
          response.on('error', reject);
          response.on('end', () => resolve(Buffer.concat(pieces).toString('utf8')));
        },
      );
      request.on('error', (error) => {
        const isLate = error.name === 'TimeoutError' || error.name === 'AbortError';
        const late = new Error(`No answer within ${timeoutMs} ms.`);
        reject(isLate ? Object.assign(late, { code: 'ETIMEDOUT' }) : error);
      });
    });
}
