import type { EventData } from '@posthorn/sdk';
import { dedupKeyOf } from '../../../core/events/dedup-key.ts';
import { type Ids, isId } from '../../../core/ids.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { parseDuration } from '../../../lib/duration.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { EventLog, NewEvent } from '../../../store/log/event-log.ts';
import type { Events } from '../../../store/log/events.ts';
import type { ProjectRates } from '../../access/project-rates.ts';
import { defineRoute, type Route } from '../../route.ts';
import { type FeedDeps, pullEvents, readFeedStart, toFeedCursor } from '../feed/event-feed.ts';
import { readRange, refuseField, toEventFilter, toIdRange } from '../filters.ts';
import { idParam, keyOfCursor, lowerDomain } from '../schemas.ts';
import {
  appendedSchema,
  type EventInput,
  eventList,
  eventQuery,
  eventSchema,
  eventsBody,
} from './event-schema.ts';

/** A thousand events of the largest size. */
const MAX_BODY_BYTES = 32 * 1_048_576;

export interface EventRoutesDeps extends FeedDeps {
  log: EventLog;
  events: Pick<Events, 'list' | 'get'>;
  rates: Pick<ProjectRates, 'takeEvents'>;
  ids: Ids;
  now: () => number;
}

export function createEventRoutes(deps: EventRoutesDeps): Route[] {
  function toNewEvent(projectId: string, input: EventInput): NewEvent {
    const { sequence: _s, state: _t, previous_state: _p, coalesced: _c, ...given } = input.data;
    const recipient = given.recipient == null ? given.recipient : lowerDomain(given.recipient);
    const received = given.received_at ?? toTimestamp(deps.now());
    const data = { provider: 'api', ...given, received_at: received, recipient } as EventData;
    const { type, timestamp } = input;
    const dedupKey = dedupKeyOf({ id: input.id ?? null, type, timestamp, data });
    const event = { id: input.id ?? deps.ids.next('event'), type, timestamp, data };
    return { projectId, dedupKey, event };
  }

  function listEvents(projectId: string, body: EventInput | EventInput[]): NewEvent[] {
    const inputs = Array.isArray(body) ? body : [body];
    return inputs.map((input) => toNewEvent(projectId, input));
  }

  return [
    defineRoute({
      method: 'POST',
      path: '/v1/events',
      auth: 'events',
      group: 'Events',
      summary: 'Put events into the log',
      description:
        'Takes events from anywhere else, in the canonical format. Equal events are stored once. 202 means that they are on disk, with every delivery that they owe.',
      body: eventsBody,
      bodyLimit: MAX_BODY_BYTES,
      responses: { 202: { description: 'Stored.', schema: appendedSchema } },
      async handle({ projectId, body, remember }) {
        const events = listEvents(projectId, body);
        deps.rates.takeEvents(projectId, events.length);
        // Which of them are duplicates is known after the commit only, and the answer that is kept
        // goes into the commit: it has the ids under which this request would store them.
        const kept = { data: events.map(({ event }) => ({ id: event.id, duplicate: false })) };
        const appended = await deps.log.append(events, remember({ status: 202, body: kept }));
        const data = appended.map(({ id, duplicateOf }) => ({
          id: duplicateOf ?? id,
          duplicate: duplicateOf !== null,
        }));
        return { status: 202, body: { data } };
      },
      /**
       * By now the log has all of them. Those that it has under the kept id were stored by the first
       * request, the others were duplicates then. (An event whose id the caller gave, and that was
       * there before, is called no duplicate in the repetition.)
       */
      async replay({ projectId, body }, kept) {
        const ours = new Set(appendedSchema.parse(kept.body).data.map(({ id }) => id));
        const appended = await deps.log.append(listEvents(projectId, body));
        const data = appended.map(({ id: given, duplicateOf }) => {
          const id = duplicateOf ?? given;
          return { id, duplicate: !ours.delete(id) };
        });
        return { ...kept, body: { data } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/events',
      auth: 'read',
      group: 'Events',
      summary: 'List events, or read the log onwards',
      description:
        'The newest first. With after it reads the log in its order instead, and misses nothing and repeats nothing: keep next_cursor and give it back as after. With wait the answer comes as soon as there is an event.',
      query: eventQuery,
      responses: { 200: { description: 'A page of events.', schema: eventList } },
      async handle({ projectId, query, client }) {
        const filter = toEventFilter(projectId, query);
        const { limit, cursor, after } = query;
        const waitMs = readWait(query);
        const range = readRange(query, '?');
        if (after !== undefined) {
          if (range.sinceMs !== null || range.untilMs !== null) {
            refuseField(
              '?after',
              'Reading onwards goes by places: give after, or since and until.',
            );
          }
          if (cursor !== undefined) refuseField('?cursor', 'Give after or cursor, not both.');
          const afterPosition = await readFeedStart(deps.feed, after);
          const from = { ...filter, afterPosition, limit };
          const { events, position } = await pullEvents(deps, from, { waitMs, client });
          const data = events.map(({ event }) => event);
          return { status: 200, body: { data, next_cursor: toFeedCursor(position) } };
        }
        const { rows, nextCursor } = await deps.events.list({
          ...filter,
          ...toIdRange(range),
          types: filter.types ?? [],
          limit,
          beforeId: keyOfCursor(cursor, (key) => isId('event', key)),
        });
        return { status: 200, body: { data: rows, next_cursor: nextCursor } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/events/{id}',
      auth: 'read',
      group: 'Events',
      summary: 'One event',
      params: idParam('id', 'event'),
      responses: { 200: { description: 'The event.', schema: eventSchema } },
      async handle({ projectId, params }) {
        const id = String(params['id']);
        const event = isId('event', id) ? await deps.events.get(projectId, id) : null;
        if (event === null) throw new PosthornError('not_found', `There is no event ${id}.`);
        return { status: 200, body: event };
      },
    }),
  ];
}

const MAX_WAIT_MS = 60_000;

function readWait({
  wait,
  after,
}: {
  wait?: string | undefined;
  after?: string | undefined;
}): number {
  if (wait === undefined) return 0;
  if (after === undefined) {
    return refuseField('?wait', 'It goes with after: without it there is nothing to wait for.');
  }
  const ms = parseDuration(wait);
  if (ms !== null && ms <= MAX_WAIT_MS) return ms;
  return refuseField('?wait', `"${wait}" is no time up to 60s, such as 30s.`);
}
