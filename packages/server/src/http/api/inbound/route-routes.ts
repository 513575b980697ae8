import { z } from 'zod';
import { type Ids, isId } from '../../../core/ids.ts';
import {
  type InboundPattern,
  parseInboundPattern,
  USUAL_PRIORITY,
} from '../../../core/mail/inbound-route.ts';
import { messageOf, PosthornError } from '../../../lib/errors.ts';
import type { DomainRoom } from '../../../mail/domains/create-domain-room.ts';
import type { InboundRoom } from '../../../mail/inbound/create-inbound-room.ts';
import type { Engine } from '../../../store/engine.ts';
import type { InboundRoute, InboundRoutes } from '../../../store/mail/inbound-routes.ts';
import { checkVersion } from '../../entity-tag.ts';
import { defineRoute, type Route } from '../../route.ts';
import { refuseField } from '../filters.ts';
import { idParam, keyOfCursor, pageQuery } from '../schemas.ts';
import {
  checkedRouteSchema,
  routeFields,
  routeList,
  routeSchema,
  toRouteJson,
} from './inbound-json.ts';

const newRouteBody = z.strictObject({
  address: routeFields.address,
  action: routeFields.action.default('receive'),
  priority: routeFields.priority.default(USUAL_PRIORITY),
  tags: routeFields.tags.default([]),
  description: routeFields.description.default(''),
});

const changeBody = z
  .strictObject(routeFields)
  .partial()
  .refine((body) => Object.keys(body).length > 0, 'Name at least one field to change.');

export interface InboundRouteDeps {
  inboundRoutes: InboundRoutes;
  inboundRoom: Pick<InboundRoom, 'isListening'>;
  domainRoom: Pick<DomainRoom, 'directory' | 'checkMx'>;
  engine: Pick<Engine, 'commit'>;
  ids: Ids;
  now: () => number;
}

