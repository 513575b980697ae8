import { z } from 'zod';
import { isId } from '../../../core/ids.ts';
import {
  DEFAULT_ENDPOINT_SETTINGS,
  SIGNATURE_KINDS,
} from '../../../core/webhooks/endpoint-settings.ts';
import { livingKeys } from '../../../core/webhooks/signing-keys.ts';
import type { EventLog } from '../../../store/log/event-log.ts';
import type { Events } from '../../../store/log/events.ts';
import type { EndpointRecord, Endpoints } from '../../../store/webhooks/endpoints.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoints/endpoint-directory.ts';
import {
  type EndpointUrlPolicy,
  explainEndpointUrl,
} from '../../../webhooks/endpoints/endpoint-url.ts';
import type { EvaluateText } from '../../../webhooks/transform/transform-unit.ts';
import { checkVersion } from '../../entity-tag.ts';
import { defineRoute, type Route } from '../../route.ts';
import { keyOfCursor, nextCursorSchema, pageQuery } from '../schemas.ts';
import { applyFields, refuse } from './apply-fields.ts';
import { createEndpointAccess, type EndpointAccessDeps } from './endpoint-access.ts';
import { createEndpointCertificateRoutes } from './endpoint-certificate-routes.ts';
import { endpointParam, oneOf, optionalFields, secretField, urlField } from './endpoint-fields.ts';
import { endpointSchema } from './endpoint-json.ts';
import { createEndpointPreviewRoutes } from './endpoint-preview-routes.ts';
import { createEndpointPublicKeyRoutes } from './endpoint-public-key-routes.ts';
import { createEndpointSecretRoutes, secretShown, secretToShow } from './endpoint-secret-routes.ts';
import { createEndpointTestRoutes } from './endpoint-test-routes.ts';
import { makeKey } from './make-key.ts';

const optional = z.strictObject(optionalFields).partial().shape;

const createBody = z.strictObject({
  url: urlField,
  ...optional,
  signature: oneOf(SIGNATURE_KINDS)
    .optional()
    .describe(
      'How posts are signed, where the dialect leaves a choice: v1 (HMAC-SHA256), the default, or v1a (Ed25519).',
    ),
  secret: secretField.optional(),
});

const changeBody = z
  .strictObject({
    url: urlField.optional(),
    ...optional,
    status: z
      .enum(['enabled', 'disabled'])
      .optional()
      .describe('A disabled endpoint gets nothing; what it misses is kept as skipped.'),
    signature: oneOf(SIGNATURE_KINDS)
      .optional()
      .describe('As it is: it changes with the secret, by /secret/rotate.'),
  })
  .refine((body) => Object.keys(body).length > 0, 'Name at least one field to change.');

export interface EndpointRoutesDeps extends EndpointAccessDeps {
  endpoints: Pick<Endpoints, 'list'>;
  directory: EndpointDirectory;
  urlPolicy: EndpointUrlPolicy;
  events: Pick<Events, 'list'>;
  evaluateText: EvaluateText;
  log: Pick<EventLog, 'append'>;
}

