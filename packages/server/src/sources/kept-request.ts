import { createHash } from 'node:crypto';
import type { ProviderRequest } from '@posthorn/sdk';
import type { KeptRequest } from '../core/source.ts';

/** What decoders read; whatever proves a sender stands in others. */
const KEPT_HEADERS = /^(content-type|webhook-id|svix-id|ce-[a-z0-9]{1,40})$/;

/**
 * The part of a request that is decoded and kept: the first decoding and any later one see the same.
 * Parameters of the URL and headers that hold a secret are left out.
 */
export function toKeptRequest(request: ProviderRequest, proofs: readonly string[]): KeptRequest {
  const headers = Object.entries(request.headers).flatMap(([name, value]) => {
    const text = typeof value === 'string' ? value : value?.join(', ');
    if (text === undefined || !KEPT_HEADERS.test(name) || isProof(text, proofs)) return [];
    return [[name, text]];
  });
  return {
    method: request.method,
    query: withoutProofs(request.url, proofs),
    headers: Object.fromEntries(headers),
  };
}

function withoutProofs(url: string, proofs: readonly string[]): string {
  const at = url.indexOf('?');
  if (at === -1) return '';
  const kept = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(url.slice(at + 1))) {
    if (!isProof(value, proofs)) kept.append(name, value);
  }
  return kept.size === 0 ? '' : `?${kept}`;
}

/** Secrets of providers that do not sign end in what the request has to carry. */
function isProof(text: string, proofs: readonly string[]): boolean {
  return text !== '' && proofs.some((proof) => proof === text || proof.endsWith(`:${text}`));
}

export function toProviderRequest(kept: KeptRequest, body: Uint8Array): ProviderRequest {
  return { method: kept.method, url: kept.query, headers: kept.headers, body };
}

export function digestOf(kept: KeptRequest, body: Uint8Array): string {
  const headers = Object.entries(kept.headers).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([kept.method, kept.query, headers]))
    .update(body)
    .digest('base64url');
}
