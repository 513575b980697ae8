import type { Page } from '../../core/cursor.ts';
import type { InboundAction, InboundPattern } from '../../core/mail/inbound-route.ts';
import type { Engine, Statement } from '../engine.ts';
import { readNewestFirst } from '../read-newest-first.ts';
import { toStatement } from '../statement.ts';
import type { InboundRoutesTable } from '../tables.ts';

/** Which mail that comes in a project takes, and what becomes of it. */
export interface InboundRoute {
  projectId: string;
  id: string;
  /** core/mail/inbound-route.ts: `support+*@in.example.com`. One route of a project has it. */
  pattern: string;
  /** What has to be proven. */
  domain: string;
  priority: number;
  action: InboundAction;
  description: string;
  /** Every event of its mail has them. */
  tags: string[];
  version: number;
  createdAtMs: number;
  updatedAtMs: number;
}

export interface InboundRoutes {
  get(projectId: string, id: string): Promise<InboundRoute | null>;
  list(query: {
    projectId: string;
    limit: number;
    beforeId: string | null;
  }): Promise<Page<InboundRoute>>;
  /** Those whose domain is one of these. */
  ofDomains(projectId: string, domains: readonly string[]): Promise<InboundRoute[]>;
  findPattern(projectId: string, given: InboundPattern): Promise<InboundRoute | null>;
  /** Statements that refuse their commit where somebody was faster. */
  insertion(route: InboundRoute): Statement;
  update(before: InboundRoute, route: InboundRoute): Statement;
  removal(route: InboundRoute): Statement;
}

export function createInboundRoutes({ db }: Pick<Engine, 'db'>): InboundRoutes {
  const ofProject = (projectId: string) =>
    db.selectFrom('inbound_routes').selectAll().where('project_id', '=', projectId);
  return {
    async get(projectId, id) {
      const row = await ofProject(projectId).where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    list: ({ projectId, ...page }) => readNewestFirst(ofProject(projectId), page, fromRow),
    async ofDomains(projectId, domains) {
      if (domains.length === 0) return [];
      const rows = await ofProject(projectId)
        .where('domain', 'in', [...domains])
        .execute();
      return rows.map(fromRow);
    },
    async findPattern(projectId, { domain, text }) {
      const row = await ofProject(projectId)
        .where('domain', '=', domain)
        .where('pattern', '=', text)
        .executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    insertion: (route) => toStatement(db.insertInto('inbound_routes').values(toRow(route)), 1),
    update: (before, route) =>
      toStatement(
        db
          .updateTable('inbound_routes')
          .set(toRow(route))
          .where('project_id', '=', route.projectId)
          .where('id', '=', route.id)
          .where('version', '=', before.version),
        1,
      ),
    removal: ({ projectId, id, version }) =>
      toStatement(
        db
          .deleteFrom('inbound_routes')
          .where('project_id', '=', projectId)
          .where('id', '=', id)
          .where('version', '=', version),
        1,
      ),
  };
}

function toRow(route: InboundRoute): InboundRoutesTable {
  return {
    project_id: route.projectId,
    id: route.id,
    pattern: route.pattern,
    domain: route.domain,
    priority: route.priority,
    action: route.action,
    description: route.description,
    tags: JSON.stringify(route.tags),
    version: route.version,
    created_at: route.createdAtMs,
    updated_at: route.updatedAtMs,
  };
}

function fromRow(row: InboundRoutesTable): InboundRoute {
  return {
    projectId: row.project_id,
    id: row.id,
    pattern: row.pattern,
    domain: row.domain,
    priority: row.priority,
    action: row.action,
    description: row.description,
    tags: JSON.parse(row.tags),
    version: row.version,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  };
}
