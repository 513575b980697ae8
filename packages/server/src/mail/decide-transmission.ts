import { classifyReply } from '@posthorn/bounce';
import type { EventBounce, EventDelivery, EventType } from '@posthorn/sdk';
import { nextMailRetry } from '../core/retry-schedule.ts';
import { toTimestamp } from '../lib/clock.ts';
import type { RecipientResult } from '../smtp/transmission.ts';
import type { TransmissionsTable } from '../store/tables.ts';

/** What one attempt for one recipient leads to: events, and the recipient's place in the queue. */
export interface TransmissionDecision {
  state: TransmissionsTable['state'];
  attempts: number;
  reachedServer: boolean;
  dueAtMs: number;
  events: { type: EventType; delivery: EventDelivery; bounce?: EventBounce }[];
}

/**
 * queued -> delivered | bounced | failed, or queued again.
 *
 * The first attempt that a server answers is `email.sent`. A refusal is `email.bounced`; a domain that does
 * not exist is one only when DNS says so again and again. A temporary
 * failure is `email.deferred` until the message expires; then it is a soft bounce if a server ever
 * answered, and `email.failed` if none did.
 */
export function decideTransmission(input: {
  result: RecipientResult;
  /** Attempts before this one. */
  attempts: number;
  /** Whether a server answered in an earlier attempt. */
  reachedServer: boolean;
  ladderMs: readonly number[];
  nowMs: number;
  /** When its first attempt fell due. */
  sinceMs: number;
  expiresAtMs: number;
  random: number;
}): TransmissionDecision {
  const { result, nowMs } = input;
  const attempts = input.attempts + 1;
  const reachedServer = input.reachedServer || result.reachedServer;
  const delivery = toDelivery(result, attempts);
  const firstContact = result.reachedServer && !input.reachedServer;
  const sent = firstContact ? [{ type: 'email.sent' as const, delivery }] : [];
  const base = { attempts, reachedServer, dueAtMs: nowMs };

  if (result.outcome === 'delivered') {
    return {
      ...base,
      state: 'delivered',
      events: [...sent, { type: 'email.delivered', delivery }],
    };
  }
  if (result.outcome === 'refused' && !isToBeAskedAgain(result, { ...input, attempts })) {
    const bounce = toBounce(result);
    return {
      ...base,
      state: 'bounced',
      events: [...sent, { type: 'email.bounced', delivery, bounce }],
    };
  }
  const rungMs = nextMailRetry({ ...input, failures: attempts });
  const isForTomorrow = result.errorCode === 'warmup_full' && rungMs !== null;
  const dueAtMs = isForTomorrow ? tomorrow(input) : rungMs;
  if (dueAtMs !== null) {
    const deferred = { ...delivery, next_attempt_at: toTimestamp(dueAtMs) };
    // What DNS has said is not final yet, so its code is not either (RFC 3463 2).
    if (result.errorCode === 'dns_not_found') deferred.enhanced_code = '4.1.2';
    const events = [...sent, { type: 'email.deferred' as const, delivery: deferred }];
    return { ...base, state: 'queued', dueAtMs, events };
  }
  if (!reachedServer) {
    return { ...base, state: 'failed', events: [{ type: 'email.failed', delivery }] };
  }
  const bounce: EventBounce = { ...toBounce(result), type: 'soft' };
  return {
    ...base,
    state: 'bounced',
    events: [...sent, { type: 'email.bounced', delivery, bounce }],
  };
}

/** A resolver that is broken, or a registry in a bad hour, says of good domains that there are none. */
const NOT_FOUND_ATTEMPTS = 4;
const NOT_FOUND_SPAN_MS = 900_000;

/**
 * Nobody but DNS has said that the domain does not exist: that counts when it was said several times over
 * a quarter of an hour. With the usual ladder it is final with the fourth attempt, after 21 minutes.
 */
function isToBeAskedAgain(
  { errorCode }: RecipientResult,
  at: { attempts: number; nowMs: number; sinceMs: number },
): boolean {
  if (errorCode !== 'dns_not_found') return false;
  return at.attempts < NOT_FOUND_ATTEMPTS || at.nowMs - at.sinceMs < NOT_FOUND_SPAN_MS;
}

const DAY_MS = 86_400_000;
/** So that not everything that waits for a new day comes at its first moment. */
const MORNING_MS = 3_600_000;

function tomorrow({
  nowMs,
  expiresAtMs,
  random,
}: {
  nowMs: number;
  expiresAtMs: number;
  random: number;
}): number {
  const dayMs = (Math.floor(nowMs / DAY_MS) + 1) * DAY_MS;
  return Math.min(dayMs + Math.round(MORNING_MS * random), expiresAtMs);
}

function toDelivery(result: RecipientResult, attempt: number): EventDelivery {
  return {
    attempt,
    smtp_code: result.smtpCode,
    enhanced_code: result.enhancedCode,
    response: result.response,
    mx: result.mx,
    remote_ip: result.remoteIp,
    tls: result.tls,
    latency_ms: Math.round(result.latencyMs),
    error_code: result.errorCode,
    next_attempt_at: null,
  };
}

function toBounce(result: RecipientResult): EventBounce {
  const rest = { async: false, from_dsn: false, suppressed: false };
  // DNS and the address itself are judged by us; everything else by what the server said.
  if (result.errorCode === 'dns_not_found' || result.errorCode === 'null_mx') {
    const description = result.response ?? 'The domain takes no mail.';
    return { type: 'hard', category: 'invalid_domain', scope: 'domain', description, ...rest };
  }
  if (result.errorCode === 'invalid_address') {
    const description = result.response ?? 'The address cannot be written in SMTP.';
    return { type: 'hard', category: 'invalid_address', scope: 'recipient', description, ...rest };
  }
  const { type, category, scope, description } = classifyReply({
    // The words of an API are about the message, as those of a server behind 554 are.
    code: result.errorCode === 'api_rejected' ? 554 : result.smtpCode,
    enhancedCode: result.enhancedCode,
    text: result.response ?? '',
    stage: result.stage,
  });
  return { type, category, scope, description, ...rest };
}
