import type { EventData } from '@posthorn/sdk';
import { deliveryId, type Ids } from '../core/ids.ts';
import { parseRetryAfter } from '../core/retry-schedule.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { type AttemptRecord, type Engine, StoreUnavailable } from '../store/engine.ts';
import { createAttemptRecord } from './attempt-record.ts';
import {
  type Breaker,
  noteFailure,
  noteGone,
  noteNothing,
  noteSuccess,
  noteUntried,
  OPEN_AFTER,
} from './breaker.ts';
import { decideNext, type NextStep } from './decide-next.ts';
import type { EndpointHealth, Report } from './endpoints/endpoint-health.ts';
import type { LiveEndpoint } from './endpoints/live-endpoint.ts';
import { type Lane, noteAnyStored, noteStored, putPaged, type ReadyDelivery } from './lane.ts';
import type { Paging } from './paging.ts';
import { POST_ERRORS } from './post/post-errors.ts';
import type { PostUnit } from './post-unit.ts';
import { type EndedAttempt, notPosted } from './poster/poster.ts';
import type { Shares } from './shares.ts';

/** A post that has ended, with everything that was true when it began. */
export interface EndedPost {
  lane: Lane;
  /** As it was then: it may have been changed since. */
  endpoint: LiveEndpoint;
  /** Another one than the lane's when the endpoint has got another URL, or was enabled again. */
  breaker: Breaker;
  unit: PostUnit;
  post: EndedAttempt;
  startedAtMs: number;
  wasProbe: boolean;
}

/** What a post's result means for the endpoint, its deliveries and those in line behind them. */
export interface Outcome {
  settle(ended: EndedPost): void;
}

