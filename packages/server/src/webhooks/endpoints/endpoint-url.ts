import { isIP } from 'node:net';
import type { AddressGuard } from '../../lib/network/address-guard.ts';

/** What the operator allows beyond public HTTPS. */
export interface EndpointUrlPolicy {
  guard: AddressGuard;
  /** Plain http to any host, not to loopback alone. */
  allowHttp: boolean;
}

const MAX_URL_LENGTH = 2_048;

/**
 * Checks a URL when it is saved. `null` when it is fine; otherwise a sentence that says what to do.
 * Names are not resolved here: the address that counts is the one that is dialled (post/).
 */
export function explainEndpointUrl(text: string, policy: EndpointUrlPolicy): string | null {
  if (text.length > MAX_URL_LENGTH) return `A URL may have ${MAX_URL_LENGTH} characters.`;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return 'This is not a URL. Write it whole, such as https://app.example.com/webhooks/email.';
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return `The scheme ${url.protocol} cannot be posted to. Use https.`;
  }
  if (url.username !== '' || url.password !== '') {
    return 'A URL with a user name or password in it would leak them into logs. Take them out; the signature tells your handler who is calling.';
  }
  if (url.hash !== '') return 'A URL with a #fragment cannot be posted to. Take it out.';
  const refusal = refuseHost(url.hostname, policy.guard);
  if (refusal !== null) {
    return `${refusal}. Posthorn posts to public addresses only; an operator can open a network with the setting endpoint_networks.`;
  }
  if (url.protocol === 'http:' && !policy.allowHttp && !isLoopbackHost(url.hostname)) {
    return 'Use https: over plain http anyone on the way reads and changes events. (An operator can allow it with the setting endpoint_allow_http.)';
  }
  return null;
}

/** Judges what can be judged without DNS: literals, and names that always mean this machine. */
export function refuseHost(hostname: string, guard: AddressGuard): string | null {
  const literal = hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0) return guard.refuse(literal);
  return isLoopbackHost(hostname) && guard.refuse('127.0.0.1') !== null
    ? `${hostname} is this machine`
    : null;
}

/** A name or an address that always means this machine. */
export function isLoopbackHost(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '').toLowerCase();
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    (isIP(name) === 4 && name.startsWith('127.'))
  );
}
