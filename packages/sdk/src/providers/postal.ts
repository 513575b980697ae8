import { WebhookError } from '../errors.ts';
import type { Dialect } from './dialects/dialect.ts';
import { encodePostal, POSTAL_CARRIES } from './dialects/postal-encode.ts';
import { decodePostal } from './postal-events.ts';
import type { Provider, ProviderRequest, VerifyContext, VerifyResult } from './provider.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { keyOf, signBase64, withId } from './shared/encode/sign.ts';
import { JSON_TYPE, onlyEvent } from './shared/encode/values.ts';
import { headerOf } from './shared/read/request-body.ts';
import { importPublicKeys, isSignedBy } from './shared/verify/public-keys.ts';
import { badSignature, MINUTE_MS, requireSecrets } from './shared/verify/signatures.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * Postal (docs.postalserver.io/developer/webhooks), as its source sends it.
 *
 * Secrets: the installation's public RSA key, as PEM or as the JWKS document of
 * `/.well-known/jwks.json`. RSA PKCS #1 over the body: SHA-256 in `X-Postal-Signature-256`, SHA-1 in
 * `X-Postal-Signature` of older ones, which counts only where the first is not there. No time is signed.
 * Dedup key: with `uuid`, which stays over its tries.
 * `MessageSent` means that the receiving server took the message.
 * Lost beside `raw`: spam status, the mail that a bounce came in, the server's name.
 */

function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
  return verifySigned(request, context, (secrets) => {
    const keys = requireSecrets(secrets, "Postal's public key (PEM, or its JWKS document)").flatMap(
      importPublicKeys,
    );
    const kid = headerOf(request, 'X-Postal-Signature-KID');
    const named = keys.filter((one) => one.kid !== null && one.kid === kid);
    const sha256 = headerOf(request, 'X-Postal-Signature-256');
    const signature = sha256 ?? headerOf(request, 'X-Postal-Signature');
    if (signature === null) {
      throw new WebhookError('missing_signature', 'The header X-Postal-Signature-256 is missing.');
    }
    const algorithm = sha256 === null ? 'sha1' : 'sha256';
    const bytes = Buffer.from(signature, 'base64');
    const candidates = named.length > 0 ? named : keys;
    if (!candidates.some(({ key }) => isSignedBy(key, algorithm, request.body, bytes)))
      throw badSignature();
    return { covers: 'body', replayKey: null };
  });
}

/** webhook_delivery_service.rb */
const LADDER_MS = [2, 3, 6, 10, 15].map((minutes) => minutes * MINUTE_MS);
const TIMEOUT_MS = 5_000;

const dialect: Dialect = {
  carries: POSTAL_CARRIES,
  signs: ['rsa'],
  ladderMs: LADDER_MS,
  timeoutMs: TIMEOUT_MS,
  lists: 'single',
  handshake: null,
  options: [],
  encode: (batch, sender) => ({
    body: JSON.stringify(encodePostal(onlyEvent(batch), sender)),
    headers: JSON_TYPE,
  }),
  // Both signatures, as lib/postal/http.rb has them.
  sign({ body, headers }, context) {
    const key = keyOf(context);
    const signed = [
      ...['X-Postal-Signature-KID', key.id],
      ...['X-Postal-Signature', signBase64(key, 'sha1', body)],
      ...['X-Postal-Signature-256', signBase64(key, 'sha256', body)],
    ];
    return withId({ body, headers: [...headers, ...signed] }, context);
  },
};

export const postal: Provider = {
  name: 'postal',
  aliases: ['postalserver'],
  title: 'Postal',
  pages: [
    'https://docs.postalserver.io/developer/webhooks',
    'https://docs.postalserver.io/developer/http-payloads',
  ],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: TIMEOUT_MS,
    retryDelaysMs: LADDER_MS,
    stopStatuses: [],
  },
  checkSecret: (secret) => void importPublicKeys(secret),
  verify,
  decode: (request) => decodePostal('postal', request),
  dedupParts,
  dialect,
};
