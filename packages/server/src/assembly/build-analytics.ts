import { type Analytics, createAnalytics } from '../analytics/analytics.ts';
import { type Counter, createCounter } from '../analytics/counter.ts';
import type { Statement } from '../store/engine.ts';
import type { Basics } from './open-basics.ts';

/** The log in numbers: who counts it, and who tells. */
export interface AnalyticsRoom {
  counter: Counter;
  analytics: Analytics<Statement>;
}

export function buildAnalytics({ store, projects, retentionMs, clock }: Basics): AnalyticsRoom {
  const { statsPlaces: places, statsSums: sums, feed, engine } = store;
  const projectExists = (projectId: string): boolean => projects.find(projectId) !== null;
  return {
    counter: createCounter({ places, feed, projectExists, retentionMs, clock }),
    analytics: createAnalytics({ sums, places, logEnd: engine.logEnd, retentionMs, clock }),
  };
}
