import type { CanonicalEvent, EventType } from '@posthorn/sdk';
import { type Page, toPage } from '../../core/cursor.ts';
import type { Engine } from '../engine.ts';

export interface EventQuery {
  projectId: string;
  limit: number;
  beforeId: string | null;
  /** Exact types; empty for all. */
  types: readonly EventType[];
  messageKey: string | null;
  recipient: string | null;
  /** Bounds of the id, where only some time is asked for: from inclusive, to exclusive. */
  fromEventId?: string | null;
  toEventId?: string | null;
}

export interface EventWalk {
  projectId: string;
  afterId: string | null;
  /** Bounds of the id: from inclusive, to exclusive. */
  fromEventId: string | null;
  toEventId: string | null;
  types: readonly EventType[] | null;
  messageKey: string | null;
  limit: number;
}

export interface WalkedEvent {
  event: CanonicalEvent;
  position: number;
  retainUntilMs: number;
}

export interface Events {
  list(query: EventQuery): Promise<Page<CanonicalEvent>>;
  get(projectId: string, id: string): Promise<CanonicalEvent | null>;
  /** Its bytes, as they are signed. */
  body(projectId: string, id: string): Promise<string | null>;
  /**
   * Events in the order of their ids, with what a delivery of them needs, out of the next window
   * behind `afterId`. `last`: how far it looked; null when nothing is left.
   */
  walk(query: EventWalk): Promise<{ rows: WalkedEvent[]; last: string | null }>;
  /** Events of one recipient of a message, the newest first. */
  ofRecipient(query: {
    projectId: string;
    messageKey: string;
    recipient: string;
    types: readonly EventType[];
    limit: number;
  }): Promise<CanonicalEvent[]>;
  /** All events of one message, the oldest first. */
  ofMessage(projectId: string, messageKey: string, limit: number): Promise<CanonicalEvent[]>;
}

/** How many events one step of a walk looks at; most of the cost is where they match. */
const WALK_ROWS = 2_000;

export function createEvents(engine: Engine): Events {
  const { db, lists } = engine;
  const bodies = (projectId: string, from = db) =>
    from.selectFrom('events').select('body').where('project_id', '=', projectId);
  function walkable(query: Omit<EventWalk, 'limit' | 'types'>) {
    const { afterId, fromEventId, toEventId, messageKey } = query;
    let select = db.selectFrom('events').where('project_id', '=', query.projectId);
    if (messageKey !== null) select = select.where('message_key', '=', messageKey);
    if (afterId !== null) select = select.where('id', '>', afterId);
    if (fromEventId !== null) select = select.where('id', '>=', fromEventId);
    if (toEventId !== null) select = select.where('id', '<', toEventId);
    return select;
  }
  return {
    async list(query) {
      let select = bodies(query.projectId, lists);
      if (query.beforeId !== null) select = select.where('id', '<', query.beforeId);
      if (query.fromEventId != null) select = select.where('id', '>=', query.fromEventId);
      if (query.toEventId != null) select = select.where('id', '<', query.toEventId);
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
    async walk({ limit, types, ...query }) {
      const from = walkable(query);
      const end = await from
        .select('id')
        .orderBy('id')
        .offset(WALK_ROWS - 1)
        .limit(1)
        .executeTakeFirst();
      let select = from.select(['id', 'body', 'position', 'retain_until']);
      if (end !== undefined) select = select.where('id', '<=', end.id);
      if (types !== null) select = select.where('type', 'in', types);
      const rows = await select.orderBy('id').limit(limit).execute();
      const full = rows.length === limit ? rows.at(-1) : undefined;
      return {
        rows: rows.map((row) => ({
          event: toEvent(row),
          position: row.position,
          retainUntilMs: row.retain_until,
        })),
        last: full?.id ?? end?.id ?? null,
      };
    },
    async ofRecipient({ projectId, messageKey, recipient, types, limit }) {
      const rows = await bodies(projectId)
        .where('message_key', '=', messageKey)
        .where('recipient', '=', recipient)
        .where('type', 'in', types)
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows.map(toEvent);
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
