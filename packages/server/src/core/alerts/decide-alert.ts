import type { Alert, AlertReading, AlertRuleSettings } from './alert-rule.ts';

/**
 * The life of an alert, by one rule and one subject:
 *
 *     (none) --at or over the threshold--> open --below the lower line for long enough--> resolved
 *
 * An open one that goes over the lower line again begins anew to be calm. Too little to say anything is calm too:
 * or it would fire through every quiet weekend.
 */
export type AlertStep =
  | { kind: 'fire'; value: number }
  /** Below the line since then; null: not any more. */
  | { kind: 'calm'; sinceMs: number | null }
  | { kind: 'worse'; value: number }
  | { kind: 'resolve' };

type Lines = Pick<AlertRuleSettings, 'threshold' | 'resolveBelow' | 'resolveAfterMs'>;

/** Null: nothing changes. */
export function decideAlert(
  rule: Lines,
  open: Pick<Alert, 'calmSinceMs' | 'worstValue'> | null,
  reading: Pick<AlertReading, 'value' | 'threshold'>,
  nowMs: number,
): AlertStep | null {
  const { value, threshold } = reading;
  if (open === null) {
    return value !== null && value >= threshold ? { kind: 'fire', value } : null;
  }
  if (value !== null && value >= (rule.resolveBelow ?? threshold)) {
    if (value > open.worstValue) return { kind: 'worse', value };
    return open.calmSinceMs === null ? null : { kind: 'calm', sinceMs: null };
  }
  const sinceMs = open.calmSinceMs ?? nowMs;
  if (nowMs - sinceMs >= rule.resolveAfterMs) return { kind: 'resolve' };
  return open.calmSinceMs === null ? { kind: 'calm', sinceMs } : null;
}
