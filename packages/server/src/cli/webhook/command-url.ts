import { ConfigError } from '../../config.ts';

/** Throws ConfigError, which names the flag or argument, when it is not a URL of a receiver. */
export function readHttpUrl(text: string, what: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new ConfigError(`${what}: "${text}" is not a URL with http or https.`);
}
