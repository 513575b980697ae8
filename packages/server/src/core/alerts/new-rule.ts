import type { AlertRuleSettings } from './alert-rule.ts';
import { type AlertType, entryOf } from './alert-types.ts';

/** So far below the threshold it has to be before it resolves, where nobody says otherwise. */
const CLEAR_SHARE = 0.8;
/** 0.8 of 0.05 is to be 0.04, and no more. */
const PLACES = 1e9;

/** What a rule of this type has where nothing is said. */
export function defaultSettings(type: AlertType): AlertRuleSettings {
  const { threshold, windowSeconds, minVolume, resolveAfterSeconds } = entryOf(type);
  return {
    scope: {},
    threshold: threshold.default,
    windowMs: windowSeconds === null ? null : windowSeconds.default * 1_000,
    minVolume: minVolume?.default ?? null,
    resolveBelow: usualResolveBelow(type, threshold.default),
    resolveAfterMs: resolveAfterSeconds * 1_000,
    quietHours: null,
    isUrgent: false,
    repeatMs: null,
    to: { sinks: [], emails: [] },
    actions: [],
  };
}

/** What goes up and down all the time. */
const QUEUES: readonly AlertType[] = [
  'queue_depth',
  'queue_lag',
  'mail_queue_depth',
  'mail_queue_lag',
];

/** The lower line for a threshold. What lasts is over as soon as it ends, so a time needs none. */
export function usualResolveBelow(type: AlertType, threshold: number | null): number | null {
  if (threshold === null) return null;
  const { unit } = entryOf(type);
  if (unit !== 'share' && !QUEUES.includes(type)) return threshold;
  // Between whole numbers there is nothing to be below.
  if (unit === 'count') return Math.ceil(threshold * CLEAR_SHARE);
  return Math.round(threshold * CLEAR_SHARE * PLACES) / PLACES;
}

/** A rule that most projects want, by its name. */
export interface DefaultRule {
  name: string;
  type: AlertType;
  settings: Partial<AlertRuleSettings>;
}

/** What a new project can take over. Rates and their lines are those of docs/analytics.md. */
export const DEFAULT_RULES: readonly DefaultRule[] = [
  { name: 'Bounce rate over 5%', type: 'bounce_rate', settings: {} },
  { name: 'Complaint rate over 0.1%', type: 'complaint_rate', settings: {} },
  {
    name: 'Complaint rate over 0.3%',
    type: 'complaint_rate',
    settings: { threshold: 0.003, resolveBelow: 0.0024, isUrgent: true },
  },
  { name: 'Somebody complained', type: 'complaints', settings: {} },
  { name: 'Over 1,000 events wait for an endpoint', type: 'queue_depth', settings: {} },
  { name: 'An endpoint lags over 5 minutes', type: 'queue_lag', settings: {} },
  { name: 'Mail to over 1,000 recipients waits', type: 'mail_queue_depth', settings: {} },
  { name: 'Mail waits over 5 minutes', type: 'mail_queue_lag', settings: {} },
  { name: 'An endpoint fails', type: 'endpoint_failing', settings: {} },
  { name: 'A source is silent', type: 'source_silent', settings: {} },
  { name: 'A sink fails', type: 'sink_failing', settings: {} },
  { name: 'A sink refuses events', type: 'sink_refusing', settings: {} },
  { name: 'Sending limit nearly used', type: 'send_limit', settings: {} },
  {
    name: 'Sending limit reached',
    type: 'send_limit',
    settings: { threshold: 1, resolveBelow: 1, isUrgent: true },
  },
  { name: 'DNS of a domain not in order', type: 'domain_dns', settings: {} },
  { name: 'A domain defers everything', type: 'destination_deferring', settings: {} },
  { name: 'Sudden drop in volume', type: 'volume_drop', settings: {} },
];
