import type { Urgency } from '../../../core/events/urgency.ts';
import type { AppendedEvent, Engine, EventRecord } from '../../../store/engine.ts';
import type { DeliveriesTable } from '../../../store/tables.ts';
import type { Deliveries } from '../../../store/webhooks/deliveries.ts';
import type { EndpointRecord } from '../../../store/webhooks/endpoints.ts';

type Now<T> = T | Promise<T>;

/**
 * What the webhook engine wants of a store, each call done at one moment: the delays, the faults and
 * the crashes are virtual-disk.ts's. model-store.ts is one in memory; sqlite-twin.ts is SQLite, with
 * the model beside it.
 */
export interface BareStore {
  append(events: readonly EventRecord[]): Now<AppendedEvent[]>;
  recordAttempt(...input: Parameters<Engine['recordAttempt']>): Now<void>;
  claimDeliveries(
    ...input: Parameters<Engine['claimDeliveries']>
  ): Now<Awaited<ReturnType<Engine['claimDeliveries']>>>;
  releaseLeases(...input: Parameters<Engine['releaseLeases']>): Now<{ released: number }>;
  release(...input: Parameters<Deliveries['release']>): Now<void>;
  cancelWaiting(...input: Parameters<Deliveries['cancelWaiting']>): Now<{ more: boolean }>;
  requeue(key: DeliveryKey, nowMs: number): Now<void>;
  allEndpoints(): Now<EndpointRecord[]>;
  insertEndpoint(endpoint: EndpointRecord): Now<void>;
  updateEndpoint(before: Pick<EndpointRecord, 'version'>, endpoint: EndpointRecord): Now<void>;
  noteHealth(endpoint: EndpointHealthRow): Now<void>;
  removeEndpoint(projectId: string, endpointId: string, nowMs: number): Now<void>;
  deletedEndpoints(): Now<{ projectId: string; id: string }[]>;
  /** Closes and opens what a process opens and closes. */
  restart(): Now<void>;
  close(): Now<void>;
}

export interface DeliveryKey {
  projectId: string;
  eventId: string;
  endpointId: string;
}

export type EndpointHealthRow = Pick<
  EndpointRecord,
  'projectId' | 'id' | 'failingSinceMs' | 'warnedPercent'
>;

/** A row of the deliveries, with what the engine decides by. */
export interface StoredDelivery extends DeliveryKey {
  state: DeliveriesTable['state'];
  urgency: Urgency;
  attempts: number;
  failures: number;
  dueAtMs: number | null;
  node: string | null;
  orderKey: string | null;
  /** The event's place in the log. */
  position: number;
}

export interface StoredEvent {
  id: string;
  type: EventRecord['type'];
  /** As endpoints get it. */
  body: string;
}
