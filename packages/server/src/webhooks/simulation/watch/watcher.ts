import { isDeepStrictEqual } from 'node:util';
import type { CanonicalEvent } from '@posthorn/sdk';
import type { OwedDelivery } from '../../../store/engine.ts';
import type { EndpointDirectory } from '../../endpoints/endpoint-directory.ts';
import type { PostResult } from '../../post/post-result.ts';
import type { Plan } from '../plan/draw-plan.ts';
import type { ModelStore } from '../store/model-store.ts';
import type { StoreWatcher } from '../store/process-store.ts';
import type { Trace } from '../world/trace.ts';
import type { NetworkWatcher, Post } from '../world/virtual-network.ts';
import type { VirtualTime } from '../world/virtual-time.ts';
import { checkBody, readBody } from './check-body.ts';
import type { Verdict } from './verdict.ts';
import { createWatchedDeliveries, type WatchedDeliveries } from './watched-deliveries.ts';
import {
  createWatchedLanes,
  type LaneConfig,
  type WatchedLanes,
  type WatchedPost,
} from './watched-lanes.ts';

/** Sees everything that crosses the edges of the engine, and says when it breaks a rule. */
export interface Watcher extends StoreWatcher, NetworkWatcher {
  lanes: WatchedLanes;
  deliveries: WatchedDeliveries;
  /** Of which deliveries the log says that they are dead: event and endpoint. */
  reportedDead: ReadonlySet<string>;
  processStarted(directory: EndpointDirectory): void;
  processEnded(): void;
  owes(
    projectId: string,
    event: CanonicalEvent,
    owed: readonly OwedDelivery[],
    onlyTo?: string,
  ): void;
}

export function createWatcher(options: {
  plan: Plan;
  time: VirtualTime;
  verdict: Verdict;
  store: ModelStore;
  trace: Trace;
}): Watcher {
  const { plan, time, verdict, store, trace } = options;
  const { nameOf: name } = trace;
  const lanes = createWatchedLanes({ time, verdict, name, concurrency: plan.concurrency });
  const deliveries = createWatchedDeliveries({ time, verdict, store, name });
  const underWay = new Map<Post, WatchedPost>();
  const reportedDead = new Set<string>();

  function checkDisabled(config: LaneConfig, reason: string, decidedMs: number): void {
    const since = /^Every attempt has failed since (\S+):/.exec(reason)?.[1];
    if (since === undefined) return;
    const succeededMs = lanes.find(config.id)?.succeededMs ?? null;
    // What failed first may have begun before what succeeded last came back.
    const isRight =
      succeededMs === null ||
      succeededMs >= decidedMs ||
      succeededMs <= Date.parse(since) + config.timeoutMs;
    verdict.expect(
      isRight || time.jumps > 0,
      () => `${name(config.id)} was disabled (${reason}), and it had a success at ${succeededMs}.`,
    );
  }

  return {
    lanes,
    deliveries,
    reportedDead,
    processStarted(directory) {
      underWay.clear();
      lanes.begin(directory.all());
      directory.listen({
        saved(live) {
          const before = lanes.find(live.record.id)?.config;
          const { status, disabledReason, updatedAtMs } = live.record;
          trace(`${name(live.record.id)} is ${status}, ${live.record.url}`);
          lanes.saved(live);
          if (before?.isEnabled !== true || status === 'enabled' || disabledReason === null) return;
          if (disabledReason !== BY_HAND) verdict.count('endpoint disabled by us');
          checkDisabled(before, disabledReason, updatedAtMs);
        },
        removed(projectId, endpointId) {
          trace(`${name(endpointId)} is deleted`);
          lanes.removed(projectId, endpointId);
        },
      });
    },
    processEnded() {
      underWay.clear();
      deliveries.processEnded();
    },
    owes(projectId, event, owed, onlyTo) {
      const wanted = lanes.owed(projectId, event);
      const only = onlyTo === undefined ? wanted : [lanes.find(onlyTo)?.config ?? null];
      const expected = only
        .filter((config) => config !== null)
        .map((config) => ({
          endpointId: config.id,
          state: config.isEnabled ? 'pending' : 'skipped',
          orderKey: orderKeyOf(config, event),
        }));
      const actual = owed.map(({ endpointId, state, orderKey }) => ({
        endpointId,
        state,
        orderKey,
      }));
      const sort = (a: { endpointId: string }, b: { endpointId: string }): number =>
        a.endpointId < b.endpointId ? -1 : 1;
      verdict.expect(
        isDeepStrictEqual(actual.sort(sort), expected.sort(sort)),
        () =>
          `${name(event.id)} is owed ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}.`,
      );
    },
    appended(events, duplicates) {
      events.forEach((event, i) => {
        verdict.count(duplicates[i] === true ? 'duplicate event' : 'event');
        if (duplicates[i] === true) return;
        if (/^(endpoint|delivery)\./.test(event.type)) verdict.count('report');
        const { exhausted }: CanonicalEvent['data'] = JSON.parse(event.json).data;
        if (exhausted != null) reportedDead.add(`${exhausted.event_id}/${exhausted.endpoint_id}`);
        deliveries.appended(event);
      });
    },
    recording: deliveries.recording,
    recorded: deliveries.recorded,
    recordFailed: deliveries.recordFailed,
    claimFailed: lanes.claimFailed,
    requeued: deliveries.requeued,
    started(post) {
      verdict.count('post');
      const carried = readBody(post);
      const eventIds = carried.groups.flat();
      const watched = lanes.started(post, eventIds);
      if (watched === null) return;
      underWay.set(post, watched);
      checkBody({ post, carried, config: watched.config, store, verdict });
      deliveries.started(watched);
    },
    ended(post, result) {
      const watched = underWay.get(post);
      if (watched === undefined) return;
      underWay.delete(post);
      const endedMs = time.wallMs();
      lanes.ended(watched, result, endedMs);
      deliveries.ended(watched, result, endedMs);
      countResult(result, verdict);
    },
  };
}

/** Why an endpoint is disabled that somebody switched off. */
export const BY_HAND = 'By hand.';

function orderKeyOf({ settings }: LaneConfig, { id, data }: CanonicalEvent): string | null {
  if (settings.order === 'none') return null;
  return settings.order === 'per-endpoint' ? '' : (data.message?.id ?? id);
}

function countResult({ errorCode, status, retryAfter }: PostResult, verdict: Verdict): void {
  if (errorCode === null) verdict.count('success');
  else if (errorCode === 'aborted') verdict.count('abort');
  else if (/^(dns_error|local_error|proxy_error)$/.test(errorCode)) verdict.count('fault of ours');
  else verdict.count('failure');
  if (retryAfter !== null) verdict.count('Retry-After');
  if (errorCode === 'timeout' || status === 429) verdict.count('overload floor');
}
