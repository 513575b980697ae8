import { compileEventFilter } from '../../core/events/event-filter.ts';
import { lowestIdAt } from '../../core/ids.ts';
import { shownDeliveryState } from '../../core/webhooks/delivery-state.ts';
import { type JobStep, stopWith } from '../../store/jobs/job-step.ts';
import type { JobRecord, ReplayParams } from '../../store/jobs/jobs.ts';
import type { Events, WalkedEvent } from '../../store/log/events.ts';
import type { DeliveriesTable } from '../../store/tables.ts';
import type { Deliveries } from '../../store/webhooks/deliveries.ts';
import {
  ANY_DELIVERY,
  type DeliveryFilter,
  type DeliveryKey,
} from '../../store/webhooks/delivery-queries/delivery-filter.ts';
import type { MissingDelivery } from '../../store/webhooks/delivery-queries/requeue-deliveries.ts';
import type { EndpointDirectory } from '../endpoints/endpoint-directory.ts';
import type { LiveEndpoint } from '../endpoints/live-endpoint.ts';
import { placeInLine } from '../place-in-line.ts';

/**
 * Sends events again: deliveries are made due, in the order of their events, under the same ids and
 * with the same bytes. With `includeMissing` events that match an endpoint today and were never owed
 * to it get a delivery: it did not exist then, or its filter was another.
 */
export interface Replay {
  step(job: JobRecord<'replay'>): Promise<JobStep>;
  /** What a replay would do, without doing it. */
  count(projectId: string, params: ReplayParams): Promise<ReplayCount>;
}

export interface ReplayCount {
  deliveries: number;
  /** Events that were never owed. */
  missing: number;
  /** More would have to be looked at than REPLAY_LIMIT: the rest was not counted. */
  isTooMuch: boolean;
}

/**
 * How many deliveries (with `includeMissing` events) a replay looks at, at most: they are counted
 * before the answer. A million takes about two seconds.
 */
export const REPLAY_LIMIT = { owed: 5_000_000, missing: 500_000 };

/** Per second, where nobody says otherwise; an endpoint's own rate limit holds beside it. */
export const REPLAY_RATE = 500;

/** What one commit takes on; larger ones hold up others behind them. */
const MAX_STEP = 500;

interface Found {
  again: DeliveriesTable[];
  missing: MissingDelivery[];
  /** How many rows were looked at. */
  looked: number;
  /** Where to go on; null at the end. */
  cursor: string | null;
}

