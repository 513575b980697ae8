import { z } from 'zod';
import { PosthornError } from '../../lib/errors.ts';
import type { StoreHealth } from '../../store/engine.ts';
import type { Documentation } from '../docs/documentation.ts';
import { PAGE_HEADERS } from '../docs/page-frame.ts';
import { defineRoute, type Route } from '../route.ts';

/** Routes for machines that watch this one, and for people who read. They need no key. */
export function createSystemRoutes(deps: {
  health(): StoreHealth;
  stopping(): boolean;
  metrics(): Promise<{ text: string; contentType: string }>;
  openapi(): object;
  docsPage(): string;
  documentation: Documentation;
}): Route[] {
  const pageName = z.string().max(100).describe('The name of its file, without `.md`.');

  async function findPage(name: string): Promise<string> {
    const page = await deps.documentation.find(name);
    if (page !== null) return page;
    throw new PosthornError('not_found', `There is no page ${name}. All of them: /docs/index.`);
  }

  return [
    defineRoute({
      method: 'GET',
      path: '/healthz',
      auth: 'none',
      group: 'System',
      summary: 'Is the process alive?',
      responses: { 200: { description: 'It is.', schema: z.object({ status: z.literal('ok') }) } },
      handle: async () => ({ status: 200, body: { status: 'ok' } }),
    }),
    defineRoute({
      method: 'GET',
      path: '/readyz',
      auth: 'none',
      group: 'System',
      summary: 'Does the process take work?',
      description: 'No while it is stopping, and while the store cannot take a write.',
      responses: {
        200: { description: 'Yes.', schema: z.object({ status: z.string(), store: z.string() }) },
        503: {
          description: 'No; `store` and `detail` say why.',
          schema: z.object({
            status: z.string(),
            store: z.string(),
            detail: z.string().optional(),
          }),
        },
      },
      async handle() {
        const health = deps.health();
        if (deps.stopping()) {
          return {
            status: 503,
            body: { status: 'stopping', store: health.ok ? 'ok' : health.code },
          };
        }
        if (health.ok) return { status: 200, body: { status: 'ready', store: 'ok' } };
        return {
          status: 503,
          body: { status: 'unready', store: health.code, detail: health.detail },
        };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/metrics',
      auth: 'none',
      group: 'System',
      summary: 'Metrics for Prometheus',
      responses: { 200: { description: 'The text format.', contentType: 'text/plain' } },
      async handle() {
        const { text, contentType } = await deps.metrics();
        return { status: 200, body: text, headers: { 'content-type': contentType } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/openapi.json',
      auth: 'none',
      group: 'System',
      summary: 'This API as OpenAPI 3.1',
      responses: { 200: { description: 'The description.', contentType: 'application/json' } },
      handle: async () => ({ status: 200, body: deps.openapi() }),
    }),
    defineRoute({
      method: 'GET',
      path: '/docs',
      auth: 'none',
      group: 'System',
      summary: 'This API for people',
      responses: { 200: { description: 'A page.', contentType: 'text/html' } },
      handle: async () => ({
        status: 200,
        body: deps.docsPage(),
        headers: PAGE_HEADERS,
      }),
    }),
    defineRoute({
      method: 'GET',
      path: '/docs/{page}',
      auth: 'none',
      group: 'System',
      summary: 'A page of the documentation',
      description: '`index` names all of them.',
      params: z.object({ page: pageName }),
      responses: { 200: { description: 'A page.', contentType: 'text/html' } },
      handle: async ({ params }) => ({
        status: 200,
        body: await findPage(params.page),
        headers: PAGE_HEADERS,
      }),
    }),
    defineRoute({
      method: 'GET',
      path: '/docs/guides/{page}',
      auth: 'none',
      group: 'System',
      summary: 'A guide of the documentation',
      params: z.object({ page: pageName }),
      responses: { 200: { description: 'A page.', contentType: 'text/html' } },
      handle: async ({ params }) => ({
        status: 200,
        body: await findPage(`guides/${params.page}`),
        headers: PAGE_HEADERS,
      }),
    }),
  ];
}
