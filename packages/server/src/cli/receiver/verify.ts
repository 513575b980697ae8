import type { VerifyResult } from '@posthorn/sdk';
import {
  createSystemWorld,
  type ProviderInput,
  type ProviderWorld,
  readRequest,
  reportError,
  selectProvider,
  verifyContext,
} from './webhook/provider-request.ts';

const COVERED: Readonly<Record<VerifyResult['covers'], string>> = {
  body: 'The signature is right, and covers the whole body.',
  part: 'The signature is right, but covers only a part of the body.',
  none: 'The sender knows the secret; the body is not signed.',
};

/**
 * `posthorn verify PROVIDER`: says whether a request is from the provider, whatever its events are.
 * Input and exit codes are those of `posthorn decode`.
 */
export async function verifyWebhook(
  input: ProviderInput,
  world: ProviderWorld = createSystemWorld(),
): Promise<number> {
  try {
    const provider = selectProvider(input);
    const request = readRequest(await world.readInput(), input.url);
    const { covers, replayKey } = await provider.verify(request, verifyContext(input, world));
    const shown = { valid: true, provider: provider.name, covers, replay_key: replayKey };
    world.out(input.json ? JSON.stringify(shown) : COVERED[covers]);
    return 0;
  } catch (error) {
    return reportError(error, { command: 'verify', json: input.json }, world);
  }
}
