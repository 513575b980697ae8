import type { FastifyInstance, FastifyRequest } from 'fastify';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Actor, Audit } from './audit.ts';

/** Who asks for a change by /v1, and of which project. */
export type Change = Actor & { projectId: string };

/**
 * Notes what people change by /v1 with their session, before they have the answer. `changeOf`: null for a
 * request of a program.
 */
export function noteChanges(
  app: FastifyInstance,
  options: {
    audit: Pick<Audit, 'noteRoute'>;
    changeOf(request: FastifyRequest): Change | null;
    log: Log;
  },
): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const change = request.method === 'GET' ? null : options.changeOf(request);
    if (change === null || reply.statusCode >= 400) return payload;
    const { projectId, ...actor } = change;
    const path = (request.routeOptions.url ?? '').replace(/:(\w+)/g, '{$1}');
    const target = findTarget(request.params, payload);
    const route = `${request.method} ${path}`;
    try {
      await options.audit.noteRoute(actor, { route, projectId, target });
    } catch (error) {
      // It has been done: an answer that says otherwise would have it done twice.
      log(error, route, actor.user.id);
    }
    return payload;
  });

  function log(error: unknown, route: string, user: string): void {
    options.log.error({ route, user, reason: messageOf(error) }, 'A change could not be noted');
  }
}

/** The id of what was changed: the last one in the path, or that of what was made. */
function findTarget(params: unknown, payload: unknown): string | null {
  const inPath = Object.values(params as Record<string, string>).at(-1);
  if (inPath !== undefined) return inPath;
  if (typeof payload !== 'string' || !payload.startsWith('{')) return null;
  const id: unknown = Reflect.get(JSON.parse(payload), 'id');
  return typeof id === 'string' ? id : null;
}
