import type { CanonicalEvent } from '@posthorn/sdk';
import type { EndpointSettings } from '../../../core/webhooks/endpoint-settings.ts';
import type { EndpointListener } from '../../endpoints/endpoint-directory.ts';
import type { LiveEndpoint } from '../../endpoints/live-endpoint.ts';
import type { PostResult } from '../../post/post-result.ts';
import type { Post } from '../world/virtual-network.ts';
import type { VirtualTime } from '../world/virtual-time.ts';
import {
  createExpectedBreaker,
  type ExpectedBreaker,
  expectResult,
  expectStart,
  recoveryAllowance,
} from './expected-breaker.ts';
import type { Verdict } from './verdict.ts';

/** What an endpoint was told to be, as of its latest change that has taken effect. */
export interface LaneConfig {
  projectId: string;
  id: string;
  url: string;
  eventTypes: readonly string[];
  isEnabled: boolean;
  settings: EndpointSettings;
  ladderMs: readonly number[];
  timeoutMs: number;
  concurrency: number;
}

/** An endpoint as the present process must treat it. */
export interface WatchedLane {
  config: LaneConfig;
  breaker: ExpectedBreaker;
  /** The rate limit: when the events so far have been paid for, on the machine's clock. */
  paidUntilMs: number;
  underWay: Set<WatchedPost>;
  /** A claim that the store failed is not made again before. */
  claimAgainMs: number;
  /** The latest success that the process was told of. */
  succeededMs: number | null;
}

/** A post under way, with what was true when it began. */
export interface WatchedPost {
  post: Post;
  lane: WatchedLane;
  config: LaneConfig;
  breaker: ExpectedBreaker;
  isProbe: boolean;
  eventIds: readonly string[];
}

/** Holds every endpoint to its limits: concurrency, rate, breaker, shares. */
export interface WatchedLanes extends EndpointListener {
  /** A process has begun: it remembers nothing. */
  begin(endpoints: Iterable<LiveEndpoint>): void;
  find(endpointId: string): WatchedLane | undefined;
  /** Which endpoints this event must be owed to. */
  owed(projectId: string, event: CanonicalEvent): LaneConfig[];
  started(post: Post, eventIds: readonly string[]): WatchedPost | null;
  ended(watched: WatchedPost, result: PostResult, endedMs: number): void;
  claimFailed(endpointId: string): void;
  /** Of all endpoints, deleted ones included. */
  readonly underWay: ReadonlySet<WatchedPost>;
}

/** How long a claim that failed waits for its next try, as paging.ts has it. */
const CLAIM_AGAIN_MS = 1_000;

/** Timers may run early by this much, as lane.ts allows. */
const RATE_SLACK_MS = 50;

