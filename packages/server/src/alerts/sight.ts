import type { DomainCheck } from '../core/mail/domain-check.ts';
import type { SinkPlace, SinkRecord } from '../core/sink.ts';
import type { SourceActivity, SourceRecord } from '../core/source.ts';
import type { Grain, StatsDimension } from '../core/stats/counts.ts';
import type { StatsTotals } from '../core/stats/totals.ts';

/** What a question to the numbers is narrowed to. */
export interface SumFilter {
  projectId: string;
  dimension: StatsDimension;
  value: string | null;
  stream: string | null;
}

export interface SumWindow {
  grain: Grain;
  fromMs: number;
  toMs: number;
}

export interface WatchedEndpoint {
  projectId: string;
  id: string;
  url: string;
  description: string;
  status: 'enabled' | 'disabled';
  disabledReason: string | null;
  failingSinceMs: number | null;
}

export interface WatchedDomain {
  projectId: string;
  name: string;
  verifiedAtMs: number | null;
  check: DomainCheck | null;
}

/** Everything that rules look at, handed in by assembly/: nothing of it reads the log or a queue row by row. */
export interface AlertSight {
  sums: {
    totals(filter: SumFilter, window: SumWindow): Promise<StatsTotals>;
    series(filter: SumFilter, window: SumWindow): Promise<{ atMs: number; totals: StatsTotals }[]>;
    groups(
      filter: SumFilter,
      window: SumWindow,
      by: 'value',
    ): Promise<{ value: string; totals: StatsTotals }[]>;
    /** While it is so, numbers are smaller than the truth. */
    progress(projectId: string): Promise<{ isCatchingUp: boolean; isRecounting: boolean }>;
  };
  queue: {
    depths(
      projectId: string | null,
      nowMs: number,
    ): Promise<
      {
        endpointId: string;
        due: number;
        scheduled: number;
        inLine: number;
        inMemory: number;
        dueSinceMs: number | null;
      }[]
    >;
  };
  mailQueue: {
    depths(
      nowMs: number,
    ): Promise<{ projectId: string; waiting: number; dueSinceMs: number | null }[]>;
  };
  endpoints: { all(): Promise<WatchedEndpoint[]> };
  sources: { all(): Promise<SourceRecord[]> };
  sourceActivities: {
    of(projectId: string, ids: readonly string[]): Promise<Map<string, SourceActivity>>;
  };
  sinks: { all(): Promise<SinkRecord[]> };
  sinkPlaces: {
    of(
      projectId: string,
      ids: readonly string[],
    ): Promise<{ id: string; lane: 'live' | 'backfill'; place: SinkPlace }[]>;
    refusedSince(query: {
      projectId: string;
      sinkId: string;
      sinceMs: number;
      limit: number;
    }): Promise<number>;
  };
  sendWindows: {
    used(window: {
      projectId: string;
      period: 'hour' | 'day';
      startMs: number;
    }): Promise<number | null>;
  };
  domains: { all(): Promise<WatchedDomain[]> };
  /** Null for a project that is gone. */
  project(projectId: string): {
    name: string;
    createdAtMs: number;
    emailsPerHour: number | null;
    emailsPerDay: number | null;
  } | null;
}
