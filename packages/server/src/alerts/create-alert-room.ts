import type { Alert, AlertReading, AlertRule } from '../core/alerts/alert-rule.ts';
import type { RuleFault } from '../core/alerts/check-rule.ts';
import { sayReading } from '../core/alerts/say-rule.ts';
import type { Clock } from '../lib/clock.ts';
import { checkNames, type ProjectThings } from './check-names.ts';
import { createLook } from './look.ts';
import { type Past, type PastDeps, type PastRule, testOnPast } from './past.ts';
import type { AlertSight } from './sight.ts';
import { createWatch, type Watch, type WatchDeps } from './watch.ts';
import { type NoticedAlert, writeNotice } from './write-notice.ts';

/** A rule that may not be stored yet. */
export type AskedRule = PastRule & Pick<AlertRule, 'name'>;

export interface ReadingNow {
  reading: AlertReading;
  fires: boolean;
  /** Null where there is too little to say anything. */
  sentence: string | null;
}

/** Everything about rules and alerts that works by itself. `S`: a statement of the store. */
export interface AlertRoom<S> {
  watch: Watch;
  /** What each of these rules of one project names and is not there. */
  missing(projectId: string, rules: readonly AskedRule[]): Promise<RuleFault[][]>;
  /** What it says now; null where that cannot be known at the moment. */
  readNow(rule: AskedRule): Promise<ReadingNow[] | null>;
  testOnPast(rule: AskedRule, days: number): Promise<Past>;
  /** What is told of an alert, in words. */
  write(
    projectId: string,
    turn: 'fired' | 'resolved',
    alert: NoticedAlert,
  ): { subject: string; text: string };
  /** An alert as somebody has changed it, for a commit. */
  changing(alert: Alert): S;
}

export interface AlertRoomDeps<S> extends WatchDeps<S> {
  sight: AlertSight;
  past: PastDeps;
  /** Of its keys only whether these are there. */
  thingsOf(projectId: string, keys: readonly string[]): Promise<ProjectThings>;
  /** Where the portal is reached, with a slash at its end; null: nobody has said. */
  portalUrl: string | null;
  clock: Clock;
}

export function createAlertRoom<S>(deps: AlertRoomDeps<S>): AlertRoom<S> {
  const { sight, clock } = deps;
  const startedAtMs = clock.now();
  return {
    watch: createWatch(deps),
    async missing(projectId, rules) {
      if (rules.length === 0) return [];
      const keys = rules.flatMap(({ actions }) =>
        actions.flatMap((action) => (action.type === 'hold_key' ? [action.key] : [])),
      );
      const things = await deps.thingsOf(projectId, keys);
      return rules.map((rule) => checkNames(rule, things));
    },
    async readNow(rule) {
      const look = createLook(sight, { nowMs: clock.now(), awakeSinceMs: startedAtMs });
      const readings = await look.read(rule);
      if (readings === null) return null;
      return readings.map((reading) => {
        const { value, threshold } = reading;
        const sentence = value === null ? null : sayReading(rule, { ...reading, value });
        return { reading, fires: value !== null && value >= threshold, sentence };
      });
    },
    testOnPast: (rule, days) => testOnPast(deps.past, rule, { days, nowMs: clock.now() }),
    write: (projectId, turn, alert) =>
      writeNotice(turn, alert, {
        project: sight.project(projectId)?.name ?? projectId,
        portalUrl: deps.portalUrl,
        nowMs: clock.now(),
      }),
    changing: (alert) => deps.alerts.change(alert, deps.retainUntil(alert, clock.now())),
  };
}
