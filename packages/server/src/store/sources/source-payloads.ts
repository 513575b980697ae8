import type { DecodedMark, SourcePayload } from '../../core/source.ts';
import type { Engine, Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';
import type { SourcePayloadsTable } from '../tables.ts';

/** Webhooks as they came in. */
export interface SourcePayloads {
  /** Goes into the commit of its events. The same request is kept once. */
  insertion(payload: SourcePayload): Statement;
  get(projectId: string, id: string): Promise<SourcePayload | null>;
  /** The next ones in the order in which they came. */
  walk(query: PayloadWalk): Promise<SourcePayload[]>;
  /** How many such a walk would find. */
  count(query: Omit<PayloadWalk, 'afterId' | 'limit'>): Promise<number>;
  /** Says anew what was made of it. */
  marking(
    payload: Pick<SourcePayload, 'projectId' | 'id' | 'recipients'>,
    decoded: readonly DecodedMark[],
  ): Statement;
}

export interface PayloadWalk {
  projectId: string;
  /** Null for all sources. */
  sourceId: string | null;
  /** Bounds of the id: from inclusive, to exclusive. */
  fromId: string | null;
  toId: string;
  afterId: string | null;
  limit: number;
}

export function createSourcePayloads(engine: Engine): SourcePayloads {
  const { db } = engine;
  function within({ projectId, sourceId, fromId, toId }: Omit<PayloadWalk, 'afterId' | 'limit'>) {
    let query = db
      .selectFrom('source_payloads')
      .where('project_id', '=', projectId)
      .where('id', '<', toId);
    if (sourceId !== null) query = query.where('source_id', '=', sourceId);
    if (fromId !== null) query = query.where('id', '>=', fromId);
    return query;
  }
  return {
    insertion: (payload) =>
      toStatement(
        db
          .insertInto('source_payloads')
          .values(toRow(payload))
          .onConflict((one) => one.columns(['project_id', 'source_id', 'digest']).doNothing()),
      ),
    async get(projectId, id) {
      const row = await db
        .selectFrom('source_payloads')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    async walk(query) {
      let found = within(query).selectAll();
      if (query.afterId !== null) found = found.where('id', '>', query.afterId);
      const rows = await found.orderBy('id').limit(query.limit).execute();
      return rows.map(fromRow);
    },
    async count(query) {
      const row = await within(query)
        .select((eb) => eb.fn.countAll().as('count'))
        .executeTakeFirst();
      return Number(row?.count ?? 0);
    },
    marking: ({ projectId, id, recipients }, decoded) =>
      toStatement(
        db
          .updateTable('source_payloads')
          .set({ decoded: JSON.stringify(decoded), recipients: JSON.stringify(recipients) })
          .where('project_id', '=', projectId)
          .where('id', '=', id),
      ),
  };
}

function toRow(payload: SourcePayload): SourcePayloadsTable {
  return {
    project_id: payload.projectId,
    id: payload.id,
    source_id: payload.sourceId,
    received_at: payload.receivedAtMs,
    request: JSON.stringify(payload.request),
    encoding: payload.encoding,
    body: payload.body,
    digest: payload.digest,
    recipients: JSON.stringify(payload.recipients),
    decoded: JSON.stringify(payload.decoded),
    retain_until: payload.retainUntilMs,
  };
}

function fromRow(row: SourcePayloadsTable): SourcePayload {
  return {
    projectId: row.project_id,
    id: row.id,
    sourceId: row.source_id,
    receivedAtMs: row.received_at,
    request: JSON.parse(row.request),
    encoding: row.encoding,
    body: row.body,
    digest: row.digest,
    recipients: JSON.parse(row.recipients),
    decoded: JSON.parse(row.decoded),
    retainUntilMs: row.retain_until,
  };
}
