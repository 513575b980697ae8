import { z } from 'zod';
import { describeErrorCode, ERROR_CODES } from '../lib/errors.ts';
import type { Route, RouteResponse } from './route.ts';

/** A JSON Schema, or a piece of OpenAPI. */
export type JsonObject = { [key: string]: unknown };

export const problemSchema = z.object({
  type: z.string().describe("Leads to the code's entry in /docs."),
  title: z.string(),
  status: z.number().int(),
  code: z.enum(ERROR_CODES),
  detail: z.string().describe('What is wrong here, and what to do.'),
  errors: z
    .array(z.object({ pointer: z.string(), detail: z.string() }))
    .optional()
    .describe('Each wrong field: a JSON pointer into the body, ?name for the query.'),
  request_id: z.string().describe('Also in the header X-Request-Id and in the server log.'),
});

/** OpenAPI 3.1 from the route table. Schemas are those that the server checks with. */
export function createOpenApi(routes: readonly Route[], version: string): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const route of routes) {
    const item = paths[route.path] ?? {};
    item[route.method.toLowerCase()] = toOperation(route);
    paths[route.path] = item;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Posthorn',
      version,
      description: 'Send email, and hear what becomes of it.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ bearer: [] }, { apiKey: [] }],
    tags: [...new Set(routes.map((route) => route.group))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
      },
      schemas: { Problem: toJsonSchema(problemSchema, 'output') },
    },
  };
}

export function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

function toOperation(route: Route): JsonObject {
  const body = route.body === undefined ? {} : { requestBody: toRequestBody(route.body) };
  return {
    operationId: operationId(route),
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    tags: [route.group],
    security: toSecurity(route.auth),
    parameters: [
      ...toParameters(route.params, 'path'),
      ...toParameters(route.query, 'query'),
      ...(route.method === 'POST' && route.raw === undefined ? [IDEMPOTENCY_KEY] : []),
      ...(takesIfMatch(route) ? [IF_MATCH] : []),
    ],
    ...body,
    responses: { ...toResponses(route.responses), ...problemsOf(route) },
  };
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key with the same request gets the first answer again, for 24 hours.',
  schema: { type: 'string', maxLength: 255 },
};

const IF_MATCH = {
  name: 'If-Match',
  in: 'header',
  required: false,
  description: 'The ETag of an earlier answer: 412 when it has changed since.',
  schema: { type: 'string' },
};

/** What changes a thing that has a version; what makes one has nothing to compare with. */
function takesIfMatch({ versioned, method, path }: Route): boolean {
  return versioned === true && method !== 'GET' && path.includes('{');
}

/** A list beside a scheme that is no OAuth names roles (OpenAPI 3.1, Security Requirement Object). */
function toSecurity(auth: Route['auth']): JsonObject[] {
  return auth === 'none' ? [] : [{ bearer: [auth] }, { apiKey: [auth] }];
}

/** `GET /v1/messages/{id}` -> `getMessagesById`. */
function operationId(route: Route): string {
  const words = route.path
    .replace(/^\/v1/, '')
    .replaceAll('{', 'by-')
    .split(/[^A-Za-z0-9]+/)
    .map(capital);
  return route.method.toLowerCase() + words.join('');
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function toRequestBody(schema: z.ZodType): JsonObject {
  return {
    required: !schema.safeParse(undefined).success,
    content: { 'application/json': { schema: toJsonSchema(schema, 'input') } },
  };
}

function toParameters(schema: z.ZodType | undefined, place: 'path' | 'query'): JsonObject[] {
  if (schema === undefined) return [];
  const json = toJsonSchema(schema, 'input');
  const required = new Set(Array.isArray(json['required']) ? json['required'] : []);
  return Object.entries((json['properties'] ?? {}) as Record<string, JsonObject>).map(
    ([name, property]) => {
      const { description, ...rest } = property;
      const isRequired = place === 'path' || required.has(name);
      return { name, in: place, required: isRequired, description, schema: rest };
    },
  );
}

function toResponses(responses: Record<number, RouteResponse>): JsonObject {
  return Object.fromEntries(
    Object.entries(responses).map(([status, { description, schema, contentType }]) => {
      const type = contentType ?? 'application/json';
      const shape = schema === undefined ? {} : { schema: toJsonSchema(schema, 'output') };
      const hasBody = schema !== undefined || contentType !== undefined;
      return [status, { description, ...(hasBody ? { content: { [type]: shape } } : {}) }];
    }),
  );
}

function problemsOf(route: Route): JsonObject {
  if (route.auth === 'none') return {};
  const statuses = new Set<number>([400, 401, 403, 422, 429, 500, 503]);
  if (route.path.includes('{')) statuses.add(404);
  if (route.body !== undefined) for (const status of [413, 415]) statuses.add(status);
  if (route.method === 'POST' || takesIfMatch(route)) statuses.add(409);
  if (takesIfMatch(route)) statuses.add(412);
  return Object.fromEntries(
    [...statuses].map((status) => [
      status,
      {
        description: ERROR_CODES.filter((code) => describeErrorCode(code).status === status).join(
          ', ',
        ),
        content: {
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        },
      },
    ]),
  );
}
