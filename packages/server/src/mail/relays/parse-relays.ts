import type { Smarthost } from '../../smtp/client/find-route.ts';
import { parseSmarthost } from '../smarthost.ts';
import type { ApiRelay } from './api-relay.ts';
import { API_RELAYS } from './api-relays.ts';

/** A relay of the settings: a mail server, or the API of a provider. `name` is without its secrets. */
export type RelaySetting = { name: string } & (
  | { kind: 'smtp'; smarthost: Smarthost }
  | { kind: 'api'; relay: ApiRelay; url: URL }
);

/** URLs of relays, separated by commas or spaces. Throws an Error that says what is wrong. */
export function parseRelays(text: string): RelaySetting[] {
  return text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map(parseRelay);
}

function parseRelay(text: string): RelaySetting {
  const url = URL.canParse(text) ? new URL(text) : null;
  const relay = API_RELAYS.find(({ scheme }) => url?.protocol === `${scheme}:`);
  if (url === null || relay === undefined) {
    const smarthost = parseSmarthost(text);
    return { kind: 'smtp', smarthost, name: `${smarthost.host}:${smarthost.port}` };
  }
  relay.open(url);
  return { kind: 'api', relay, url, name: `${relay.scheme}://${url.host}${url.pathname}` };
}
