import { PosthornError } from '../../lib/errors.ts';
import type { ProjectDirectory } from '../../store/project-directory.ts';
import type { EndpointDirectory } from '../../webhooks/endpoints/endpoint-directory.ts';

/** A directory that refuses to create more endpoints than the project may have. */
export function limitEndpoints(
  directory: EndpointDirectory,
  projects: Pick<ProjectDirectory, 'settingsOf'>,
): EndpointDirectory {
  /** Commits that are under way, by project: two at once must not share the last place. */
  const underWay = new Map<string, number>();

  function checkRoom(projectId: string): void {
    const limit = projects.settingsOf(projectId).endpoints;
    if (limit === null) return;
    let count = underWay.get(projectId) ?? 0;
    for (const { record } of directory.all()) if (record.projectId === projectId) count += 1;
    if (count < limit) return;
    const detail = `The limit of this project is ${limit} (endpoints). Delete one that is not needed, or ask the operator for more.`;
    throw new PosthornError('endpoint_limit_reached', detail);
  }

  function count(projectId: string, change: 1 | -1): void {
    const after = (underWay.get(projectId) ?? 0) + change;
    if (after === 0) underWay.delete(projectId);
    else underWay.set(projectId, after);
  }

  return {
    ...directory,
    async create(...given) {
      const [{ projectId }] = given;
      checkRoom(projectId);
      count(projectId, 1);
      try {
        return await directory.create(...given);
      } finally {
        count(projectId, -1);
      }
    },
  };
}
