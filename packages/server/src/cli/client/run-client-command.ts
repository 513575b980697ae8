import { ConfigError } from '../../config.ts';
import { redactSecrets } from '../output/redact-secrets.ts';
import { type ApiClient, ApiError, createApiClient } from './api-client.ts';
import { type ClientFlags, readClientSettings } from './client-settings.ts';

/** Exit codes of every command (docs/cli.md). */
export const EXIT = {
  done: 0,
  /** Refused by the server, or what was asked about is not well. */
  failed: 1,
  /** A wrong flag, argument or variable: nothing was done. */
  misuse: 2,
  /** There was no answer; a change may have been made all the same. */
  unreachable: 3,
} as const;

/**
 * Runs a command that talks to a server and resolves with its exit code. What goes wrong is said on
 * standard error, with `json` as `{"code", "message"}`.
 */
export async function runClientCommand(
  flags: ClientFlags & { json?: boolean },
  work: (client: ApiClient) => Promise<number>,
  world: { env: NodeJS.ProcessEnv; writeError(line: string): void } = {
    env: process.env,
    writeError: (line) => void process.stderr.write(line),
  },
): Promise<number> {
  try {
    return await work(createApiClient(readClientSettings(flags, world.env)));
  } catch (error) {
    return reportFailure(error, { json: flags.json === true, writeError: world.writeError });
  }
}

/** Says what went wrong and resolves with the exit code. Throws what is no mistake of the caller's. */
export function reportFailure(
  error: unknown,
  { json, writeError }: { json: boolean; writeError(text: string): void },
): number {
  if (!(error instanceof ConfigError || error instanceof ApiError)) throw error;
  const message = redactSecrets(error.message);
  const code =
    error instanceof ConfigError
      ? 'misuse'
      : error.status === null
        ? 'unreachable'
        : (error.code ?? 'refused');
  const hint =
    code === 'wrong_key' || code === 'missing_key'
      ? ' "posthorn login" saves a key that is right.'
      : '';
  writeError(json ? `${JSON.stringify({ code, message })}\n` : `posthorn: ${message}${hint}\n`);
  return code === 'misuse' ? EXIT.misuse : code === 'unreachable' ? EXIT.unreachable : EXIT.failed;
}
