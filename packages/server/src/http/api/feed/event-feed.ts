import { encodeCursor } from '../../../core/cursor.ts';
import type { Clock } from '../../../lib/clock.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { AppendListener, AppendNotifier } from '../../../store/log/append-notifier.ts';
import type { EventFeed, FeedPage, FeedQuery } from '../../../store/log/event-feed.ts';
import type { RouteClient } from '../../route.ts';
import { keyOfCursor } from '../schemas.ts';

export interface FeedDeps {
  feed: EventFeed;
  notifier: AppendNotifier;
  clock: Clock;
}

type FeedFilter = Omit<FeedQuery, 'afterPosition' | 'limit'>;

/** How many windows of the log one answer looks at before it sends the caller on. */
const MAX_WINDOWS = 20;
/** An idle stream says something this often, so that nobody between takes it for dead, ms. */
const HEARTBEAT_MS = 15_000;
/** Who does not take what is sent for this long is disconnected, ms. */
const STALL_MS = 30_000;
const STREAM_PAGE = 100;

/** A place in the log as callers see it. */
export function toFeedCursor(position: number): string {
  return encodeCursor(`log${position}`);
}

/** `start`, `now`, or a cursor that this gave out. Throws `invalid_cursor`. */
export async function readFeedStart(feed: EventFeed, after: string): Promise<number> {
  if (after === 'start') return 0;
  const end = await feed.end();
  if (after === 'now') return end;
  const key = keyOfCursor(after, (text) => /^log\d{1,15}$/.test(text), '?after');
  const position = Number(key?.slice(3));
  if (position <= end) return position;
  const detail =
    'The log ends before this place, so it was restored from a backup since. Begin anew with after=start.';
  throw new PosthornError('invalid_cursor', detail, { fields: [{ pointer: '?after', detail }] });
}

/** The events behind a place; with `waitMs` it waits for the first one when there is none yet. */
export async function pullEvents(
  { feed, notifier, clock }: FeedDeps,
  query: FeedFilter & { afterPosition: number; limit: number },
  { waitMs, client }: { waitMs: number; client: RouteClient },
): Promise<FeedPage> {
  const untilMs = clock.now() + waitMs;
  const listener = waitMs === 0 ? null : listen(notifier, query.projectId, client);
  try {
    let page = await readOn(feed, query);
    while (listener !== null && page.events.length === 0 && page.atEnd) {
      const leftMs = untilMs - clock.now();
      if (leftMs <= 0 || notifier.isClosed || client.gone().aborted) break;
      await listener.wait(leftMs);
      page = await readOn(feed, { ...query, afterPosition: page.position });
    }
    return page;
  } finally {
    listener?.stop();
  }
}

/**
 * Events as they come, as text of server-sent events. Nothing is kept for a slow reader: each page is
 * read from the log when the one before was taken. Ends at shutdown, and when the key is not let in any
 * more. Throws `rate_limited` at once.
 */
export function streamEvents(
  deps: FeedDeps,
  filter: FeedFilter,
  from: { afterPosition: number; client: RouteClient },
): AsyncIterable<string> {
  return frames(deps, filter, from, listen(deps.notifier, filter.projectId, from.client));
}

async function* frames(
  { feed, notifier, clock }: FeedDeps,
  filter: FeedFilter,
  { afterPosition, client }: { afterPosition: number; client: RouteClient },
  listener: AppendListener,
): AsyncGenerator<string> {
  let position = afterPosition;
  let checkedAtMs = clock.now();

  async function* send(text: string): AsyncGenerator<string> {
    const cancel = clock.after(STALL_MS, client.drop);
    try {
      yield text;
    } finally {
      cancel();
    }
  }

  try {
    yield* send('retry: 2000\n\n');
    for (;;) {
      const query = { ...filter, afterPosition: position, limit: STREAM_PAGE };
      const page = await feed.after(query);
      position = page.position;
      if (page.events.length > 0) yield* send(page.events.map(toFrame).join(''));
      if (notifier.isClosed || client.gone().aborted) return;
      if (clock.now() - checkedAtMs >= HEARTBEAT_MS) {
        if (!(await client.isLetIn())) return;
        checkedAtMs = clock.now();
        yield* send(': still here\n\n');
      }
      if (page.atEnd) await listener.wait(checkedAtMs + HEARTBEAT_MS - clock.now());
    }
  } finally {
    listener.stop();
  }
}

function toFrame({ position, event, json }: FeedPage['events'][number]): string {
  return `id: ${toFeedCursor(position)}\nevent: ${event.type}\ndata: ${json}\n\n`;
}

async function readOn(
  feed: EventFeed,
  query: FeedFilter & { afterPosition: number; limit: number },
): Promise<FeedPage> {
  let page = await feed.after(query);
  for (let i = 1; i < MAX_WINDOWS && page.events.length === 0 && !page.atEnd; i++) {
    page = await feed.after({ ...query, afterPosition: page.position });
  }
  return page;
}

/** Throws `rate_limited` when too many of the project's readers wait already. */
function listen(notifier: AppendNotifier, projectId: string, client: RouteClient): AppendListener {
  const listener = notifier.listen(projectId);
  if (listener === null) {
    const detail =
      'Too many readers of this project wait for events. Close some, or let one hand events on to the others.';
    throw new PosthornError('rate_limited', detail, { retryAfterSeconds: 5 });
  }
  client.gone().addEventListener('abort', listener.stop, { once: true });
  return listener;
}
