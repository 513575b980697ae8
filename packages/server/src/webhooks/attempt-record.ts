import type { AttemptRecord } from '../store/engine.ts';
import type { NextStep } from './decide-next.ts';
import type { ReadyDelivery } from './lane.ts';
import type { PostResult } from './post/post-result.ts';

/** What the store keeps of an attempt, and where it leaves the delivery. */
export function createAttemptRecord(facts: {
  delivery: ReadyDelivery;
  result: PostResult;
  step: NextStep;
  node: string;
  attemptId: string;
  startedAtMs: number;
  retainUntilMs: number;
}): AttemptRecord {
  const { delivery, result, startedAtMs } = facts;
  return {
    projectId: delivery.projectId,
    eventId: delivery.eventId,
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
    retainUntilMs: facts.retainUntilMs,
    next: nextOf(facts.step, delivery.failures, startedAtMs + result.latencyMs),
  };
}

function nextOf(step: NextStep, failures: number, nowMs: number): AttemptRecord['next'] {
  if (step.kind === 'retry') {
    return { state: 'pending', dueAtMs: step.dueAtMs, failures: failures + 1 };
  }
  return { state: step.kind, endedAtMs: nowMs };
}
