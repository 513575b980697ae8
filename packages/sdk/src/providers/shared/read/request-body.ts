import { WebhookError } from '../../../errors.ts';
import { parseLosslessJson } from '../../../lossless-json.ts';
import type { ProviderRequest } from '../../provider.ts';
import { type FilePart, parseMultipart } from './multipart.ts';

/** The first bytes decide what a body is: content types of webhooks are too often wrong (SNS: text/plain). */

/** Fields of a form by name. Where a name is repeated, the first counts. */
export interface FormBody {
  fields: Readonly<Record<string, string>>;
  files: readonly FilePart[];
}

/** A header by name in any case; several are joined as HTTP joins them. */
export function headerOf(request: Pick<ProviderRequest, 'headers'>, name: string): string | null {
  const wanted = name.toLowerCase();
  const { headers } = request;
  const key = Object.hasOwn(headers, wanted) ? wanted : findKey(headers, wanted);
  const value = key === undefined ? undefined : headers[key];
  const text = typeof value === 'string' ? value : value?.join(', ');
  return text === undefined || text.trim() === '' ? null : text.trim();
}

function findKey(headers: ProviderRequest['headers'], wanted: string): string | undefined {
  return Object.keys(headers).find((key) => key.toLowerCase() === wanted);
}

/** Bytes that are no UTF-8 become U+FFFD: a reply quoted in Latin-1 must not lose an event. */
export function textOf(body: Uint8Array): string {
  return new TextDecoder().decode(body);
}

/** Throws `invalid_payload`. */
export function readJson(request: ProviderRequest): unknown {
  const value = parseBody(textOf(request.body));
  if (value === null) throw invalidPayload('The body is null: there is nothing in it.');
  return value;
}

function parseBody(written: string): unknown {
  try {
    return parseLosslessJson(written);
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? cause.message : String(cause);
    throw invalidPayload(`The body is not JSON: ${reason}`, cause);
  }
}

/** One JSON value, or one on each line (JSON Lines): then the list of them. Throws `invalid_payload`. */
export function readJsonOrLines(request: ProviderRequest): unknown {
  try {
    return readJson(request);
  } catch (error) {
    const lines = textOf(request.body)
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '');
    if (lines.length < 2) throw error;
    try {
      return lines.map(parseLosslessJson);
    } catch {
      throw error;
    }
  }
}

/** A form, urlencoded or multipart; `null` where the body is none. */
export function readForm(request: ProviderRequest): FormBody | null {
  const contentType = headerOf(request, 'content-type') ?? '';
  if (/^multipart\//i.test(contentType)) return parseMultipart(request.body, contentType);
  const written = textOf(request.body);
  if (/^\s*[[{"]/.test(written)) return null;
  if (!/^application\/x-www-form-urlencoded/i.test(contentType) && !/^[^\s=&]+=/.test(written)) {
    return null;
  }
  return { fields: fieldsOf(new URLSearchParams(written.trim())), files: [] };
}

/** The query of the request's URL as fields. */
export function readQuery(request: ProviderRequest): Readonly<Record<string, string>> {
  const at = request.url.indexOf('?');
  return at === -1 ? {} : fieldsOf(new URLSearchParams(request.url.slice(at + 1).split('#')[0]));
}

/** `fromEntries` makes own properties, so that a field named `__proto__` is a field. */
function fieldsOf(parameters: URLSearchParams): Readonly<Record<string, string>> {
  return Object.fromEntries([...parameters].reverse());
}

export function invalidPayload(message: string, cause?: unknown): WebhookError {
  return new WebhookError('invalid_payload', message, cause === undefined ? undefined : { cause });
}
