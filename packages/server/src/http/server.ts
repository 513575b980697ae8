import { STATUS_CODES } from 'node:http';
import { Readable } from 'node:stream';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Ids } from '../core/ids.ts';
import type { Scope } from '../core/scopes.ts';
import { messageOf, PosthornError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { MAX_TOKEN_CHARS } from '../mail/tracking/tracking-token.ts';
import {
  type Authenticator,
  type Caller,
  hashApiKey,
  isLinkToken,
  readApiKey,
  requireScope,
} from './access/authenticate.ts';
import type { ProjectRates } from './access/project-rates.ts';
import type { CompatibleApis } from './api/compat/create-compatible-apis.ts';
import { checkInput } from './check-input.ts';
import { readClientAddress } from './client-address.ts';
import { readIfMatch, toEntityTag } from './entity-tag.ts';
import type { Portal } from './portal/create-portal.ts';
import type { LinkRules } from './portal-links/narrow-link.ts';
import { toPosthornError, toProblem } from './problem.ts';
import { readJson } from './read-json.ts';
import {
  type AnswerMemory,
  answerOnce,
  isReplayed,
  type KeyedRequest,
  readIdempotencyKey,
} from './remember-answers.ts';
import type { RawRequest, Route, RouteAnswer, RouteClient } from './route.ts';

export interface HttpServerOptions {
  routes: readonly Route[];
  authenticator: Pick<Authenticator, 'identify' | 'identifyLink'>;
  rates: Pick<ProjectRates, 'takeRequest'>;
  memory: AnswerMemory;
  ids: Ids;
  log: Log;
  /** Null while work is taken; otherwise why not. */
  refuseWork(): PosthornError | null;
  /** What people see; null without it. */
  portal?: Pick<Portal, 'identify' | 'register'> | null;
  /** What who has a link to an embedded page may do. */
  links: LinkRules;
  /** What clients of other providers ask; null without it. */
  compatible?: CompatibleApis | null;
}

const DEFAULT_BODY_LIMIT = 1_048_576;

/** Builds the server from the route table. It listens when the caller says so. */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const { ids, log, routes } = options;
  const app = fastify({
    logger: false,
    bodyLimit: DEFAULT_BODY_LIMIT,
    genReqId: () => ids.next('request'),
    // A slow sender may take a minute for its request, then its socket is closed.
    requestTimeout: 60_000,
    return503OnClosing: false,
    // The longest are tokens of links (mail/tracking).
    routerOptions: { maxParamLength: MAX_TOKEN_CHARS },
    // Node's own refusal has no body; the hook below says what is missing.
    http: { requireHostHeader: false },
    // A request whose first line or headers are rubbish never reaches a route.
    clientErrorHandler(error, socket) {
      if (socket.destroyed || !socket.writable) return;
      // Opened in advance and never used: an answer could be taken for that to a request on its way.
      if (isTimeout(error) && socket.bytesRead === 0) return void socket.destroy();
      const problem = toProblem(explainClientError(error), ids.next('request'));
      const body = JSON.stringify(problem);
      socket.end(
        `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nX-Request-Id: ${problem.request_id}\r\nConnection: close\r\n\r\n${body}`,
      );
    },
    // What the router itself refuses never reaches a hook.
    frameworkErrors(error, request, reply) {
      reply.header('x-request-id', request.id);
      void sendError(error, request, reply);
    },
  });

  const callers = new WeakMap<FastifyRequest, Caller>();
  // Only JSON comes in; the parser for text would hand strings to the schemas.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    async (_: unknown, body: string) => readJson(body),
  );
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    if (request.raw.httpVersion === '1.1' && request.headers.host === undefined) {
      throw new PosthornError('bad_request', 'The header Host is missing (RFC 9112 section 3.2).');
    }
  });
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    const allowed = routes.filter((route) => pathPattern(route.path).test(path));
    if (allowed.length === 0) {
      return sendError(
        new PosthornError(
          'not_found',
          `There is nothing at ${path}. The routes are listed at /docs.`,
        ),
        request,
        reply,
      );
    }
    const methods = allowed.map((route) => route.method).join(', ');
    reply.header('allow', methods);
    const detail = `${request.method} does not work at ${path}; these do: ${methods}.`;
    return sendError(new PosthornError('method_not_allowed', detail), request, reply);
  });

  function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const error = toPosthornError(thrown);
    if (error.code === 'internal') {
      const stack = thrown instanceof Error ? thrown.stack : String(thrown);
      log.error({ request: request.id, stack }, 'A request failed inside');
    }
    if (error.retryAfterSeconds !== null) reply.header('retry-after', error.retryAfterSeconds);
    if (error.status === 401) reply.header('www-authenticate', 'Bearer');
    const body = JSON.stringify(toProblem(error, request.id));
    return reply.code(error.status).type('application/problem+json').send(body);
  }

  for (const route of routes) if (route.raw === undefined) addRoute(app, route);
  options.portal?.register(app);
  options.compatible?.register(app, routes);
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      '*',
      { parseAs: 'buffer' },
      async (_: unknown, body: Buffer) => body,
    );
    for (const route of routes) if (route.raw !== undefined) addRoute(scope, route);
  });

  function addRoute(scope: FastifyInstance, route: Route): void {
    scope.route({
      method: route.method,
      url: route.path.replace(/\{(\w+)\}/g, ':$1'),
      bodyLimit: route.bodyLimit ?? DEFAULT_BODY_LIMIT,
      // Who may not come in does not get a body read.
      onRequest: async (request, reply) => {
        route.raw?.admit(request.params);
        if (route.auth === 'none') return;
        callers.set(request, await admit(route.auth, request, reply));
        const refusal = route.method === 'GET' ? null : options.refuseWork();
        if (refusal !== null) throw refusal;
      },
      handler: async (request, reply) => {
        const caller = callers.get(request) ?? null;
        const answer = await run(route, request, caller, clientOf(request, reply));
        if (route.versioned) putEntityTag(answer.body, reply);
        return sendAnswer(answer, reply);
      },
    });
  }

  async function admit(
    scope: Scope,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<Caller> {
    const caller = await identify(request);
    const { allowed, limit, remaining, resetSeconds } = options.rates.takeRequest(caller.projectId);
    reply.header('ratelimit-limit', limit);
    reply.header('ratelimit-remaining', remaining);
    reply.header('ratelimit-reset', resetSeconds);
    if (!allowed) {
      const detail = `This project sends too fast. Try again in ${resetSeconds} s, or post events in batches.`;
      throw new PosthornError('rate_limited', detail, { retryAfterSeconds: resetSeconds });
    }
    requireScope(caller, scope);
    return caller;
  }

  /** By the key of a program, the session of a person, or the link of a customer. */
  async function identify(request: FastifyRequest): Promise<Caller> {
    const person = await options.portal?.identify(request);
    if (person != null) return person;
    const key = readApiKey(request.headers);
    const hash = hashApiKey(key);
    const { authenticator } = options;
    return isLinkToken(key) ? authenticator.identifyLink(hash) : authenticator.identify(hash);
  }

  function clientOf(request: FastifyRequest, reply: FastifyReply): RouteClient {
    const lastEventId = request.headers['last-event-id'];
    let controller: AbortController | null = null;
    return {
      gone() {
        if (controller === null) {
          const made = new AbortController();
          reply.raw.once('close', () => made.abort());
          if (reply.raw.destroyed) made.abort();
          controller = made;
        }
        return controller.signal;
      },
      drop: () => reply.raw.destroy(),
      isLetIn: () =>
        identify(request).then(
          () => true,
          () => false,
        ),
      lastEventId: typeof lastEventId === 'string' && lastEventId !== '' ? lastEventId : null,
    };
  }

  async function run(
    route: Route,
    request: FastifyRequest,
    caller: Caller | null,
    client: RouteClient,
  ): Promise<RouteAnswer> {
    const input = {
      client,
      projectId: caller?.projectId ?? '',
      callerId: caller?.keyId ?? '',
      scopes: caller?.scopes ?? [],
      keyMode: caller?.keyMode ?? 'live',
      params: route.params && checkInput(route.params, request.params, '{}'),
      query: route.query && checkInput(route.query, request.query, '?'),
      body: route.body && checkInput(route.body, request.body, '/'),
      raw: route.raw === undefined ? null : toRawRequest(request),
      ifMatch: route.versioned === true ? readIfMatch(request.headers['if-match']) : null,
    };
    // No Idempotency-Key of theirs counts: what is remembered belongs to the whole project.
    if (caller?.link !== undefined) {
      return options.links.answer(caller.link, route, { ...input, remember: () => [] });
    }
    const key =
      route.method === 'POST' && route.raw === undefined
        ? readIdempotencyKey(request.headers['idempotency-key'])
        : null;
    if (key === null) return route.handle({ ...input, remember: () => [] });
    const { method } = request;
    const path = request.url.split('?')[0] ?? '';
    const keyed: KeyedRequest = {
      projectId: input.projectId,
      key,
      method,
      path,
      body: request.body,
    };
    const answer = await answerOnce(options.memory, keyed, (remember) =>
      route.handle({ ...input, remember }),
    );
    if (route.replay === undefined || !isReplayed(answer)) return answer;
    return route.replay({ ...input, remember: () => [] }, answer);
  }

  return app;
}

