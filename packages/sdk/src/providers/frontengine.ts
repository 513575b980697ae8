import { decodePostal } from './postal-events.ts';
import type { Provider, ProviderRequest, VerifyContext, VerifyResult } from './provider.ts';
import { dedupParts } from './shared/build/dedup.ts';
import {
  checkHmac,
  HOUR_MS,
  MINUTE_MS,
  requireHeader,
  requireSecrets,
} from './shared/verify/signatures.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * FrontEngine: webhooks of its transactional email (its page "Webhooks"). The events are Postal's, with
 * times as whole seconds, without `uuid`, and with a shared secret instead of RSA.
 *
 * Secrets: that of the webhook. `X-Webhook-Signature: sha256=` and hex HMAC-SHA256 of the body; no time
 * is signed.
 * Dedup key: message, type, recipient, time and URL; its page advises message and event alone, which
 * loses the second click. A click and a bounce say no time: then it is not part of the key.
 * Lost beside `raw`: spam status, the mail that a bounce came in, the server's name.
 */

function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
  return verifySigned(request, context, (secrets) => {
    checkHmac({
      algorithm: 'sha256',
      encoding: 'hex',
      keys: requireSecrets(secrets, 'the secret of the webhook'),
      parts: [request.body],
      given: requireHeader(request, 'X-Webhook-Signature').replace(/^sha256=/i, ''),
    });
    return { covers: 'body', replayKey: null };
  });
}

export const frontengine: Provider = {
  name: 'frontengine',
  aliases: ['front-engine'],
  title: 'FrontEngine',
  pages: ['FrontEngine documentation: Transactional Email, Webhooks'],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: 5_000,
    retryDelaysMs: [MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 12 * HOUR_MS],
    stopStatuses: [],
  },
  verify,
  decode: (request) => decodePostal('frontengine', request),
  dedupParts,
};
