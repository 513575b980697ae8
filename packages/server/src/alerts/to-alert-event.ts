import type { CanonicalEvent } from '@posthorn/sdk';
import type { Alert, NoticeTurn } from '../core/alerts/alert-rule.ts';
import { toTimestamp } from '../lib/clock.ts';

/** An alert as an event: what endpoints and sinks get of it. A reminder is one that fires, once more. */
export function toAlertEvent(
  alert: Alert,
  turn: NoticeTurn,
  { id, nowMs }: { id: string; nowMs: number },
): CanonicalEvent {
  const { subject, resolvedAtMs } = alert;
  const timestamp = toTimestamp(nowMs);
  return {
    id,
    type: turn === 'resolved' ? 'alert.resolved' : 'alert.fired',
    timestamp,
    data: {
      provider: 'posthorn',
      received_at: timestamp,
      alert: {
        id: alert.id,
        rule_id: alert.ruleId,
        rule_name: alert.ruleName,
        type: alert.type,
        about: subject === null ? null : { ...subject },
        sentence: alert.sentence,
        value: alert.value,
        worst_value: alert.worstValue,
        threshold: alert.threshold,
        fired_at: toTimestamp(alert.firedAtMs),
        resolved_at: resolvedAtMs === null ? null : toTimestamp(resolvedAtMs),
        resolved_because: alert.resolvedBecause,
      },
    },
  };
}
