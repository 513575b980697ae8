import { ConfigError } from '../../../config.ts';

/** Whether it is on this machine: what goes there goes over no network. */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}

/** Throws ConfigError, which names the flag or argument, when it is not a URL of a receiver. */
export function readHttpUrl(text: string, what: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new ConfigError(`${what}: "${text}" is not a URL with http or https.`);
}
