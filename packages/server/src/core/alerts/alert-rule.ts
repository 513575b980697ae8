import type { Stream } from '../mail/streams.ts';
import type { AlertType, ScopeName } from './alert-types.ts';
import type { QuietHours } from './quiet-hours.ts';

/** What a rule is narrowed to: ids of what is in the project, names of streams, tags and domains. */
export type AlertScope = Partial<Record<ScopeName, string>>;

/** What is done when a rule fires, beside telling. Nothing of it is undone by itself. */
export type AlertAction =
  | { type: 'hold_stream'; stream: Stream }
  | { type: 'hold_key'; key: string }
  /** Of those who complained or bounced: onto the suppression list. */
  | { type: 'suppress' }
  /** The endpoint that the alert is about. */
  | { type: 'disable_endpoint' };

export const ALERT_ACTIONS = ['hold_stream', 'hold_key', 'suppress', 'disable_endpoint'] as const;

/** Everything of a rule that decides: what its text is made of, too. */
export interface AlertRuleSettings {
  scope: AlertScope;
  /** A share, a count or seconds, as its type has it; null: the thing's own past decides. */
  threshold: number | null;
  /** Null where its type has none. */
  windowMs: number | null;
  minVolume: number | null;
  /** It resolves when it stays below this for `resolveAfterMs`; null: as long as it is below the threshold. */
  resolveBelow: number | null;
  resolveAfterMs: number;
  quietHours: QuietHours | null;
  /** Tells in quiet hours too. */
  isUrgent: boolean;
  /** Tells again so often while nobody has acknowledged it; null: once. */
  repeatMs: number | null;
  to: { sinks: readonly string[]; emails: readonly string[] };
  actions: readonly AlertAction[];
}

export interface AlertRule extends AlertRuleSettings {
  projectId: string;
  id: string;
  name: string;
  type: AlertType;
  isEnabled: boolean;
  /** 1, then one more with each change. */
  version: number;
  createdAtMs: number;
  updatedAtMs: number;
}

/** What an alert is about, of the things that its rule looks after; null for the project itself. */
export interface AlertSubject {
  kind: 'endpoint' | 'source' | 'sink' | 'domain' | 'receiving_domain' | 'send_limit';
  id: string;
  name: string;
}

/** What was found of one subject when a rule was looked at. */
export interface AlertReading {
  subject: AlertSubject | null;
  /** In the unit of the type; null: too little to say anything. */
  value: number | null;
  /** Of how many; null where that means nothing. */
  volume: number | null;
  /** What the value is held against. */
  threshold: number;
  /** Of those, how many; of a drop: how many there usually are. */
  part: number | null;
}

export const RESOLVE_REASONS = ['recovered', 'gone', 'rule_disabled', 'rule_deleted'] as const;
export type ResolveReason = (typeof RESOLVE_REASONS)[number];

/** One firing of a rule, from its beginning to its end. */
export interface Alert {
  projectId: string;
  id: string;
  ruleId: string;
  /** As they were when it fired. */
  ruleName: string;
  type: AlertType;
  subject: AlertSubject | null;
  /** Of the rule, when it fired. */
  scope: AlertScope;
  windowMs: number | null;
  /** What it said when it fired. */
  sentence: string;
  value: number;
  /** The highest since then. */
  worstValue: number;
  threshold: number;
  volume: number | null;
  firedAtMs: number;
  /** Since when it is below the line under which it resolves; null: it is not. */
  calmSinceMs: number | null;
  /** When it is told again; null: never. */
  repeatAtMs: number | null;
  resolvedAtMs: number | null;
  resolvedBecause: ResolveReason | null;
  acknowledgedAtMs: number | null;
  acknowledgedBy: string | null;
  /** Nothing is said of it before then. */
  snoozedUntilMs: number | null;
  snoozedBy: string | null;
  /** 1, then one more with each change: of two who change it at once, one is refused. */
  version: number;
}

export const ALERT_STATES = ['firing', 'acknowledged', 'snoozed', 'resolved'] as const;
export type AlertState = (typeof ALERT_STATES)[number];

export function stateOf(
  alert: Pick<Alert, 'resolvedAtMs' | 'snoozedUntilMs' | 'acknowledgedAtMs'>,
  nowMs: number,
): AlertState {
  if (alert.resolvedAtMs !== null) return 'resolved';
  if (alert.snoozedUntilMs !== null && alert.snoozedUntilMs > nowMs) return 'snoozed';
  return alert.acknowledgedAtMs === null ? 'firing' : 'acknowledged';
}

/** The same for all alerts of a rule about the same thing, of which one at a time is open. */
export function openKeyOf(ruleId: string, subject: Pick<AlertSubject, 'id'> | null): string {
  return `${ruleId}/${subject?.id ?? ''}`;
}

/** Which turn of an alert is told. */
export const NOTICE_TURNS = ['fired', 'reminder', 'resolved'] as const;
export type NoticeTurn = (typeof NOTICE_TURNS)[number];

/** Something that is to be told to one sink or address, or done, because of an alert. */
export interface AlertNotice {
  projectId: string;
  alertId: string;
  id: string;
  turn: NoticeTurn;
  kind: 'sink' | 'email' | 'action';
  /** The id of a sink, an address, or an action as JSON. */
  destination: string;
  state: 'waiting' | 'sent' | 'failed';
  attempts: number;
  /** The next attempt; null when it is settled. */
  dueAtMs: number | null;
  /** It waits for quiet hours to end. */
  isQuiet: boolean;
  /** What the last attempt came to. */
  detail: string | null;
  createdAtMs: number;
  settledAtMs: number | null;
}
