import { Option } from 'commander';
import { DEFAULT_URL } from '../client/client-settings.ts';
import type { AnyCommandSpec } from './command-spec.ts';

const USUAL_JSON = 'for programs: JSON, an object a line';

/** The options that a command has beside its own. */
export function commonOptions({
  json,
  asksServer,
}: Pick<AnyCommandSpec, 'json' | 'asksServer'>): Option[] {
  const options = json === null ? [] : [new Option('--json', json ?? USUAL_JSON).default(false)];
  return asksServer ? [...options, ...clientOptions()] : options;
}

const clientOptions = (): Option[] => [
  new Option(
    '--profile <name>',
    'server and key that "posthorn login" has saved [POSTHORN_PROFILE]',
  ),
  new Option('--url <url>', `where the server is (default: ${DEFAULT_URL}) [POSTHORN_URL]`),
  new Option(
    '--key <key>',
    'API key; @FILE reads it, since others can see flags [POSTHORN_API_KEY]',
  ),
];
