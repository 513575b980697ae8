import type { CarriedType, Dialect } from './dialects/dialect.ts';
import { encodeFrontengine, POSTAL_CARRIES } from './dialects/postal-encode.ts';
import { decodePostal } from './postal-events.ts';
import type { Provider, ProviderRequest, VerifyContext, VerifyResult } from './provider.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { hmacHex, withId } from './shared/encode/sign.ts';
import { JSON_TYPE, onlyEvent } from './shared/encode/values.ts';
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

/** Its table of retries; the "5 failed attempts" of its text are these. */
const LADDER_MS = [MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 12 * HOUR_MS];
const TIMEOUT_MS = 5_000;

const { 'email.opened': _notThere, ...carries } = POSTAL_CARRIES;

const dialect: Dialect = {
  carries: {
    ...inSeconds(carries),
    // Its examples of these say no time.
    'email.clicked': { fields: withoutTime(carries['email.clicked']?.fields ?? []) },
    'account.send_limit_approaching': { fields: ['send_limit.limit', 'send_limit.used'] },
    'account.send_limit_exceeded': { fields: ['send_limit.limit', 'send_limit.used'] },
  },
  signs: ['hmac'],
  ladderMs: LADDER_MS,
  timeoutMs: TIMEOUT_MS,
  lists: 'single',
  handshake: null,
  options: [],
  encode: (batch, sender) => ({
    body: JSON.stringify(encodeFrontengine(onlyEvent(batch), sender)),
    headers: JSON_TYPE,
  }),
  sign: ({ body, headers }, context) =>
    withId(
      {
        body,
        headers: [...headers, 'X-Webhook-Signature', `sha256=${hmacHex(context, body)}`],
      },
      context,
    ),
};

/** Its times are whole seconds, but that of a look at DNS. */
function inSeconds(all: Dialect['carries']): Dialect['carries'] {
  const entries = Object.entries(all).map(([type, carried]): [string, CarriedType] => [
    type,
    type === 'domain.dns_error' ? carried : { ...carried, fields: carried.fields.map(toSeconds) },
  ]);
  return Object.fromEntries(entries);
}

function toSeconds(field: string): string {
  return field === 'time' ? 'time:s' : field;
}

function withoutTime(fields: readonly string[]): string[] {
  return fields.filter((field) => field !== 'time');
}

export const frontengine: Provider = {
  name: 'frontengine',
  aliases: ['front-engine'],
  title: 'FrontEngine',
  pages: ['FrontEngine documentation: Transactional Email, Webhooks'],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: TIMEOUT_MS,
    retryDelaysMs: LADDER_MS,
    stopStatuses: [],
  },
  verify,
  decode: (request) => decodePostal('frontengine', request),
  dedupParts,
  dialect,
};
