import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { isId } from '../../core/ids.ts';
import { ROLES } from '../../core/roles.ts';
import { toTimestamp } from '../../lib/clock.ts';
import type { AuditEntry, AuditLog } from '../../store/access/audit-log.ts';
import type { InvitationRecord, Invitations } from '../../store/access/invitations.ts';
import type { UserRecord, Users } from '../../store/access/users.ts';
import type { ProjectDirectory } from '../../store/project-directory.ts';
import { refuseField } from '../api/filters.ts';
import { keyOfCursor, lineOf, pageQuery } from '../api/schemas.ts';
import { checkInput } from '../check-input.ts';
import { clientOf } from '../client-address.ts';
import type { Audit } from './audit.ts';
import type { PortalDoor } from './portal-door.ts';
import type { SecondFactors } from './second-factor.ts';
import type { SessionService } from './sign-in.ts';
import type { UserAccounts } from './user-accounts.ts';

/** Tells somebody of their invitation. Resolves with whether the mail is on its way. */
export type SendInvitation = (mail: {
  projectId: string;
  to: string;
  inviter: string;
  path: string;
}) => Promise<boolean>;

export const emailSchema = z.email('Enter an email address, such as anna@example.com.').max(254);
export const nameSchema = lineOf(100).min(1, 'Enter a name.');

const projectIds = z
  .array(z.string().max(100))
  .min(1, 'Name at least one project, or null for all.')
  .max(1_000)
  .nullable();
const inviteBody = z.strictObject({
  email: emailSchema,
  role: z.enum(ROLES),
  project_ids: projectIds.default(null),
});
const changeBody = z
  .strictObject({ role: z.enum(ROLES), project_ids: projectIds, is_disabled: z.boolean() })
  .partial()
  .refine((body) => Object.keys(body).length > 0, 'Name at least one field to change.');
const tokenField = { token: z.string().max(200) };
const acceptBody = z.strictObject({
  ...tokenField,
  name: nameSchema,
  password: z.string().max(1_024),
});

