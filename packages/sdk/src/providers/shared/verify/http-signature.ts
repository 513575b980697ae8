import { createHash } from 'node:crypto';
import { WebhookError } from '../../../errors.ts';
import type { ProviderRequest } from '../../provider.ts';
import { headerOf } from '../read/request-body.ts';
import { badSignature, equalInTime } from './signatures.ts';

/** HTTP Message Signatures (RFC 9421) with Digest Fields (RFC 9530), as far as webhooks use them. */

export interface HttpSignature {
  label: string;
  /** Names of what is signed, such as `content-digest` or `@method`, in lower case. */
  components: readonly string[];
  /** Parameters by name: `created`, `alg`, `keyid`, `nonce`. */
  parameters: Readonly<Record<string, string>>;
  signature: Uint8Array;
  /** What was signed (RFC 9421 2.5). */
  base: string;
}

const MAX_SIGNATURES = 8;

/** A member of Signature-Input: `label=("a" "b");created=1;keyid="k"`. */
const MEMBER = /([a-z*][\w.*-]*)=(\(((?:\s*"[^"]*")*)\s*\)((?:;[a-z]+=(?:"[^"]*"|[^;,\s]+))*))/gi;

/** Throws `missing_signature` when a header is not there, and `bad_signature` when it cannot be read. */
export function readHttpSignatures(request: ProviderRequest): HttpSignature[] {
  const input = headerOf(request, 'signature-input')?.slice(0, 8_000);
  const signatures = headerOf(request, 'signature')?.slice(0, 8_000);
  if (input === undefined || signatures === undefined) {
    throw new WebhookError(
      'missing_signature',
      'The headers Signature and Signature-Input are needed.',
    );
  }
  const found = [...input.matchAll(MEMBER)].slice(0, MAX_SIGNATURES).flatMap((member) => {
    const [, label = '', value = '', names = '', parameters = ''] = member;
    const components = [...names.matchAll(/"([^"]*)"/g)].map((one) => (one[1] ?? '').toLowerCase());
    const signature = signatureOf(signatures, label);
    const base = baseOf(request, components, value);
    if (signature === null || base === null) return [];
    return [{ label, components, parameters: parametersOf(parameters), signature, base }];
  });
  if (found.length === 0) throw badSignature();
  return found;
}

function signatureOf(header: string, label: string): Uint8Array | null {
  const escaped = label.replace(/[.*]/g, '\\$&');
  const match = new RegExp(`(?:^|,)\\s*${escaped}=:([A-Za-z0-9+/=]*):`).exec(header);
  return match?.[1] === undefined ? null : Buffer.from(match[1], 'base64');
}

function parametersOf(written: string): Record<string, string> {
  const pairs = [...written.matchAll(/;([a-z]+)=(?:"([^"]*)"|([^;,\s]+))/gi)];
  return Object.fromEntries(
    pairs.map(([, name = '', quoted, bare]) => [name, quoted ?? bare ?? '']),
  );
}

/** `null` where something is signed that the request does not have. */
function baseOf(
  request: ProviderRequest,
  components: readonly string[],
  input: string,
): string | null {
  const lines: string[] = [];
  for (const component of components) {
    const value = component.startsWith('@')
      ? derived(request, component)
      : headerOf(request, component);
    if (value === null) return null;
    lines.push(`"${component}": ${value}`);
  }
  return [...lines, `"@signature-params": ${input}`].join('\n');
}

/** RFC 9421 2.2. */
function derived(request: ProviderRequest, component: string): string | null {
  const host = headerOf(request, 'host') ?? '';
  const absolute = /^[a-z]+:\/\//i.test(request.url)
    ? request.url
    : `https://${host}${request.url}`;
  if (!URL.canParse(absolute)) return null;
  const url = new URL(absolute);
  switch (component) {
    case '@method':
      return request.method.toUpperCase();
    case '@authority':
      return (host || url.host).toLowerCase();
    case '@path':
      return url.pathname;
    case '@query':
      return url.search === '' ? '?' : url.search;
    case '@target-uri':
      return url.href;
    default:
      return null;
  }
}

/** Throws `bad_signature` unless Content-Digest is that of the body. */
export function checkContentDigest(request: ProviderRequest): void {
  const header = headerOf(request, 'content-digest');
  if (header === null) {
    throw new WebhookError('missing_signature', 'The header Content-Digest is missing.');
  }
  const digests = [...header.matchAll(/sha-(256|512)=:([A-Za-z0-9+/=]+):/gi)];
  const isRight = digests.some(([, bits, value = '']) => {
    const digest = createHash(`sha${bits}`).update(request.body).digest();
    return equalInTime(digest, Buffer.from(value, 'base64'));
  });
  if (!isRight) throw badSignature();
}