export function createOutcome(options: {
  engine: Pick<Engine, 'recordAttempt'>;
  health: EndpointHealth;
  paging: Pick<Paging, 'giveBackLine' | 'giveBackOne' | 'cancelAll'>;
  shares: Shares;
  ids: Ids;
  log: Log;
  random: () => number;
  node: string;
  retentionMs: (projectId: string) => number;
  report: (report: Report) => void;
  onAttempt: (attempt: AttemptRecord, endpoint: LiveEndpoint) => void;
  /** Something of the lane is in the store that was not, or a result has left memory. */
  changed: (lane: Lane) => void;
}): Outcome {
  const { engine, health, paging, shares, ids, log, node } = options;

  function settle(ended: EndedPost): void {
    const { lane, endpoint, breaker, unit, startedAtMs } = ended;
    const { result, unsent } = ended.post;
    const nowMs = startedAtMs + result.latencyMs;
    judgeEndpoint(ended, nowMs);
    const retryAfterMs = parseRetryAfter(result.retryAfter, nowMs);
    // One for all of a batch, so that it stays together.
    const random = options.random();
    const keys = new Set<string>();
    for (const delivery of unit.deliveries) {
      const { orderKey } = delivery;
      const inLine = orderKey !== null && keys.has(orderKey);
      const own = unsent?.get(delivery.eventId);
      const decided = decideNext({
        result: own ?? result,
        attempts: delivery.attempts,
        failures: delivery.failures,
        ladderMs: endpoint.ladderMs,
        nowMs,
        retryAfterMs,
        random,
        probeAtMs: breaker.state === 'open' ? breaker.probeAtMs : null,
        wasProbe: ended.wasProbe,
      });
      // While one is pending, what follows it in the same post stands behind it: what its transformation
      // would end is asked for again when it is its turn.
      const isTooEarly = inLine && own !== undefined && decided.kind !== 'retry';
      const step = isTooEarly ? goBack(nowMs) : decided;
      if (orderKey !== null && step.kind === 'retry') keys.add(orderKey);
      const post = own === undefined ? ended.post : notPosted(own);
      record({ ...ended, post }, delivery, step, inLine);
      advanceLine(lane, delivery, step.kind !== 'retry' && !inLine);
    }
  }

  /** What was found out about an endpoint that is another by now, or is gone, is no news. */
  function judgeEndpoint(ended: EndedPost, nowMs: number): void {
    const { lane, breaker, startedAtMs, wasProbe } = ended;
    const { result } = ended.post;
    if (breaker !== lane.breaker || lane.removed) return;
    const { endpoint } = lane;
    const { errorCode } = result;
    if (errorCode === 'transformation_failed' || errorCode === 'transformed_to_nothing') {
      noteUntried(breaker);
      return;
    }
    if (errorCode === null) {
      noteSuccess(breaker, nowMs);
      health.succeeded(endpoint);
      return;
    }
    const failure = { startedAtMs, nowMs, wasProbe, random: options.random() };
    if (POST_ERRORS[errorCode].fault === 'ours') {
      noteNothing(breaker, failure);
      return;
    }
    const wasOpen = breaker.state === 'open';
    if (errorCode === 'gone') noteGone(breaker, failure);
    else noteFailure(breaker, failure);
    const reason = result.errorDetail ?? POST_ERRORS[errorCode].detail;
    health.failed(endpoint, { ...streakOf(breaker, startedAtMs), reason });
    if (!wasOpen && breaker.failuresInRow === OPEN_AFTER) {
      const fields = { endpoint: endpoint.record.id, url: endpoint.record.url, reason };
      log.warn(fields, 'An endpoint fails again and again: from now on it is probed');
    }
  }

  function record(
    ended: EndedPost,
    delivery: ReadyDelivery,
    step: NextStep,
    inLine: boolean,
  ): void {
    const { lane, endpoint, post, startedAtMs } = ended;
    const attempt = createAttemptRecord({
      delivery,
      post,
      step,
      inLine,
      node,
      attemptId: ids.next('attempt'),
      startedAtMs,
      retainUntilMs: startedAtMs + options.retentionMs(delivery.projectId),
    });
    lane.unrecorded += 1;
    // Before the record, and so in the same commit: no dead delivery that nobody was told of.
    if (step.kind === 'dead') reportDead(endpoint, delivery, attempt);
    engine.recordAttempt(attempt).then(
      () => recorded(ended, delivery, attempt, step),
      (error: unknown) => {
        if (!(error instanceof StoreUnavailable)) {
          const fields = { error: messageOf(error), event: delivery.eventId };
          log.error(fields, 'An attempt was not stored; it will be made again');
          void paging.giveBackOne(delivery).then(() => {
            if (lane.removed) void paging.cancelAll(delivery.projectId, delivery.endpointId);
            noteAnyStored(lane, startedAtMs);
            options.changed(lane);
          });
        }
        leave(lane);
      },
    );
  }

  function recorded(
    { lane, endpoint }: EndedPost,
    delivery: ReadyDelivery,
    attempt: AttemptRecord,
    step: NextStep,
  ): void {
    options.onAttempt(attempt, endpoint);
    const { projectId, endpointId, next } = attempt;
    if (next.state !== 'pending') {
      // The next in line, if it is in the store, has become due by it.
      if (delivery.orderKey !== null) noteStored(lane, delivery.urgency, next.endedAtMs);
    } else {
      // In line without a time: what stands before it may have ended meanwhile, and then it is due.
      noteStored(lane, delivery.urgency, next.dueAtMs ?? attempt.startedAtMs);
      if (lane.removed) void paging.cancelAll(projectId, endpointId);
    }
    leave(lane);
    if (step.kind !== 'dead') return;
    const fields = { event: delivery.eventId, endpoint: endpointId, error: attempt.errorDetail };
    log.warn({ ...fields, attempts: attempt.number }, 'A delivery is dead');
    if (step.disableEndpoint) health.disable(endpoint, 'The endpoint answered 410 Gone.');
  }

  function leave(lane: Lane): void {
    lane.unrecorded -= 1;
    shares.hold(lane, -1);
    options.changed(lane);
  }

  /** Behind one that has ended, the next one's turn has come; behind one that will be retried, not. */
  function advanceLine(lane: Lane, delivery: ReadyDelivery, ended: boolean): void {
    const [next, ...rest] = delivery.line;
    if (next === undefined) return;
    if (ended) {
      next.line = rest;
      putPaged(lane, next, 'first');
    } else paging.giveBackLine(lane, delivery.line);
  }

  function reportDead(
    endpoint: LiveEndpoint,
    { endpointId, eventId, type, body }: ReadyDelivery,
    attempt: AttemptRecord,
  ): void {
    // Of what we say about endpoints and deliveries nothing more is said, or two broken endpoints
    // would report each other's reports for ever.
    if (type.startsWith('endpoint.') || type.startsWith('delivery.')) return;
    const { errorCode, errorDetail, status } = attempt;
    const exhausted = {
      event_id: eventId,
      event_type: type,
      endpoint_id: endpointId,
      delivery_id: deliveryId(eventId, endpointId),
      attempts: attempt.number,
      last_error: errorCode === null ? null : { code: errorCode, detail: errorDetail, status },
    };
    // With those of its event: who mails people knows what is about such a mail, and mails nobody of it.
    const { tags = [] }: EventData = JSON.parse(body).data;
    options.report({
      endpoint: endpoint.record,
      type: 'delivery.exhausted',
      data: { exhausted, ...(tags.length === 0 ? {} : { tags }) },
      dedupKey: `delivery.exhausted:${eventId}:${endpointId}:${attempt.number}`,
    });
  }

  return { settle };
}

const goBack = (nowMs: number): NextStep => ({ kind: 'retry', dueAtMs: nowMs, counts: false });

function streakOf(
  { failuresInRow, failingSinceMs }: Breaker,
  startedAtMs: number,
): { failuresInRow: number; failingSinceMs: number } {
  return { failuresInRow, failingSinceMs: failingSinceMs ?? startedAtMs };
}
