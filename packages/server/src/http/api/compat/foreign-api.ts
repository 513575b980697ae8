import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PosthornError } from '../../../lib/errors.ts';
import type { Log } from '../../../lib/log.ts';
import { type Authenticator, type Caller, hashApiKey } from '../../access/authenticate.ts';
import type { ProjectRates } from '../../access/project-rates.ts';
import { toPosthornError } from '../../problem.ts';
import { readJson } from '../../read-json.ts';
import { type KeyedRequest, readIdempotencyKey } from '../../remember-answers.ts';
import type { RouteAnswer } from '../../route.ts';

/** An API that others have defined: its paths, its key, its way to say that something is wrong. */
export interface ForeignApi {
  /** What all its paths begin with. */
  prefix: string;
  routes: readonly ForeignRoute[];
  /** The key of a request; null without one. */
  readKey(headers: IncomingHttpHeaders): string | null;
  /** Throws the error for a request without a key. */
  refuseMissingKey(): never;
  answerError(error: PosthornError, startedMs: number): RouteAnswer;
  /** The field of a form that has the JSON, where a form may come instead. */
  formField?: string;
}

export interface ForeignRoute {
  methods: readonly ('GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE')[];
  /** As Fastify has it: `/webhook-batch/:id/resend`. */
  path: string;
  /** Answered without a key. */
  isOpen?: boolean;
  bodyLimit?: number;
  handle(request: ForeignRequest): Promise<RouteAnswer>;
}

export interface ForeignRequest {
  caller: Caller;
  params: Readonly<Record<string, string>>;
  /** A name that is given twice is a list. */
  query: Readonly<Record<string, unknown>>;
  body: unknown;
  /** With an Idempotency-Key: what is answered under it is remembered. */
  keyed: KeyedRequest | null;
  startedMs: number;
}

/** Of routes that are open. */
const NOBODY: Caller = { projectId: '', keyId: '', scopes: [], keyMode: 'live' };

/** Puts an API into a scope of its own, so that all that goes wrong there is answered in its words. */
export function registerForeignApi(
  app: FastifyInstance,
  api: ForeignApi,
  deps: {
    authenticator: Pick<Authenticator, 'identify'>;
    rates: Pick<ProjectRates, 'takeRequest'>;
    refuseWork(): PosthornError | null;
    now: () => number;
    log: Log;
  },
): void {
  const { authenticator, rates, refuseWork, now, log } = deps;
  const callers = new WeakMap<FastifyRequest, Caller>();
  const started = new WeakMap<FastifyRequest, number>();
  const startOf = (request: FastifyRequest): number => started.get(request) ?? now();

  async function admit(request: FastifyRequest): Promise<Caller> {
    const key = api.readKey(request.headers) ?? api.refuseMissingKey();
    const caller = await authenticator.identify(hashApiKey(key));
    const { allowed, resetSeconds } = rates.takeRequest(caller.projectId);
    if (!allowed) {
      const detail = `This project sends too fast. Try again in ${resetSeconds} s.`;
      throw new PosthornError('rate_limited', detail, { retryAfterSeconds: resetSeconds });
    }
    const refusal = request.method === 'GET' ? null : refuseWork();
    if (refusal !== null) throw refusal;
    return caller;
  }

  function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const error = toPosthornError(thrown);
    if (error.code === 'internal') {
      const stack = thrown instanceof Error ? thrown.stack : String(thrown);
      log.error({ request: request.id, stack }, 'A request failed inside');
    }
    if (error.retryAfterSeconds !== null) reply.header('retry-after', error.retryAfterSeconds);
    return send(api.answerError(error, startOf(request)), reply);
  }

  app.register(
    async (scope) => {
      const { formField } = api;
      if (formField !== undefined) {
        scope.addContentTypeParser(
          'application/x-www-form-urlencoded',
          { parseAs: 'string' },
          async (_: unknown, body: string) =>
            readJson(new URLSearchParams(body).get(formField) ?? ''),
        );
      }
      scope.setErrorHandler(sendError);
      scope.setNotFoundHandler((request, reply) => {
        const path = request.url.split('?')[0] ?? '';
        const detail = `There is nothing for ${request.method} at ${path}. docs/compatible-apis.md lists what there is.`;
        return sendError(new PosthornError('not_found', detail), request, reply);
      });
      for (const { methods, path, isOpen, bodyLimit, handle } of api.routes) {
        scope.route({
          method: [...methods],
          url: path,
          ...(bodyLimit === undefined ? {} : { bodyLimit }),
          // Who may not come in does not get a body read.
          onRequest: async (request) => {
            started.set(request, now());
            if (isOpen !== true) callers.set(request, await admit(request));
          },
          handler: async (request, reply) => {
            const caller = callers.get(request) ?? NOBODY;
            const answer = await handle({
              caller,
              keyed: readKeyed(request, caller.projectId),
              params: request.params as Record<string, string>,
              query: request.query as Record<string, unknown>,
              body: request.body,
              startedMs: startOf(request),
            });
            return send(answer, reply);
          },
        });
      }
    },
    { prefix: api.prefix },
  );
}

/** Throws `invalid_idempotency_key`. */
function readKeyed(
  { method, url, headers, body }: FastifyRequest,
  projectId: string,
): KeyedRequest | null {
  const key = method === 'GET' ? null : readIdempotencyKey(headers['idempotency-key']);
  return key === null ? null : { projectId, key, method, path: url.split('?')[0] ?? '', body };
}

function send({ status, body, headers }: RouteAnswer, reply: FastifyReply): FastifyReply {
  reply.code(status);
  if (headers !== undefined) reply.headers(headers);
  if (body === undefined) return reply.send();
  return reply.type('application/json').send(JSON.stringify(body));
}
