import type { CanonicalEvent, EventType } from '@posthorn/sdk';
import type { Engine } from '../engine.ts';
import type { RecentEvents } from './recent-events.ts';

export interface FeedQuery {
  projectId: string;
  /** A name of who reads on all the time, so that what was just appended is kept for him. */
  follower?: string;
  /** Behind this place in the log; 0 for its beginning. */
  afterPosition: number;
  limit: number;
  /** Exact types; null for all. */
  types: readonly EventType[] | null;
  messageKey: string | null;
  recipient: string | null;
}

export interface FeedPage {
  /** `json`: the event as it is stored. */
  events: { position: number; event: CanonicalEvent; json: string }[];
  /** Everything up to here was looked at: the next page begins behind it. */
  position: number;
  /** Nothing stands behind `position` yet. */
  atEnd: boolean;
}

export interface LoggedEvent {
  position: number;
  projectId: string;
  messageKey: string | null;
  event: CanonicalEvent;
  json: string;
}

/**
 * The log in the order in which it was written. Positions grow with each commit and are never given
 * twice, so who goes on behind the last one that he has seen misses nothing and sees nothing twice.
 */
export interface EventFeed {
  after(query: FeedQuery): Promise<FeedPage>;
  /** The same of all projects, or of one up to a place, with what an event does not say of itself. */
  acrossProjects(query: {
    projectId: string | null;
    follower?: string;
    afterPosition: number;
    untilPosition: number | null;
    limit: number;
    types: readonly EventType[];
  }): Promise<{ events: LoggedEvent[]; position: number; atEnd: boolean }>;
  /** The place of the newest event, of all projects; 0 in an empty log. */
  end(): Promise<number>;
}

/** How many places of the log one question looks at: the events of other projects lie between. */
export const FEED_WINDOW = 10_000;

/** `recent`: what need not be read. */
export function createEventFeed(
  { db, logEnd }: Pick<Engine, 'db' | 'logEnd'>,
  recent: Pick<RecentEvents, 'page'> | null = null,
): EventFeed {
  /** The first place behind this one that is not empty: retention leaves gaps. */
  async function firstBehind(position: number): Promise<number> {
    const row = await db
      .selectFrom('events')
      .select('position')
      .where('position', '>', position)
      .orderBy('position')
      .limit(1)
      .executeTakeFirst();
    return row?.position ?? position + 1;
  }

  /** What one question looks at; null when there is nothing behind this place. */
  async function windowBehind(afterPosition: number, untilPosition: number | null) {
    // First: what is committed while this looks on belongs to the next page.
    const end = await logEnd();
    const newest = Math.min(end, untilPosition ?? end);
    if (newest <= afterPosition) return null;
    const first = await firstBehind(afterPosition);
    return { newest, first, last: Math.min(newest, first + FEED_WINDOW - 1) };
  }

  return {
    end: logEnd,
    async acrossProjects({
      projectId,
      follower = null,
      afterPosition,
      untilPosition,
      limit,
      types,
    }) {
      const wants = (one: LoggedEvent): boolean =>
        (projectId === null || one.projectId === projectId) && types.includes(one.event.type);
      const known =
        untilPosition === null && recent?.page({ follower, afterPosition, limit, wants });
      if (known) return known;
      const window = await windowBehind(afterPosition, untilPosition);
      if (window === null) return { events: [], position: afterPosition, atEnd: true };
      const { newest, first, last } = window;
      let select = db
        .selectFrom('events')
        .select(['position', 'project_id', 'message_key', 'body'])
        .where('position', '>=', first)
        .where('position', '<=', last)
        .where('type', 'in', types);
      if (projectId !== null) select = select.where('project_id', '=', projectId);
      const rows = await select.orderBy('position').limit(limit).execute();
      const events = rows.map((row) => ({
        position: row.position,
        projectId: row.project_id,
        messageKey: row.message_key,
        event: JSON.parse(row.body),
        json: row.body,
      }));
      const full = rows.length === limit ? rows.at(-1) : undefined;
      const position = full?.position ?? last;
      return { events, position, atEnd: position >= newest };
    },
    async after({
      projectId,
      follower = null,
      afterPosition,
      limit,
      types,
      messageKey,
      recipient,
    }) {
      const wants = (one: LoggedEvent): boolean =>
        one.projectId === projectId &&
        (types === null || types.includes(one.event.type)) &&
        (messageKey === null || one.messageKey === messageKey) &&
        (recipient === null || one.event.data.recipient === recipient);
      const known = recent?.page({ follower, afterPosition, limit, wants });
      if (known) return known;
      const window = await windowBehind(afterPosition, null);
      if (window === null) return { events: [], position: afterPosition, atEnd: true };
      const { newest, first, last } = window;
      let select = db
        .selectFrom('events')
        .select(['position', 'body'])
        .where('position', '>=', first)
        .where('position', '<=', last)
        .where('project_id', '=', projectId);
      if (types !== null) select = select.where('type', 'in', types);
      if (messageKey !== null) select = select.where('message_key', '=', messageKey);
      if (recipient !== null) select = select.where('recipient', '=', recipient);
      const rows = await select.orderBy('position').limit(limit).execute();
      const events = rows.map(({ position, body }) => {
        return { position, event: JSON.parse(body), json: body };
      });
      const full = rows.length === limit ? rows.at(-1) : undefined;
      const position = full?.position ?? last;
      return { events, position, atEnd: position >= newest };
    },
  };
}