export function createReplay(deps: {
  deliveries: Pick<Deliveries, 'scan' | 'ofEvents' | 'requeueStatements'>;
  events: Pick<Events, 'walk'>;
  directory: Pick<EndpointDirectory, 'find' | 'all'>;
  /** Deliveries of this endpoint have become due in the store. */
  wake(projectId: string, endpointId: string, dueAtMs: number): void;
  now: () => number;
}): Replay {
  const { deliveries, events, directory } = deps;

  /** The endpoints that get something: the one that was named, or all that are enabled. */
  function targetsOf(projectId: string, { endpointId }: ReplayParams): LiveEndpoint[] {
    if (endpointId !== null) {
      const one = directory.find(projectId, endpointId);
      return one === null ? [] : [one];
    }
    return [...directory.all()].filter(
      ({ record }) => record.projectId === projectId && record.status === 'enabled',
    );
  }

  async function findOwed(
    filter: DeliveryFilter,
    cursor: string | null,
    limit: number,
  ): Promise<Found> {
    const options = { direction: 'asc', limit } as const;
    const { rows, last } = await deliveries.scan.rows(filter, parseCursor(cursor), options);
    const next = last === null ? null : `${last.eventId}/${last.endpointId}`;
    return { again: rows, missing: [], looked: rows.length, cursor: next };
  }

  async function findAll(
    filter: DeliveryFilter,
    targets: readonly LiveEndpoint[],
    cursor: string | null,
    limit: number,
  ): Promise<Found> {
    const { projectId } = filter;
    const perEvent = Math.max(1, targets.length);
    const walk = { ...filter, afterId: cursor, limit: Math.max(1, Math.floor(limit / perEvent)) };
    const { rows, last } = await events.walk(walk);
    const owed = await deliveries.ofEvents(
      projectId,
      rows.map(({ event }) => event.id),
    );
    const byPair = new Map(owed.map((row) => [`${row.event_id}/${row.endpoint_id}`, row]));
    const found: Found = { again: [], missing: [], looked: rows.length, cursor: last };
    for (const one of rows) {
      for (const endpoint of targets) {
        const row = byPair.get(`${one.event.id}/${endpoint.record.id}`);
        if (row === undefined) {
          if (isMissing(one, endpoint)) found.missing.push(toMissing(projectId, one, endpoint));
        } else if (filter.states?.includes(shownDeliveryState(row))) {
          found.again.push(row);
        }
      }
    }
    return found;
  }

  function find(
    projectId: string,
    params: ReplayParams,
    cursor: string | null,
    limit: number,
  ): Promise<Found> {
    const targets = targetsOf(projectId, params);
    const filter = toFilter(projectId, params, targets);
    if (params.includeMissing) return findAll(filter, targets, cursor, limit);
    return findOwed(filter, cursor, limit);
  }

  async function countOwed(filter: DeliveryFilter): Promise<ReplayCount> {
    let sum = 0;
    let from: DeliveryKey | null = null;
    for (let looked = 0; looked < REPLAY_LIMIT.owed; ) {
      const { counts, last, windowRows } = await deliveries.scan.tally(filter, from);
      for (const { count } of counts) sum += count;
      if (last === null) return { deliveries: sum, missing: 0, isTooMuch: false };
      from = last;
      looked += windowRows;
    }
    return { deliveries: sum, missing: 0, isTooMuch: true };
  }

  async function countAll(projectId: string, params: ReplayParams): Promise<ReplayCount> {
    const sums = { deliveries: 0, missing: 0 };
    let cursor: string | null = null;
    for (let looked = 0; looked < REPLAY_LIMIT.missing; ) {
      const found: Found = await find(projectId, params, cursor, MAX_STEP);
      sums.deliveries += found.again.length;
      sums.missing += found.missing.length;
      looked += found.looked;
      cursor = found.cursor;
      if (cursor === null) return { ...sums, isTooMuch: false };
    }
    return { ...sums, isTooMuch: true };
  }

  return {
    async step(job) {
      const { projectId, params, progress } = job;
      const stop = whyStop(params, targetsOf(projectId, params));
      if (stop !== null) return stopWith(job, stop);
      const rate = job.ratePerSecond ?? REPLAY_RATE;
      const limit = Math.min(MAX_STEP, Math.max(1, Math.ceil(rate / 10)));
      const found = await find(projectId, params, job.cursor, limit);
      const nowMs = deps.now();
      const items = found.again.length + found.missing.length;
      return {
        statements: deliveries.requeueStatements({ ...found, nowMs }),
        cursor: found.cursor ?? job.cursor,
        progress: { ...progress, done: progress.done + items },
        items,
        outcome: { kind: found.cursor === null ? 'done' : 'more' },
        committed() {
          const endpointIds = [
            ...found.again.map((row) => row.endpoint_id),
            ...found.missing.map((one) => one.endpointId),
          ];
          for (const id of new Set(endpointIds)) deps.wake(projectId, id, nowMs);
        },
      };
    },
    async count(projectId, params) {
      const targets = targetsOf(projectId, params);
      if (targets.length === 0) return { deliveries: 0, missing: 0, isTooMuch: false };
      if (params.includeMissing) return countAll(projectId, params);
      return countOwed(toFilter(projectId, params, targets));
    },
  };
}

function whyStop({ endpointId }: ReplayParams, targets: readonly LiveEndpoint[]) {
  const [first] = targets;
  if (endpointId === null) {
    // Nobody is there to get anything: what there was to do is done.
    return first === undefined ? ({ kind: 'done' } as const) : null;
  }
  if (first === undefined) {
    return { kind: 'failed', reason: 'The endpoint was deleted.' } as const;
  }
  const { status } = first.record;
  const reason = 'The endpoint was disabled. Enable it, then resume the job.';
  return status === 'disabled' ? ({ kind: 'paused', reason } as const) : null;
}

function toFilter(
  projectId: string,
  params: ReplayParams,
  targets: readonly LiveEndpoint[],
): DeliveryFilter {
  const { sinceMs, untilMs, eventTypes, states, messageId, errorCode } = params;
  return {
    ...ANY_DELIVERY,
    projectId,
    endpointIds: targets.map(({ record }) => record.id),
    fromEventId: sinceMs === null ? null : lowestIdAt('event', sinceMs),
    toEventId: lowestIdAt('event', untilMs),
    types: eventTypes === null ? null : [...compileEventFilter(eventTypes)],
    states,
    messageKey: messageId,
    errorCode,
  };
}

/** What somebody sent to one endpoint as a test was never meant for another. */
function isMissing({ event }: WalkedEvent, endpoint: LiveEndpoint): boolean {
  return event.data.test !== true && endpoint.matches(event);
}

function toMissing(
  projectId: string,
  { event, position, retainUntilMs }: WalkedEvent,
  { record }: LiveEndpoint,
): MissingDelivery {
  const place = placeInLine(record.settings.order, event);
  return {
    projectId,
    eventId: event.id,
    endpointId: record.id,
    position,
    retainUntilMs,
    ...place,
  };
}

function parseCursor(cursor: string | null): DeliveryKey | null {
  const [eventId, endpointId] = cursor?.split('/') ?? [];
  return eventId === undefined || endpointId === undefined ? null : { eventId, endpointId };
}
