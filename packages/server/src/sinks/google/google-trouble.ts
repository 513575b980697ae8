import type { SinkTroubleCode } from '../../core/sink.ts';
import { type SinkHttpAnswer, SinkTrouble } from '../contract.ts';
import { codeOfStatus, retryAfterOf } from '../dialing/http-answer.ts';

/**
 * Where what stands in the answer says more than its HTTP status. Billing that is switched off, or a key
 * of the customer that is gone, is 400: nothing is wrong with the event then.
 * https://cloud.google.com/pubsub/docs/reference/error-codes,
 * https://cloud.google.com/bigquery/docs/error-messages
 */
const CODES: readonly [RegExp, SinkTroubleCode][] = [
  [/"(RESOURCE_EXHAUSTED|rateLimitExceeded|quotaExceeded)"/, 'rate_limited'],
  [/"(FAILED_PRECONDITION|CANCELLED|ABORTED|billingNotEnabled)"/, 'unavailable'],
];

/** Throws what an answer without success means. */
export function checkGoogleAnswer(answer: SinkHttpAnswer): void {
  const { status, text } = answer;
  if (status >= 200 && status < 300) return;
  const code = CODES.find(([pattern]) => pattern.test(text))?.[1] ?? codeOfStatus(status);
  const said = /"message":\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text.slice(0, 300);
  throw new SinkTrouble(code, `It answered ${status}: ${said}`, {
    retryAfterMs: retryAfterOf(answer),
  });
}
