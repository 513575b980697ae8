import type { Ids } from '../../core/ids.ts';
import type { AuditEntry, AuditLog } from '../../store/access/audit-log.ts';
import type { UserRecord } from '../../store/access/users.ts';
import type { Statement } from '../../store/engine.ts';

/** Who did it, and from where. */
export interface Actor {
  user: Pick<UserRecord, 'id' | 'email'>;
  /** Their IP address. */
  remoteAddress: string;
}

/** What is done in the portal itself; what is done by /v1 is noted as its route. */
export type PortalAction =
  | 'owner.created'
  | 'session.opened'
  | 'user.invited'
  | 'invitation.withdrawn'
  | 'user.joined'
  | 'user.changed'
  | 'user.disabled'
  | 'user.enabled'
  | 'user.removed'
  | 'user.second_factor_reset'
  | 'account.renamed'
  | 'account.password_changed'
  | 'account.oidc_linked'
  | 'account.second_factor_enabled'
  | 'account.second_factor_disabled';

/** Notes who changed what in the portal. */
export interface Audit {
  /** For the commit of what it notes. `target`: the id or address of what was changed. */
  noting(actor: Actor, action: PortalAction, target?: string): Statement;
  /** A change by /v1: `route` as in the API's reference, `DELETE /v1/endpoints/{id}`. */
  noteRoute(
    actor: Actor,
    change: { route: string; projectId: string; target: string | null },
  ): Promise<void>;
}

export function createAudit(options: {
  audit: Pick<AuditLog, 'insertion' | 'insert'>;
  ids: Ids;
  now: () => number;
  retentionMs: number;
}): Audit {
  const { audit, ids, now } = options;
  function entryOf(
    { user, remoteAddress }: Actor,
    what: Pick<AuditEntry, 'action' | 'projectId' | 'target'>,
  ): AuditEntry {
    const createdAtMs = now();
    return {
      id: ids.next('auditEntry'),
      userId: user.id,
      userEmail: user.email,
      remoteAddress,
      ...what,
      createdAtMs,
      retainUntilMs: createdAtMs + options.retentionMs,
    };
  }
  return {
    noting: (actor, action, target) =>
      audit.insertion(entryOf(actor, { action, projectId: null, target: target ?? null })),
    noteRoute: (actor, { route, projectId, target }) =>
      audit.insert(entryOf(actor, { action: route, projectId, target })),
  };
}
