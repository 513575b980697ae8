import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isId } from '../../core/ids.ts';
import { toTimestamp } from '../../lib/clock.ts';
import type { ApiKeys } from '../../store/access/api-keys.ts';
import type { ProjectDirectory } from '../../store/project-directory.ts';
import { type Authenticator, hashApiKey, readApiKey } from '../access/authenticate.ts';

/**
 * The page behind a link (POST /v1/portal-links): the portal's own, without navigation and cookies. The token
 * stands behind the `#`, so the server knows by the path alone who may frame it.
 */
export function addLinkPages(
  app: FastifyInstance,
  deps: {
    apiKeys: Pick<ApiKeys, 'get'>;
    authenticator: Pick<Authenticator, 'identifyLink'>;
    projects: Pick<ProjectDirectory, 'find'>;
    version: string;
    now(): number;
    /** Answers with the start page, which may be framed by these sites. */
    sendPage(
      request: FastifyRequest,
      reply: FastifyReply,
      frameAncestors: readonly string[],
    ): Promise<FastifyReply>;
  },
): void {
  /** None for a link that is not there any more: the page says so where it is not framed. */
  async function findOrigins({ project, id }: { project: string; id: string }) {
    if (!isId('project', project) || !isId('portalLink', id)) return [];
    const record = await deps.apiKeys.get(project, id);
    return (record?.expiresAtMs ?? 0) > deps.now() ? (record?.link?.origins ?? []) : [];
  }

  app.get<{ Params: { project: string; id: string } }>(
    '/portal/link/:project/:id',
    async (request, reply) => {
      // A page that was kept would keep who may frame it too.
      reply.header('cache-control', 'no-store');
      return deps.sendPage(request, reply, await findOrigins(request.params));
    },
  );

  app.get('/portal/api/link', async (request, reply) => {
    const hash = hashApiKey(readApiKey(request.headers));
    const { projectId, link, expiresAtMs, keyId } = await deps.authenticator.identifyLink(hash);
    return reply.header('cache-control', 'no-store').send({
      user: { id: keyId, email: '', name: '', role: 'developer' },
      projects: [{ id: projectId, name: '' }],
      csrf_token: '',
      server: { version: deps.version },
      link: { may_create: link.mayCreate, expires_at: toTimestamp(expiresAtMs) },
    });
  });
}
