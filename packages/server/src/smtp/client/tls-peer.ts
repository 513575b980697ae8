import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

export interface TlsOffer {
  /** The name, or the address, that the certificate must be for. */
  host: string;
  verify: boolean;
  /** PEM, instead of the certificates that the runtime trusts. */
  ca?: string | undefined;
}

/** Who is at the other end of an encrypted connection. */
export interface TlsPeer {
  /** `TLSv1.3` */
  protocol: string;
  cipher: string;
  /** Why the certificate would not do for its host; `null`: it is right. */
  fault: string | null;
  /** The server's certificate and what it sent with it. */
  chain(): X509Certificate[];
}

export function tlsOptions(offer: TlsOffer): object {
  return {
    host: offer.host,
    // SNI carries names only (RFC 6066 section 3).
    ...(isIP(offer.host) === 0 ? { servername: offer.host } : {}),
    ...(offer.ca === undefined ? {} : { ca: offer.ca }),
    rejectUnauthorized: offer.verify,
  };
}

/** More certificates than this in one chain are none. */
const MAX_CHAIN = 10;

export function readTlsPeer(socket: TLSSocket): TlsPeer {
  return {
    protocol: socket.getProtocol() ?? 'TLS',
    cipher: socket.getCipher()?.name ?? 'unknown cipher',
    fault: socket.authorized ? null : faultOf(socket.authorizationError),
    chain() {
      const chain: X509Certificate[] = [];
      let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
      // Without one it is an empty object, and the last is its own issuer.
      while (next?.raw !== undefined && chain.length < MAX_CHAIN) {
        chain.push(new X509Certificate(next.raw));
        const issuer: DetailedPeerCertificate | undefined = next.issuerCertificate;
        next = issuer?.fingerprint256 === next.fingerprint256 ? undefined : issuer;
      }
      return chain;
    },
  };
}

/** Typed as an Error, and a code such as SELF_SIGNED_CERT_IN_CHAIN in truth. */
function faultOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error ?? 'not checked');
}
