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
  /** Events started since then. */
  started: number;
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

export function createBreaker(): Breaker {
  return {
    state: 'closed',
    failuresInRow: 0,
    failingSinceMs: null,
    probeAtMs: 0,
    probes: 0,
    probing: false,
    recoveringSinceMs: 0,
    started: 0,
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
  breaker.started = 0;
}

/** `startedAtMs`: when the attempt began. `random` in [0, 1). */
export function noteFailure(
  breaker: Breaker,
  startedAtMs: number,
  nowMs: number,
  random: number,
): void {
  breaker.failuresInRow += 1;
  breaker.failingSinceMs ??= startedAtMs;
  if (breaker.state === 'open') {
    // Posts that were under way when it opened say nothing new.
    if (breaker.probing) scheduleProbe(breaker, nowMs, random);
  } else if (breaker.failuresInRow >= OPEN_AFTER) {
    breaker.state = 'open';
    scheduleProbe(breaker, nowMs, random);
  }
}

/** The attempt came to nothing by a fault of ours: nothing is known about the endpoint. */
export function noteNothing(breaker: Breaker, nowMs: number, random: number): void {
  if (breaker.state === 'open' && breaker.probing) scheduleProbe(breaker, nowMs, random);
}

export function noteStart(breaker: Breaker, events: number): void {
  if (breaker.state === 'open') breaker.probing = true;
  else if (breaker.state === 'recovering') breaker.started += events;
}

/** When a post may start: now or earlier, a time to come, or null while a probe is under way. */
export function nextStart(breaker: Breaker, nowMs: number): number | null {
  if (breaker.state === 'closed') return nowMs;
  if (breaker.state === 'open') return breaker.probing ? null : breaker.probeAtMs;
  const sinceMs = nowMs - breaker.recoveringSinceMs;
  if (sinceMs >= RECOVERY_MS) {
    breaker.state = 'closed';
    return nowMs;
  }
  const missing = breaker.started + 1 - recoveryBudget(sinceMs);
  return missing <= 0 ? nowMs : nowMs + Math.ceil((missing * 1_000) / recoveryRate(sinceMs));
}

/** Events a second, `sinceMs` after the success that ended an outage. */
export function recoveryRate(sinceMs: number): number {
  return RECOVERY_RATE * 2 ** Math.floor(Math.max(0, sinceMs) / STEP_MS);
}

/** How many events may have started by then. */
export function recoveryBudget(sinceMs: number): number {
  const steps = Math.floor(sinceMs / STEP_MS);
  const before = (RECOVERY_RATE * (2 ** steps - 1) * STEP_MS) / 1_000;
  return 1 + before + (recoveryRate(sinceMs) * (sinceMs - steps * STEP_MS)) / 1_000;
}

function scheduleProbe(breaker: Breaker, nowMs: number, random: number): void {
  const waitMs = Math.min(FIRST_PROBE_MS * 2 ** Math.min(breaker.probes, 16), LONGEST_PROBE_MS);
  breaker.probeAtMs = nowMs + Math.round(waitMs * (1 + PROBE_JITTER * (2 * random - 1)));
  breaker.probes += 1;
  breaker.probing = false;
}
