import type { WebhookError } from '@posthorn/sdk';
import { PosthornError } from '../lib/errors.ts';
import { stopStatusOf } from './provider-of.ts';
import type { LiveSource } from './source-directory.ts';

/** Why a webhook was not taken: shown on its source, in the log and to whoever sent it. */
export interface Refusal {
  code: string;
  /** Nothing of the payload and of the secrets is in it. */
  detail: string;
}

const MAX_DETAIL_CHARS = 300;

/** What a parser says of a body may quote it, so that is not passed on. */
export function refusalOf({ code, message }: WebhookError): Refusal {
  const detail = code === 'invalid_payload' ? 'The body is not what this provider sends.' : message;
  return { code, detail: detail.slice(0, MAX_DETAIL_CHARS) };
}

/** With the status that the provider goes by. */
export function toRefusalError(source: LiveSource, { code, detail }: Refusal): PosthornError {
  if (code === 'invalid_payload') return new PosthornError('invalid_webhook', detail);
  if (code === 'too_large') return new PosthornError('too_large', detail);
  const { provider, record } = source;
  const usual = code === 'topic_not_allowed' ? 403 : provider.answer.refused;
  const stop = record.settings.onRefusal === 'stop' ? stopStatusOf(provider) : null;
  return new PosthornError('webhook_refused', `${code}: ${detail}`, { status: stop ?? usual });
}

/** 503 asks every provider to try again but those that discard after it. */
export function busyError(
  { provider }: LiveSource,
  detail: string,
  retryAfterSeconds: number,
  cause?: unknown,
): PosthornError {
  const code = provider.answer.busy === 429 ? 'rate_limited' : 'store_unavailable';
  return new PosthornError(code, detail, { cause, retryAfterSeconds });
}
