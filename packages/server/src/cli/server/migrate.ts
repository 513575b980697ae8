import { loadConfig } from '../../config/load-config.ts';
import { ConfigError, type SettingName } from '../../config.ts';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { openEngine } from '../../store/open-engine.ts';

/**
 * `posthorn migrate`: brings the store up to date before the nodes of a new version start. Opening it is
 * all that this takes. Resolves with the exit code.
 */
export async function migrate(input: {
  flags: Partial<Record<SettingName, string>>;
  file?: string;
}): Promise<number> {
  try {
    const config = loadConfig({ ...input, env: process.env });
    const engine = await openEngine(config, systemClock);
    await engine.close();
    const where = config.databaseUrl === null ? `in ${config.data}` : 'in PostgreSQL';
    process.stdout.write(`The store ${where} is up to date.\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`posthorn: ${messageOf(error)}\n`);
    return error instanceof ConfigError ? 2 : 1;
  }
}
