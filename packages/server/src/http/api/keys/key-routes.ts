import { z } from 'zod';
import { type Ids, isId } from '../../../core/ids.ts';
import { listScopes, SCOPES, type Scope } from '../../../core/scopes.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { ApiKeyRecord, ApiKeys } from '../../../store/access/api-keys.ts';
import type { ProjectDirectory } from '../../../store/project-directory.ts';
import {
  type Authenticator,
  generateApiKey,
  requireScope,
  toApiKeyRecord,
} from '../../access/authenticate.ts';
import { defineRoute, type Route, type RouteAnswer, type RouteRequest } from '../../route.ts';
import { findProject } from '../projects/project-schema.ts';
import { idParam, keyOfCursor, pageQuery } from '../schemas.ts';
import {
  keyList,
  keySchema,
  type NewKeyBody,
  newKeyBody,
  newKeySchema,
  toKeyJson,
} from './key-schema.ts';

interface KeyRouteDeps {
  apiKeys: ApiKeys;
  projects: Pick<ProjectDirectory, 'find'>;
  authenticator: Pick<Authenticator, 'forget'>;
  ids: Ids;
  now: () => number;
}

/** Keys of the caller's own project, and for the operator those of any project. */
export function createKeyRoutes(deps: KeyRouteDeps): Route[] {
  const own = createDoor(deps, {
    path: '/v1/keys',
    keyParam: 'id',
    params: z.object({}),
    auth: 'manage',
    group: 'Keys',
    whose: '',
    projectOf: ({ projectId }) => projectId,
    mayGive: ({ scopes, keyMode }) => ({ scopes, keyMode }),
  });
  const ofAnyProject = createDoor(deps, {
    path: '/v1/projects/{id}/keys',
    keyParam: 'key_id',
    params: idParam('id', 'project'),
    auth: 'admin',
    group: 'Projects',
    whose: ' of a project',
    projectOf: ({ params }) => findProject(deps.projects, params).id,
    mayGive: ({ keyMode }) => ({ scopes: SCOPES, keyMode }),
  });
  return [...own, ...ofAnyProject];
}

/** One of the two ways to the keys of a project. */
interface Door {
  path: string;
  /** What the key's id is called in the path. */
  keyParam: string;
  params: z.ZodObject;
  auth: Scope;
  group: Route['group'];
  /** Completes "Create a key". */
  whose: string;
  projectOf(request: Pick<RouteRequest<Params>, 'projectId' | 'params'>): string;
  /** What the caller may give to a key. */
  mayGive(request: Rights): Rights;
}

type Params = Record<string, unknown>;
type Rights = Pick<RouteRequest, 'scopes' | 'keyMode'>;

function createDoor(deps: KeyRouteDeps, door: Door): Route[] {
  const { apiKeys } = deps;
  const { auth, group, path, params } = door;
  const onePath = `${path}/{${door.keyParam}}`;
  const oneParams = params.extend(idParam(door.keyParam, 'key').shape);

  async function find(request: Pick<RouteRequest<Params>, 'projectId' | 'params'>) {
    const projectId = door.projectOf(request);
    const id = String(request.params[door.keyParam]);
    const key = isId('apiKey', id) ? await apiKeys.get(projectId, id) : null;
    if (key === null) throw new PosthornError('not_found', `There is no key ${id}.`);
    return key;
  }

  return [
    defineRoute({
      method: 'POST',
      path,
      auth,
      group,
      summary: `Create a key${door.whose}`,
      description:
        'The answer holds the key. It is shown this once: only its hash is stored. A key cannot give scopes that it does not have itself.',
      params,
      body: newKeyBody,
      responses: { 201: { description: 'Created.', schema: newKeySchema } },
      async handle(request) {
        const projectId = door.projectOf(request);
        checkRights(request.body, door.mayGive(request));
        const { record, key } = newKey(deps, projectId, request.body);
        const answer = { status: 201, body: { ...toKeyJson(record), key } };
        await apiKeys.insert(record, request.remember(answer));
        return answer;
      },
      /** The answer holds a key: who may not make it may not have it told again either. */
      async replay(request, kept): Promise<RouteAnswer> {
        door.projectOf(request);
        checkRights(request.body, door.mayGive(request));
        return kept;
      },
    }),
    defineRoute({
      method: 'GET',
      path,
      auth,
      group,
      summary: `List the keys${door.whose}`,
      params,
      query: z.strictObject(pageQuery),
      responses: { 200: { description: 'A page of keys, the newest first.', schema: keyList } },
      async handle(request) {
        const { rows, nextCursor } = await apiKeys.list({
          projectId: door.projectOf(request),
          limit: request.query.limit,
          beforeId: keyOfCursor(request.query.cursor, (key) => isId('apiKey', key)),
        });
        return { status: 200, body: { data: rows.map(toKeyJson), next_cursor: nextCursor } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: onePath,
      auth,
      group,
      summary: `One key${door.whose}`,
      params: oneParams,
      responses: { 200: { description: 'The key.', schema: keySchema } },
      handle: async (request) => ({ status: 200, body: toKeyJson(await find(request)) }),
    }),
    defineRoute({
      method: 'DELETE',
      path: onePath,
      auth,
      group,
      summary: `Revoke a key${door.whose}`,
      description:
        'It is refused from the next request on, and by SMTP from the next message on. A key with the scope admin is revoked only by one that has it too.',
      params: oneParams,
      responses: { 204: { description: 'Revoked.' } },
      async handle(request) {
        const key = await find(request);
        if (key.scopes.includes('admin')) requireScope(request, 'admin');
        await apiKeys.revoke(key.projectId, key.id, deps.now());
        deps.authenticator.forget(key.keyHash);
        return { status: 204 };
      },
    }),
  ];
}

/** Throws `missing_scope` where the body asks for more than the caller may give. */
function checkRights({ scopes, mode }: NewKeyBody, mayGive: Rights): void {
  const { keyMode } = mayGive;
  const missing = scopes.filter((scope) => !mayGive.scopes.includes(scope));
  if (missing.length > 0) {
    const detail = `A key gives only scopes that it has itself: this one has ${listScopes(mayGive.scopes)}, and not ${listScopes(missing)}.`;
    throw new PosthornError('missing_scope', detail);
  }
  // Whose mail is held must not get round it with a key of his own making.
  if (keyMode === 'live' || mode === keyMode) return;
  const detail = `A key of the mode "${keyMode}" makes only keys of that mode.`;
  throw new PosthornError('missing_scope', detail);
}

function newKey(
  deps: Pick<KeyRouteDeps, 'ids' | 'now'>,
  projectId: string,
  body: NewKeyBody,
): { record: ApiKeyRecord; key: string } {
  const nowMs = deps.now();
  const expiresAtMs = body.expires_at == null ? null : Date.parse(body.expires_at);
  if (expiresAtMs !== null && expiresAtMs <= nowMs) {
    const detail = 'This time has passed already; give one to come.';
    const fields = [{ pointer: '/expires_at', detail }];
    throw new PosthornError('invalid_field', `/expires_at: ${detail}`, { fields });
  }
  const id = deps.ids.next('apiKey');
  const { name, scopes, mode } = body;
  const key = generateApiKey();
  const fields = { projectId, id, name, scopes, mode, createdAtMs: nowMs, expiresAtMs };
  return { key, record: toApiKeyRecord(key, fields) };
}
