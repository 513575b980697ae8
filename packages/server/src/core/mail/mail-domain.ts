import { domainToASCII } from 'node:url';

const NOT_ASCII = /[^\u0000-\u007f]/;

/**
 * A domain in the one form in which two are compared: lower case, an IDN in ASCII (RFC 5890:
 * `bücher.example` becomes `xn--bcher-kva.example`). What is no domain comes back in lower case.
 */
export function toAsciiDomain(domain: string): string {
  const lower = domain.toLowerCase();
  return NOT_ASCII.test(lower) ? domainToASCII(lower) || lower : lower;
}

/** The domain of `user@example.com` or `Name <user@example.com>`, for comparing; '' without one. */
export function domainOf(address: string): string {
  const at = address.lastIndexOf('@');
  if (at === -1) return '';
  const end = address.indexOf('>', at);
  return toAsciiDomain(address.slice(at + 1, end === -1 ? undefined : end));
}

/** An address for comparing. Its local part stays: it belongs to the receiving side. */
export function toComparableAddress(address: string): string {
  const at = address.lastIndexOf('@');
  if (at === -1) return address;
  const given = address.slice(at + 1);
  const domain = toAsciiDomain(given);
  // Events have the domain in this form already, and then no new text is made.
  return domain === given ? address : `${address.slice(0, at)}@${domain}`;
}
