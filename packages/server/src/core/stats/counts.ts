/** What analytics keep: sums of the log in buckets of a minute, an hour and a day, in UTC. */

export const GRAINS = ['minute', 'hour', 'day'] as const;
export type Grain = (typeof GRAINS)[number];

const DAY_MS = 86_400_000;

export const GRAIN_MS: Readonly<Record<Grain, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: DAY_MS,
};

/** How long buckets are kept: fine ones for what happens now, days to compare with last year. */
export const GRAIN_KEPT_MS: Readonly<Record<Grain, number>> = {
  minute: 2 * DAY_MS,
  hour: 90 * DAY_MS,
  day: 731 * DAY_MS,
};

/** What sums are kept by, beside the stream, which stands with each of them. */
export const STATS_DIMENSIONS = [
  'all',
  'tag',
  'sending_domain',
  'receiving_domain',
  'provider',
] as const;
export type StatsDimension = (typeof STATS_DIMENSIONS)[number];

/** Values of a day beyond the first ones: domains and tags are made by others, and could be without end. */
export const OTHER_VALUE = '(other)';
/** The stream of mail that has none: other providers seldom say one. */
export const NO_STREAM = '(none)';

export interface StatsCount {
  projectId: string;
  grain: Grain;
  dimension: StatsDimension;
  startMs: number;
  value: string;
  stream: string;
  /** Of counted-event.ts: `delivered`, `bounced/hard/mailbox_full`, `latency/3`. */
  metric: string;
  /** To be added; negative when an earlier open takes the place of one that was counted. */
  count: number;
}

/** The earliest open or click of a message and recipient, as it was counted. */
export interface StatsFirst {
  mark: string;
  atMs: number;
  generation: number;
  counted: CountedAs;
}

/** Where an event was counted. */
export interface CountedAs {
  eventId: string;
  stream: string;
  values: readonly (readonly [StatsDimension, string])[];
  metrics: readonly string[];
}

/** How far the log is counted: all of it (project id `''`), or one project anew. */
export interface StatsPlace {
  projectId: string;
  /** `live`: of the whole log. Of a project: `clearing` old sums, `counting`, `done`. */
  state: 'live' | 'clearing' | 'counting' | 'done';
  position: number;
  /** What was appended behind it is counted by the live place. */
  untilPosition: number | null;
  /** A recount leaves what is older as it is: the log may not know all of it any more. */
  floorMs: number;
  /** One more with each recount, so that firsts of an earlier one are not taken for counted. */
  generation: number;
}

export function bucketStart(grain: Grain, atMs: number): number {
  return Math.floor(atMs / GRAIN_MS[grain]) * GRAIN_MS[grain];
}

/** The oldest bucket that is kept. */
export function oldestKept(grain: Grain, nowMs: number): number {
  return bucketStart(grain, nowMs - GRAIN_KEPT_MS[grain]);
}
