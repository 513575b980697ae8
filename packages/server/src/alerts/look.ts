import type { AlertReading } from '../core/alerts/alert-rule.ts';
import { entryOf } from '../core/alerts/alert-types.ts';
import { readDrop, readMail, type WatchedRule } from './read-numbers.ts';
import {
  readDomains,
  readFailing,
  readLimits,
  readMailQueue,
  readQueue,
  readRefused,
  readSinks,
  readSources,
} from './read-states.ts';
import type { AlertSight } from './sight.ts';

/** What rules say at one moment. What several of them ask is asked once. */
export interface Look {
  /** Of each subject of the rule. Null: nothing can be said now, and everything is to stay as it is. */
  read(rule: WatchedRule): Promise<AlertReading[] | null>;
}

export function createLook(
  sight: AlertSight,
  { nowMs, awakeSinceMs }: { nowMs: number; awakeSinceMs: number },
): Look {
  const once = memo();
  const endpoints = () => once('endpoints', sight.endpoints.all);
  const sinks = { all: () => once('sinks', sight.sinks.all) };
  const sources = { all: () => once('sources', sight.sources.all) };

  return {
    async read(rule) {
      const { projectId, type } = rule;
      const project = sight.project(projectId);
      if (project === null) return null;
      if (entryOf(type).past === 'statistics') {
        const progress = await once(`progress ${projectId}`, () => sight.sums.progress(projectId));
        if (progress.isCatchingUp || progress.isRecounting) return null;
      }
      switch (type) {
        case 'queue_depth':
        case 'queue_lag': {
          const depths = await once(`queue ${projectId}`, () =>
            sight.queue.depths(projectId, nowMs),
          );
          return readQueue(rule, await endpoints(), depths, nowMs);
        }
        case 'mail_queue_depth':
        case 'mail_queue_lag': {
          const depths = await once('mail queue', () => sight.mailQueue.depths(nowMs));
          return [readMailQueue(rule, depths, nowMs)];
        }
        case 'endpoint_failing':
          return readFailing(rule, await endpoints(), nowMs);
        case 'source_silent':
          return readSources({ ...sight, sources }, rule, { nowMs, awakeSinceMs });
        case 'sink_failing':
          return readSinks({ ...sight, sinks }, rule, nowMs);
        case 'sink_refusing':
          return readRefused({ ...sight, sinks }, rule, nowMs);
        case 'send_limit':
          return readLimits(sight, rule, nowMs);
        case 'domain_dns':
          return readDomains(rule, await once('domains', sight.domains.all));
        case 'volume_drop':
          return [await readDrop(sight.sums, rule, { nowMs, createdAtMs: project.createdAtMs })];
        default:
          return readMail(sight.sums, rule, nowMs);
      }
    },
  };
}

function memo(): <T>(key: string, ask: () => Promise<T>) => Promise<T> {
  const known = new Map<string, Promise<unknown>>();
  return <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const found = known.get(key) ?? ask();
    known.set(key, found);
    return found as Promise<T>;
  };
}
