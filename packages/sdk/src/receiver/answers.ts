import { messageOf, WebhookError } from '../errors.ts';
import type { AnswerPolicy } from '../providers/provider.ts';
import type { WebhookAnswer } from './webhook.ts';

/** The request is not from the provider. */
const NOT_GENUINE: ReadonlySet<string> = new Set([
  'missing_signature',
  'bad_signature',
  'invalid_timestamp',
  'timestamp_out_of_range',
  'untrusted_key',
  'replayed',
]);

/** Long enough for a database to come back, short beside every provider's patience. */
const RETRY_AFTER_SECONDS = '30';

export function acknowledge(counts: { received: number; duplicate: number }): WebhookAnswer {
  // 200 and nothing else: to Mailjet another 2xx is a failure.
  return json(200, 'application/json', counts);
}

/** A problem document (RFC 9457) whose `code` is the error's. */
export function refuse(
  error: WebhookError,
  policy: Pick<AnswerPolicy, 'refused' | 'busy'>,
  allow = 'POST',
): WebhookAnswer {
  const status = statusOf(error, policy);
  const isOurs = error.status === 500;
  const answer = json(status, 'application/problem+json', {
    type: 'about:blank',
    title: TITLES[status] ?? 'Refused',
    status,
    code: error.code,
    // What is wrong with our own settings is for our log alone.
    detail: isOurs ? 'The receiver cannot take webhooks now.' : error.message,
  });
  const headers = { ...answer.headers, ...headersFor(error, status, allow) };
  return { ...answer, headers };
}

function statusOf({ code, status }: WebhookError, policy: Pick<AnswerPolicy, 'refused' | 'busy'>) {
  if (NOT_GENUINE.has(code)) return policy.refused;
  if (status === 503) return policy.busy;
  // A provider that discards on any 5xx is asked to come again.
  return status === 500 && policy.busy === 429 ? 429 : status;
}

function headersFor({ code }: WebhookError, status: number, allow: string): Record<string, string> {
  if (status === 503 || status === 429) return { 'retry-after': RETRY_AFTER_SECONDS };
  if (code === 'method_not_allowed') return { allow };
  if (code === 'unsupported_media_type') {
    return { 'accept-post': 'application/json, application/*+json', 'accept-encoding': 'identity' };
  }
  return {};
}

function json(status: number, type: string, body: object): WebhookAnswer {
  const headers = { 'content-type': type, 'cache-control': 'no-store' };
  return { status, headers, body: JSON.stringify(body) };
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'The body is not one',
  401: 'Not genuine',
  403: 'Not allowed',
  404: 'No receiver here',
  405: 'Not by this method',
  406: 'Not genuine',
  413: 'Too large',
  415: 'Not of this type',
  429: 'Come again',
  500: 'The receiver failed',
  503: 'Come again',
};

/** Whatever was thrown as a WebhookError. */
export function toWebhookError(error: unknown): WebhookError {
  if (error instanceof WebhookError) return error;
  return new WebhookError('internal', messageOf(error), { cause: error });
}
