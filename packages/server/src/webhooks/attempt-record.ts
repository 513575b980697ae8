import { encodeAttemptTrace } from '../core/webhooks/attempt-trace.ts';
import type { AttemptRecord } from '../store/engine.ts';
import type { NextStep } from './decide-next.ts';
import type { ReadyDelivery } from './lane.ts';
import type { EndedAttempt } from './poster/poster.ts';

/** What the store keeps of an attempt, and where it leaves the delivery. */
export function createAttemptRecord(facts: {
  delivery: ReadyDelivery;
  post: EndedAttempt;
  step: NextStep;
  /** It goes back behind another delivery of the same post. */
  inLine: boolean;
  node: string;
  attemptId: string;
  startedAtMs: number;
  retainUntilMs: number;
}): AttemptRecord {
  const { delivery, post, startedAtMs } = facts;
  const { result } = post;
  const { eventId } = delivery;
  return {
    projectId: delivery.projectId,
    eventId,
    endpointId: delivery.endpointId,
    node: facts.node,
    attemptId: facts.attemptId,
    number: delivery.attempts + 1,
    startedAtMs,
    latencyMs: result.latencyMs,
    status: result.status,
    errorCode: result.errorCode,
    errorDetail: result.errorDetail,
    responseExcerpt: result.responseExcerpt,
    trace: encodeAttemptTrace({
      signature: post.signature === '' ? null : post.signature,
      responseHeaders: result.responseHeaders,
      timing: result.timing,
      sharedId: post.id === eventId || post.id === '' ? null : post.id,
      ...(post.dialectHeaders === null ? {} : { headers: post.dialectHeaders }),
      ...(post.transformedBy === undefined ? {} : { transformedBy: post.transformedBy }),
    }),
    retainUntilMs: facts.retainUntilMs,
    orderKey: delivery.orderKey,
    next: nextOf(facts),
  };
}

function nextOf(facts: {
  step: NextStep;
  delivery: ReadyDelivery;
  inLine: boolean;
  post: EndedAttempt;
  startedAtMs: number;
}): AttemptRecord['next'] {
  const { step, delivery } = facts;
  if (step.kind !== 'retry') {
    return { state: step.kind, endedAtMs: facts.startedAtMs + facts.post.result.latencyMs };
  }
  const failures = delivery.failures + (step.counts ? 1 : 0);
  return { state: 'pending', dueAtMs: facts.inLine ? null : step.dueAtMs, failures };
}
