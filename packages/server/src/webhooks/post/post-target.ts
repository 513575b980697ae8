/** Where to post, taken apart once when the endpoint is loaded. */
export interface PostTarget {
  origin: string;
  path: string;
  hostname: string;
  tls: EndpointTls | null;
}

/** What an endpoint brings to the TLS handshake, all PEM. */
export interface EndpointTls {
  /** What Posthorn shows when it is asked who it is (mTLS), and the key to it. */
  certificate: string | null;
  privateKey: string | null;
  /** Authorities to trust for this endpoint, beside the usual ones. */
  ca: string | null;
}

export function parseTarget(url: string, tls: EndpointTls | null = null): PostTarget {
  const { origin, pathname, search, hostname } = new URL(url);
  return { origin, path: pathname + search, hostname, tls };
}
