import { createErase } from '../webhooks/jobs/erase.ts';
import { createRedecode } from '../webhooks/jobs/redecode.ts';
import { createReplay, type Replay } from '../webhooks/jobs/replay.ts';
import { createJobRunner, type JobRunner } from '../webhooks/jobs/runner.ts';
import type { Logbook } from './build-log.ts';
import type { Sources } from './build-sources.ts';
import type { Webhooks } from './build-webhooks.ts';
import type { Basics } from './open-basics.ts';

/** Work in many small steps that somebody has asked for. */
export interface Jobs {
  runner: JobRunner;
  replay: Replay;
}

export function buildJobs(
  { store, ids, clock, log }: Basics,
  ties: Pick<Webhooks, 'directory' | 'dispatcher'> &
    Pick<Logbook, 'eventLog' | 'suppression'> & { sources: Pick<Sources, 'directory'> },
): Jobs {
  const { jobs, engine, deliveries, events, erasure, sourcePayloads: payloads } = store;
  const { directory, dispatcher, eventLog, suppression } = ties;
  const { wake } = dispatcher;
  const { now } = clock;
  const replay = createReplay({ deliveries, events, directory, wake, now });
  const works = {
    replay: replay.step,
    erase: createErase({ erasure, wake, now }),
    redecode: createRedecode({ payloads, sources: ties.sources.directory, log: eventLog, ids }),
    import_suppressions: suppression.importStep,
    export_suppressions: suppression.exportStep,
  };
  return { replay, runner: createJobRunner({ jobs, engine, works, clock, log }) };
}
