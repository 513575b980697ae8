import { parseDeliveryId } from '../../core/ids.ts';
import { coversEndpoint, type PortalLink } from '../../core/portal-link.ts';
import { PosthornError } from '../../lib/errors.ts';
import type { EndpointDirectory } from '../../webhooks/endpoints/endpoint-directory.ts';
import type { Route, RouteAnswer, RouteRequest } from '../route.ts';

/** Whose request it is, and what its route has made of it. */
interface Asked {
  link: PortalLink;
  projectId: string;
  params: Record<string, unknown>;
  query: Record<string, unknown>;
  body: Record<string, unknown>;
  /** Throws `not_found` unless this endpoint, by id or uid, is theirs. */
  require(idOrUid: unknown): void;
}

interface Rule {
  /** Throws for what is not theirs. */
  check?(asked: Asked): void;
  /** What takes the place of the body. */
  bodyOf?(asked: Asked): Record<string, unknown>;
  /** The field of a row that names its endpoint: rows of other endpoints are left out of the answer's `data`. */
  rowsOf?(row: Record<string, unknown>): unknown;
}

/** What the customer decides of an endpoint; the rest is whoever's who gave the link. */
const OWN_FIELDS = ['url', 'description', 'event_types', 'status'];

const oneEndpoint: Rule = { check: ({ params, require }) => require(params['id']) };
const oneDelivery: Rule = {
  check: ({ params, require }) => require(parseDeliveryId(String(params['id']))?.endpointId),
};

/** Every route that a link opens. A route that is not here is shut. */
const RULES: Readonly<Record<string, Rule>> = {
  'GET /v1/event-types': {},
  'GET /v1/endpoints': { rowsOf: ({ id }) => id },
  'POST /v1/endpoints': {
    check({ link, body }) {
      requireMayCreate(link);
      requireOwnFields(body);
    },
    bodyOf({ link: { metadata, filter }, body }) {
      return { ...body, metadata, ...(filter === null ? {} : { filter }) };
    },
  },
  'GET /v1/endpoints/{id}': oneEndpoint,
  'PATCH /v1/endpoints/{id}': {
    check({ params, body, require }) {
      require(params['id']);
      requireOwnFields(body);
    },
  },
  'DELETE /v1/endpoints/{id}': {
    check({ link, params, require }) {
      require(params['id']);
      requireMayCreate(link);
    },
  },
  'GET /v1/endpoints/{id}/gaps': oneEndpoint,
  'GET /v1/endpoints/{id}/secret': oneEndpoint,
  'POST /v1/endpoints/{id}/secret/rotate': {
    check({ params, body, require }) {
      require(params['id']);
      requireFields(body, ['overlap']);
    },
  },
  'POST /v1/endpoints/{id}/test': oneEndpoint,
  'POST /v1/endpoints/{id}/replay': {
    check({ params, body, require }) {
      require(params['id']);
      if (body['include_missing'] !== true) return;
      // What was sent before the endpoint was there may have been somebody else's.
      throw refused('This link replays what was owed to an endpoint, and not "include_missing".');
    },
  },
  'GET /v1/deliveries': {
    check({ query, require }) {
      if (query['endpoint_id'] === undefined) {
        throw refused('With a link, deliveries are listed of one endpoint: give "endpoint_id".');
      }
      require(query['endpoint_id']);
    },
  },
  'GET /v1/deliveries/{id}': oneDelivery,
  'POST /v1/deliveries/{id}/retry': oneDelivery,
  'GET /v1/queue': { rowsOf: (row) => row['endpoint_id'] },
  'GET /v1/jobs': {
    rowsOf: ({ replay }) => (replay as { endpoint_id: string } | null)?.endpoint_id,
  },
};

/** Keeps the holder of a link to the endpoints that are theirs. */
export interface LinkRules {
  /** Asks the route for what is theirs. Throws `missing_scope`, `not_found` and what the route throws. */
  answer(link: PortalLink, route: Route, request: RouteRequest): Promise<RouteAnswer>;
}

export function createLinkRules(options: {
  directory: Pick<EndpointDirectory, 'lookUp'>;
}): LinkRules {
  function covers(link: PortalLink, projectId: string, idOrUid: unknown): boolean {
    if (typeof idOrUid !== 'string') return false;
    const found = options.directory.lookUp(projectId, idOrUid);
    return found !== null && coversEndpoint(link, found.record);
  }

  /** The request as its route may have it. */
  function narrow(link: PortalLink, rule: Rule, request: RouteRequest): RouteRequest {
    const { projectId } = request;
    const asked: Asked = {
      link,
      projectId,
      params: toFields(request.params),
      query: toFields(request.query),
      body: toFields(request.body),
      require(idOrUid) {
        if (covers(link, projectId, idOrUid)) return;
        throw new PosthornError('not_found', 'There is no such endpoint here.');
      },
    };
    rule.check?.(asked);
    return rule.bodyOf === undefined ? request : { ...request, body: rule.bodyOf(asked) };
  }

  /** A page of their rows. While all rows of a page are somebody else's, the next one is read. */
  async function list(
    link: PortalLink,
    { route, rowsOf }: { route: Route; rowsOf: NonNullable<Rule['rowsOf']> },
    request: RouteRequest,
  ): Promise<RouteAnswer> {
    const answer = await route.handle(request);
    const body = toFields(answer.body);
    const rows: unknown[] = Array.isArray(body['data']) ? body['data'] : [];
    const data = rows.filter((row) => covers(link, request.projectId, rowsOf(toFields(row))));
    const cursor = body['next_cursor'];
    if (data.length > 0 || typeof cursor !== 'string')
      return { ...answer, body: { ...body, data } };
    const query = { ...toFields(request.query), cursor };
    return list(link, { route, rowsOf }, { ...request, query });
  }

  return {
    async answer(link, route, request) {
      const name = `${route.method} ${route.path}`;
      const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
      if (rule === undefined) throw refused(`A link of the portal does not open ${name}.`);
      const narrowed = narrow(link, rule, request);
      const { rowsOf } = rule;
      return rowsOf === undefined
        ? route.handle(narrowed)
        : list(link, { route, rowsOf }, narrowed);
    },
  };
}

function toFields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function requireMayCreate({ mayCreate }: PortalLink): void {
  if (!mayCreate) throw refused('This link makes and deletes no endpoints ("may_create").');
}

function requireOwnFields(body: Record<string, unknown>): void {
  requireFields(body, OWN_FIELDS);
}

function requireFields(body: Record<string, unknown>, allowed: readonly string[]): void {
  const other = Object.entries(body).find(
    ([name, value]) => value !== undefined && !allowed.includes(name),
  );
  if (other === undefined) return;
  throw refused(`A link of the portal does not set "${other[0]}"; it sets ${allowed.join(', ')}.`);
}

const refused = (detail: string): PosthornError => new PosthornError('missing_scope', detail);