export function createWatchedLanes(options: {
  time: VirtualTime;
  verdict: Verdict;
  name: (id: string) => string;
  concurrency: number;
}): WatchedLanes {
  const { time, verdict, name } = options;
  const lanes = new Map<string, WatchedLane>();
  /** Each endpoint has a path of its own, which it keeps. */
  const idsByPath = new Map<string, string>();
  const underWay = new Set<WatchedPost>();

  function put(live: LiveEndpoint): WatchedLane {
    const config = toConfig(live);
    idsByPath.set(new URL(config.url).pathname, config.id);
    const known = lanes.get(config.id);
    if (known !== undefined) {
      known.config = config;
      return known;
    }
    const lane: WatchedLane = {
      config,
      breaker: createExpectedBreaker(),
      paidUntilMs: 0,
      underWay: new Set(),
      claimAgainMs: 0,
      succeededMs: null,
    };
    lanes.set(config.id, lane);
    return lane;
  }

  function checkPlaces(lane: WatchedLane): void {
    const { id, concurrency } = lane.config;
    const free = options.concurrency - underWay.size;
    const all = lane.underWay.size;
    if (all + 1 === concurrency || free === 1) verdict.count('full concurrency');
    verdict.expect(free > 0, () => `More posts are under way than ${options.concurrency}.`);
    verdict.expect(
      all < concurrency,
      () => `${name(id)} has more posts under way than its ${concurrency}.`,
    );
    verdict.expect(
      all < free,
      () => `${name(id)} took one of ${free} free places while it had ${all}.`,
    );
  }

  function checkRate(lane: WatchedLane, events: number, nowMs: number): void {
    const { ratePerSecond } = lane.config.settings;
    if (ratePerSecond === null) return;
    const earlyMs = lane.paidUntilMs - RATE_SLACK_MS - nowMs;
    if (lane.paidUntilMs > nowMs - 2_000) verdict.count('wait for a rate limit');
    verdict.expect(
      earlyMs <= 1,
      () =>
        `${name(lane.config.id)} exceeded its ${ratePerSecond} events a second by ${earlyMs} ms.`,
    );
    lane.paidUntilMs = Math.max(lane.paidUntilMs, nowMs) + (events * 1_000) / ratePerSecond;
  }

  function checkBreaker(lane: WatchedLane, events: number, nowMs: number): boolean {
    const { breaker, config } = lane;
    const isProbe = expectStart(breaker, events, nowMs);
    if (isProbe) {
      verdict.count('probe');
      verdict.expect(breaker.probesUnderWay === 1, () => `${name(config.id)}: two probes at once.`);
      verdict.expect(
        time.wallPeakMs(breaker.probe.setElapsedMs) >= breaker.probe.earliestMs,
        () => `${name(config.id)} was probed ${breaker.probe.earliestMs - nowMs} ms early.`,
      );
    }
    if (breaker.state === 'recovering') {
      // One that is allowed may be a whole batch.
      const allowed = recoveryAllowance(breaker, nowMs) + events - 1;
      verdict.expect(
        breaker.startedSince <= allowed + 0.01,
        () => `${name(config.id)} got ${breaker.startedSince} events when ${allowed} were allowed.`,
      );
    }
    return isProbe;
  }

  return {
    begin(endpoints) {
      lanes.clear();
      underWay.clear();
      for (const live of endpoints) put(live);
    },
    find: (endpointId) => lanes.get(endpointId),
    owed: (projectId, event) =>
      [...lanes.values()]
        .map(({ config }) => config)
        .filter((config) => wants(config, projectId, event)),
    saved(live) {
      const before = lanes.get(live.record.id)?.config;
      const lane = put(live);
      if (before === undefined) return;
      if (before.url !== lane.config.url || !before.isEnabled) {
        lane.breaker = createExpectedBreaker();
        lane.succeededMs = null;
      }
    },
    removed(_projectId, endpointId) {
      lanes.delete(endpointId);
    },
    started(post, eventIds) {
      const lane = lanes.get(idsByPath.get(post.path) ?? '');
      if (lane === undefined || !lane.config.isEnabled) {
        verdict.fail(`A post went to ${post.path}, which is deleted or disabled.`);
        return null;
      }
      const { config } = lane;
      const { hostname } = new URL(config.url);
      verdict.expect(
        hostname === post.hostname,
        () => `A post went to ${post.hostname}, not ${hostname}.`,
      );
      verdict.expect(post.timeoutMs === config.timeoutMs, () => `A post had another deadline.`);
      const nowMs = post.startedAtMs;
      verdict.expect(nowMs === time.wallMs(), () => 'A post has another time than the clock.');
      checkPlaces(lane);
      checkRate(lane, eventIds.length, nowMs);
      const isProbe = checkBreaker(lane, eventIds.length, nowMs);
      const watched = { post, lane, config, breaker: lane.breaker, isProbe, eventIds };
      lane.underWay.add(watched);
      underWay.add(watched);
      return watched;
    },
    ended(watched, result, endedMs) {
      const { lane, breaker, isProbe } = watched;
      lane.underWay.delete(watched);
      underWay.delete(watched);
      if (isProbe) breaker.probesUnderWay -= 1;
      // What was found out about an endpoint that is another by now, or is gone, is no news.
      const isNews = breaker === lane.breaker && lanes.get(lane.config.id) === lane;
      if (result.errorCode === 'aborted' || !isNews) return;
      const stateBefore = breaker.state;
      const at = { nowMs: endedMs, elapsedMs: time.elapsedMs(), wasProbe: isProbe };
      expectResult(breaker, result, at);
      if (stateBefore !== 'open' && breaker.state === 'open') verdict.count('open breaker');
      if (stateBefore === 'open' && breaker.state === 'recovering') verdict.count('recovery');
      if (result.errorCode === null) lane.succeededMs = endedMs;
    },
    claimFailed(endpointId) {
      const lane = lanes.get(endpointId);
      if (lane !== undefined) lane.claimAgainMs = time.wallMs() + CLAIM_AGAIN_MS;
    },
    underWay,
  };
}

function toConfig(live: LiveEndpoint): LaneConfig {
  const { projectId, id, url, eventTypes, status, settings } = live.record;
  const { ladderMs, timeoutMs, concurrency } = live;
  const isEnabled = status === 'enabled';
  return { projectId, id, url, eventTypes, isEnabled, settings, ladderMs, timeoutMs, concurrency };
}

function wants(config: LaneConfig, projectId: string, event: CanonicalEvent): boolean {
  if (config.projectId !== projectId) return false;
  const { data, type } = event;
  // An endpoint never hears of itself.
  if (data.endpoint?.id === config.id || data.exhausted?.endpoint_id === config.id) return false;
  return config.eventTypes.some(
    (pattern) =>
      pattern === '*' ||
      pattern === type ||
      (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1))),
  );
}
