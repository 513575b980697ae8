/**
 * The breaker of one endpoint. Pure; times in ms.
 *
 *   closed      everything may go
 *   open        after OPEN_AFTER failures in a row: one probe at a time, at growing intervals. What
 *               waits is not tried, so it uses up no attempts; nor does a probe.
 *   recovering  after a success: starts are rationed at a rate that doubles, so that a backlog of
 *               hours does not fall on an endpoint that has just got up
 *
 * closed -> (OPEN_AFTER failures in a row) open -> (a success) recovering -> (RECOVERY_MS without
 * opening again) closed; recovering -> (OPEN_AFTER failures in a row) open.
 */
export interface Breaker {
  state: 'closed' | 'open' | 'recovering';
  failuresInRow: number;
  /** When the first of them began; null while it works. */
  failingSinceMs: number | null;
  /** When the next probe may go. */
  probeAtMs: number;
  probes: number;
  probing: boolean;
  recoveringSinceMs: number;
  /** When the next event may go while it recovers. */
  nextAtMs: number;
}

/** As many as the usual ladder has attempts: one event that nobody wants opens no breaker. */
export const OPEN_AFTER = 10;

const FIRST_PROBE_MS = 10_000;
/** Often enough that an endpoint that is back waits minutes, not hours. */
const LONGEST_PROBE_MS = 300_000;
const PROBE_JITTER = 0.2;

/** Events a second at first; doubled every STEP_MS. After RECOVERY_MS that is 1,280 a second. */
const RECOVERY_RATE = 10;
const STEP_MS = 5_000;
export const RECOVERY_MS = 8 * STEP_MS;

/** How far a rate may run ahead, ms: evens out timers, and is no burst to speak of. */
export const RATE_SLACK_MS = 50;

export function createBreaker(): Breaker {
  return {
    state: 'closed',
    failuresInRow: 0,
    failingSinceMs: null,
    probeAtMs: 0,
    probes: 0,
    probing: false,
    recoveringSinceMs: 0,
    nextAtMs: 0,
  };
}

export function noteSuccess(breaker: Breaker, nowMs: number): void {
  breaker.failuresInRow = 0;
  breaker.failingSinceMs = null;
  if (breaker.state !== 'open') return;
  breaker.state = 'recovering';
  breaker.probing = false;
  breaker.probes = 0;
  breaker.recoveringSinceMs = nowMs;
  breaker.nextAtMs = nowMs;
}

/** An attempt that came to nothing. */
export interface Failure {
  /** When it began. */
  startedAtMs: number;
  /** When it had failed. */
  nowMs: number;
  /** It began while the breaker was open. */
  wasProbe: boolean;
  /** In [0, 1). */
  random: number;
}

export function noteFailure(breaker: Breaker, failure: Failure): void {
  breaker.failuresInRow += 1;
  breaker.failingSinceMs ??= failure.startedAtMs;
  if (breaker.state !== 'open') {
    if (breaker.failuresInRow >= OPEN_AFTER) open(breaker, failure);
    // Posts that were under way when it opened say nothing new.
  } else if (failure.wasProbe) scheduleProbe(breaker, failure);
}

/** Nobody listens there any more: nothing but a probe starts while its endpoint is being disabled. */
export function noteGone(breaker: Breaker, failure: Failure): void {
  noteFailure(breaker, failure);
  if (breaker.state !== 'open') open(breaker, failure);
}

/** The attempt came to nothing by a fault of ours: nothing is known about the endpoint. */
export function noteNothing(breaker: Breaker, failure: Failure): void {
  if (breaker.state === 'open' && failure.wasProbe) scheduleProbe(breaker, failure);
}

export function noteStart(breaker: Breaker, events: number, nowMs: number): void {
  if (breaker.state === 'open') breaker.probing = true;
  if (breaker.state !== 'recovering') return;
  const eachMs = 1_000 / recoveryRate(nowMs - breaker.recoveringSinceMs);
  // From now on, so that what was not used in a quiet second is not made up for in the next.
  breaker.nextAtMs = Math.max(breaker.nextAtMs, nowMs) + events * eachMs;
}

/** Nothing was posted, so the next one may be the probe. */
export function noteUntried(breaker: Breaker): void {
  breaker.probing = false;
}

/** When a post may start: now or earlier, a time to come, or null while a probe is under way. */
export function nextStart(breaker: Breaker, nowMs: number): number | null {
  if (breaker.state === 'open') return breaker.probing ? null : breaker.probeAtMs;
  if (breaker.state === 'closed') return nowMs;
  const closesAtMs = breaker.recoveringSinceMs + RECOVERY_MS;
  if (nowMs >= closesAtMs) {
    breaker.state = 'closed';
    return nowMs;
  }
  return Math.min(Math.ceil(breaker.nextAtMs - RATE_SLACK_MS), closesAtMs);
}

/** Events a second, `sinceMs` after the success that ended an outage. */
export function recoveryRate(sinceMs: number): number {
  return RECOVERY_RATE * 2 ** Math.floor(Math.max(0, sinceMs) / STEP_MS);
}

function open(breaker: Breaker, failure: Failure): void {
  breaker.state = 'open';
  breaker.probes = 0;
  scheduleProbe(breaker, failure);
}

function scheduleProbe(breaker: Breaker, { nowMs, random }: Failure): void {
  const waitMs = Math.min(FIRST_PROBE_MS * 2 ** Math.min(breaker.probes, 16), LONGEST_PROBE_MS);
  breaker.probeAtMs = nowMs + Math.round(waitMs * (1 + PROBE_JITTER * (2 * random - 1)));
  breaker.probes += 1;
  breaker.probing = false;
}
