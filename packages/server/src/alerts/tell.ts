import type { CanonicalEvent } from '@posthorn/sdk';
import type { Alert, AlertAction, AlertNotice } from '../core/alerts/alert-rule.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { toAlertEvent } from './to-alert-event.ts';
import { writeNotice } from './write-notice.ts';

/** The part of the store that knows what is still to be told. `S`: a statement, for a commit with others. */
export interface TellStore<S> {
  alerts: { get(alert: Pick<Alert, 'projectId' | 'id'>): Promise<Alert | null> };
  notices: {
    due(nowMs: number, limit: number): Promise<AlertNotice[]>;
    nextDueAtMs(): Promise<number | null>;
    of(projectId: string, alertIds: readonly string[]): Promise<AlertNotice[]>;
    change(notice: AlertNotice, seen: Pick<AlertNotice, 'attempts'>): S;
  };
  append(events: never[], beside: S[]): Promise<unknown>;
  isConflict(error: unknown): boolean;
}

/** Ways out. Each resolves to a word about how it went, and throws with what a person has to know. */
export interface WaysToTell<S> {
  /** `isInLog`: an event of the same turn is in the log, where sinks find it by themselves. */
  sink(told: {
    projectId: string;
    sinkId: string;
    event: CanonicalEvent;
    isInLog: boolean;
  }): Promise<string | null>;
  /** `beside` is committed together with the message: it is taken once, or not at all. */
  mail(
    notice: { projectId: string; to: string; subject: string; text: string },
    beside: S[],
  ): Promise<unknown>;
  act(alert: Alert, action: AlertAction): Promise<string>;
}

/** What can never be done, however often it is tried. */
export class Hopeless extends Error {
  override readonly name = 'Hopeless';
}

export interface TellerDeps<S> extends TellStore<S> {
  ways: WaysToTell<S>;
  projectName(projectId: string): string | null;
  portalUrl: string | null;
  clock: Clock;
  log: Log;
}

/** Tells what is due. */
export interface Teller {
  /** Resolves to when there is something due again, ms from now; null when nothing waits. */
  run(): Promise<number | null>;
}

const AT_ONCE = 50;
/** Who has taken a notice to tell it has so long before another node may think that it died with it. */
const CLAIM_MS = 120_000;
const FIRST_RETRY_MS = 30_000;
const MAX_RETRY_MS = 3_600_000;
/** About a day: after that it is no news any more. */
const MAX_ATTEMPTS = 30;

export function createTeller<S>(deps: TellerDeps<S>): Teller {
  const { alerts, notices, ways, clock, log } = deps;

  /** Resolves to whether it was stored: not when another node was faster. */
  async function store(notice: AlertNotice, seen: Pick<AlertNotice, 'attempts'>): Promise<boolean> {
    try {
      await deps.append([], [notices.change(notice, seen)]);
      return true;
    } catch (error) {
      if (!deps.isConflict(error)) throw error;
      return false;
    }
  }

  /** What was to be told earlier at the same place comes first: an incident is closed after it was opened. */
  async function earlierOf(notice: AlertNotice): Promise<AlertNotice | undefined> {
    const all = await notices.of(notice.projectId, [notice.alertId]);
    return all.find(
      ({ id, state, destination }) =>
        id < notice.id && state === 'waiting' && destination === notice.destination,
    );
  }

  function settled(notice: AlertNotice, detail: string | null): AlertNotice {
    const nowMs = clock.now();
    return { ...notice, state: 'sent', dueAtMs: null, settledAtMs: nowMs, detail };
  }

  async function mail(alert: Alert, notice: AlertNotice): Promise<void> {
    const { projectId, destination: to, turn } = notice;
    const project = deps.projectName(projectId) ?? projectId;
    const about = { project, portalUrl: deps.portalUrl, nowMs: clock.now() };
    const done = settled({ ...notice, attempts: notice.attempts + 1 }, 'In the queue.');
    await ways.mail({ projectId, to, ...writeNotice(turn, alert, about) }, [
      notices.change(done, notice),
    ]);
  }

  async function tryOne(alert: Alert, claimed: AlertNotice): Promise<string | null> {
    if (claimed.kind === 'action') return ways.act(alert, JSON.parse(claimed.destination));
    // The same id at each attempt, so that a destination can know it again.
    const id = `evt_${claimed.id.slice(claimed.id.indexOf('_') + 1)}`;
    const event = toAlertEvent(alert, claimed.turn, { id, nowMs: clock.now() });
    const { projectId, destination: sinkId, turn } = claimed;
    return ways.sink({ projectId, sinkId, event, isInLog: turn !== 'reminder' });
  }

  async function fail(tried: AlertNotice, seen: AlertNotice, error: unknown): Promise<void> {
    const nowMs = clock.now();
    const detail = messageOf(error);
    const isOver = error instanceof Hopeless || tried.attempts >= MAX_ATTEMPTS;
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** (tried.attempts - 1), MAX_RETRY_MS);
    // Not whom: addresses are not logged.
    const fields = { alert: tried.alertId, notice: tried.id, kind: tried.kind, error: detail };
    log.warn(fields, isOver ? 'An alert could not be told' : 'An alert could not be told yet');
    const next: AlertNotice = isOver
      ? { ...tried, state: 'failed', dueAtMs: null, settledAtMs: nowMs, detail }
      : { ...tried, dueAtMs: nowMs + waitMs, detail };
    await store(next, seen);
  }

  async function tell(notice: AlertNotice): Promise<void> {
    const alert = await alerts.get({ projectId: notice.projectId, id: notice.alertId });
    const earlier = await earlierOf(notice);
    if (alert !== null && earlier !== undefined) {
      const dueAtMs = Math.max(earlier.dueAtMs ?? 0, clock.now()) + 1_000;
      await store({ ...notice, dueAtMs }, notice);
      return;
    }
    if (notice.kind === 'email' && alert !== null) {
      try {
        await mail(alert, notice);
      } catch (error) {
        if (deps.isConflict(error)) return;
        await fail({ ...notice, attempts: notice.attempts + 1 }, notice, error);
      }
      return;
    }
    const claimed = {
      ...notice,
      attempts: notice.attempts + 1,
      dueAtMs: clock.now() + CLAIM_MS,
    };
    if (!(await store(claimed, notice))) return;
    try {
      if (alert === null) throw new Hopeless('The alert is not kept any more.');
      await store(settled(claimed, await tryOne(alert, claimed)), claimed);
    } catch (error) {
      await fail(claimed, claimed, error);
    }
  }

  return {
    async run() {
      const due = await notices.due(clock.now(), AT_ONCE);
      const isAction = ({ kind }: AlertNotice): boolean => kind === 'action';
      // Two of them may change the same project.
      for (const notice of due.filter(isAction)) await tell(notice);
      // One place that takes its time keeps no other waiting.
      await Promise.all(due.filter((notice) => !isAction(notice)).map(tell));
      const nextMs = await notices.nextDueAtMs();
      return nextMs === null ? null : Math.max(0, nextMs - clock.now());
    },
  };
}
