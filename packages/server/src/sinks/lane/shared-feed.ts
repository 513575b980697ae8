import type { LaneFeed } from './sink-lane.ts';

type Query = Parameters<LaneFeed['after']>[0];
type Page = Awaited<ReturnType<LaneFeed['after']>>;

/**
 * Sinks of a project mostly stand at the same place and look at the same moment: those that ask for the same
 * while the first of them waits for its answer share it, so that it is read and parsed once. Nobody may change
 * the events.
 */
export function shareFeed(feed: LaneFeed): LaneFeed {
  const underWay = new Map<string, Promise<Page>>();
  return {
    async after(query) {
      const key = keyOf(query);
      const found = underWay.get(key);
      if (found !== undefined) return cut(await found, query.limit);
      const page = feed.after(query);
      underWay.set(key, page);
      try {
        return await page;
      } finally {
        underWay.delete(key);
      }
    },
  };
}

/** How many are wanted may differ. */
const keyOf = ({ projectId, afterPosition, types, messageKey, recipient }: Query): string =>
  JSON.stringify([projectId, afterPosition, types, messageKey, recipient]);

function cut(page: Page, limit: number): Page {
  const last = page.events[limit - 1];
  if (last === undefined || page.events.length === limit) return page;
  return { events: page.events.slice(0, limit), position: last.position, atEnd: false };
}
