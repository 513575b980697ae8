import type { Ids } from '../../core/ids.ts';
import type { ProjectSending } from '../../core/project-settings.ts';
import type { EventLog } from '../../store/log/event-log.ts';
import type { Store } from '../../store/store.ts';
import { createListJobs, type ListJobs } from './list-jobs.ts';
import { createSuppressingLog } from './suppressing-log.ts';
import { createSuppressionCheck, type SuppressionCheck } from './suppression-check.ts';

/** Everything about the suppression list that works by itself. */
export interface Suppression extends ListJobs {
  /** The log to append to, so that the list follows from events. */
  log: EventLog;
  check: SuppressionCheck;
}

export function createSuppression(deps: {
  log: EventLog;
  store: Pick<Store, 'suppressions' | 'jobParts'>;
  ids: Ids;
  now: () => number;
  sendingOf: (projectId: string) => ProjectSending;
}): Suppression {
  const { ids, now, sendingOf, store } = deps;
  const { suppressions, jobParts: parts } = store;
  return {
    log: createSuppressingLog({ log: deps.log, suppressions, ids, now, sendingOf }),
    check: createSuppressionCheck({ suppressions, now }),
    ...createListJobs({ suppressions, parts, ids, now }),
  };
}
