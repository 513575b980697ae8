import type { Alert, AlertReading, AlertRule, AlertSubject } from './alert-rule.ts';
import { decideAlert } from './decide-alert.ts';

/** A firing that a rule would have had. */
export interface PastFiring {
  subject: AlertSubject | null;
  firedAtMs: number;
  /** Null: it would still fire. */
  resolvedAtMs: number | null;
  /** When it would have fired. */
  reading: AlertReading & { value: number };
}

/** Pure: plays a rule over readings of the past, in the order of their times. */
export function simulateRule(
  rule: Pick<AlertRule, 'threshold' | 'resolveBelow' | 'resolveAfterMs'>,
  steps: Iterable<{ atMs: number; readings: readonly AlertReading[] }>,
): PastFiring[] {
  const firings: PastFiring[] = [];
  const open = new Map<
    string,
    { state: Pick<Alert, 'calmSinceMs' | 'worstValue'>; firing: PastFiring }
  >();
  for (const { atMs, readings } of steps) {
    for (const reading of readings) {
      const key = reading.subject?.id ?? '';
      const known = open.get(key);
      const step = decideAlert(rule, known?.state ?? null, reading, atMs);
      if (step?.kind === 'fire') {
        const { subject } = reading;
        const firing: PastFiring = {
          subject,
          firedAtMs: atMs,
          resolvedAtMs: null,
          reading: { ...reading, value: step.value },
        };
        firings.push(firing);
        open.set(key, { state: { calmSinceMs: null, worstValue: step.value }, firing });
      }
      if (known === undefined || step === null) continue;
      if (step.kind === 'calm') known.state.calmSinceMs = step.sinceMs;
      if (step.kind === 'worse') known.state = { calmSinceMs: null, worstValue: step.value };
      if (step.kind === 'resolve') {
        known.firing.resolvedAtMs = atMs;
        open.delete(key);
      }
    }
  }
  return firings;
}
