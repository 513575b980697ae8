import { classifyReply } from '@posthorn/bounce';
import type { RecipientResult, Transmission, TransmitErrorCode } from '../../smtp/transmission.ts';
import type { DestinationReport } from './destination-pace.ts';

const UNREACHED: ReadonlySet<TransmitErrorCode | null> = new Set<TransmitErrorCode>([
  'connection_refused',
  'connect_timeout',
  'connection_failed',
  'connection_lost',
  'reply_timeout',
]);

/**
 * What the results of one transaction say of the destination as a whole. A temporary refusal of a
 * recipient (greylisting, a full mailbox) says nothing; one of the connection or the sender, a 421, and
 * words of too much mail ask for less.
 */
export function judgeDestination({ results, site }: Transmission): DestinationReport {
  const plea = results.find(asksForLess);
  if (plea !== undefined) {
    const reason = `it asks for less mail: ${plea.response ?? plea.errorCode ?? ''}`;
    return { verdict: 'slow', site, reason };
  }
  const [first] = results;
  const nobodyAnswered = results.every(
    ({ reachedServer, errorCode }) => !reachedServer && UNREACHED.has(errorCode),
  );
  if (first !== undefined && nobodyAnswered) {
    const why = first.response ?? first.errorCode ?? '';
    const reason = `nobody answered there a moment ago: ${first.mx ?? 'no server'}: ${why}`;
    return { verdict: 'dead', site, reason };
  }
  const isGood = results.some(({ reachedServer, outcome }) => {
    return reachedServer && outcome !== 'deferred';
  });
  return { verdict: isGood ? 'good' : 'neutral', site, reason: '' };
}

const BEFORE_RECIPIENTS: ReadonlySet<RecipientResult['stage']> = new Set([
  'connect',
  'greeting',
  'ehlo',
  'mail',
]);

function asksForLess(result: RecipientResult): boolean {
  const { smtpCode, stage, outcome, enhancedCode, response, errorCode } = result;
  if (errorCode === 'api_throttled') return true;
  if (outcome !== 'deferred' || smtpCode === null) return false;
  if (smtpCode === 421 || BEFORE_RECIPIENTS.has(stage)) return true;
  const text = response ?? '';
  return classifyReply({ code: smtpCode, enhancedCode, text, stage }).category === 'rate_limited';
}