function toRawRequest(request: FastifyRequest): RawRequest {
  const { headers, method, url, body } = request;
  const forwarded = headers['x-forwarded-host'];
  const isSecure = String(headers['x-forwarded-proto']).startsWith('https');
  return {
    method,
    target: url,
    // Of several proxies the first one was asked by the sender.
    host:
      String(forwarded ?? headers.host ?? '')
        .split(',')[0]
        ?.trim() ?? '',
    protocol: isSecure ? 'https' : 'http',
    headers,
    clientAddress: readClientAddress(request.socket.remoteAddress, headers['x-forwarded-for']),
    body: body instanceof Uint8Array ? body : new Uint8Array(),
  };
}

/** From the body, so that an answer that is repeated under its Idempotency-Key has it too. */
function putEntityTag(body: unknown, reply: FastifyReply): void {
  const version = typeof body === 'object' && body !== null ? Reflect.get(body, 'version') : null;
  if (typeof version === 'number') reply.header('etag', toEntityTag(version));
}

function sendAnswer(answer: RouteAnswer, reply: FastifyReply): FastifyReply {
  reply.code(answer.status);
  if (answer.headers !== undefined) reply.headers(answer.headers);
  if (answer.body === undefined) return reply.send();
  if (typeof answer.body === 'string') return reply.send(answer.body);
  if (answer.body instanceof Uint8Array) return reply.send(Buffer.from(answer.body));
  if (isTexts(answer.body)) return reply.send(Readable.from(answer.body, { objectMode: false }));
  return reply.type('application/json').send(JSON.stringify(answer.body));
}

function isTexts(body: unknown): body is AsyncIterable<string> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

function pathPattern(path: string): RegExp {
  return new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`);
}

/** Node's own errors (nodejs.org/api/http.html#event-clienterror) for what is not a request. */
function explainClientError(error: NodeJS.ErrnoException): PosthornError {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    return new PosthornError('too_large', 'The headers of a request may have 16 kB.');
  }
  if (isTimeout(error)) {
    return new PosthornError('request_timeout', 'It did not arrive whole within a minute.');
  }
  return new PosthornError('bad_request', `The request is not HTTP: ${messageOf(error)}.`);
}

function isTimeout({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ERR_HTTP_REQUEST_TIMEOUT';
}
