import { z } from 'zod';
import { isId } from '../../../core/ids.ts';
import { DEFAULT_SOURCE_SETTINGS } from '../../../core/source.ts';
import type { Sources } from '../../../store/sources/sources.ts';
import { checkVersion } from '../../entity-tag.ts';
import { defineRoute, type Route } from '../../route.ts';
import { keyOfCursor, nextCursorSchema, pageQuery } from '../schemas.ts';
import { applySourceFields, titleOf } from './apply-source-fields.ts';
import { createIngestRoutes, type IngestRouteDeps } from './ingest-routes.ts';
import { createRedecodeRoutes, type RedecodeRouteDeps } from './redecode-routes.ts';
import { createSourceAccess, makeToken, type SourceAccessDeps } from './source-access.ts';
import { optionalShape, providerField, sourceParam } from './source-fields.ts';
import { sourceSchema, urlShape } from './source-json.ts';
import { createSourceSecretRoutes } from './source-secret-routes.ts';

const createBody = z.strictObject({ provider: providerField, ...optionalShape });

const changeBody = z
  .strictObject(optionalShape)
  .refine((body) => Object.keys(body).length > 0, 'Name at least one field to change.');

export interface SourceRoutesDeps extends SourceAccessDeps, IngestRouteDeps, RedecodeRouteDeps {
  sourceRoom: SourceAccessDeps['sourceRoom'] & IngestRouteDeps['sourceRoom'];
  sources: Pick<Sources, 'list'>;
}

/** Sources: where the webhooks of other providers come in. */
export function createSourceRoutes(deps: SourceRoutesDeps): Route[] {
  const { ids, now } = deps;
  const { directory } = deps.sourceRoom;
  const access = createSourceAccess(deps);
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/sources',
      auth: 'manage',
      group: 'Sources',
      summary: 'Create a source',
      description:
        "Takes in another provider's webhooks. The answer has the URL to give to the provider: keep it as a secret. What the provider signs with can be added later, once it has told it.",
      body: createBody,
      versioned: true,
      responses: {
        201: { description: 'Created.', schema: sourceSchema.extend(urlShape) },
      },
      async handle({ projectId, body, remember }) {
        const nowMs = now();
        const { provider, ...fields } = body;
        const token = makeToken();
        const blank = {
          provider,
          name: titleOf(provider),
          settings: DEFAULT_SOURCE_SETTINGS,
          secrets: {
            secrets: [],
            tokens: [{ text: token, createdAtMs: nowMs, expiresAtMs: null }],
          },
        };
        const { secrets, ...decided } = applySourceFields(blank, fields, nowMs);
        const times = { createdAtMs: nowMs, updatedAtMs: nowMs };
        const record = { ...decided, projectId, id: ids.next('source'), version: 1, ...times };
        const shown = await access.show(record, secrets);
        const answer = { status: 201, body: { ...shown, ...access.urlOf(token) } };
        await directory.create(record, secrets, remember(answer));
        return answer;
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/sources',
      auth: 'read',
      group: 'Sources',
      summary: 'List sources',
      query: z.strictObject(pageQuery),
      responses: {
        200: {
          description: 'A page of sources, the newest first.',
          schema: z.object({ data: z.array(sourceSchema), next_cursor: nextCursorSchema }),
        },
      },
      async handle({ projectId, query }) {
        const beforeId = keyOfCursor(query.cursor, (key) => isId('source', key));
        const page = { projectId, limit: query.limit, beforeId };
        const { rows, nextCursor } = await deps.sources.list(page);
        const data = await access.showAll(projectId, rows);
        return { status: 200, body: { data, next_cursor: nextCursor } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/sources/{id}',
      auth: 'read',
      group: 'Sources',
      summary: 'One source',
      description: 'With what came in, what was refused and why, and whether it is silent.',
      params: sourceParam,
      versioned: true,
      responses: { 200: { description: 'The source.', schema: sourceSchema } },
      async handle({ projectId, params }) {
        const { record, secrets } = access.find(projectId, params.id);
        return { status: 200, body: await access.show(record, secrets) };
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: '/v1/sources/{id}',
      auth: 'manage',
      group: 'Sources',
      summary: 'Change a source',
      description:
        'Fields that are left out stay as they are, and null goes back to the default. secrets replaces all of them at once; /secret/rotate lets the old ones count for a while.',
      params: sourceParam,
      body: changeBody,
      versioned: true,
      responses: { 200: { description: 'The source as it is now.', schema: sourceSchema } },
      async handle({ projectId, params, body, ifMatch }) {
        const { record: before, secrets: kept } = access.find(projectId, params.id);
        checkVersion(ifMatch, before.version);
        const nowMs = now();
        const draft = { ...before, secrets: kept };
        const { secrets, ...decided } = applySourceFields(draft, body, nowMs);
        const version = before.version + 1;
        const changed = { ...before, ...decided, version, updatedAtMs: nowMs };
        await access.save(before, changed, { secrets, ifMatch });
        return { status: 200, body: await access.show(changed, secrets) };
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/sources/{id}',
      auth: 'manage',
      group: 'Sources',
      summary: 'Delete a source',
      description: 'Its URL answers 404 from now on. Its events stay, and go by their retention.',
      params: sourceParam,
      versioned: true,
      responses: { 204: { description: 'Deleted.' } },
      async handle({ projectId, params, ifMatch }) {
        const { record } = access.find(projectId, params.id);
        checkVersion(ifMatch, record.version);
        await access.remove(record, ifMatch);
        return { status: 204 };
      },
    }),
    ...createSourceSecretRoutes({ access, now }),
    ...createRedecodeRoutes(deps),
    ...createIngestRoutes(deps),
  ];
}
