import { type Page, toPage } from '../../core/cursor.ts';
import type { Stream } from '../../core/mail/streams.ts';
import {
  hashSuppressed,
  type SuppressionReason,
  toSuppressedAddress,
} from '../../core/mail/suppression.ts';
import type { Engine, Statement } from '../engine.ts';
import { readNewestFirst } from '../read-newest-first.ts';
import { toStatement } from '../statement.ts';
import type { SuppressionsTable } from '../tables.ts';

/** An address that gets no mail. */
export interface SuppressionRecord {
  projectId: string;
  id: string;
  /** In lower case, an IDN in ASCII; null once the person was erased. */
  address: string | null;
  /** Null for all streams. */
  stream: Stream | null;
  reason: SuppressionReason;
  /** Who put it there: `posthorn`, `api`, `import`, a provider. */
  source: string;
  note: string | null;
  /** The event that led to it. */
  eventId: string | null;
  createdAtMs: number;
  /** From then on it holds no more; null for ever. */
  expiresAtMs: number | null;
}

export type NewSuppression = SuppressionRecord & { address: string };

/** An address in a stream of a project. */
export interface SuppressedPlace {
  projectId: string;
  address: string;
  stream: Stream | null;
}

/** Entries that have expired are nowhere to be seen, and give way to new ones. */
export interface Suppressions {
  /** Of these addresses those that get no mail in this stream: by address as it was given, why. */
  find(query: {
    projectId: string;
    addresses: readonly string[];
    stream: Stream;
    nowMs: number;
  }): Promise<Map<string, SuppressionRecord>>;
  /** The entry of this address for exactly this stream (null: for all). */
  at(place: SuppressedPlace, nowMs: number): Promise<SuppressionRecord | null>;
  get(projectId: string, id: string, nowMs: number): Promise<SuppressionRecord | null>;
  /** The newest first. */
  list(query: SuppressionQuery): Promise<Page<SuppressionRecord>>;
  /** In the order of their ids, for an export. */
  after(
    projectId: string,
    id: string,
    query: { limit: number; nowMs: number },
  ): Promise<SuppressionRecord[]>;
  count(projectId: string): Promise<number>;
  /** Puts an address on the list unless it is there; `must`: otherwise the commit is refused. */
  insertion(entry: NewSuppression, options?: { must?: boolean }): Statement;
  /** Refuses the commit when it is gone already. */
  removal(projectId: string, id: string): Statement;
  /** Notes a soft bounce of a message to an address, once. */
  softBounce(bounce: SoftBounce & { retainUntilMs: number }): Statement;
  /** Messages that bounced softly since then, without this one, and since the last delivered one. */
  countSoftBounces(bounce: SoftBounce, sinceMs: number): Promise<number>;
}

export interface SoftBounce {
  projectId: string;
  address: string;
  messageKey: string;
  bouncedAtMs: number;
}

export interface SuppressionQuery {
  projectId: string;
  limit: number;
  beforeId: string | null;
  address: string | null;
  reason: SuppressionReason | null;
  source: string | null;
  stream: Stream | 'all' | null;
  nowMs: number;
}

