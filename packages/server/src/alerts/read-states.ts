import type { AlertReading } from '../core/alerts/alert-rule.ts';
import { MAX_REFUSED } from '../core/alerts/alert-types.ts';
import { expectedWithin, silentFor } from '../core/source-silence.ts';
import type { WatchedRule } from './read-numbers.ts';
import type { AlertSight, WatchedDomain, WatchedEndpoint } from './sight.ts';

/** What rules about what is so now say: one reading for each thing that there is. */

type Depth = Awaited<ReturnType<AlertSight['queue']['depths']>>[number];

type MailDepth = Awaited<ReturnType<AlertSight['mailQueue']['depths']>>[number];

const HOUR_MS = 3_600_000;
const seconds = (ms: number): number => Math.max(0, Math.floor(ms / 1_000));
const isWanted = (wanted: string | undefined, id: string): boolean =>
  wanted === undefined || wanted === id;

/** What waits for one that is disabled waits for a person, who knows. */
export function readQueue(
  rule: WatchedRule,
  endpoints: readonly WatchedEndpoint[],
  depths: readonly Depth[],
  nowMs: number,
): AlertReading[] {
  const byId = new Map(depths.map((depth) => [depth.endpointId, depth]));
  return endpointsOf(rule, endpoints).map((endpoint) => {
    const depth = endpoint.status === 'enabled' ? byId.get(endpoint.id) : undefined;
    const waiting =
      depth === undefined ? 0 : depth.due + depth.scheduled + depth.inLine + depth.inMemory;
    const lagMs = depth?.dueSinceMs == null ? 0 : nowMs - depth.dueSinceMs;
    const value = rule.type === 'queue_depth' ? waiting : seconds(lagMs);
    return readingOf(rule, subjectOf(endpoint), value);
  });
}

/** Of the project as a whole: what one mail server puts off is for `destination_deferring`. */
export function readMailQueue(
  rule: WatchedRule,
  depths: readonly MailDepth[],
  nowMs: number,
): AlertReading {
  const depth = depths.find(({ projectId }) => projectId === rule.projectId);
  const isDepth = rule.type === 'mail_queue_depth';
  const lag = seconds(nowMs - (depth?.dueSinceMs ?? nowMs));
  return readingOf(rule, null, isDepth ? (depth?.waiting ?? 0) : lag);
}

/** One that we have given up still fails; one that a person has disabled does not concern anybody. */
export function readFailing(
  rule: WatchedRule,
  endpoints: readonly WatchedEndpoint[],
  nowMs: number,
): AlertReading[] {
  return endpointsOf(rule, endpoints).map((endpoint) => {
    const { failingSinceMs: sinceMs, status, disabledReason } = endpoint;
    const isOff = status === 'disabled' && disabledReason === null;
    const value = sinceMs === null || isOff ? 0 : seconds(nowMs - sinceMs);
    return readingOf(rule, subjectOf(endpoint), value);
  });
}

/** `awakeSinceMs`: since when we listen. Providers get a while to come again after we were away. */
export async function readSources(
  sight: Pick<AlertSight, 'sources' | 'sourceActivities'>,
  rule: WatchedRule,
  { nowMs, awakeSinceMs }: { nowMs: number; awakeSinceMs: number },
): Promise<AlertReading[]> {
  const sources = (await sight.sources.all()).filter(
    ({ projectId, id }) => projectId === rule.projectId && isWanted(rule.scope.source, id),
  );
  const ids = sources.map(({ id }) => id);
  const activities = await sight.sourceActivities.of(rule.projectId, ids);
  return sources.flatMap(({ id, name, createdAtMs, settings }): AlertReading[] => {
    const activity = activities.get(id);
    if (activity === undefined) return [];
    const subject = { kind: 'source', id, name } as const;
    const watched = { createdAtMs, expectEveryMs: settings.expectEveryMs, activity };
    const silent = seconds(silentFor(watched, nowMs));
    // Whether it should be talking, the silence monitor knows, which learns from its past.
    if (rule.threshold === null) {
      const { stalledSinceMs, lastEventAtMs } = activity;
      const isSilent =
        stalledSinceMs !== null && (lastEventAtMs === null || lastEventAtMs <= stalledSinceMs);
      const value = isSilent ? Math.max(silent, 1) : 0;
      const expected = seconds(expectedWithin(watched, nowMs) ?? silent * 1_000);
      const threshold = Math.max(isSilent ? Math.min(expected, value) : expected, 1);
      return [{ subject, value, volume: null, part: null, threshold }];
    }
    const awake = seconds(nowMs - awakeSinceMs);
    const isKnown = awake >= Math.min(rule.threshold, AWAKE_SECONDS);
    return [readingOf(rule, subject, isKnown ? silent : Math.min(silent, awake))];
  });
}

