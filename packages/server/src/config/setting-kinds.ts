import { Resolver } from 'node:dns';
import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { formatDuration, parseDuration } from '../lib/duration.ts';
import { createAddressGuard } from '../lib/network/address-guard.ts';
import { checkEnvelopeAddress } from '../smtp/check-envelope-address.ts';
import { createProxyBypass } from '../webhooks/post/connect/proxy-settings.ts';

export interface Setting<T> {
  /** As it is shown in the documentation. */
  default: string;
  description: string;
  /** Throws an Error whose message completes "port: ...". */
  parse(text: string): T;
}

export const text = (fallback: string, description: string): Setting<string> => ({
  default: fallback,
  description,
  parse(value) {
    if (value.trim() !== '' && !/[\u0000-\u001f]/.test(value)) return value;
    throw new Error(`"${value}" is empty or has control characters`);
  },
});

/** `check` throws an Error that says what is wrong with a value. */
export const optional = (
  description: string,
  check: (value: string) => void = () => {},
): Setting<string | null> => ({
  default: '',
  description,
  parse(value) {
    if (value === '') return null;
    check(value);
    return value;
  },
});

export const flag = (fallback: boolean, description: string): Setting<boolean> => ({
  default: String(fallback),
  description,
  parse(value) {
    if (['true', '1', 'yes', 'on'].includes(value)) return true;
    if (['false', '0', 'no', 'off'].includes(value)) return false;
    throw new Error(`"${value}" is neither true nor false`);
  },
});

export const whole = (
  fallback: number,
  min: number,
  max: number,
  description: string,
): Setting<number> => ({
  default: String(fallback),
  description,
  parse(value) {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= min && number <= max) return number;
    throw new Error(`"${value}" is not a whole number from ${min} to ${max}`);
  },
});

/** A port to listen on; none where it is not given. */
export const optionalPort = (description: string): Setting<number | null> => {
  const { parse } = whole(0, 0, 65_535, '');
  return { default: '', description, parse: (value) => (value === '' ? null : parse(value)) };
};

function readDuration(value: string): number {
  const ms = parseDuration(value);
  if (ms === null) throw new Error(`"${value}" is not a duration such as 30s, 5m, 2h or 7d`);
  return ms;
}

export const duration = (fallbackMs: number, description: string): Setting<number> => ({
  default: formatDuration(fallbackMs),
  description,
  parse: readDuration,
});

/** A time after which something is over: at once would be a setting that breaks everything. */
export const bound = (fallbackMs: number, description: string): Setting<number> => ({
  ...duration(fallbackMs, description),
  parse(value) {
    const ms = readDuration(value);
    if (ms > 0) return ms;
    throw new Error(`"${value}" has to be more than nothing, such as 30s or 7d`);
  },
});

export const durations = (
  fallback: readonly number[],
  description: string,
): Setting<readonly number[]> => ({
  default: fallback.map(formatDuration).join(','),
  description,
  parse(value) {
    const list = value.split(',').map((part) => readDuration(part.trim()));
    if (list.length <= 50) return list;
    throw new Error('a ladder has at most 50 rungs');
  },
});

export function readPublicUrl(value: string): string | null {
  if (value === '') return null;
  const url = URL.canParse(value) ? new URL(value) : null;
  const isPlain = url !== null && url.search === '' && url.hash === '' && url.username === '';
  if (isPlain && /^https?:$/.test(url.protocol)) return url.href.replace(/\/+$/, '');
  throw new Error(`"${value}" is not a URL such as https://posthorn.example.com`);
}

/** Of OpenID Connect: with TLS, or on this machine, for who tries it out. */
export function readIssuer(value: string): string | null {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (value === '') return null;
  const isLocal = url !== null && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  const isIssuer = url?.protocol === 'https:' || (isLocal && url.protocol === 'http:');
  // As it stands, for it has to be what the provider calls itself.
  if (isIssuer && url.search === '' && url.hash === '' && url.username === '') return value;
  throw new Error(`"${value}" is not an https URL such as https://login.example.com`);
}

const SIZE_UNITS: Record<string, number> = { '': 1, kb: 1_024, mb: 1_048_576, gb: 1_073_741_824 };

export function readSize(value: string): number {
  const match = /^(\d{1,12})\s*(kb|mb|gb)?$/i.exec(value.trim());
  const unit = SIZE_UNITS[match?.[2]?.toLowerCase() ?? ''];
  if (match === null || unit === undefined) {
    throw new Error(`"${value}" is not a size such as 500kb, 25mb or 2gb`);
  }
  return Number(match[1]) * unit;
}

export const splitList = (value: string): string[] =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

export const dnsServerList = (description: string): Setting<readonly string[]> => ({
  default: '',
  description,
  parse(value) {
    const servers = splitList(value);
    try {
      new Resolver().setServers(servers);
    } catch {
      throw new Error(`"${value}" has to be addresses such as 9.9.9.9 or [2620:fe::fe]:53`);
    }
    return servers;
  },
});

export const hostList = (description: string): Setting<readonly string[]> => ({
  default: '',
  description,
  parse(value) {
    const hosts = splitList(value);
    createProxyBypass(hosts);
    return hosts;
  },
});

/** Two processors are busy with the main thread and the store's; more threads would wait for them. */
export function readThreads(value: string): number {
  if (value === 'auto') return Math.max(0, Math.floor((availableParallelism() - 2) / 2));
  if (/^\d{1,2}$/.test(value)) return Number(value);
  throw new Error(`"${value}" is neither auto nor a number of threads from 0 to 99`);
}

export function checkAddress(value: string): void {
  const check = checkEnvelopeAddress(value, false);
  if (!check.ok) throw new Error(`"${value}" is not an address: ${check.message}`);
}

/** It has to fit behind "Bearer " in a header, and must not be guessed. */
export function checkApiKey(value: string): void {
  if (!/^[!-~]{8,200}$/.test(value)) {
    throw new Error('an API key has 8 to 200 printable ASCII characters without spaces');
  }
}

export const networks = (
  fallback: string,
  description: string,
): Setting<readonly string[] | null> => ({
  default: fallback,
  description,
  parse(value) {
    if (value === 'auto') return null;
    const blocks = splitList(value);
    createAddressGuard(blocks);
    return blocks;
  },
});

export const addresses = (description: string): Setting<readonly string[]> => ({
  default: '',
  description,
  parse(value) {
    const list = splitList(value);
    for (const one of list) if (isIP(one) === 0) throw new Error(`"${one}" is not an IP address`);
    return list;
  },
});

export function oneOf<const T extends string>(
  choices: readonly T[],
  fallback: T,
  description: string,
): Setting<T> {
  return {
    default: fallback,
    description: `${description} One of: ${choices.join(', ')}.`,
    parse(value) {
      const found = choices.find((choice) => choice === value);
      if (found !== undefined) return found;
      throw new Error(`"${value}" is none of ${choices.join(', ')}`);
    },
  };
}

export function readDomain(value: string): string {
  const check = checkEnvelopeAddress(`bounce@${value}`, false);
  if (!check.ok) throw new Error(`"${value}" is not a domain such as bounces.example.com`);
  return check.address.slice('bounce@'.length);
}

export function checkSpfTerm(value: string): void {
  if (/^(include|a|mx|ip4|ip6|exists):[^\s:]\S*$/i.test(value)) return;
  throw new Error(`"${value}" is no term of SPF such as include:spf.relay.example`);
}
