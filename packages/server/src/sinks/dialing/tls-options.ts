import { isIP } from 'node:net';

/** What TLS needs to know when the address was looked up before: whose certificate has to come. */
export function tlsOptions({ host, ca }: { host: string; ca?: string | undefined }): {
  servername?: string;
  ca?: string;
} {
  return {
    // An address is no server name (RFC 6066); the certificate is held against it all the same.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
  };
}
