import { ConfigError } from '../../config.ts';
import type { World } from './world.ts';

/**
 * Whether to go on with what cannot be taken back. Throws ConfigError where nobody can be asked and
 * `--yes` was not given: a script that changes things says so.
 */
export async function confirm(
  question: string,
  { yes, world }: { yes: boolean | undefined; world: Pick<World, 'ask'> },
): Promise<boolean> {
  if (yes === true) return true;
  if (world.ask === null) {
    throw new ConfigError(`${question} Nobody can be asked here: add --yes to say so.`);
  }
  return /^y(es)?$/i.test(await world.ask(`${question} [y/N] `));
}
