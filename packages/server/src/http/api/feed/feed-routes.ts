import { defineRoute, type Route } from '../../route.ts';
import { streamQuery } from '../events/event-schema.ts';
import { toEventFilter } from '../filters.ts';
import { type FeedDeps, readFeedStart, streamEvents } from './event-feed.ts';

export function createFeedRoutes(deps: FeedDeps): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/events/stream',
      auth: 'read',
      group: 'Events',
      summary: 'Events as they come',
      description:
        'Server-sent events: event is the type, data the event, id a place in the log. Who comes again with Last-Event-ID (as an EventSource does by itself) goes on behind that place and misses nothing. A comment every 15 seconds keeps the connection alive.',
      query: streamQuery,
      responses: {
        200: { description: 'A stream that goes on.', contentType: 'text/event-stream' },
      },
      async handle({ projectId, query, client }) {
        const after = client.lastEventId ?? query.after ?? 'now';
        const afterPosition = await readFeedStart(deps.feed, after);
        const filter = toEventFilter(projectId, query);
        return {
          status: 200,
          headers: {
            'content-type': 'text/event-stream; charset=utf-8',
            'cache-control': 'no-store',
            // nginx would hold the stream back until its buffer is full.
            'x-accel-buffering': 'no',
          },
          body: streamEvents(deps, filter, { afterPosition, client }),
        };
      },
    }),
  ];
}
