import type { CanonicalEvent } from '@posthorn/sdk';
import { type AlertRoom, createAlertRoom } from '../alerts/create-alert-room.ts';
import type { AlertSight } from '../alerts/sight.ts';
import { createTeller, Hopeless, type WaysToTell } from '../alerts/tell.ts';
import type { Config } from '../config.ts';
import { isId, lowestIdAt } from '../core/ids.ts';
import type { MessageAcceptor } from '../mail/accept-message.ts';
import { type Statement, StoreConflict } from '../store/engine.ts';
import { createAlertActions } from './alert-actions.ts';
import type { Access } from './build-access.ts';
import type { AnalyticsRoom } from './build-analytics.ts';
import type { Logbook } from './build-log.ts';
import type { Sinks } from './build-sinks.ts';
import type { Webhooks } from './build-webhooks.ts';
import type { Basics } from './open-basics.ts';
import { createNoticeSender } from './send-notices.ts';

/** Rules that watch over projects, and who tells of what they find. */
export interface Alerts {
  alertRoom: AlertRoom<Statement>;
  /** One round of both; resolves to when the next one is due, ms. */
  round(): Promise<number>;
}

type Ties = Pick<Logbook, 'eventLog'> &
  Pick<Webhooks, 'directory'> &
  Pick<Sinks, 'sinkRoom'> &
  Pick<AnalyticsRoom, 'analytics'> &
  Pick<Access, 'authenticator'> & { acceptor: Pick<MessageAcceptor, 'acceptInputs'> };

/** How often rules are looked at, ms. */
const LOOK_MS = 60_000;
/** What is due earlier is told earlier, but not more often than that, ms. */
const TELL_MS = 1_000;
/** Steps of a walk through the log for a test on the past; each looks at some thousand events. */
const PAST_STEPS = 100;
const PAST_ROWS = 500;

/** What of it is needed; a test has no more. */
type Needed = Pick<Basics, 'store' | 'projects' | 'ids' | 'clock' | 'log' | 'retentionMs'> & {
  config: Pick<Config, 'publicUrl' | 'noticeFrom' | 'hostname'>;
};

export function buildAlerts(basics: Needed, ties: Ties): Alerts {
  const { config, store, projects, ids, clock, log } = basics;
  const isConflict = (error: unknown): boolean => error instanceof StoreConflict;
  const portalUrl =
    config.publicUrl === null ? null : `${config.publicUrl.replace(/\/$/, '')}/portal/`;
  const { append } = ties.eventLog;
  const alertRoom = createAlertRoom<Statement>({
    sight: toSight(basics, ties),
    past: {
      sums: ties.analytics,
      eventsSince: (query) => walkPast(basics, query),
      createdAtMs: (projectId) => projects.find(projectId)?.createdAtMs ?? clock.now(),
    },
    thingsOf: (projectId, keys) => readThings(basics, projectId, keys),
    rules: store.alertRules,
    alerts: store.alerts,
    notices: store.alertNotices,
    append,
    isConflict,
    retainUntil: ({ projectId }, nowMs) => nowMs + basics.retentionMs(projectId),
    portalUrl,
    ids,
    clock,
    log,
  });
  const send = createNoticeSender(basics, () => ties.acceptor);
  const teller = createTeller<Statement>({
    alerts: store.alerts,
    notices: store.alertNotices,
    append,
    isConflict,
    ways: {
      sink: (told) => tellSink(basics, ties, told),
      mail: (notice, beside) => send([notice], beside),
      act: createAlertActions(basics, ties),
    },
    projectName: (projectId) => projects.find(projectId)?.name ?? null,
    portalUrl,
    clock,
    log,
  });
  let lookAtMs = Number.NEGATIVE_INFINITY;
  return {
    alertRoom,
    async round() {
      if (clock.now() >= lookAtMs) {
        lookAtMs = clock.now() + LOOK_MS;
        await alertRoom.watch.round();
      }
      const dueMs = await teller.run();
      const nextLookMs = Math.max(0, lookAtMs - clock.now());
      return Math.min(nextLookMs, Math.max(dueMs ?? nextLookMs, TELL_MS));
    },
  };
}

function toSight({ store, projects }: Needed, { analytics }: Pick<Ties, 'analytics'>): AlertSight {
  return {
    sums: analytics,
    queue: store.queue,
    mailQueue: store.mailQueue,
    endpoints: store.endpoints,
    sources: store.sources,
    sourceActivities: store.sourceActivities,
    sinks: store.sinks,
    sinkPlaces: store.sinkPlaces,
    sendWindows: store.sendWindows,
    domains: store.domains,
    project(projectId) {
      const record = projects.find(projectId);
      if (record === null) return null;
      const { emailsPerHour, emailsPerDay } = projects.settingsOf(projectId);
      return { name: record.name, createdAtMs: record.createdAtMs, emailsPerHour, emailsPerDay };
    },
  };
}

async function readThings({ store }: Needed, projectId: string, keyIds: readonly string[]) {
  const own = <T extends { projectId: string }>(all: readonly T[]): T[] =>
    all.filter((one) => one.projectId === projectId);
  const ids = (all: readonly { id: string }[]): Set<string> => new Set(all.map(({ id }) => id));
  const keys = await Promise.all(
    keyIds.filter((id) => isId('apiKey', id)).map((id) => store.apiKeys.get(projectId, id)),
  );
  return {
    endpoint: ids(own(await store.endpoints.all())),
    source: ids(own(await store.sources.all())),
    sink: ids(own(await store.sinks.all())),
    domain: new Set(own(await store.domains.all()).map(({ name }) => name)),
    key: ids(keys.filter((key) => key !== null)),
  };
}

/** In small steps from the beginning of that time on. */
async function walkPast(
  { store }: Needed,
  {
    projectId,
    types,
    sinceMs,
  }: { projectId: string; types: readonly CanonicalEvent['type'][]; sinceMs: number },
): Promise<{ events: CanonicalEvent[]; isWhole: boolean }> {
  const events: CanonicalEvent[] = [];
  let afterId: string | null = null;
  for (let step = 0; step < PAST_STEPS; step++) {
    const { rows, last } = await store.events.walk({
      projectId,
      afterId,
      fromEventId: lowestIdAt('event', sinceMs),
      toEventId: null,
      types,
      messageKey: null,
      limit: PAST_ROWS,
    });
    events.push(...rows.map(({ event }) => event));
    if (last === null) return { events, isWhole: true };
    afterId = last;
  }
  return { events, isWhole: false };
}

/** By the log where its filters take alerts from there; past it otherwise, whatever they say. */
async function tellSink(
  { store }: Needed,
  { sinkRoom }: Pick<Ties, 'sinkRoom'>,
  { projectId, sinkId, event, isInLog }: Parameters<WaysToTell<Statement>['sink']>[0],
): Promise<string | null> {
  const sink = await store.sinks.get(projectId, sinkId);
  if (sink === null) throw new Hopeless('The sink was deleted.');
  if (sink.isPaused) throw new Error('The sink is paused.');
  const [byLog] = await sinkRoom.preview(sink, [event]);
  if (isInLog && byLog?.outcome === 'sent') return 'It takes alerts from the log.';
  const [line] = await sinkRoom.preview({ ...sink, eventTypes: ['*'], filter: null }, [event]);
  if (line?.outcome === 'left_out') throw new Hopeless('Its transformation makes nothing of it.');
  const [refusal] = await sinkRoom.resend(sink, [event]);
  if (refusal !== undefined) throw new Hopeless(refusal.detail);
  return null;
}
