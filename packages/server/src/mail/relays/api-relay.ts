import type { TransmitErrorCode } from '../../smtp/transmission.ts';

/** A message for the API of a provider. */
export interface ApiMail {
  envelopeFrom: string;
  recipients: readonly string[];
  raw: Uint8Array;
}

export interface ApiRequest {
  url: string;
  headers: Record<string, string>;
  body: string | FormData;
}

/** What the provider made of all recipients of a request. */
export type ApiVerdict =
  | { outcome: 'delivered'; providerId: string | null }
  | { outcome: 'deferred' | 'refused'; errorCode: TransmitErrorCode };

export interface ApiAnswer {
  status: number;
  headers: Headers;
  /** Null where it was no JSON object. */
  json: Record<string, unknown> | null;
}

/** How the API of one provider takes a message. */
export interface ApiRelay {
  /** Of its URL: `ses` in `ses://...`. */
  scheme: string;
  /** Recipients of one request, at most. */
  maxRecipients: number;
  /** An account, as its URL says it. Throws an Error that says what is missing. */
  open(url: URL): (mail: ApiMail, nowMs: number) => Promise<ApiRequest> | ApiRequest;
  read(answer: ApiAnswer): ApiVerdict;
  /** What went wrong, in the words of the provider; null where it has none. */
  explain(json: Record<string, unknown>): string | null;
}

/** By the HTTP status alone, where the provider says no more. */
export function verdictOfStatus(status: number): Extract<ApiVerdict, { errorCode: string }> {
  if (status === 401 || status === 403) return { outcome: 'deferred', errorCode: 'auth_failed' };
  if (status === 429) return { outcome: 'deferred', errorCode: 'api_throttled' };
  const isTheirs = status >= 500 || status === 408 || (status >= 300 && status < 400);
  if (isTheirs) return { outcome: 'deferred', errorCode: 'api_failed' };
  return { outcome: 'refused', errorCode: 'api_rejected' };
}

/** Where the API is: `?endpoint=` of the URL, or the usual place. */
export function endpointOf(url: URL, usual: string): string {
  const given = url.searchParams.get('endpoint');
  return (given ?? usual).replace(/\/+$/, '');
}

export function secretOf(url: URL, what: string): string {
  const secret = decodeURIComponent(url.password);
  if (secret !== '') return secret;
  throw new Error(
    `${url.protocol}// needs ${what} as its password: ${url.protocol}//:...@${url.host}`,
  );
}

export const textOf = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null;
