import { z } from 'zod';
import { isId } from '../../../core/ids.ts';
import type { SinkRecord } from '../../../core/sink.ts';
import type { SinkRoom } from '../../../sinks/create-sinks.ts';
import { SINK_PRESETS } from '../../../sinks/presets/sink-presets.ts';
import { findSinkKind, SINK_KINDS } from '../../../sinks/sink-kinds.ts';
import type { Sinks } from '../../../store/sinks/sinks.ts';
import { checkVersion, explainConflict, type IfMatch } from '../../entity-tag.ts';
import { defineRoute, type Route } from '../../route.ts';
import { keyOfCursor, nextCursorSchema, pageQuery } from '../schemas.ts';
import { createSinkAccess, type SinkAccessDeps, toSettingsSchema } from './sink-access.ts';
import { kindField, optionalShape, presetField, sinkParam } from './sink-fields.ts';
import { sinkSchema } from './sink-json.ts';
import { createSinkWorkRoutes, type SinkWorkDeps } from './sink-work-routes.ts';

const createBody = z
  .strictObject({ kind: kindField.optional(), preset: presetField.optional(), ...optionalShape })
  .refine(
    ({ kind, preset }) => (kind === undefined) !== (preset === undefined),
    'Name a kind, or a preset.',
  );

/** Every preset is one of these. */
const PRESET_KIND = 'http';

const changeBody = z
  .strictObject(optionalShape)
  .refine((body) => Object.keys(body).length > 0, 'Name at least one field to change.');

const presetSchema = z.object({
  preset: z.string(),
  title: z.string(),
  summary: z.string(),
  needs: z.string().describe('What has to be there before.'),
  kind: z.string(),
  settings: z.looseObject({}).describe('JSON Schema of its settings.'),
  secrets: z.array(z.string()).describe('Settings that are kept sealed and never shown.'),
  event_types: z.array(z.string()).describe('Those of the sink where none are named.'),
});

const kindSchema = z.object({
  kind: z.string(),
  title: z.string(),
  summary: z.string(),
  repeats: z.string().describe('What becomes of an event that is sent twice.'),
  settings: z.looseObject({}).describe('JSON Schema of its settings.'),
  secrets: z.array(z.string()).describe('Settings that are kept sealed and never shown.'),
});

type SinkRoutesDeps = SinkAccessDeps &
  Omit<SinkWorkDeps, 'access'> & {
    sinks: Sinks;
    sinkRoom: Pick<SinkRoom, 'refresh'>;
  };