/** The users of the server for its owners, and how one becomes a user. */
export function addUserRoutes(
  app: FastifyInstance,
  deps: {
    door: PortalDoor;
    service: Pick<SessionService, 'open'>;
    accounts: UserAccounts;
    users: Pick<Users, 'all'>;
    invitations: Pick<Invitations, 'list'>;
    audit: Pick<Audit, 'noting'>;
    auditLog: Pick<AuditLog, 'list'>;
    secondFactors: Pick<SecondFactors, 'disable'>;
    takeAddress(remoteAddress: string): void;
    projects: Pick<ProjectDirectory, 'all' | 'find'>;
    sendInvitation: SendInvitation;
    now(): number;
  },
): void {
  const { door, accounts, audit, now } = deps;

  function checkProjects(ids: readonly string[] | null | undefined): void {
    ids?.forEach((id, i) => {
      if (deps.projects.find(id) === null) {
        refuseField(`/project_ids/${i}`, `There is no project ${id}.`);
      }
    });
  }

  app.get('/portal/api/users', async (request, reply) => {
    await door.admitOwner(request);
    const [users, invitations] = await Promise.all([deps.users.all(), deps.invitations.list()]);
    return reply.send({
      users: users.map(toUserJson),
      invitations: invitations.map((one) => toInvitationJson(one, now())),
    });
  });
  app.patch<{ Params: { id: string } }>('/portal/api/users/:id', async (request, reply) => {
    const visitor = await door.admitOwner(request);
    const body = checkInput(changeBody, request.body, '/');
    checkProjects(body.project_ids);
    const user = await accounts.find(request.params.id);
    const { role = user.role, project_ids = user.projectIds, is_disabled } = body;
    const disabledAtMs =
      is_disabled === undefined
        ? user.disabledAtMs
        : is_disabled
          ? (user.disabledAtMs ?? now())
          : null;
    const rights = { role, projectIds: project_ids, disabledAtMs };
    return reply.send(toUserJson(await accounts.changeRights(visitor, user, rights)));
  });
  app.delete<{ Params: { id: string } }>('/portal/api/users/:id', async (request, reply) => {
    const visitor = await door.admitOwner(request);
    await accounts.remove(visitor, await accounts.find(request.params.id));
    return reply.code(204).send();
  });
  app.delete<{ Params: { id: string } }>('/portal/api/users/:id/totp', async (request, reply) => {
    const visitor = await door.admitOwner(request);
    const { id } = await accounts.find(request.params.id);
    await deps.secondFactors.disable(id, [audit.noting(visitor, 'user.second_factor_reset', id)]);
    return reply.code(204).send();
  });

  app.post('/portal/api/invitations', async (request, reply) => {
    const visitor = await door.admitOwner(request);
    const body = checkInput(inviteBody, request.body, '/');
    checkProjects(body.project_ids);
    const fields = { email: body.email, role: body.role, projectIds: body.project_ids };
    const { invitation, token } = await accounts.invite(visitor, fields);
    // In the fragment, which no browser sends and no server logs.
    const path = `/portal/invitation#${token}`;
    const project = body.project_ids?.[0] ?? deps.projects.all()[0]?.id;
    const isMailed =
      project !== undefined &&
      (await deps.sendInvitation({
        projectId: project,
        to: invitation.email,
        inviter: visitor.user.name || visitor.user.email,
        path,
      }));
    const answer = { ...toInvitationJson(invitation, now()), path, is_mailed: isMailed };
    return reply.code(201).send(answer);
  });
  app.delete<{ Params: { id: string } }>('/portal/api/invitations/:id', async (request, reply) => {
    const visitor = await door.admitOwner(request);
    await accounts.withdraw(visitor, request.params.id);
    return reply.code(204).send();
  });
  app.post('/portal/api/invitations/look', async (request, reply) => {
    deps.takeAddress(clientOf(request));
    const { token } = checkInput(z.strictObject(tokenField), request.body, '/');
    const { email, role } = await accounts.readInvitation(token);
    return reply.send({ email, role });
  });
  app.post('/portal/api/invitations/accept', async (request, reply) => {
    deps.takeAddress(clientOf(request));
    const { token, name, password } = checkInput(acceptBody, request.body, '/');
    const remoteAddress = clientOf(request);
    const user = await accounts.accept(token, { name, password, remoteAddress });
    return door.welcome(reply, await deps.service.open(user, remoteAddress));
  });

  app.get('/portal/api/audit', async (request, reply) => {
    await door.admitOwner(request);
    const { limit, cursor } = checkInput(z.strictObject(pageQuery), request.query, '?');
    const beforeId = keyOfCursor(cursor, (key) => isId('auditEntry', key));
    const { rows, nextCursor } = await deps.auditLog.list({ limit, beforeId });
    return reply.send({ data: rows.map(toEntryJson), next_cursor: nextCursor });
  });
}

function toUserJson(user: UserRecord) {
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    role: user.role,
    project_ids: user.projectIds,
    has_totp: user.totp !== null,
    is_disabled: user.disabledAtMs !== null,
    created_at: toTimestamp(user.createdAtMs),
  };
}

function toInvitationJson(invitation: InvitationRecord, nowMs: number) {
  return {
    id: invitation.id,
    email: invitation.email,
    role: invitation.role,
    project_ids: invitation.projectIds,
    created_at: toTimestamp(invitation.createdAtMs),
    expires_at: toTimestamp(invitation.expiresAtMs),
    is_expired: invitation.expiresAtMs <= nowMs,
  };
}

function toEntryJson(entry: AuditEntry) {
  return {
    id: entry.id,
    user_id: entry.userId,
    user_email: entry.userEmail,
    remote_address: entry.remoteAddress,
    action: entry.action,
    project_id: entry.projectId,
    target: entry.target,
    created_at: toTimestamp(entry.createdAtMs),
  };
}
