import { BlockList, isIP } from 'node:net';

/** The way out for posts: an HTTP proxy that opens tunnels (CONNECT). */
export interface ProxySettings extends ProxyAddress {
  /** Where posts go directly all the same; see createProxyBypass. */
  noProxy: readonly string[];
}

export interface ProxyAddress {
  /** TLS to the proxy itself. */
  tls: boolean;
  hostname: string;
  port: number;
  /** The value of Proxy-Authorization, a secret; null where the proxy asks for none. */
  authorization: string | null;
}

/** Throws an Error that says what is wrong without repeating the URL, which may hold a password. */
export function parseProxyUrl(text: string): ProxyAddress {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error('this is not a URL; write http://proxy.example.com:3128');
  }
  const { protocol, hostname, port, username, password } = url;
  if (/^socks/.test(protocol)) {
    throw new Error('SOCKS is not supported; use an HTTP proxy, such as http://proxy:3128');
  }
  if ((protocol !== 'http:' && protocol !== 'https:') || hostname === '') {
    throw new Error('a proxy is named as http://host:port or https://host:port');
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new Error('the URL of a proxy ends after the port');
  }
  const tls = protocol === 'https:';
  return {
    tls,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (tls ? 443 : 80) : Number(port),
    authorization: username === '' ? null : basicAuthorization(username, password),
  };
}

function basicAuthorization(username: string, password: string): string {
  let pair: string;
  try {
    pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  } catch {
    throw new Error('a % in the user name or the password is written %25');
  }
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/**
 * Entries are a name (with all names below it; a leading `.` or `*.` may be there), an address, or a
 * CIDR block, which holds for addresses in URLs and not for what names lead to. Throws an Error that
 * names an entry which is none of them.
 */
export function createProxyBypass(entries: readonly string[]): (hostname: string) => boolean {
  const blocks = new BlockList();
  const names: string[] = [];
  for (const entry of entries) {
    const [address = '', bits] = entry.replaceAll(/[[\]]/g, '').split('/');
    const family = isIP(address);
    if (family !== 0) addBlock(blocks, entry, address, family, bits);
    else names.push(readName(entry));
  }
  return (hostname) => {
    const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
    const family = isIP(host);
    if (family !== 0) return blocks.check(host, family === 6 ? 'ipv6' : 'ipv4');
    return names.some((name) => host === name || host.endsWith(`.${name}`));
  };
}

function addBlock(
  blocks: BlockList,
  entry: string,
  address: string,
  family: number,
  bits: string | undefined,
): void {
  const widest = family === 6 ? 128 : 32;
  const prefix = bits === undefined ? widest : Number(bits);
  if (bits !== undefined && (!/^\d{1,3}$/.test(bits) || prefix > widest)) {
    throw new Error(`"${entry}" is no network; write 10.0.0.0/8`);
  }
  blocks.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4');
}

function readName(entry: string): string {
  const name = entry
    .toLowerCase()
    .replace(/^\*?\./, '')
    .replace(/\.$/, '');
  if (/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(name)) return name;
  throw new Error(`"${entry}" is neither a host name, an address nor a network`);
}
