import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Decides whether Posthorn may open a connection to an address that a user's URL or a stranger's DNS
 * led to. Only public unicast passes; everything that could lead back inside is refused: private,
 * loopback, link-local (cloud metadata), CGNAT, multicast, reserved, and the IPv6 forms that carry
 * an IPv4 address inside (mapped, NAT64, 6to4, Teredo), which are judged by what they carry.
 */
export interface AddressGuard {
  /** `null` when the address may be dialled, otherwise why not, as half a sentence. */
  refuse(address: string): string | null;
}

/** What an operator can open: CIDR blocks, or one of the two names. */
const NAMED_NETWORKS: Record<string, readonly string[]> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/** Throws a RangeError that names the entry when it is neither a CIDR block nor a known name. */
export function createAddressGuard(allowedNetworks: readonly string[]): AddressGuard {
  const allowed = allowedNetworks.flatMap((entry) =>
    (NAMED_NETWORKS[entry] ?? [entry]).map((block) => parseBlock(block)),
  );
  return {
    refuse(text) {
      if (isIP(text) === 0) return `${text} is not an IP address`;
      const address = ipaddr.process(text);
      if (allowed.some((block) => contains(block, address))) return null;
      return refuseByRange(address);
    },
  };
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Block = [Address, number];

function parseBlock(block: string): Block {
  try {
    return ipaddr.parseCIDR(block);
  } catch {
    throw new RangeError(
      `"${block}" is not a network. Write a CIDR block such as 10.1.0.0/16, or one of: ${Object.keys(NAMED_NETWORKS).join(', ')}.`,
    );
  }
}

function contains([network, bits]: Block, address: Address): boolean {
  return network.kind() === address.kind() && address.match(network, bits);
}

function refuseByRange(address: Address): string | null {
  if (address instanceof ipaddr.IPv4) {
    const range = address.range();
    return range === 'unicast' ? null : `${address} is not a public address (${range})`;
  }
  const carried = carriedIPv4(address);
  if (carried !== null) {
    const reason = refuseByRange(carried);
    return reason === null ? null : `${address} leads elsewhere: ${reason}`;
  }
  // RFC 4291: global unicast is 2000::/3; what IANA has not given out there is caught by range().
  const global = address.match(GLOBAL_UNICAST, 3) && address.range() === 'unicast';
  return global ? null : `${address} is not a public address (${address.range()})`;
}

const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');

/**
 * The IPv4 address inside NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380) or ::a.b.c.d. Of NAT64
 * only the well-known /96: where it stands in a network's own prefix (64:ff9b:1::/48, RFC 8215) only
 * that network knows, and a guess could be led astray.
 */
function carriedIPv4(address: ipaddr.IPv6): ipaddr.IPv4 | null {
  const bytes = address.toByteArray();
  const at = (start: number, flip = 0): ipaddr.IPv4 =>
    new ipaddr.IPv4(bytes.slice(start, start + 4).map((byte) => byte ^ flip));
  const startsWith = (...prefix: number[]): boolean => prefix.every((byte, i) => bytes[i] === byte);
  if (startsWith(0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0)) return at(12);
  if (startsWith(0x20, 0x02)) return at(2);
  if (startsWith(0x20, 0x01, 0x00, 0x00)) return at(12, 0xff);
  if (startsWith(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)) return at(12);
  return null;
}
