import type { CanonicalEvent, EventType } from '@posthorn/sdk';
import { z } from 'zod';
import { sampleEvent } from '../../../core/events/event-samples.ts';
import type { Ids } from '../../../core/ids.ts';
import { isId, lowestIdAt } from '../../../core/ids.ts';
import type { SinkRecord } from '../../../core/sink.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { PosthornError } from '../../../lib/errors.ts';
import { SinkTrouble } from '../../../sinks/contract.ts';
import type { SinkRoom } from '../../../sinks/create-sinks.ts';
import type { EventFeed } from '../../../store/log/event-feed.ts';
import type { EventLog } from '../../../store/log/event-log.ts';
import type { Events } from '../../../store/log/events.ts';
import type { SinkPlaces } from '../../../store/sinks/sink-places.ts';
import { defineRoute, type Route } from '../../route.ts';
import { typeSchema } from '../events/event-data-schema.ts';
import { latestEvents, previewLimit, previewSchema, toPreviewJson } from '../preview-events.ts';
import { keyOfCursor, nextCursorSchema, pageQuery, timestampSchema } from '../schemas.ts';
import type { SinkAccess } from './sink-access.ts';
import { optionalShape, sinkParam } from './sink-fields.ts';
import { sinkSchema, troubleSchema } from './sink-json.ts';

export interface SinkWorkDeps {
  access: SinkAccess;
  events: Pick<Events, 'list' | 'get' | 'walk'>;
  sinkPlaces: Pick<SinkPlaces, 'backfill' | 'end' | 'refusals' | 'refuseAgain' | 'take' | 'forget'>;
  sinkRoom: Pick<SinkRoom, 'test' | 'preview' | 'resend' | 'announce' | 'open'>;
  feed: Pick<EventFeed, 'end'>;
  log: EventLog;
  ids: Ids;
  now: () => number;
}

const testSchema = z.object({
  ok: z.boolean(),
  error: troubleSchema.omit({ at: true }).nullable(),
  duration_ms: z.number(),
});

const refusedSchema = z.object({
  event_id: z.string(),
  event_type: z.string().nullable().describe('null: the event is not kept any more.'),
  recipient: z.string().nullable(),
  code: z.string(),
  detail: z.string(),
  refused_at: timestampSchema,
});

const previewBody = z.strictObject({
  event_types: optionalShape.event_types,
  filter: optionalShape.filter,
  transformation: optionalShape.transformation,
  limit: previewLimit,
});

/** So many events are sent once more by one request. */
const RESENT = 50;

