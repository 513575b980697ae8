import { WebhookError } from '../../../errors.ts';
import type { ProviderRequest, VerifyContext, VerifyResult } from '../../provider.ts';
import { headerOf, readQuery } from '../read/request-body.ts';
import { equalInTime } from './signatures.ts';

/**
 * What a sender is recognised by when it does not sign: something in the request that only it knows.
 * Every provider lets people put such a thing into the URL or the headers that it posts with:
 *
 *     basic:USER:PASSWORD      Authorization: Basic
 *     bearer:TOKEN             Authorization: Bearer
 *     header:NAME:VALUE        any header
 *     query:NAME:VALUE         a parameter of the URL
 *
 * For a provider that cannot sign, a secret without such a prefix counts wherever it stands: as
 * `USER:PASSWORD`, as the token, as the value of any header or parameter.
 */

const PREFIXED = /^(basic|bearer|header|query):/i;

const ONLY_SENDER: VerifyResult = { covers: 'none', replayKey: null };

/** True for a secret that is looked for in the request, rather than a key that signs it. */
export function isTransportSecret(secret: string): boolean {
  return PREFIXED.test(secret);
}

/**
 * For providers that sign. A secret of the forms above passes without a signature; otherwise `check`
 * gets the others.
 */
export function verifySigned<T extends VerifyResult | Promise<VerifyResult>>(
  request: ProviderRequest,
  context: VerifyContext,
  check: (secrets: readonly string[]) => T,
): T | VerifyResult {
  const known = context.secrets.filter(isTransportSecret);
  if (known.some((secret) => isPresent(request, secret))) return ONLY_SENDER;
  const keys = context.secrets.filter((secret) => !isTransportSecret(secret));
  if (known.length > 0 && keys.length === 0) throw notPresent();
  return check(keys);
}

/** For providers that cannot sign. Without a secret, everything passes. */
export function verifyUnsigned(request: ProviderRequest, context: VerifyContext): VerifyResult {
  const secrets = context.secrets.filter((secret) => secret !== '');
  if (secrets.length === 0 || secrets.some((one) => isPresent(request, one))) return ONLY_SENDER;
  throw notPresent();
}

function notPresent(): WebhookError {
  return new WebhookError(
    'bad_signature',
    'The request carries none of the secrets. Write them into the URL or the headers that the provider posts with.',
  );
}

function isPresent(request: ProviderRequest, secret: string): boolean {
  return candidates(request, secret).some(
    ([given, wanted]) => wanted !== '' && equalInTime(Buffer.from(given), Buffer.from(wanted)),
  );
}

/** What the request has, beside what it should have. */
function candidates(request: ProviderRequest, secret: string): [given: string, wanted: string][] {
  const [kind = '', name = ''] = secret.split(':', 2);
  const rest = secret.slice(kind.length + 1);
  const value = rest.slice(name.length + 1);
  switch (PREFIXED.test(secret) ? kind.toLowerCase() : '') {
    case 'basic':
      return [[basicOf(request), rest]];
    case 'bearer':
      return [[bearerOf(request), rest]];
    case 'header':
      return [[headerOf(request, name) ?? '', value]];
    case 'query':
      return [[queryParameter(request, name), value]];
    default:
      return [basicOf(request), bearerOf(request), ...allValues(request)].map((given) => [
        given,
        secret,
      ]);
  }
}

function basicOf(request: ProviderRequest): string {
  const credentials = /^Basic\s+([A-Za-z0-9+/=_-]+)$/i.exec(
    headerOf(request, 'authorization') ?? '',
  )?.[1];
  if (credentials !== undefined) return Buffer.from(credentials, 'base64').toString('utf8');
  // A server that keeps the URL whole has them there.
  const user = /^[a-z]+:\/\/([^/?#@]+)@/i.exec(request.url)?.[1] ?? '';
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}

function bearerOf(request: ProviderRequest): string {
  return /^Bearer\s+(.+)$/i.exec(headerOf(request, 'authorization') ?? '')?.[1]?.trim() ?? '';
}

function queryParameter(request: ProviderRequest, name: string): string {
  const query = readQuery(request);
  return Object.hasOwn(query, name) ? (query[name] ?? '') : '';
}

function allValues(request: ProviderRequest): string[] {
  const headers = Object.keys(request.headers).map((name) => headerOf(request, name) ?? '');
  return [...headers, ...Object.values(readQuery(request))];
}
