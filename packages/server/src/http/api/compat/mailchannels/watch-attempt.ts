import type { Clock } from '../../../../lib/clock.ts';
import type { Caller } from '../../../access/authenticate.ts';
import type { CallRoute } from '../call-routes.ts';

/** As `GET /v1/deliveries/{id}` says it. */
export interface DeliveryView {
  id: string;
  endpoint_id: string;
  endpoint_url: string | null;
  state: string;
  attempt_count: number;
  last_status: number | null;
  created_at: string;
}

export interface AttemptView {
  number: number;
  latency_ms: number;
  outcome: 'succeeded' | 'failed';
  status: number | null;
  response: { excerpt: string | null } | null;
}

/**
 * Resolves with the attempt of a delivery that comes after the first so many, as soon as it has ended;
 * with null when it takes too long.
 */
export type AttemptWatch = (
  caller: Caller,
  deliveryId: string,
  attemptsBefore: number,
) => Promise<AttemptView | null>;

/** A caller waits so long for an answer; an endpoint's own limit is 15 s by default. */
const MAX_WAIT_MS = 20_000;
const POLL_MS = 50;

export function createAttemptWatch(callRoute: CallRoute, clock: Clock): AttemptWatch {
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      clock.after(ms, resolve);
    });
  return async (caller, id, attemptsBefore) => {
    for (const untilMs = clock.now() + MAX_WAIT_MS; clock.now() < untilMs; await wait(POLL_MS)) {
      const { attempts } = await callRoute<{ attempts: AttemptView[] }>('GET /v1/deliveries/{id}', {
        caller,
        params: { id },
      });
      const found = attempts.find(({ number }) => number > attemptsBefore);
      if (found !== undefined) return found;
    }
    return null;
  };
}
