import type { SinkTroubleCode } from '../../core/sink.ts';
import { type SinkHttpAnswer, SinkTrouble } from '../contract.ts';
import { codeOfStatus, retryAfterOf } from '../dialing/http-answer.ts';

/** What the error codes of Amazon's APIs begin with, or have in them. In this order. */
const CODES: readonly [RegExp, SinkTroubleCode][] = [
  [/Throttl|ThroughputExceeded|LimitExceeded|TooManyRequests|SlowDown|OverLimit/i, 'rate_limited'],
  [
    /AccessDenied|Unauthorized|NotAuthorized|AuthorizationError|AuthFailure|OptInRequired/i,
    'credentials',
  ],
  [/UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|InvalidSecurity/i, 'credentials'],
  [/Signature|MissingAuthentication|Expired|RequestTimeTooSkewed/i, 'credentials'],
  // Another region than that of the bucket.
  [/AuthorizationHeaderMalformed/i, 'credentials'],
  [/NonExistent|DoesNotExist|NotFound|NoSuch|Redirect/i, 'not_found'],
  // Keys of the customer that encrypt the queue: somebody has to put them right.
  [/^KMS|Internal|Unavailable|ServerError/i, 'unavailable'],
];

export function codeOfAws(errorCode: string, otherwise: SinkTroubleCode): SinkTroubleCode {
  return CODES.find(([pattern]) => pattern.test(errorCode))?.[1] ?? otherwise;
}

/** Throws what an answer without success means. JSON and XML name it differently. */
export function checkAwsAnswer(answer: SinkHttpAnswer): void {
  const { status, text, headers } = answer;
  if (status >= 200 && status < 300) return;
  const json = parseJson(text);
  // "com.amazonaws.sqs#QueueDoesNotExist", "AccessDeniedException:http://..."
  const type = json['__type'] ?? headers['x-amzn-errortype'] ?? xmlValue(text, 'Code') ?? '';
  const errorCode = String(type).replace(/^.*#/, '').replace(/:.*$/, '');
  const said = json['message'] ?? json['Message'] ?? xmlValue(text, 'Message') ?? '';
  const code = codeOfAws(errorCode, codeOfStatus(status));
  const words = [`It answered ${status}`, errorCode, String(said).slice(0, 300)];
  throw new SinkTrouble(code, words.filter((word) => word !== '').join(': '), {
    retryAfterMs: retryAfterOf(answer),
  });
}

/** The object in an answer; an empty one where there is none. */
export function parseJson(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? { ...json } : {};
  } catch {
    return {};
  }
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The text of the first element with this name, which has no other elements in it. */
export function xmlValue(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text?.replace(/&(\w+);/g, (whole, entity: string) => ENTITIES[entity] ?? whole);
}