const AWAKE_SECONDS = 600;

/** A sink that is paused waits for a person, who knows. */
export async function readSinks(
  sight: Pick<AlertSight, 'sinks' | 'sinkPlaces'>,
  rule: WatchedRule,
  nowMs: number,
): Promise<AlertReading[]> {
  const sinks = (await sight.sinks.all()).filter(
    ({ projectId, id }) => projectId === rule.projectId && isWanted(rule.scope.sink, id),
  );
  const ids = sinks.map(({ id }) => id);
  const places = ids.length === 0 ? [] : await sight.sinkPlaces.of(rule.projectId, ids);
  return sinks.map(({ id, name, isPaused }) => {
    const live = places.find((one) => one.id === id && one.lane === 'live')?.place;
    const sinceMs = isPaused ? null : (live?.failingSinceMs ?? null);
    const value = sinceMs === null ? 0 : seconds(nowMs - sinceMs);
    return readingOf(rule, { kind: 'sink', id, name }, value);
  });
}

/** What one that is paused has refused before is still to be sent again. */
export async function readRefused(
  sight: Pick<AlertSight, 'sinks' | 'sinkPlaces'>,
  rule: WatchedRule,
  nowMs: number,
): Promise<AlertReading[]> {
  const { projectId, windowMs } = rule;
  const sinceMs = nowMs - (windowMs ?? HOUR_MS);
  const sinks = (await sight.sinks.all()).filter(
    (sink) => sink.projectId === projectId && isWanted(rule.scope.sink, sink.id),
  );
  const readings: AlertReading[] = [];
  for (const { id, name } of sinks) {
    const query = { projectId, sinkId: id, sinceMs, limit: MAX_REFUSED };
    const value = await sight.sinkPlaces.refusedSince(query);
    readings.push(readingOf(rule, { kind: 'sink', id, name }, value));
  }
  return readings;
}

const PERIODS = [
  { period: 'hour', lengthMs: HOUR_MS, limit: 'emailsPerHour' },
  { period: 'day', lengthMs: 86_400_000, limit: 'emailsPerDay' },
] as const;

export async function readLimits(
  sight: Pick<AlertSight, 'sendWindows' | 'project'>,
  rule: WatchedRule,
  nowMs: number,
): Promise<AlertReading[]> {
  const { projectId } = rule;
  const project = sight.project(projectId);
  const readings: AlertReading[] = [];
  for (const { period, lengthMs, limit: name } of PERIODS) {
    const limit = project?.[name] ?? null;
    if (limit === null) continue;
    const startMs = nowMs - (nowMs % lengthMs);
    const used = (await sight.sendWindows.used({ projectId, period, startMs })) ?? 0;
    readings.push({
      subject: { kind: 'send_limit', id: period, name: `the ${period}` },
      value: limit === 0 ? 1 : Math.min(used / limit, 1),
      volume: limit,
      part: used,
      threshold: rule.threshold ?? 1,
    });
  }
  return readings;
}

/** Of domains that have been right once: one that is still being set up is watched by who sets it up. */
export function readDomains(rule: WatchedRule, domains: readonly WatchedDomain[]): AlertReading[] {
  return domains
    .filter(
      ({ projectId, name, verifiedAtMs }) =>
        projectId === rule.projectId && verifiedAtMs !== null && isWanted(rule.scope.domain, name),
    )
    .map(({ name, check }) => {
      const bad = (check?.records ?? []).filter(
        ({ required, status }) => required && (status === 'missing' || status === 'wrong'),
      );
      return readingOf(rule, { kind: 'domain', id: name, name }, bad.length);
    });
}

function endpointsOf(
  rule: WatchedRule,
  endpoints: readonly WatchedEndpoint[],
): readonly WatchedEndpoint[] {
  return endpoints.filter(
    ({ projectId, id }) => projectId === rule.projectId && isWanted(rule.scope.endpoint, id),
  );
}

function subjectOf({ id, url, description }: WatchedEndpoint) {
  return { kind: 'endpoint', id, name: description === '' ? url : description } as const;
}

function readingOf(
  { threshold }: Pick<WatchedRule, 'threshold'>,
  subject: AlertReading['subject'],
  value: number,
): AlertReading {
  return { subject, value, volume: null, part: null, threshold: threshold ?? 1 };
}
