import { WebhookError } from '../errors.ts';
import type {
  DecodedEvent,
  Provider,
  ProviderRequest,
  VerifyContext,
  VerifyResult,
} from './provider.ts';
import { parse } from './shared/build/build-event.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { decodeEntries } from './shared/build/entries.ts';
import { decodeMapped, type EventMapping, readField } from './shared/build/mapping.ts';
import { USUAL_MAPPING } from './shared/build/usual-mapping.ts';
import { type Fields, isFields, list } from './shared/read/fields.ts';
import { parsePath, valuesAt } from './shared/read/json-path.ts';
import { headerOf, invalidPayload, readForm, readJsonOrLines } from './shared/read/request-body.ts';
import {
  checkAge,
  checkHmac,
  DEFAULT_TOLERANCE_MS,
  requireHeader,
  requireSecrets,
} from './shared/verify/signatures.ts';
import { verifySvix } from './shared/verify/svix.ts';
import { verifySigned, verifyUnsigned } from './shared/verify/transport-secrets.ts';

/**
 * Any sender that has no file here. What its fields are called is given as a mapping of paths; without
 * one, the usual names are tried. A body may be JSON, JSON Lines or a form.
 *
 * Secrets: the key of an HMAC-SHA256 of the body, whose header is found by its usual names unless the
 * options say more; `whsec_...` for Standard Webhooks; or what the URL or the headers carry.
 * Dedup key: with the event's id where one is mapped.
 */

export interface GenericSignature {
  /** The header that has it. */
  header: string;
  /** What stands before it, such as `sha256=`. */
  prefix?: string;
  algorithm?: 'sha1' | 'sha256';
  encoding?: 'hex' | 'base64';
  /** What is signed: `{body}`, `{timestamp}` and whatever stands between. */
  signed?: string;
  timestampHeader?: string;
}

export interface GenericOptions {
  mapping?: EventMapping;
  signature?: GenericSignature;
}

/** Where senders put an HMAC of the body, in hex or base64, bare or behind `sha256=`. */
const USUAL_HEADERS = [
  'x-webhook-signature',
  'x-webhook-signature-256',
  'x-hub-signature-256',
  'x-signature',
  'x-signature-256',
  'x-hmac-sha256',
  'signature',
];

export function createGenericProvider(options: GenericOptions = {}): Provider {
  const { mapping = USUAL_MAPPING, signature } = options;

  function decode(request: ProviderRequest): DecodedEvent[] {
    const form = readForm(request)?.fields;
    const body = form === undefined ? readJsonOrLines(request) : jsonIn(form);
    return decodeEntries(entriesOf(body, mapping), {
      expects: 'an object whose type the mapping finds',
      isEntry: (entry) => readField(entry, mapping, 'type') !== null,
      decode: (entry) => decodeMapped('generic', mapping, entry),
    });
  }

  function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
    if (signature !== undefined) {
      return verifySigned(request, context, (secrets) =>
        verifyOwn(request, context, secrets, signature),
      );
    }
    const usual = USUAL_HEADERS.find((name) => headerOf(request, name) !== null);
    if (headerOf(request, 'webhook-signature') !== null && context.secrets.length > 0) {
      return verifySigned(request, context, (secrets) => verifySvix(request, context, secrets));
    }
    if (usual === undefined || context.secrets.length === 0)
      return verifyUnsigned(request, context);
    return verifySigned(request, context, (secrets) => verifyUsual(request, secrets, usual));
  }

  return {
    name: 'generic',
    aliases: ['custom'],
    title: 'Any other sender',
    pages: ['docs/providers.md'],
    answer: { refused: 401, busy: 503, timeoutMs: null, retryDelaysMs: null, stopStatuses: [] },
    verify,
    decode,
    dedupParts,
  };
}

/** Some senders post a form with one field, and their JSON in it. */
function jsonIn(form: Fields): unknown {
  const [only, ...others] = Object.values(form);
  const value = others.length === 0 && typeof only === 'string' ? parse(only) : null;
  return isFields(value) || Array.isArray(value) ? value : form;
}

/** Throws `invalid_payload` for a mapping whose path to the events is none. */
function entriesOf(body: unknown, mapping: EventMapping): readonly unknown[] {
  if (mapping.entries === undefined) return list(body);
  const steps = parsePath(mapping.entries);
  if (steps === null)
    throw invalidPayload(`The mapping's path "${mapping.entries}" cannot be read.`);
  return valuesAt(body, steps).flat();
}

function verifyOwn(
  request: ProviderRequest,
  context: VerifyContext,
  secrets: readonly string[],
  signature: GenericSignature,
): VerifyResult {
  const { prefix = '', signed = '{body}', timestampHeader } = signature;
  const given = requireHeader(request, signature.header);
  const timestamp = timestampHeader === undefined ? '' : requireHeader(request, timestampHeader);
  if (!given.startsWith(prefix)) {
    throw new WebhookError(
      'missing_signature',
      `The header ${signature.header} does not begin with ${prefix}.`,
    );
  }
  const parts = signed
    .split(/(\{body\}|\{timestamp\})/)
    .map((part) => (part === '{body}' ? request.body : part === '{timestamp}' ? timestamp : part));
  checkHmac({
    algorithm: signature.algorithm ?? 'sha256',
    encoding: signature.encoding ?? 'hex',
    keys: requireSecrets(secrets, 'the key of the signature'),
    parts,
    given: given.slice(prefix.length),
  });
  // A time that is not signed stops nobody.
  if (timestamp !== '' && signed.includes('{timestamp}'))
    checkAge(timestamp, context, DEFAULT_TOLERANCE_MS);
  return { covers: signed.includes('{body}') ? 'body' : 'part', replayKey: null };
}

function verifyUsual(
  request: ProviderRequest,
  secrets: readonly string[],
  header: string,
): VerifyResult {
  const given = requireHeader(request, header).replace(/^(?:sha256|v1)=/i, '');
  checkHmac({
    algorithm: 'sha256',
    encoding: /^[0-9a-f]{64}$/i.test(given) ? 'hex' : 'base64',
    keys: requireSecrets(secrets, 'the key of the signature'),
    parts: [request.body],
    given,
  });
  return { covers: 'body', replayKey: null };
}

export const generic: Provider = createGenericProvider();