export function createInboundRouteRoutes(deps: InboundRouteDeps): Route[] {
  const { inboundRoutes, domainRoom, ids, now } = deps;
  const params = idParam('id', 'route');

  async function find(projectId: string, given: Record<string, unknown>): Promise<InboundRoute> {
    const id = String(given['id']);
    const route = isId('inboundRoute', id) ? await inboundRoutes.get(projectId, id) : null;
    if (route === null) throw new PosthornError('not_found', `There is no inbound route ${id}.`);
    return route;
  }

  /** Why its mail is not taken now; null where it is. */
  function faultOf({ projectId, domain }: InboundRoute): string | null {
    if (!deps.inboundRoom.isListening)
      return 'This server does not listen for mail from the world: set return_path_port.';
    const nearest = domainRoom.directory.findProven(domain);
    if (nearest.some((one) => one.projectId === projectId)) return null;
    return `The project does not prove ${domain}: add it, or a domain above it (POST /v1/domains), publish its DKIM records and check it.`;
  }

  const toJson = (route: InboundRoute) => toRouteJson(route, faultOf(route));

  function readAddress(given: string): InboundPattern {
    try {
      return parseInboundPattern(given);
    } catch (error) {
      return refuseField('/address', `${messageOf(error)}.`);
    }
  }

  return [
    defineRoute({
      method: 'POST',
      path: '/v1/inbound/routes',
      auth: 'manage',
      group: 'Inbound',
      summary: 'Take mail for an address',
      description:
        'Mail to it becomes email.received. The project has to prove the domain, or one above it, as for sending (POST /v1/domains), and the MX record of the domain has to lead to this server.',
      body: newRouteBody,
      versioned: true,
      responses: {
        200: {
          description: 'The project has it already, and it stays as it is.',
          schema: routeSchema,
        },
        201: { description: 'Added.', schema: routeSchema },
      },
      async handle({ projectId, body, remember }) {
        const wanted = readAddress(body.address);
        const there = await inboundRoutes.findPattern(projectId, wanted);
        if (there !== null) {
          const known = { status: 200, body: toJson(there) };
          await deps.engine.commit({ events: [], statements: remember(known) });
          return known;
        }
        const { text: pattern, domain } = wanted;
        const nowMs = now();
        const route: InboundRoute = {
          projectId,
          id: ids.next('inboundRoute'),
          pattern,
          domain,
          priority: body.priority,
          action: body.action,
          description: body.description,
          tags: body.tags,
          version: 1,
          createdAtMs: nowMs,
          updatedAtMs: nowMs,
        };
        const answer = { status: 201, body: toJson(route) };
        const statements = [inboundRoutes.insertion(route), ...remember(answer)];
        await deps.engine.commit({ events: [], statements });
        return answer;
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/inbound/routes',
      auth: 'read',
      group: 'Inbound',
      summary: 'List the addresses that mail is taken for',
      query: z.strictObject(pageQuery),
      responses: { 200: { description: 'A page, the newest first.', schema: routeList } },
      async handle({ projectId, query }) {
        const { rows, nextCursor } = await inboundRoutes.list({
          projectId,
          limit: query.limit,
          beforeId: keyOfCursor(query.cursor, (key) => isId('inboundRoute', key)),
        });
        return { status: 200, body: { data: rows.map(toJson), next_cursor: nextCursor } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/inbound/routes/{id}',
      auth: 'read',
      group: 'Inbound',
      summary: 'One route',
      params,
      versioned: true,
      responses: { 200: { description: 'The route.', schema: routeSchema } },
      handle: async ({ projectId, params: given }) => ({
        status: 200,
        body: toJson(await find(projectId, given)),
      }),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/v1/inbound/routes/{id}',
      auth: 'manage',
      group: 'Inbound',
      summary: 'Change a route',
      params,
      body: changeBody,
      versioned: true,
      responses: { 200: { description: 'The route as it is now.', schema: routeSchema } },
      async handle({ projectId, params: given, body, ifMatch }) {
        const before = await find(projectId, given);
        checkVersion(ifMatch, before.version);
        const { address, ...fields } = body;
        const moved = address === undefined ? null : readAddress(address);
        const route: InboundRoute = {
          ...before,
          ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
          ...(moved === null ? {} : { pattern: moved.text, domain: moved.domain }),
          version: before.version + 1,
          updatedAtMs: now(),
        };
        const there = moved === null ? null : await inboundRoutes.findPattern(projectId, moved);
        if (there !== null && there.id !== route.id) refuseTwin(route);
        const statements = [inboundRoutes.update(before, route)];
        await deps.engine.commit({ events: [], statements });
        return { status: 200, body: toJson(route) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/inbound/routes/{id}/check',
      auth: 'manage',
      group: 'Inbound',
      summary: 'Look where mail for a route goes',
      description: 'Asks DNS for the MX record now. Nothing is changed by it.',
      params,
      responses: { 200: { description: 'What DNS says.', schema: checkedRouteSchema } },
      async handle({ projectId, params: given, remember }) {
        const route = await find(projectId, given);
        // Names below are asked for by one of them: a wildcard record answers.
        const name = route.pattern.includes('@*.') ? `any.${route.domain}` : route.domain;
        const mx = await domainRoom.checkMx(name);
        const answer = { status: 200, body: { ...toJson(route), mx: { name, ...mx } } };
        await deps.engine.commit({ events: [], statements: remember(answer) });
        return answer;
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/inbound/routes/{id}',
      auth: 'manage',
      group: 'Inbound',
      summary: 'Take no more mail for an address',
      description: 'What has come in stays.',
      params,
      versioned: true,
      responses: { 204: { description: 'Removed.' } },
      async handle({ projectId, params: given, ifMatch }) {
        const route = await find(projectId, given);
        checkVersion(ifMatch, route.version);
        await deps.engine.commit({ events: [], statements: [inboundRoutes.removal(route)] });
        return { status: 204 };
      },
    }),
  ];
}

function refuseTwin({ pattern }: InboundRoute): never {
  const detail = `The project has another route for ${pattern}.`;
  throw new PosthornError('conflict', detail, { fields: [{ pointer: '/address', detail }] });
}
