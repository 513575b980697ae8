import { toCanonicalEvent } from '@posthorn/sdk';
import {
  createSystemWorld,
  type ProviderInput,
  type ProviderWorld,
  readRequest,
  reportError,
  selectProvider,
  verifyContext,
} from './webhook/provider-request.ts';

export interface DecodeInput extends ProviderInput {
  verify: boolean;
}

/**
 * `posthorn decode PROVIDER`: reads `{"method", "url", "headers", "body" or "body_b64"}` from standard
 * input and prints the events, one JSON object a line. Resolves with the exit code: 1 when the request
 * is not from the provider or not one, 2 when there is no such provider.
 */
export async function decodeWebhook(
  input: DecodeInput,
  world: ProviderWorld = createSystemWorld(),
): Promise<number> {
  try {
    const provider = selectProvider(input);
    const request = readRequest(await world.readInput(), input.url);
    const answer = provider.handshake?.(request) ?? null;
    if (input.verify && (answer === null || answer.afterVerify)) {
      await provider.verify(request, verifyContext(input, world));
    }
    if (answer !== null) reportHandshake(answer, input.json, world);
    for (const event of provider.decode(request)) {
      const origin = { source: null, receivedAtMs: world.nowMs() };
      world.out(JSON.stringify(toCanonicalEvent(event, provider, origin)));
    }
    return 0;
  } catch (error) {
    return reportError(error, { command: 'decode', json: input.json }, world);
  }
}

function reportHandshake(
  answer: { status: number; headers: object; body: string; confirmUrl?: string },
  json: boolean,
  world: ProviderWorld,
): void {
  const { status, headers, body, confirmUrl } = answer;
  const handshake = {
    status,
    headers,
    body,
    ...(confirmUrl === undefined ? {} : { confirm_url: confirmUrl }),
  };
  world.err(
    json
      ? JSON.stringify({ handshake })
      : `posthorn decode: a handshake, to be answered with ${JSON.stringify(handshake)}`,
  );
}