/** What a sink can be asked to do: a test, a preview, a backfill, and what it refused once more. */
export function createSinkWorkRoutes(deps: SinkWorkDeps): Route[] {
  const { access, events, log, sinkPlaces, sinkRoom, ids, now } = deps;

  async function resend(sink: SinkRecord, eventIds: readonly string[]) {
    const found = await Promise.all(eventIds.map((id) => events.get(sink.projectId, id)));
    const kept = found.filter((event): event is CanonicalEvent => event !== null);
    const again = await sinkRoom.resend(sink, kept).catch((error: unknown) => {
      if (!(error instanceof SinkTrouble)) throw error;
      throw new PosthornError('conflict', `The sink does not take anything now: ${error.message}`);
    });
    await sinkPlaces.refuseAgain(sink, again, now());
    const refused = new Set(again.map(({ eventId }) => eventId));
    const sent = kept.map(({ id }) => id).filter((id) => !refused.has(id));
    const gone = eventIds.filter((_, i) => found[i] === null);
    await sinkPlaces.take(sink, sent);
    await sinkPlaces.forget(sink, gone);
    return { sent: sent.length, refused: refused.size, gone: gone.length };
  }

  return [
    defineRoute({
      method: 'POST',
      path: '/v1/sinks/{id}/test',
      auth: 'manage',
      group: 'Sinks',
      summary: 'Send a test event to a sink',
      description:
        'A sample, marked by data.test, is sent at once, past the log and the filter. The answer says what the destination said.',
      params: sinkParam,
      body: z.strictObject({ type: typeSchema.default('email.bounced') }),
      responses: { 200: { description: 'What became of it.', schema: testSchema } },
      async handle({ projectId, params, body, remember }) {
        const sink = await access.find(projectId, params.id);
        const sample = sampleEvent(body.type as EventType, {
          id: ids.next('event'),
          atMs: now(),
          endpoint: { id: sink.id, uid: null, url: 'https://example.com/hook', description: null },
        });
        const { ok, trouble, durationMs } = await sinkRoom.test(sink, sample);
        const answer = { status: 200, body: { ok, error: trouble, duration_ms: durationMs } };
        await log.append([], remember(answer));
        return answer;
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/sinks/{id}/preview',
      auth: 'manage',
      group: 'Sinks',
      summary: 'Preview what a sink gets',
      description:
        'What would be made of the latest events, with the fields given here in place of those of the sink. Nothing is sent or stored.',
      params: sinkParam,
      body: previewBody,
      responses: {
        200: { description: 'By event.', schema: previewSchema },
      },
      async handle({ projectId, params, body, remember }) {
        const sink = await access.find(projectId, params.id);
        const { limit, ...fields } = body;
        const draft = access.apply(sink, sinkRoom.open(sink), fields);
        const latest = await latestEvents(events, projectId, limit);
        const lines = await sinkRoom.preview(draft, latest);
        const answer = { status: 200, body: toPreviewJson(lines) };
        await log.append([], remember(answer));
        return answer;
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/sinks/{id}/backfill',
      auth: 'manage',
      group: 'Sinks',
      summary: 'Send the past to a sink',
      description:
        'All events since then that its filter lets pass, in the order of the log, beside what happens now. Takes the place of a backfill that is under way.',
      params: sinkParam,
      body: z.strictObject({
        since: timestampSchema.nullable().default(null).describe('null: all that is kept.'),
      }),
      responses: { 202: { description: 'The sink, with its backfill.', schema: sinkSchema } },
      async handle({ projectId, params, body, remember }) {
        const sink = await access.find(projectId, params.id);
        const sinceMs = body.since === null ? null : Date.parse(body.since);
        const { rows } = await events.walk({
          projectId,
          afterId: null,
          fromEventId: sinceMs === null ? null : lowestIdAt('event', sinceMs),
          toEventId: null,
          types: null,
          messageKey: null,
          limit: 1,
        });
        const [first] = rows;
        if (first === undefined) {
          throw new PosthornError('nothing_found', 'There are no events since then.');
        }
        const part = { afterPosition: first.position - 1, untilPosition: await deps.feed.end() };
        await sinkPlaces.backfill(sink, part);
        sinkRoom.announce([projectId]);
        const [shown] = await access.show([sink]);
        const answer = { status: 202, body: shown as NonNullable<typeof shown> };
        await log.append([], remember(answer));
        return answer;
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/sinks/{id}/backfill',
      auth: 'manage',
      group: 'Sinks',
      summary: 'Stop a backfill',
      params: sinkParam,
      responses: { 204: { description: 'It sends nothing of the past any more.' } },
      async handle({ projectId, params }) {
        await sinkPlaces.end(await access.find(projectId, params.id));
        return { status: 204 };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/sinks/{id}/refused',
      auth: 'read',
      group: 'Sinks',
      summary: 'Events that a sink refused',
      params: sinkParam,
      query: z.strictObject(pageQuery),
      responses: {
        200: {
          description: 'The newest first.',
          schema: z.object({ data: z.array(refusedSchema), next_cursor: nextCursorSchema }),
        },
      },
      async handle({ projectId, params, query }) {
        const { id: sinkId } = await access.find(projectId, params.id);
        const beforeId = keyOfCursor(query.cursor, (key) => isId('event', key));
        const page = { projectId, sinkId, limit: query.limit, beforeId };
        const { rows, nextCursor } = await sinkPlaces.refusals(page);
        const data = await Promise.all(
          rows.map(async ({ eventId, code, detail, atMs }) => {
            const event = await events.get(projectId, eventId);
            return {
              event_id: eventId,
              event_type: event?.type ?? null,
              recipient: event?.data.recipient ?? null,
              ...{ code, detail, refused_at: toTimestamp(atMs) },
            };
          }),
        );
        return { status: 200, body: { data, next_cursor: nextCursor } };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/sinks/{id}/refused/resend',
      auth: 'manage',
      group: 'Sinks',
      summary: 'Send refused events once more',
      description:
        'Those that are named, or else the newest. What is taken, and what is not kept any more, leaves the list; what is refused again has the new reason.',
      params: sinkParam,
      body: z.strictObject({
        event_ids: z.array(z.string().max(200)).min(1).max(RESENT).nullable().default(null),
      }),
      responses: {
        200: {
          description: 'How many.',
          schema: z.object({ sent: z.int(), refused: z.int(), gone: z.int() }),
        },
      },
      async handle({ projectId, params, body, remember }) {
        const sink = await access.find(projectId, params.id);
        const newest = async () => {
          const page = { projectId, sinkId: sink.id, limit: RESENT, beforeId: null };
          return (await sinkPlaces.refusals(page)).rows.map(({ eventId }) => eventId);
        };
        const eventIds = [...new Set(body.event_ids ?? (await newest()))];
        const answer = { status: 200, body: await resend(sink, eventIds) };
        await log.append([], remember(answer));
        return answer;
      },
    }),
  ];
}
