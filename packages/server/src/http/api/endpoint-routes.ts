import { randomBytes } from 'node:crypto';
import { encodeSecret } from '@posthorn/sdk';
import { z } from 'zod';
import { explainEventPattern } from '../../core/event-filter.ts';
import { type Ids, isId } from '../../core/ids.ts';
import { toTimestamp } from '../../lib/clock.ts';
import { PosthornError } from '../../lib/errors.ts';
import type { EndpointRecord, Endpoints } from '../../store/endpoints.ts';
import type { EndpointDirectory } from '../../webhooks/endpoint-directory.ts';
import { type EndpointUrlPolicy, explainEndpointUrl } from '../../webhooks/endpoint-url.ts';
import { defineRoute, type Route } from '../route.ts';
import {
  idParam,
  keyOfCursor,
  lineOf,
  nextCursorSchema,
  pageQuery,
  timestampSchema,
} from './schemas.ts';

/** The spec of Standard Webhooks asks for 24 to 64 bytes. */
const SECRET_BYTES = 32;

const endpointFields = {
  url: z.string().min(1).max(2_048).describe('Where events are posted to. HTTPS.'),
  description: lineOf(500).describe('For people.'),
  event_types: z
    .array(
      z
        .string()
        .max(100)
        .superRefine((pattern, context) => {
          const detail = explainEventPattern(pattern);
          if (detail !== null) context.addIssue(detail);
        }),
    )
    .min(1, 'Name a type, a family such as email.*, or * for all.')
    .max(100)
    .describe('Which events: types, families such as email.*, or * for all.'),
};

const createBody = z.strictObject({
  url: endpointFields.url,
  description: endpointFields.description.default(''),
  event_types: endpointFields.event_types.default(['*']),
});

const changeBody = z
  .strictObject({
    ...endpointFields,
    status: z
      .enum(['enabled', 'disabled'])
      .describe('A disabled endpoint gets nothing; what it misses is kept as skipped.'),
  })
  .partial()
  .refine((body) => Object.keys(body).length > 0, 'Name at least one field to change.');

const endpointSchema = z.object({
  id: z.string(),
  ...endpointFields,
  status: z.enum(['enabled', 'disabled']),
  disabled_reason: z.string().nullable(),
  created_at: timestampSchema,
  updated_at: timestampSchema,
});

export function createEndpointRoutes(deps: {
  endpoints: Pick<Endpoints, 'list' | 'get'>;
  directory: EndpointDirectory;
  urlPolicy: EndpointUrlPolicy;
  ids: Ids;
  now: () => number;
}): Route[] {
  const { directory, now } = deps;

  async function find(projectId: string, id: string): Promise<EndpointRecord> {
    const found = isId('endpoint', id) ? await deps.endpoints.get(projectId, id) : null;
    if (found === null) throw new PosthornError('not_found', `There is no endpoint ${id}.`);
    return found;
  }

  function checkUrl(url: string): void {
    const detail = explainEndpointUrl(url, deps.urlPolicy);
    if (detail === null) return;
    const fields = [{ pointer: '/url', detail }];
    throw new PosthornError('invalid_field', `/url: ${detail}`, { fields });
  }

  return [
    defineRoute({
      method: 'POST',
      path: '/v1/endpoints',
      auth: 'manage',
      group: 'Endpoints',
      summary: 'Create an endpoint',
      description:
        'The answer holds the signing secret. It is shown this once: store it where your handler finds it.',
      body: createBody,
      responses: {
        201: { description: 'Created.', schema: endpointSchema.extend({ secret: z.string() }) },
      },
      async handle({ projectId, body, remember }) {
        checkUrl(body.url);
        const nowMs = now();
        const fields = {
          projectId,
          id: deps.ids.next('endpoint'),
          url: body.url,
          description: body.description,
          eventTypes: body.event_types,
          status: 'enabled' as const,
          disabledReason: null,
          createdAtMs: nowMs,
          updatedAtMs: nowMs,
        };
        const secret = encodeSecret(randomBytes(SECRET_BYTES));
        const answer = { status: 201, body: { ...toEndpointJson(fields), secret } };
        await directory.create(fields, secret, remember(answer));
        return answer;
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/endpoints',
      auth: 'read',
      group: 'Endpoints',
      summary: 'List endpoints',
      query: z.strictObject(pageQuery),
      responses: {
        200: {
          description: 'A page of endpoints, the newest first.',
          schema: z.object({ data: z.array(endpointSchema), next_cursor: nextCursorSchema }),
        },
      },
      async handle({ projectId, query }) {
        const beforeId = keyOfCursor(query.cursor, (key) => isId('endpoint', key));
        const { rows, nextCursor } = await deps.endpoints.list({
          projectId,
          limit: query.limit,
          beforeId,
        });
        return { status: 200, body: { data: rows.map(toEndpointJson), next_cursor: nextCursor } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/endpoints/{id}',
      auth: 'read',
      group: 'Endpoints',
      summary: 'One endpoint',
      params: idParam('id', 'endpoint'),
      responses: { 200: { description: 'The endpoint.', schema: endpointSchema } },
      async handle({ projectId, params }) {
        return { status: 200, body: toEndpointJson(await find(projectId, String(params['id']))) };
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: '/v1/endpoints/{id}',
      auth: 'manage',
      group: 'Endpoints',
      summary: 'Change an endpoint',
      description: 'Fields that are left out stay as they are. Enabling takes up what was waiting.',
      params: idParam('id', 'endpoint'),
      body: changeBody,
      responses: { 200: { description: 'The endpoint as it is now.', schema: endpointSchema } },
      async handle({ projectId, params, body }) {
        const before = await find(projectId, String(params['id']));
        if (body.url !== undefined) checkUrl(body.url);
        const status = body.status ?? before.status;
        const record: EndpointRecord = {
          ...before,
          url: body.url ?? before.url,
          description: body.description ?? before.description,
          eventTypes: body.event_types ?? before.eventTypes,
          status,
          disabledReason: reasonFor(before, status),
          updatedAtMs: now(),
        };
        await directory.update(record);
        return { status: 200, body: toEndpointJson(record) };
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/endpoints/{id}',
      auth: 'manage',
      group: 'Endpoints',
      summary: 'Delete an endpoint',
      description: 'What was still waiting for it is canceled. Its history stays.',
      params: idParam('id', 'endpoint'),
      responses: { 204: { description: 'Deleted.' } },
      async handle({ projectId, params }) {
        const { id } = await find(projectId, String(params['id']));
        await directory.remove(projectId, id, now());
        return { status: 204 };
      },
    }),
  ];
}

function reasonFor(before: EndpointRecord, status: EndpointRecord['status']): string | null {
  if (status === 'enabled') return null;
  return before.status === 'disabled' ? before.disabledReason : 'Disabled by a request.';
}

function toEndpointJson(endpoint: Omit<EndpointRecord, 'secretSealed'>) {
  return {
    id: endpoint.id,
    url: endpoint.url,
    description: endpoint.description,
    event_types: endpoint.eventTypes,
    status: endpoint.status,
    disabled_reason: endpoint.disabledReason,
    created_at: toTimestamp(endpoint.createdAtMs),
    updated_at: toTimestamp(endpoint.updatedAtMs),
  };
}
