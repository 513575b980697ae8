import { lookup } from 'node:dns';
import type { Metrics } from '../http/metrics.ts';
import { createSourceRoom } from '../sources/create-sources.ts';
import { StoreUnavailable } from '../store/engine.ts';
import { sourceContext } from '../store/sealed-values.ts';
import { createSourceIntake } from '../store/sources/source-intake.ts';
import { guardLookup, shareLookups } from '../webhooks/post/connect/guarded-lookup.ts';
import type { Access } from './build-access.ts';
import type { Logbook } from './build-log.ts';
import type { Webhooks } from './build-webhooks.ts';
import type { Basics } from './open-basics.ts';

export type Sources = Awaited<ReturnType<typeof buildSources>>;

/** Other providers, whose webhooks come in. */
export async function buildSources(
  basics: Basics,
  ties: Pick<Logbook, 'eventLog'> &
    Pick<Access, 'rates'> &
    Pick<Webhooks, 'guard'> & { metrics: Pick<Metrics, 'webhookReceived'> },
) {
  const { store, projects, secretBox, ids, clock, log, retentionMs } = basics;
  const { eventLog, rates, metrics } = ties;
  const room = createSourceRoom({
    sources: store.sources,
    activities: store.sourceActivities,
    secretBox,
    contextOf: sourceContext,
    projectExists: (projectId) => projects.find(projectId) !== null,
    store: createSourceIntake({
      engine: store.engine,
      log: eventLog,
      payloads: store.sourcePayloads,
    }),
    append: (given, beside) => eventLog.append(given, beside),
    takeEvents: (projectId, count) => rates.takeEvents(projectId, count),
    refuseWork: basics.gate.refuseWork,
    isStoreTrouble: (error) => error instanceof StoreUnavailable,
    retentionMs,
    onOutcome: (outcome) => metrics.webhookReceived(outcome),
    lookup: guardLookup(ties.guard, shareLookups(lookup)),
    ids,
    clock,
    log,
  });
  await room.directory.load();
  return room;
}