export function createSuppressions(engine: Engine): Suppressions {
  const { db } = engine;
  const valid = (projectId: string, nowMs: number) =>
    db
      .selectFrom('suppressions')
      .selectAll()
      .where('project_id', '=', projectId)
      .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', nowMs)]));

  return {
    async find({ projectId, addresses, stream, nowMs }) {
      const byHash = new Map(addresses.map((one) => [hashSuppressed(projectId, one), one]));
      const rows = await valid(projectId, nowMs)
        .where('address_hash', 'in', [...byHash.keys()])
        .where('stream', 'in', ['', stream])
        .execute();
      return new Map(rows.map((row) => [byHash.get(row.address_hash) ?? '', fromRow(row)]));
    },
    async at({ projectId, address, stream }, nowMs) {
      const row = await valid(projectId, nowMs)
        .where('address_hash', '=', hashSuppressed(projectId, address))
        .where('stream', '=', stream ?? '')
        .executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    async get(projectId, id, nowMs) {
      const row = await valid(projectId, nowMs).where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    async list({ projectId, limit, beforeId, nowMs, ...filter }) {
      let query = valid(projectId, nowMs);
      if (filter.reason !== null) query = query.where('reason', '=', filter.reason);
      if (filter.source !== null) query = query.where('source', '=', filter.source);
      if (filter.stream !== null) {
        query = query.where('stream', '=', filter.stream === 'all' ? '' : filter.stream);
      }
      if (filter.address !== null) {
        // One for each stream, at most: asked for in the order of ids, all entries would be gone through.
        const hash = hashSuppressed(projectId, filter.address);
        const found = await query.where('address_hash', '=', hash).execute();
        const rows = found
          .filter(({ id }) => beforeId === null || id < beforeId)
          .sort((a, b) => (a.id < b.id ? 1 : -1));
        return toPage(rows.slice(0, limit + 1).map(fromRow), limit, (entry) => entry.id);
      }
      return readNewestFirst(query, { limit, beforeId }, fromRow);
    },
    async after(projectId, id, { limit, nowMs }) {
      const rows = await valid(projectId, nowMs)
        .where('id', '>', id)
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(fromRow);
    },
    async count(projectId) {
      const row = await db
        .selectFrom('suppressions')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('project_id', '=', projectId)
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    insertion(entry, { must = false } = {}) {
      const row = toRow(entry);
      const { project_id: _p, address_hash: _a, stream: _s, ...fields } = row;
      const insert = db.insertInto('suppressions').values(row);
      const upsert = insert.onConflict((conflict) =>
        conflict
          .columns(['project_id', 'address_hash', 'stream'])
          .doUpdateSet(fields)
          // An expired entry gives way; one that holds stays as it is.
          .where('suppressions.expires_at', '<=', entry.createdAtMs),
      );
      return toStatement(upsert, must ? 1 : undefined);
    },
    removal: (projectId, id) =>
      toStatement(
        db.deleteFrom('suppressions').where('project_id', '=', projectId).where('id', '=', id),
        1,
      ),
    softBounce: ({ projectId, address, messageKey, bouncedAtMs, retainUntilMs }) =>
      toStatement(
        db
          .insertInto('soft_bounces')
          .values({
            project_id: projectId,
            address_hash: hashSuppressed(projectId, address),
            message_key: messageKey,
            bounced_at: bouncedAtMs,
            retain_until: retainUntilMs,
          })
          .onConflict((conflict) => conflict.doNothing()),
      ),
    async countSoftBounces({ projectId, address, messageKey }, sinceMs) {
      const reached = await db
        .selectFrom('recipient_states')
        .select((eb) => eb.fn.max('state_at').as('at'))
        .where('project_id', '=', projectId)
        .where('recipient', '=', address)
        .where('state', '=', 'delivered')
        .executeTakeFirst();
      const row = await db
        .selectFrom('soft_bounces')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('project_id', '=', projectId)
        .where('address_hash', '=', hashSuppressed(projectId, address))
        .where('message_key', '<>', messageKey)
        .where('bounced_at', '>', Math.max(sinceMs, Number(reached?.at ?? 0)))
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
  };
}

function toRow(entry: NewSuppression): SuppressionsTable {
  return {
    project_id: entry.projectId,
    address_hash: hashSuppressed(entry.projectId, entry.address),
    stream: entry.stream ?? '',
    id: entry.id,
    address: toSuppressedAddress(entry.address),
    reason: entry.reason,
    source: entry.source,
    note: entry.note,
    event_id: entry.eventId,
    created_at: entry.createdAtMs,
    expires_at: entry.expiresAtMs,
  };
}

function fromRow(row: SuppressionsTable): SuppressionRecord {
  return {
    projectId: row.project_id,
    id: row.id,
    address: row.address,
    stream: row.stream === '' ? null : row.stream,
    reason: row.reason,
    source: row.source,
    note: row.note,
    eventId: row.event_id,
    createdAtMs: row.created_at,
    expiresAtMs: row.expires_at,
  };
}