/** Sinks: queues, streams, warehouses, chats and incident systems that get the events. */
export function createSinkRoutes(deps: SinkRoutesDeps): Route[] {
  const { sinks, sinkRoom, ids, now } = deps;
  const access = createSinkAccess(deps);
  const shown = async (sink: SinkRecord) => (await access.show([sink]))[0];

  async function noted(work: Promise<void>, ifMatch: IfMatch): Promise<void> {
    await work.catch((error: unknown) => {
      throw explainConflict(error, ifMatch);
    });
    await sinkRoom.refresh();
  }

  return [
    defineRoute({
      method: 'GET',
      path: '/v1/sink-kinds',
      auth: 'read',
      group: 'Sinks',
      summary: 'The kinds of sinks',
      description: 'With the settings that each of them has.',
      responses: {
        200: { description: 'All of them.', schema: z.object({ data: z.array(kindSchema) }) },
      },
      handle: async () => ({ status: 200, body: { data: SINK_KINDS.map(toKindJson) } }),
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/sink-presets',
      auth: 'read',
      group: 'Sinks',
      summary: 'Sinks with everything filled in for one API',
      description: 'POST /v1/sinks takes the name of one in place of a kind.',
      responses: {
        200: { description: 'All of them.', schema: z.object({ data: z.array(presetSchema) }) },
      },
      handle: async () => ({ status: 200, body: { data: SINK_PRESETS.map(toPresetJson) } }),
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/sinks',
      auth: 'manage',
      group: 'Sinks',
      summary: 'Create a sink',
      description:
        'It gets every event from now on; a backfill sends what was before. POST /v1/sinks/{id}/test says whether it works.',
      body: createBody,
      versioned: true,
      responses: { 201: { description: 'Created.', schema: sinkSchema } },
      async handle({ projectId, body, remember }) {
        const { kind = PRESET_KIND, preset, ...given } = body;
        const fields = preset === undefined ? given : access.fill(preset, given);
        const nowMs = now();
        const blank = {
          projectId,
          id: ids.next('sink'),
          name: findSinkKind(kind)?.title ?? kind,
          kind,
          settings: {},
          eventTypes: ['*'],
          filter: null,
          transformation: null,
          isPaused: false,
          version: 1,
          createdAtMs: nowMs,
          updatedAtMs: nowMs,
        };
        const sink = access.apply(blank, {}, { settings: {}, ...fields });
        const answer = { status: 201, body: await shown(sink) };
        await sinks.insert(sink, await deps.feed.end(), remember(answer));
        await sinkRoom.refresh();
        return answer;
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/sinks',
      auth: 'read',
      group: 'Sinks',
      summary: 'List sinks',
      query: z.strictObject(pageQuery),
      responses: {
        200: {
          description: 'A page of sinks, the newest first.',
          schema: z.object({ data: z.array(sinkSchema), next_cursor: nextCursorSchema }),
        },
      },
      async handle({ projectId, query }) {
        const beforeId = keyOfCursor(query.cursor, (key) => isId('sink', key));
        const page = await sinks.list({ projectId, limit: query.limit, beforeId });
        const data = await access.show(page.rows);
        return { status: 200, body: { data, next_cursor: page.nextCursor } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/sinks/{id}',
      auth: 'read',
      group: 'Sinks',
      summary: 'One sink',
      description: 'With how far it has come in the log, and what is wrong with it.',
      params: sinkParam,
      versioned: true,
      responses: { 200: { description: 'The sink.', schema: sinkSchema } },
      async handle({ projectId, params }) {
        const sink = await access.find(projectId, params.id);
        return { status: 200, body: await shown(sink) };
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: '/v1/sinks/{id}',
      auth: 'manage',
      group: 'Sinks',
      summary: 'Change a sink',
      description:
        'Fields that are left out stay as they are. It goes on where it stands, at once also where it was waiting after trouble.',
      params: sinkParam,
      body: changeBody,
      versioned: true,
      responses: { 200: { description: 'The sink as it is now.', schema: sinkSchema } },
      async handle({ projectId, params, body, ifMatch }) {
        const before = await access.find(projectId, params.id);
        checkVersion(ifMatch, before.version);
        const changed = {
          ...access.apply(before, sinkRoom.open(before), body),
          version: before.version + 1,
          updatedAtMs: now(),
        };
        await noted(sinks.update(before, changed), ifMatch);
        return { status: 200, body: await shown(changed) };
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/sinks/{id}',
      auth: 'manage',
      group: 'Sinks',
      summary: 'Delete a sink',
      params: sinkParam,
      versioned: true,
      responses: { 204: { description: 'Deleted.' } },
      async handle({ projectId, params, ifMatch }) {
        const sink = await access.find(projectId, params.id);
        checkVersion(ifMatch, sink.version);
        await noted(sinks.remove(sink, now()), ifMatch);
        return { status: 204 };
      },
    }),
    ...createSinkWorkRoutes({ ...deps, access }),
  ];
}

function toKindJson({
  kind,
  title,
  summary,
  repeats,
  settings,
  secrets,
}: (typeof SINK_KINDS)[number]) {
  const shape = toSettingsSchema(settings);
  return { kind, title, summary, repeats, settings: shape, secrets: [...secrets] };
}

function toPresetJson({
  preset,
  title,
  summary,
  needs,
  settings,
  secrets,
  eventTypes,
}: (typeof SINK_PRESETS)[number]) {
  return {
    ...{ preset, title, summary, needs, kind: PRESET_KIND },
    settings: toSettingsSchema(settings),
    secrets: [...secrets],
    event_types: [...eventTypes],
  };
}
