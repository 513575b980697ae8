import type { CanonicalEvent } from '@posthorn/sdk';
import {
  type Alert,
  type AlertNotice,
  type AlertReading,
  type AlertRule,
  type NoticeTurn,
  openKeyOf,
  type ResolveReason,
} from '../core/alerts/alert-rule.ts';
import { type AlertType, entryOf } from '../core/alerts/alert-types.ts';
import { decideAlert } from '../core/alerts/decide-alert.ts';
import { quietUntil } from '../core/alerts/quiet-hours.ts';
import { sayReading } from '../core/alerts/say-rule.ts';
import type { Ids } from '../core/ids.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { createLook, type Look } from './look.ts';
import type { AlertSight } from './sight.ts';
import { toAlertEvent } from './to-alert-event.ts';

/** The part of the store that knows what fires. `S`: a statement, for a commit with others. */
export interface WatchStore<S> {
  rules: { all(): Promise<AlertRule[]> };
  alerts: {
    open(): Promise<Alert[]>;
    insertion(alert: Alert, retainUntilMs: number): S;
    change(alert: Alert, retainUntilMs: number): S;
  };
  notices: {
    of(projectId: string, alertIds: readonly string[]): Promise<AlertNotice[]>;
    insertion(notice: AlertNotice, retainUntilMs: number): S;
  };
  /** One commit. Rejects with a conflict where another node was faster: that one has told it. */
  append(
    events: { projectId: string; event: CanonicalEvent; dedupKey: string }[],
    beside: S[],
  ): Promise<unknown>;
  isConflict(error: unknown): boolean;
}

export interface WatchDeps<S> extends WatchStore<S> {
  sight: AlertSight;
  /** How long an alert is kept once it is over. */
  retainUntil(alert: Pick<Alert, 'projectId'>, nowMs: number): number;
  ids: Ids;
  clock: Clock;
  log: Log;
}

/**
 * Looks at every rule once a minute, and notes what begins and what ends together with whom to tell of it, in one
 * commit each. All that it knows is in the store: a restart, or another node that goes on, neither forgets an alert
 * nor fires it twice, which the key of an open one would refuse.
 */
export interface Watch {
  /** Looks once at everything. */
  round(): Promise<void>;
  /** Another node looks from now on. */
  rest(): void;
  /** How many alerts are open, by type, as of the last round. */
  firing(): ReadonlyMap<AlertType, number>;
}

