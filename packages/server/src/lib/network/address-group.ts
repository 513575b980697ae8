import ipaddr from 'ipaddr.js';

/** Bits of an IPv6 address that say whose it is: the rest is the customer's own to choose (RFC 6177). */
const IPV6_BITS = 64;

/**
 * What is limited by address is limited by this: an IPv4 address itself, and of an IPv6 address the /64 that
 * it is in, since whoever has one address there has them all. What is no address is its own group.
 */
export function addressGroup(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const network = parsed.parts.map((part, i) => (i < IPV6_BITS / 16 ? part : 0));
  return `${new ipaddr.IPv6(network.flatMap((part) => [part >> 8, part & 255])).toString()}/${IPV6_BITS}`;
}
