import type { Ids } from 'posthorn/src/core/ids.ts';
import type { AttemptRecord } from 'posthorn/src/store/engine.ts';

/** A first attempt that an endpoint has taken. */
export function createAttempt(
  delivery: Pick<AttemptRecord, 'projectId' | 'endpointId' | 'eventId' | 'node'>,
  ids: Ids,
): AttemptRecord {
  const nowMs = Date.now();
  return {
    ...delivery,
    attemptId: ids.next('attempt'),
    number: 1,
    startedAtMs: nowMs,
    latencyMs: 12,
    status: 204,
    errorCode: null,
    errorDetail: null,
    responseExcerpt: null,
    trace: null,
    retainUntilMs: nowMs + 30 * 86_400_000,
    orderKey: null,
    next: { state: 'delivered', endedAtMs: nowMs },
  };
}