export function createEndpointRoutes(deps: EndpointRoutesDeps): Route[] {
  const { directory, ids, now } = deps;
  const access = createEndpointAccess(deps);
  const { hasPublicUrl } = access;

  function checkUrl(url: string): void {
    const detail = explainEndpointUrl(url, deps.urlPolicy);
    if (detail !== null) refuse('/url', detail);
  }

  return [
    defineRoute({
      method: 'POST',
      path: '/v1/endpoints',
      auth: 'manage',
      group: 'Endpoints',
      summary: 'Create an endpoint',
      description:
        'The answer holds the signing secret. It is shown this once: store it where your handler finds it. Of a dialect that signs with a key pair it is null: the handler needs GET /v1/endpoints/{id}/public-key.',
      body: createBody,
      versioned: true,
      responses: {
        201: { description: 'Created.', schema: endpointSchema.extend({ secret: secretShown }) },
      },
      async handle({ projectId, body, remember }) {
        checkUrl(body.url);
        const nowMs = now();
        const key = await makeKey({
          ids,
          nowMs,
          dialect: body.dialect ?? DEFAULT_ENDPOINT_SETTINGS.dialect,
          kind: body.signature ?? null,
          secret: body.secret,
        });
        const blank = {
          uid: null,
          description: '',
          metadata: {},
          eventTypes: ['*'],
          settings: { ...DEFAULT_ENDPOINT_SETTINGS, signature: key.kind },
          secrets: { keys: [key], headers: {}, clientKey: null },
        };
        const { secrets, ...decided } = applyFields(blank, body, { nowMs, hasPublicUrl });
        const record = {
          ...decided,
          projectId,
          id: ids.next('endpoint'),
          url: body.url,
          status: 'enabled' as const,
          disabledReason: null,
          version: 1,
          createdAtMs: nowMs,
          updatedAtMs: nowMs,
          failingSinceMs: null,
          warnedPercent: 0,
        };
        const shown = { ...access.show(record, secrets), secret: secretToShow(key) };
        const answer = { status: 201, body: shown };
        await access.create(record, secrets, remember(answer));
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
        const data = rows.map((record) => access.show(record, directory.secretsOf(record)));
        return { status: 200, body: { data, next_cursor: nextCursor } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/endpoints/{id}',
      auth: 'read',
      group: 'Endpoints',
      summary: 'One endpoint',
      params: endpointParam,
      versioned: true,
      responses: { 200: { description: 'The endpoint.', schema: endpointSchema } },
      async handle({ projectId, params }) {
        const { record, secrets } = access.find(projectId, params.id);
        return { status: 200, body: access.show(record, secrets) };
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: '/v1/endpoints/{id}',
      auth: 'manage',
      group: 'Endpoints',
      summary: 'Change an endpoint',
      description:
        'Fields that are left out stay as they are, and null goes back to the default. Enabling takes up what was waiting.',
      params: endpointParam,
      body: changeBody,
      versioned: true,
      responses: { 200: { description: 'The endpoint as it is now.', schema: endpointSchema } },
      async handle({ projectId, params, body, ifMatch }) {
        // Nothing is awaited before it is saved: what dispatching notices meanwhile is in `record`.
        const { record: before, secrets: kept } = access.find(projectId, params.id);
        checkVersion(ifMatch, before.version);
        if (body.url !== undefined) checkUrl(body.url);
        checkSignature(before, body.signature);
        const nowMs = now();
        const keys = livingKeys(kept.keys, nowMs);
        const draft = { ...before, secrets: { ...kept, keys } };
        const { secrets, ...decided } = applyFields(draft, body, { nowMs, hasPublicUrl });
        const changed: EndpointRecord = {
          ...before,
          ...decided,
          url: body.url ?? before.url,
          ...statusAfter(before, body.status),
          version: before.version + 1,
          updatedAtMs: nowMs,
        };
        await access.save(before, changed, { secrets, ifMatch });
        return { status: 200, body: access.show(changed, secrets) };
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/endpoints/{id}',
      auth: 'manage',
      group: 'Endpoints',
      summary: 'Delete an endpoint',
      description: 'What was still waiting for it is canceled. Its history stays.',
      params: endpointParam,
      versioned: true,
      responses: { 204: { description: 'Deleted.' } },
      async handle({ projectId, params, ifMatch }) {
        const { record } = access.find(projectId, params.id);
        checkVersion(ifMatch, record.version);
        await access.remove(record, ifMatch);
        return { status: 204 };
      },
    }),
    ...createEndpointSecretRoutes({ ...deps, access }),
    ...createEndpointPublicKeyRoutes({ ...deps, access }),
    ...createEndpointCertificateRoutes(deps),
    ...createEndpointTestRoutes({ ...deps, access }),
    ...createEndpointPreviewRoutes({ ...deps, access }),
  ];
}

/** A patch with what was read before is fine; another kind needs another key. */
function checkSignature({ settings }: EndpointRecord, wanted: string | undefined): void {
  if (wanted === undefined || wanted === settings.signature) return;
  refuse(
    '/signature',
    `Another kind of signature needs another secret. Ask for it with POST /v1/endpoints/{id}/secret/rotate and {"signature": "${wanted}"}.`,
  );
}

/** Who enables an endpoint gives it all of its patience again. */
function statusAfter(
  before: EndpointRecord,
  wanted: EndpointRecord['status'] | undefined,
): Partial<EndpointRecord> {
  if (wanted === undefined || wanted === before.status) return {};
  if (wanted === 'disabled') return { status: wanted, disabledReason: 'Disabled by a request.' };
  return { status: wanted, disabledReason: null, failingSinceMs: null, warnedPercent: 0 };
}
