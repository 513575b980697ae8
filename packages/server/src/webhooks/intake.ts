import type { EventType } from '@posthorn/sdk';
import { type Urgency, urgencyOf } from '../core/events/urgency.ts';
import type { Clock } from '../lib/clock.ts';
import type { OwedDelivery } from '../store/engine.ts';
import type { CommittedDelivery, Subscribers } from '../store/log/event-log.ts';
import type { EndpointDirectory } from './endpoints/endpoint-directory.ts';
import type { LiveEndpoint } from './endpoints/live-endpoint.ts';
import { hasRoomForFresh, type Lane, noteStored, type ReadyDelivery } from './lane.ts';
import type { Paging } from './paging.ts';
import { placeInLine } from './place-in-line.ts';
import { noteFresh } from './post-unit.ts';
import type { Shares } from './shares.ts';

/**
 * How deliveries come in from the log: what an event owes, and which of that goes straight from memory
 * into its lane. What finds its lane full, and everything that wants order, waits in the store from the
 * start: the store alone knows what stands before it.
 */
export function createIntake(options: {
  directory: Pick<EndpointDirectory, 'find' | 'match'>;
  shares: Shares;
  paging: Pick<Paging, 'pageIn' | 'giveBackOne' | 'cancelAll'>;
  clock: Clock;
  node: string;
  /** Fresh deliveries may go into memory. */
  takesWork: () => boolean;
  laneFor: (endpoint: LiveEndpoint) => Lane;
  /** Undefined for an endpoint that was deleted. */
  findLane: (endpointId: string) => Lane | undefined;
  pump: (lane: Lane) => void;
  wake: (projectId: string, endpointId: string, dueAtMs: number) => void;
}): Subscribers {
  const { directory, shares, paging, clock, node, findLane } = options;

  /** May this delivery go from memory, without being read back? Then there is room for it. */
  function takesDirectly(lane: Lane, urgency: Urgency): boolean {
    return (
      options.takesWork() &&
      lane.endpoint.record.settings.order === 'none' &&
      lane.breaker.state !== 'open' &&
      hasRoomForFresh(lane, urgency) &&
      shares.roomFor(lane) > 0
    );
  }

  function owe(
    endpoint: LiveEndpoint,
    event: Parameters<Subscribers['owedFor']>[1],
    dueAtMs: number,
  ): OwedDelivery {
    const { id: endpointId, settings, status } = endpoint.record;
    const { orderKey, urgency } = placeInLine(settings.order, event);
    const owed = { endpointId, urgency, dueAtMs, orderKey, node: null } as const;
    if (status === 'disabled') return { ...owed, state: 'skipped' };
    const lane = options.laneFor(endpoint);
    if (!takesDirectly(lane, urgency)) return { ...owed, state: 'pending' };
    lane.shelves[urgency].reserved += 1;
    shares.hold(lane, 1);
    return { endpointId, urgency, dueAtMs, orderKey, state: 'pending', node };
  }

  /**
   * What wants order and goes in batches gathers in the store, where its line is: read back at once, it
   * would go alone, and what comes after it would stand behind it.
   */
  function gatherMs({ endpoint }: Lane, { orderKey }: OwedDelivery, type: EventType): number {
    const isBatched = orderKey !== null && endpoint.batchedTypes?.has(type) === true;
    return isBatched ? (endpoint.batch?.maxWaitMs ?? 0) : 0;
  }

  /** A delivery that no lane holds any more. */
  async function abandon(delivery: CommittedDelivery): Promise<void> {
    const { projectId, endpointId } = delivery;
    await paging.giveBackOne(delivery);
    if (findLane(endpointId) !== undefined) options.wake(projectId, endpointId, clock.now());
    else await paging.cancelAll(projectId, endpointId);
  }

  return {
    owedFor(projectId, event, nowMs, onlyTo) {
      if (onlyTo !== undefined) {
        const endpoint = directory.find(projectId, onlyTo);
        return endpoint === null ? [] : [owe(endpoint, event, nowMs)];
      }
      return directory.match(projectId, event).map((endpoint) => owe(endpoint, event, nowMs));
    },
    committed(delivery) {
      const lane = findLane(delivery.endpointId);
      if (lane === undefined) {
        shares.drop(delivery.projectId, 1);
        void abandon(delivery);
        return;
      }
      const urgency = urgencyOf(delivery.type);
      const shelf = lane.shelves[urgency];
      shelf.reserved -= 1;
      const { projectId, endpointId, eventId, type, body } = delivery;
      const fresh: ReadyDelivery = {
        projectId,
        endpointId,
        eventId,
        type,
        body,
        urgency,
        attempts: 0,
        failures: 0,
        orderKey: null,
        readyAtMs: clock.now(),
        line: [],
      };
      shelf.fresh.push(fresh);
      noteFresh(lane, fresh);
      options.pump(lane);
    },
    dropped(projectId, owed) {
      if (owed.node === null) return;
      const lane = findLane(owed.endpointId);
      if (lane === undefined) return shares.drop(projectId, 1);
      lane.shelves[owed.urgency].reserved -= 1;
      shares.hold(lane, -1);
      paging.pageIn(lane);
    },
    stored(projectId, owed, type) {
      if (owed.state !== 'pending') return;
      const lane = findLane(owed.endpointId);
      // Deleted while the commit was under way, and canceled perhaps before it was stored.
      if (lane === undefined) return void paging.cancelAll(projectId, owed.endpointId);
      noteStored(lane, owed.urgency, owed.dueAtMs + gatherMs(lane, owed, type));
      paging.pageIn(lane);
    },
  };
}
