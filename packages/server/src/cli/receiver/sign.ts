import { randomBytes } from 'node:crypto';
import { ConfigError } from '../../config.ts';
import { createIds } from '../../core/ids.ts';
import {
  createSystemWorld,
  type ProviderWorld,
  readRequest,
  reportError,
} from './webhook/provider-request.ts';
import { createWebhookWriter, readSecret } from './webhook/webhook-writer.ts';

export interface SignInput {
  dialect: string;
  secret: string;
  /** Of the event or post; a new one by default. */
  id?: string;
  /** Seconds since the epoch; now by default. */
  timestamp?: number;
  json: boolean;
}

/**
 * `posthorn sign DIALECT`: signs the request on standard input and prints its headers, a line each, or
 * with `json` the whole request, which `posthorn verify` and `posthorn decode` take. Resolves with the
 * exit code: 2 for a wrong dialect or secret.
 */
export async function signWebhook(
  input: SignInput,
  world: Pick<ProviderWorld, 'readInput' | 'out' | 'err' | 'nowMs'> = createSystemWorld(),
): Promise<number> {
  try {
    const { dialect, id, timestamp } = input;
    const writer = createWebhookWriter({ dialect, secret: readSecret(input.secret) });
    const request = readRequest(await world.readInput(), undefined);
    const headers = Object.entries({
      'content-type': 'application/json',
      ...lower(request.headers),
    });
    const nowMs = timestamp === undefined ? world.nowMs() : timestamp * 1_000;
    if (!Number.isFinite(nowMs)) throw new ConfigError('--timestamp is a number of seconds.');
    const signed = writer.sign(
      { body: Buffer.from(request.body).toString('utf8'), headers: headers.flat() },
      { id: id ?? createIds({ now: () => nowMs, randomBytes }).next('event'), nowMs },
    );
    if (input.json) {
      const { method, url } = request;
      world.out(JSON.stringify({ method, ...(url === '' ? {} : { url }), ...signed }));
    } else {
      for (const [name, value] of Object.entries(signed.headers)) world.out(`${name}: ${value}`);
    }
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) {
      return reportError(error, { command: 'sign', json: input.json }, world);
    }
    const { message } = error;
    world.err(
      input.json ? JSON.stringify({ code: 'misuse', message }) : `posthorn sign: ${message}`,
    );
    return 2;
  }
}

function lower(headers: Readonly<Record<string, string | readonly string[] | undefined>>) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value].flat().join(', ')]),
  );
}
