import { z } from 'zod';
import { type Ids, isId } from '../../../core/ids.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { ProjectDirectory } from '../../../store/project-directory.ts';
import { newProject, type ProjectRecord, type Projects } from '../../../store/projects.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoints/endpoint-directory.ts';
import { checkVersion } from '../../entity-tag.ts';
import { defineRoute, type Route } from '../../route.ts';
import { idParam, keyOfCursor, pageQuery } from '../schemas.ts';
import {
  changeProjectBody,
  findProject,
  mergeLimits,
  mergeRetention,
  mergeSending,
  newProjectBody,
  projectList,
  projectSchema,
  toProjectJson,
} from './project-schema.ts';

/** The operator's routes: who may use this server, and how much of it. */
export function createProjectRoutes(deps: {
  storedProjects: Pick<Projects, 'list'>;
  projects: ProjectDirectory;
  directory: Pick<EndpointDirectory, 'all' | 'remove'>;
  ids: Ids;
  now: () => number;
}): Route[] {
  const { projects, now } = deps;
  const params = idParam('id', 'project');

  return [
    defineRoute({
      method: 'POST',
      path: '/v1/projects',
      auth: 'admin',
      group: 'Projects',
      summary: 'Create a project',
      description:
        'A project is a tenant: its keys see nothing of any other. POST /v1/projects/{id}/keys makes its first key.',
      body: newProjectBody,
      versioned: true,
      responses: { 201: { description: 'Created.', schema: projectSchema } },
      async handle({ body, remember }) {
        const plain = newProject(deps.ids.next('project'), body.name, now());
        const project = {
          ...plain,
          limits: mergeLimits(plain.limits, body.limits),
          retention: mergeRetention(plain.retention, body.retention),
          sending: mergeSending(plain.sending, body.sending),
        };
        const answer = { status: 201, body: toProjectJson(project) };
        await projects.create(project, remember(answer));
        return answer;
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/projects',
      auth: 'admin',
      group: 'Projects',
      summary: 'List projects',
      query: z.strictObject(pageQuery),
      responses: {
        200: { description: 'A page of projects, the newest first.', schema: projectList },
      },
      async handle({ query }) {
        const { rows, nextCursor } = await deps.storedProjects.list({
          limit: query.limit,
          beforeId: keyOfCursor(query.cursor, (key) => isId('project', key)),
        });
        return { status: 200, body: { data: rows.map(toProjectJson), next_cursor: nextCursor } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/projects/{id}',
      auth: 'admin',
      group: 'Projects',
      summary: 'One project',
      params,
      responses: { 200: { description: 'The project.', schema: projectSchema } },
      versioned: true,
      async handle(request) {
        return { status: 200, body: toProjectJson(findProject(projects, request.params)) };
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: '/v1/projects/{id}',
      auth: 'admin',
      group: 'Projects',
      summary: 'Change a project',
      description:
        'Fields that are left out stay as they are; null gives back what the server has. Limits hold at once. A change of the retention holds for what comes from now on.',
      params,
      body: changeProjectBody,
      versioned: true,
      responses: { 200: { description: 'The project as it is now.', schema: projectSchema } },
      async handle(request) {
        const { body } = request;
        const before = findProject(projects, request.params);
        checkVersion(request.ifMatch, before.version);
        const project = {
          ...before,
          name: body.name ?? before.name,
          limits: mergeLimits(before.limits, body.limits),
          retention: mergeRetention(before.retention, body.retention),
          sending: mergeSending(before.sending, body.sending),
          version: before.version + 1,
          updatedAtMs: now(),
        };
        await projects.update(before, project);
        return { status: 200, body: toProjectJson(project) };
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/projects/{id}',
      auth: 'admin',
      group: 'Projects',
      summary: 'Delete a project',
      description:
        'Its keys stop at once, its endpoints are deleted, and its mail that waits is not sent. What it has stored goes by its retention.',
      params,
      versioned: true,
      responses: { 204: { description: 'Deleted.' } },
      async handle(request) {
        const id = String(request.params['id']);
        // Deleted by an earlier request that then could not end its endpoints: this one does.
        const isHalfDeleted = projects.find(id) === null && endpointIdsOf(id).length > 0;
        if (!isHalfDeleted) {
          const project = findProject(projects, request.params);
          checkVersion(request.ifMatch, project.version);
          checkDeletable(project, request.projectId);
          await projects.remove(project.id, now());
        }
        const nowMs = now();
        await Promise.all(endpointIdsOf(id).map((one) => deps.directory.remove(id, one, nowMs)));
        return { status: 204 };
      },
    }),
  ];

  function endpointIdsOf(projectId: string): string[] {
    const endpoints = [...deps.directory.all()].map(({ record }) => record);
    return endpoints.filter((one) => one.projectId === projectId).map(({ id }) => id);
  }

  /** Throws `conflict`. */
  function checkDeletable(project: ProjectRecord, callersProjectId: string): void {
    if (projects.count() === 1) {
      const detail = 'This is the only project; a server without one could not be used any more.';
      throw new PosthornError('conflict', detail);
    }
    if (project.id === callersProjectId) {
      const detail = 'This is the project of the key that asks; use a key of another project.';
      throw new PosthornError('conflict', detail);
    }
  }
}