export function createWatch<S>(deps: WatchDeps<S>): Watch {
  const { sight, clock, ids, log } = deps;
  let awakeSinceMs: number | null = null;
  let firing = new Map<AlertType, number>();

  /** Resolves to whether it was stored. */
  async function commit(
    events: { projectId: string; event: CanonicalEvent; dedupKey: string }[],
    beside: S[],
  ): Promise<boolean> {
    try {
      await deps.append(events, beside);
      return true;
    } catch (error) {
      if (!deps.isConflict(error)) throw error;
      return false;
    }
  }

  function noticesOf(
    alert: Pick<Alert, 'projectId' | 'id'>,
    rule: Pick<AlertRule, 'quietHours'> | null,
    turn: NoticeTurn,
    to: readonly Pick<AlertNotice, 'kind' | 'destination'>[],
  ): S[] {
    const nowMs = clock.now();
    const quietMs = rule?.quietHours == null ? null : quietUntil(rule.quietHours, nowMs);
    return to.map(({ kind, destination }) => {
      // What is done protects, and waits for nobody to wake up.
      const isQuiet = quietMs !== null && kind !== 'action';
      const notice: AlertNotice = {
        projectId: alert.projectId,
        alertId: alert.id,
        id: ids.next('alertNotice'),
        turn,
        kind,
        destination,
        state: 'waiting',
        attempts: 0,
        dueAtMs: isQuiet ? quietMs : nowMs,
        isQuiet,
        detail: null,
        createdAtMs: nowMs,
        settledAtMs: null,
      };
      return deps.notices.insertion(notice, deps.retainUntil(alert, nowMs));
    });
  }

  async function fire(rule: AlertRule, reading: AlertReading & { value: number }): Promise<void> {
    const nowMs = clock.now();
    const { projectId } = rule;
    const alert: Alert = {
      projectId,
      id: ids.next('alert'),
      ruleId: rule.id,
      ruleName: rule.name,
      type: rule.type,
      subject: reading.subject,
      scope: rule.scope,
      windowMs: rule.windowMs,
      sentence: sayReading(rule, reading),
      value: reading.value,
      worstValue: reading.value,
      threshold: reading.threshold,
      volume: reading.volume,
      firedAtMs: nowMs,
      calmSinceMs: null,
      repeatAtMs: rule.repeatMs === null ? null : nowMs + rule.repeatMs,
      resolvedAtMs: null,
      resolvedBecause: null,
      acknowledgedAtMs: null,
      acknowledgedBy: null,
      snoozedUntilMs: null,
      snoozedBy: null,
      version: 1,
    };
    // What protects comes before what tells.
    const to = [...rule.actions.map((action) => asDestination(action)), ...toldBy(rule)];
    const isNew = await commit(
      [told(alert, 'fired')],
      [
        deps.alerts.insertion(alert, deps.retainUntil(alert, nowMs)),
        ...noticesOf(alert, rule, 'fired', to),
      ],
    );
    if (!isNew) return;
    const fields = { project: projectId, rule: rule.id, alert: alert.id, what: alert.sentence };
    log.warn(fields, 'An alert fires');
  }

  function told(alert: Alert, turn: 'fired' | 'resolved') {
    const event = toAlertEvent(alert, turn, { id: ids.next('event'), nowMs: clock.now() });
    return { projectId: alert.projectId, event, dedupKey: `${event.type}/${alert.id}` };
  }

  async function change(alert: Alert, to: Partial<Alert>, beside: S[] = []): Promise<void> {
    const changed = { ...alert, ...to };
    const retainUntilMs = deps.retainUntil(alert, clock.now());
    await commit([], [deps.alerts.change(changed, retainUntilMs), ...beside]);
  }

  /** Who was told that it fired hears that it is over. */
  async function resolve(
    alert: Alert,
    rule: AlertRule | null,
    resolvedBecause: ResolveReason,
  ): Promise<void> {
    const nowMs = clock.now();
    const over = { ...alert, resolvedAtMs: nowMs, resolvedBecause, repeatAtMs: null };
    const before = await deps.notices.of(alert.projectId, [alert.id]);
    // Who has complained since it fired is to be suppressed too; all other actions last.
    const to = before.filter(
      ({ turn, kind, destination }) =>
        turn === 'fired' && (kind !== 'action' || destination === SUPPRESS),
    );
    const isNew = await commit(
      [told(over, 'resolved')],
      [
        deps.alerts.change(over, deps.retainUntil(alert, nowMs)),
        ...noticesOf(over, rule, 'resolved', to),
      ],
    );
    if (!isNew) return;
    const fields = { project: alert.projectId, rule: alert.ruleId, alert: alert.id };
    log.info({ ...fields, because: resolvedBecause }, 'An alert is over');
  }

  async function goOn(rule: AlertRule, alert: Alert, reading: AlertReading): Promise<void> {
    const nowMs = clock.now();
    const step = decideAlert(rule, alert, reading, nowMs);
    if (step?.kind === 'resolve') return resolve(alert, rule, 'recovered');
    const { repeatAtMs } = alert;
    const isToRemind = repeatAtMs !== null && repeatAtMs <= nowMs;
    if (step === null && !isToRemind) return;
    await change(
      alert,
      {
        ...(step?.kind === 'worse' ? { worstValue: step.value, calmSinceMs: null } : {}),
        ...(step?.kind === 'calm' ? { calmSinceMs: step.sinceMs } : {}),
        ...(isToRemind
          ? { repeatAtMs: rule.repeatMs === null ? null : nowMs + rule.repeatMs }
          : {}),
      },
      isToRemind ? noticesOf(alert, rule, 'reminder', await toRemind(rule, alert)) : [],
    );
  }

  /** Who has not even been told the last time is not told twice when that gets through, or the morning comes. */
  async function toRemind(rule: AlertRule, alert: Alert): Promise<Destination[]> {
    const before = await deps.notices.of(alert.projectId, [alert.id]);
    return toldBy(rule).filter(
      ({ destination }) =>
        !before.some((one) => one.state === 'waiting' && one.destination === destination),
    );
  }

  async function watch(rule: AlertRule, look: Look, open: Map<string, Alert>): Promise<void> {
    const readings = await look.read(rule);
    if (readings === null) return;
    const seen = new Set<string>();
    for (const reading of readings) {
      const key = openKeyOf(rule.id, reading.subject);
      seen.add(key);
      const alert = open.get(key);
      if (alert !== undefined) await goOn(rule, alert, reading);
      else {
        const step = decideAlert(rule, null, reading, clock.now());
        if (step?.kind === 'fire') await fire(rule, { ...reading, value: step.value });
      }
    }
    for (const [key, alert] of open) {
      if (seen.has(key)) continue;
      // Of a domain that nothing goes to any more nothing is counted; all other things are gone.
      if (entryOf(rule.type).about !== 'receiving_domain') await resolve(alert, rule, 'gone');
      else {
        const { subject, threshold } = alert;
        await goOn(rule, alert, { subject, value: null, volume: null, part: null, threshold });
      }
    }
  }

  async function guarded(work: Promise<void>, rule: Pick<AlertRule, 'id'>): Promise<void> {
    try {
      await work;
    } catch (error) {
      log.warn({ rule: rule.id, error: messageOf(error) }, 'An alert rule could not be looked at');
    }
  }

  return {
    async round() {
      const nowMs = clock.now();
      awakeSinceMs ??= nowMs;
      const rules = await deps.rules.all();
      const byId = new Map(rules.map((rule) => [rule.id, rule]));
      const all = await deps.alerts.open();
      const open = new Map<string, Map<string, Alert>>();
      for (const alert of all) {
        const own = open.get(alert.ruleId) ?? new Map<string, Alert>();
        open.set(alert.ruleId, own.set(openKeyOf(alert.ruleId, alert.subject), alert));
      }
      const look = createLook(sight, { nowMs, awakeSinceMs });
      for (const rule of rules) {
        if (!rule.isEnabled) continue;
        await guarded(watch(rule, look, open.get(rule.id) ?? new Map()), rule);
      }
      for (const alert of all) {
        const rule = byId.get(alert.ruleId) ?? null;
        if (rule?.isEnabled === true) continue;
        const reason = rule === null ? 'rule_deleted' : 'rule_disabled';
        await guarded(resolve(alert, rule, reason), { id: alert.ruleId });
      }
      firing = new Map();
      for (const { type } of await deps.alerts.open())
        firing.set(type, (firing.get(type) ?? 0) + 1);
    },
    rest() {
      awakeSinceMs = null;
      firing = new Map();
    },
    firing: () => firing,
  };
}

type Destination = Pick<AlertNotice, 'kind' | 'destination'>;

function toldBy({ to }: Pick<AlertRule, 'to'>): Destination[] {
  return [
    ...to.sinks.map((destination): Destination => ({ kind: 'sink', destination })),
    ...to.emails.map((destination): Destination => ({ kind: 'email', destination })),
  ];
}

const SUPPRESS = JSON.stringify({ type: 'suppress' });

function asDestination(action: AlertRule['actions'][number]): Destination {
  return { kind: 'action', destination: JSON.stringify(action) };
}
