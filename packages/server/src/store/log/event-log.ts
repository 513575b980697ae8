import { type CanonicalEvent, standingOf } from '@posthorn/sdk';
import { type EventPosition, sealEvent, sealEventBody } from '../../core/events/event-body.ts';
import type { AppendedEvent, Engine, EventRecord, OwedDelivery, Statement } from '../engine.ts';
import type { LoggedEvent } from './event-feed.ts';
import type { RecentEvents } from './recent-events.ts';

/** An event on its way into the log. `data` has no position yet: the log gives it. */
export interface NewEvent {
  projectId: string;
  event: CanonicalEvent;
  /** See EventRecord.dedupKey; null for events that we made ourselves within the same commit. */
  dedupKey: string | null;
  /** Owed to this endpoint alone, whatever its filter says: a test. */
  onlyTo?: string;
}

/** Who is owed an event. Declared here, implemented by whoever subscribes; wired in assembly/. */
export interface Subscribers {
  /** Called before the commit: what does this event owe? */
  owedFor(projectId: string, event: CanonicalEvent, nowMs: number, onlyTo?: string): OwedDelivery[];
  /** Called after the commit with each delivery that this node dispatches itself. */
  committed(delivery: CommittedDelivery): void;
  /** Called instead when nothing was stored (a duplicate, a refused commit): give the room back. */
  dropped(projectId: string, owed: OwedDelivery): void;
  /** Called after the commit for each delivery that waits in the store. */
  stored(projectId: string, owed: OwedDelivery, type: CanonicalEvent['type']): void;
}

export interface CommittedDelivery {
  projectId: string;
  eventId: string;
  endpointId: string;
  type: CanonicalEvent['type'];
  body: string;
}

/** The one way into the log. */
export interface EventLog {
  /**
   * Stores the events, the deliveries they owe and the statements beside them in one commit, durable
   * when it resolves. Rejects with StoreUnavailable or StoreConflict; nothing is stored then.
   */
  append(events: readonly NewEvent[], beside?: readonly Statement[]): Promise<AppendedEvent[]>;
}

export function createEventLog(options: {
  engine: Pick<Engine, 'commit'>;
  subscribers: Subscribers;
  now: () => number;
  /** How long an event of this project is kept. */
  retentionMs: (projectId: string) => number;
  /** Where they are kept for a moment, for those who follow the log. */
  recent?: Pick<RecentEvents, 'add'> | null;
}): EventLog {
  const { engine, subscribers, recent = null } = options;

  function toRecord({ projectId, event, dedupKey, onlyTo }: NewEvent): EventRecord {
    const receivedAtMs = options.now();
    const occurredAtMs = Date.parse(event.timestamp);
    const { raw, message, recipient = null } = event.data;
    const data = raw === undefined ? event.data : withoutRaw(event.data);
    return {
      projectId,
      id: event.id,
      type: event.type,
      messageKey: message?.id ?? message?.provider_id ?? message?.smtp_id ?? null,
      recipient,
      occurredAtMs,
      receivedAtMs,
      dedupKey,
      // The order matters: sealEventBody writes into `data` at the end.
      json: JSON.stringify({ id: event.id, type: event.type, timestamp: event.timestamp, data }),
      raw: raw === undefined ? null : JSON.stringify(raw),
      retainUntilMs: receivedAtMs + options.retentionMs(projectId),
      standing: standingOf(event.type, occurredAtMs),
      deliveries: subscribers.owedFor(projectId, event, receivedAtMs, onlyTo),
    };
  }

  function announce(record: EventRecord, event: CanonicalEvent, appended: AppendedEvent): void {
    const { projectId, deliveries } = record;
    const { position, place } = appended;
    if (place === null) {
      for (const owed of deliveries) subscribers.dropped(projectId, owed);
      return;
    }
    const body = sealEventBody(record.json, position);
    for (const owed of deliveries) {
      if (owed.node === null) subscribers.stored(projectId, owed, record.type);
      else {
        const { endpointId } = owed;
        const delivery = { projectId, eventId: record.id, endpointId, type: record.type, body };
        subscribers.committed(delivery);
      }
    }
    recent?.add(toLogged(record, event, { position, place, body }));
  }

  return {
    async append(events, beside = []) {
      const records = events.map(toRecord);
      let appended: AppendedEvent[];
      try {
        appended = await engine.commit({ events: records, statements: beside });
      } catch (error) {
        for (const record of records) {
          for (const owed of record.deliveries) subscribers.dropped(record.projectId, owed);
        }
        throw error;
      }
      records.forEach((record, i) => {
        const [given, one] = [events[i], appended[i]];
        if (given !== undefined && one !== undefined) announce(record, given.event, one);
      });
      return appended;
    },
  };
}

function toLogged(
  { projectId, messageKey }: EventRecord,
  { id, type, timestamp, data }: CanonicalEvent,
  { position, place, body }: { position: EventPosition | null; place: number; body: string },
): LoggedEvent {
  const event = sealEvent({ id, type, timestamp, data: withoutRaw(data) }, position);
  return { position: place, projectId, messageKey, event, json: body };
}

function withoutRaw(data: CanonicalEvent['data']): CanonicalEvent['data'] {
  const { raw: _raw, ...rest } = data;
  return rest;
}
