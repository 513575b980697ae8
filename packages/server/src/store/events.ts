import type { CanonicalEvent, EventType } from '@posthorn/sdk';
import { type Page, toPage } from '../core/cursor.ts';
import type { Engine } from './engine.ts';

export interface EventQuery {
  projectId: string;
  limit: number;
  beforeId: string | null;
  /** Exact types; empty for all. */
  types: readonly EventType[];
  messageKey: string | null;
  recipient: string | null;
}

export interface Events {
  list(query: EventQuery): Promise<Page<CanonicalEvent>>;
  get(projectId: string, id: string): Promise<CanonicalEvent | null>;
  /** Its bytes, as they are signed. */
  body(projectId: string, id: string): Promise<string | null>;
  /** All events of one message, the oldest first. */
  ofMessage(projectId: string, messageKey: string, limit: number): Promise<CanonicalEvent[]>;
}

export function createEvents(engine: Engine): Events {
  const { db } = engine;
  const bodies = (projectId: string) =>
    db.selectFrom('events').select('body').where('project_id', '=', projectId);
  return {
    async list(query) {
      let select = bodies(query.projectId);
      if (query.beforeId !== null) select = select.where('id', '<', query.beforeId);
      if (query.types.length > 0) select = select.where('type', 'in', query.types);
      if (query.messageKey !== null) select = select.where('message_key', '=', query.messageKey);
      const { recipient } = query;
      if (recipient !== null) {
        // By way of the recipient's messages, whose index spares the events one of their own.
        select = select
          .where('recipient', '=', recipient)
          .where('message_key', 'in', (sub) =>
            sub
              .selectFrom('recipient_states')
              .select('message_key')
              .where('project_id', '=', query.projectId)
              .where('recipient', '=', recipient),
          );
      }
      const rows = await select
        .orderBy('id', 'desc')
        .limit(query.limit + 1)
        .execute();
      return toPage(rows.map(toEvent), query.limit, (event) => event.id);
    },
    async get(projectId, id) {
      const row = await bodies(projectId).where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : toEvent(row);
    },
    async body(projectId, id) {
      const row = await bodies(projectId).where('id', '=', id).executeTakeFirst();
      return row?.body ?? null;
    },
    async ofMessage(projectId, messageKey, limit) {
      const rows = await bodies(projectId)
        .where('message_key', '=', messageKey)
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(toEvent);
    },
  };
}

function toEvent(row: { body: string }): CanonicalEvent {
  return JSON.parse(row.body);
}
