import type { Metrics } from '../http/metrics.ts';
import { createSuppression, type Suppression } from '../mail/suppression/create-suppression.ts';
import { type AppendNotifier, createAppendNotifier } from '../store/log/append-notifier.ts';
import { createEventLog, type EventLog, type Subscribers } from '../store/log/event-log.ts';
import type { Basics } from './open-basics.ts';

/** The way into the log, and what goes along with every event. */
export interface Logbook {
  eventLog: EventLog;
  notifier: AppendNotifier;
  suppression: Suppression;
}

/** Connections of one project that wait for events, at most: streams and long polls. */
const FEED_LISTENERS = 100;
/** How often they look for what other nodes have appended, ms. */
const FEED_POLL_MS = 1_000;

export function buildLog(
  basics: Basics,
  ties: {
    subscribers: Subscribers;
    metrics: Pick<Metrics, 'eventsAppended'>;
    /** Who reads the log by itself, and is told when there is something new. */
    announce: (projectIds: ReadonlySet<string>) => void;
  },
): Logbook {
  const { store, projects, ids, clock, retentionMs } = basics;
  const { engine } = store;
  const { now } = clock;
  const notifier = createAppendNotifier({
    clock,
    listenersPerProject: FEED_LISTENERS,
    ...(engine.shared ? { pollMs: FEED_POLL_MS } : {}),
  });
  const recent = store.recentEvents;
  const plain = createEventLog({ engine, subscribers: ties.subscribers, now, retentionMs, recent });
  const suppression = createSuppression({
    log: announce(plain, [notifier.announce, ties.announce], ties.metrics),
    store,
    ids,
    now,
    sendingOf: (projectId) => projects.settingsOf(projectId).sending,
  });
  return { eventLog: suppression.log, notifier, suppression };
}

/** Tells who waits for events, and the metrics, of each that was stored. */
function announce(
  inner: EventLog,
  listeners: readonly ((projectIds: ReadonlySet<string>) => void)[],
  metrics: Pick<Metrics, 'eventsAppended'>,
): EventLog {
  return {
    async append(events, beside) {
      const appended = await inner.append(events, beside);
      const stored = events.filter((_, i) => appended[i]?.duplicateOf === null);
      const projectIds = new Set(stored.map(({ projectId }) => projectId));
      for (const tell of listeners) tell(projectIds);
      // Samples, and mail of sandbox keys, are in no statistics.
      const real = stored.filter(({ event }) => event.data.test !== true);
      metrics.eventsAppended(real.map(({ event }) => event.type));
      return appended;
    },
  };
}
