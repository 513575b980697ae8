import { domainToASCII } from 'node:url';

/**
 * The address as it stands in MAIL and RCPT, its domain in ASCII; `null` where it cannot. Also the last
 * guard against commands hidden in addresses: nothing passes that ends a line or a path.
 */
export function wireAddress(address: string): string | null {
  const at = address.lastIndexOf('@');
  const domain = domainToASCII(address.slice(at + 1)).toLowerCase();
  if (at < 1 || domain === '' || /[\u0000-\u001f\u007f]/.test(address)) return null;
  const local = address.slice(0, at);
  return /[<>\s]/.test(local) && !/^".*"$/.test(local) ? null : `${local}@${domain}`;
}
