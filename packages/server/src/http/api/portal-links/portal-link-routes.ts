import { z } from 'zod';
import { createContentFilterSchema } from '../../../core/events/content-filter-fields.ts';
import { parseContentFilter } from '../../../core/events/parse-content-filter.ts';
import { type Ids, isId } from '../../../core/ids.ts';
import { LINK_SCOPES, type PortalLink } from '../../../core/portal-link.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { ApiKeyRecord, ApiKeys } from '../../../store/access/api-keys.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoints/endpoint-directory.ts';
import {
  type Authenticator,
  generateLinkToken,
  toApiKeyRecord,
} from '../../access/authenticate.ts';
import { defineRoute, type Route } from '../../route.ts';
import { durationFrom } from '../endpoints/endpoint-fields.ts';
import { refuseField } from '../filters.ts';
import {
  idParam,
  keyOfCursor,
  lineOf,
  nextCursorSchema,
  pageQuery,
  timestampSchema,
} from '../schemas.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const originField = z
  .string()
  .max(300)
  .superRefine((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    const isLocal = url?.hostname === 'localhost' || url?.hostname === '127.0.0.1';
    const isSite = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal);
    if (isSite && url?.origin === text) return;
    context.addIssue('Write an origin such as https://app.example.com, without a path.');
  });

const linkBody = z.strictObject({
  name: lineOf(100).default('').describe('For people: whose link it is.'),
  endpoint_ids: z
    .array(z.string().max(200))
    .min(1)
    .max(100)
    .optional()
    .describe('The endpoints, by id or uid. Either these, or metadata.'),
  metadata: z
    .record(z.string().min(1).max(100), z.string().max(500))
    .refine((pairs) => Object.keys(pairs).length > 0, 'Name at least one.')
    .refine((pairs) => Object.keys(pairs).length <= 20, 'An endpoint has at most 20 metadata.')
    .optional()
    .describe('The endpoints that have all of these, now and later, such as {"customer": "42"}.'),
  may_create: z
    .boolean()
    .default(false)
    .describe('Endpoints may be made and deleted; those that are made get these metadata.'),
  filter: z
    .unknown()
    .meta({ anyOf: [createContentFilterSchema(), { type: 'null' }] })
    .optional()
    .describe('The filter that they get: which events of the project are for this customer.'),
  lifetime: durationFrom(MINUTE_MS, 24 * HOUR_MS)
    .prefault('1h')
    .describe('How long the link lets in, 1m to 24h.'),
  origins: z
    .array(originField)
    .max(10)
    .default([])
    .describe('Sites that may show the page in a frame. Without them none may.'),
});

const linkSchema = z.object({
  id: z.string(),
  url: z
    .string()
    .describe('For the customer alone. It is shown this once. Without public_url it is a path.'),
  expires_at: timestampSchema,
});

const linkList = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      endpoint_ids: z.array(z.string()).nullable(),
      metadata: z.record(z.string(), z.string()).nullable(),
      may_create: z.boolean(),
      origins: z.array(z.string()),
      created_at: timestampSchema,
      expires_at: timestampSchema,
    }),
  ),
  next_cursor: nextCursorSchema,
});

export function createPortalLinkRoutes(deps: {
  apiKeys: Pick<ApiKeys, 'get' | 'insert' | 'listLinks' | 'revoke' | 'purgingLinks'>;
  directory: Pick<EndpointDirectory, 'lookUp'>;
  authenticator: Pick<Authenticator, 'forget'>;
  /** Null: nobody has said where the server is reached. */
  publicUrl: string | null;
  ids: Ids;
  now: () => number;
}): Route[] {
  const { apiKeys, ids, now } = deps;

  function readLink(projectId: string, body: z.output<typeof linkBody>): PortalLink {
    const { endpoint_ids: named, metadata = null, may_create: mayCreate } = body;
    if ((named === undefined) === (metadata === null)) {
      refuseField('/endpoint_ids', 'Give either endpoint_ids or metadata.');
    }
    if (mayCreate && metadata === null) {
      refuseField('/may_create', 'It needs metadata, by which what is made is found again.');
    }
    const endpointIds = (named ?? []).map((idOrUid, i) => {
      const found = deps.directory.lookUp(projectId, idOrUid);
      if (found !== null) return found.record.id;
      return refuseField(`/endpoint_ids/${i}`, `There is no endpoint ${idOrUid}.`);
    });
    const filter = body.filter == null ? null : parseContentFilter(body.filter);
    return { endpointIds, metadata, mayCreate, filter, origins: body.origins };
  }

  return [
    defineRoute({
      method: 'POST',
      path: '/v1/portal-links',
      auth: 'manage',
      group: 'Endpoints',
      summary: 'A link to a page for a customer',
      description:
        'Whoever has the URL sees and manages these endpoints and nothing else, until the link expires: their URL and events, secret, tests, deliveries, retries and replays. It is made for a frame in your own application.',
      body: linkBody,
      responses: { 201: { description: 'Made.', schema: linkSchema } },
      async handle({ projectId, body, keyMode, remember }) {
        const createdAtMs = now();
        const link = readLink(projectId, body);
        const token = generateLinkToken();
        const id = ids.next('portalLink');
        const expiresAtMs = createdAtMs + body.lifetime;
        const fields = { projectId, id, name: body.name, scopes: LINK_SCOPES, createdAtMs };
        const record = toApiKeyRecord(token, { ...fields, expiresAtMs, mode: keyMode, link });
        // In the fragment, which no browser sends and no server logs.
        const url = `${deps.publicUrl ?? ''}/portal/link/${projectId}/${id}#${token}`;
        const answer = { status: 201, body: { id, url, expires_at: toTimestamp(expiresAtMs) } };
        const purging = apiKeys.purgingLinks(projectId, createdAtMs);
        await apiKeys.insert(record, [purging, ...remember(answer)]);
        return answer;
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/portal-links',
      auth: 'read',
      group: 'Endpoints',
      summary: 'List the links to pages for customers',
      query: z.strictObject(pageQuery),
      responses: {
        200: { description: 'A page of those that let in, the newest first.', schema: linkList },
      },
      async handle({ projectId, query }) {
        const { rows, nextCursor } = await apiKeys.listLinks({
          projectId,
          nowMs: now(),
          limit: query.limit,
          beforeId: keyOfCursor(query.cursor, (key) => isId('portalLink', key)),
        });
        return { status: 200, body: { data: rows.map(toLinkJson), next_cursor: nextCursor } };
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/portal-links/{id}',
      auth: 'manage',
      group: 'Endpoints',
      summary: 'End a link to a page for a customer',
      description: 'It is refused from the next request on.',
      params: idParam('id', 'link'),
      responses: { 204: { description: 'Ended.' } },
      async handle({ projectId, params }) {
        const id = String(params['id']);
        const link = isId('portalLink', id) ? await apiKeys.get(projectId, id) : null;
        if (link === null) throw new PosthornError('not_found', `There is no link ${id}.`);
        await apiKeys.revoke(projectId, id, now());
        deps.authenticator.forget(link.keyHash);
        return { status: 204 };
      },
    }),
  ];
}

function toLinkJson({ id, name, link, createdAtMs, expiresAtMs }: ApiKeyRecord) {
  const { endpointIds = [], metadata = null, mayCreate = false, origins = [] } = link ?? {};
  return {
    id,
    name,
    endpoint_ids: metadata === null ? [...endpointIds] : null,
    metadata,
    may_create: mayCreate,
    origins: [...origins],
    created_at: toTimestamp(createdAtMs),
    expires_at: toTimestamp(expiresAtMs ?? createdAtMs),
  };
}
