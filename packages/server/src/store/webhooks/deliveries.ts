import { sql } from 'kysely';
import { encodeCursor, type Page, toPage } from '../../core/cursor.ts';
import { URGENCIES, type Urgency } from '../../core/events/urgency.ts';
import type { Engine, Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';
import type { AttemptsTable, DeliveriesTable } from '../tables.ts';
import {
  type DeliveryFilter,
  type DeliveryKey,
  keyOf,
} from './delivery-queries/delivery-filter.ts';
import { requeueStatements } from './delivery-queries/requeue-deliveries.ts';
import { createDeliveryScan, type DeliveryScan } from './delivery-queries/scan-deliveries.ts';

export interface DeliveryQuery extends DeliveryFilter {
  limit: number;
  beforeId: DeliveryKey | null;
}

export interface DueDelivery {
  projectId: string;
  endpointId: string;
  urgency: Urgency;
  dueAtMs: number;
}

export interface Deliveries {
  /**
   * The newest first. A page may have fewer rows than asked for, or none, and still lead to a next
   * one: a filter that no index knows looks at a bounded number of deliveries a page.
   */
  list(query: DeliveryQuery): Promise<Page<DeliveriesTable>>;
  scan: DeliveryScan;
  get(projectId: string, eventId: string, endpointId: string): Promise<DeliveriesTable | null>;
  ofEvents(projectId: string, eventIds: readonly string[]): Promise<DeliveriesTable[]>;
  /** All attempts of these events, in the order of time within each event. */
  attempts(projectId: string, eventIds: readonly string[]): Promise<AttemptsTable[]>;
  /**
   * Makes a delivery due now, whatever became of it before; its earlier attempts stay on record. One
   * that had ended goes without regard to order: the line that it stood in has gone on. One that
   * stands in line stays there. Rejects with StoreConflict while a node holds it, since an attempt is
   * under way then.
   */
  requeue(
    key: DeliveryKey & { projectId: string },
    nowMs: number,
    beside: readonly Statement[],
  ): Promise<void>;
  /**
   * The same for many, as statements, and for events that were never owed. Those that want order
   * stand in line again, at their place. What a node holds is left as it is.
   */
  requeueStatements(input: Parameters<typeof requeueStatements>[1]): Statement[];
  /**
   * Gives leased deliveries back to the store unchanged: `due` now, or `inLine` behind an earlier one
   * of their orderKey. What the node believes of the line may have changed meanwhile, so the store
   * decides: one that is first is due, one that is not stands in line.
   */
  release(
    from: { projectId: string; endpointId: string; node: string; nowMs: number },
    given: { due: readonly string[]; inLine: readonly string[] },
  ): Promise<void>;
  /** Ends up to `limit` waiting deliveries of a deleted endpoint; returns whether more are left. */
  cancelWaiting(
    projectId: string,
    endpointId: string,
    nowMs: number,
    limit: number,
  ): Promise<{ more: boolean }>;
  /** When the next delivery of each endpoint and urgency is due, by two seeks in an index for each. */
  nextDue(): Promise<DueDelivery[]>;
  /** How many deliveries wait in the store, of all projects (what nodes hold is not counted). */
  waiting(): Promise<number>;
}

/** How many windows of SCAN_ROWS (4 to 15 ms each) a page looks at before it sends the caller on to the next one. */
const SCANS_PER_PAGE = 30;

export function createDeliveries(engine: Engine): Deliveries {
  const { db } = engine;
  const scan = createDeliveryScan(db);
  const listing = createDeliveryScan(engine.lists);
  return {
    scan,
    async list({ limit, beforeId, ...filter }) {
      const live = await listing.live(filter, beforeId, limit + 1);
      if (live !== null) return toPage(live, limit, pageKey);
      const found: DeliveriesTable[] = [];
      let from = beforeId;
      for (let step = 0; step < SCANS_PER_PAGE; step++) {
        const wanted = { direction: 'desc', limit: limit + 1 - found.length } as const;
        const { rows, last } = await listing.rows(filter, from, wanted);
        found.push(...rows);
        if (found.length > limit || last === null) return toPage(found, limit, pageKey);
        from = last;
      }
      const nextCursor = from === null ? null : encodeCursor(`${from.eventId}/${from.endpointId}`);
      return { rows: found, nextCursor };
    },
    async get(projectId, eventId, endpointId) {
      const row = await db
        .selectFrom('deliveries')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('event_id', '=', eventId)
        .where('endpoint_id', '=', endpointId)
        .executeTakeFirst();
      return row ?? null;
    },
    ofEvents: async (projectId, eventIds) =>
      eventIds.length === 0
        ? []
        : db
            .selectFrom('deliveries')
            .selectAll()
            .where('project_id', '=', projectId)
            .where('event_id', 'in', eventIds)
            .orderBy('event_id')
            .orderBy('endpoint_id')
            .execute(),
    async attempts(projectId, eventIds) {
      if (eventIds.length === 0) return [];
      const earlier = db
        .selectFrom('attempts')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('event_id', 'in', eventIds)
        .execute();
      const latest = db
        .selectFrom('deliveries')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('event_id', 'in', eventIds)
        .where('attempt_id', 'is not', null)
        .execute();
      const rows = [...(await earlier), ...(await latest).map(toLatestAttempt)];
      // Ids are time-ordered; an attempt of a node that had lost its lease has its place among them.
      return rows.sort((a, b) => compare(a.event_id, b.event_id) || compare(a.id, b.id));
    },
    async requeue(key, nowMs, beside) {
      const update = db
        .updateTable('deliveries')
        .set((eb) => {
          const isPending = eb('state', '=', 'pending');
          const isInLine = eb.and([isPending, eb('due_at', 'is', null)]);
          return {
            state: 'pending',
            failures: 0,
            due_at: eb.case().when(isInLine).then(null).else(asTime(nowMs)).end(),
            ended_at: null,
            order_key: eb.case().when(isPending).then(eb.ref('order_key')).else(null).end(),
            position: eb.case().when(isPending).then(eb.ref('position')).else(null).end(),
          };
        })
        .where('project_id', '=', key.projectId)
        .where('event_id', '=', key.eventId)
        .where('endpoint_id', '=', key.endpointId)
        .where('node', 'is', null);
      const requeued = { ...toStatement(update, 1), lines: [key] };
      await engine.commit({ events: [], statements: [requeued, ...beside] });
    },
    requeueStatements: (input) => requeueStatements(db, input),
    async release({ projectId, endpointId, node, nowMs }, { due, inLine }) {
      const eventIds = [...due, ...inLine];
      if (eventIds.length === 0) return;
      const update = db
        .updateTable('deliveries as d')
        .set((eb) => {
          const earlier = eb
            .selectFrom('deliveries as x')
            .select('x.event_id')
            .whereRef('x.project_id', '=', 'd.project_id')
            .whereRef('x.endpoint_id', '=', 'd.endpoint_id')
            .whereRef('x.order_key', '=', 'd.order_key')
            .where('x.state', '=', 'pending')
            .whereRef('x.position', '<', 'd.position');
          const dueAt = eb.case().when(eb.exists(earlier)).then(null).else(asTime(nowMs)).end();
          return { node: null, due_at: dueAt };
        })
        .where('project_id', '=', projectId)
        .where('endpoint_id', '=', endpointId)
        .where('event_id', 'in', eventIds)
        .where('node', '=', node);
      const lines = [{ projectId, endpointId }];
      const released = { ...toStatement(update), lines, signal: 'work' as const };
      await engine.commit({ events: [], statements: [released] });
    },
    async cancelWaiting(projectId, endpointId, nowMs, limit) {
      const waiting = db
        .selectFrom('deliveries')
        .select('event_id')
        .where('project_id', '=', projectId)
        .where('endpoint_id', '=', endpointId)
        .where('state', '=', 'pending')
        .where('node', 'is', null)
        .limit(limit);
      // Each in the order of its index.
      const due = await waiting
        .where('due_at', 'is not', null)
        .orderBy('urgency')
        .orderBy('due_at')
        .execute();
      const inLine = await waiting
        .where('order_key', 'is not', null)
        .where('due_at', 'is', null)
        .orderBy('order_key')
        .orderBy('position')
        .execute();
      // Those in line first: a line whose first were canceled alone would stand still.
      const rows = [...inLine, ...due].slice(0, limit);
      if (rows.length === 0) return { more: false };
      const update = db
        .updateTable('deliveries')
        .set({ state: 'canceled', due_at: null, ended_at: nowMs })
        .where('project_id', '=', projectId)
        .where('endpoint_id', '=', endpointId)
        .where(
          'event_id',
          'in',
          rows.map((row) => row.event_id),
        )
        .where('state', '=', 'pending')
        .where('node', 'is', null);
      const canceled = { ...toStatement(update), lines: [{ projectId, endpointId }] };
      await engine.commit({ events: [], statements: [canceled] });
      return { more: rows.length === limit };
    },
    async nextDue() {
      const rows = await db
        .selectFrom('endpoints as e')
        .where('e.deleted_at', 'is', null)
        .where('e.status', '=', 'enabled')
        .select(({ selectFrom }) => {
          const first = (urgency: Urgency) =>
            selectFrom('deliveries as d')
              .whereRef('d.project_id', '=', 'e.project_id')
              .whereRef('d.endpoint_id', '=', 'e.id')
              .where('d.urgency', '=', urgency)
              .where('d.state', '=', 'pending')
              .where('d.node', 'is', null)
              .where('d.due_at', 'is not', null)
              .orderBy('d.due_at')
              .limit(1)
              .select('d.due_at');
          return ['e.project_id', 'e.id', first(0).as('u0'), first(1).as('u1'), first(2).as('u2')];
        })
        .execute();
      return rows.flatMap(({ project_id: projectId, id: endpointId, u0, u1, u2 }) =>
        URGENCIES.flatMap((urgency): DueDelivery[] => {
          const dueAt = [u0, u1, u2][urgency];
          return dueAt == null ? [] : [{ projectId, endpointId, urgency, dueAtMs: Number(dueAt) }];
        }),
      );
    },
    async waiting() {
      const waiting = db
        .selectFrom('deliveries')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('state', '=', 'pending')
        .where('node', 'is', null);
      const due = waiting.where('due_at', 'is not', null);
      const inLine = waiting.where('order_key', 'is not', null).where('due_at', 'is', null);
      const counts = [await due.executeTakeFirstOrThrow(), await inLine.executeTakeFirstOrThrow()];
      return counts.reduce((sum, { count }) => sum + Number(count), 0);
    },
  };
}

/** A parameter among the results of a CASE has no type of its own; PostgreSQL would take it for text. */
const asTime = (ms: number) => sql<number | null>`cast(${ms} as bigint)`;

function pageKey(row: DeliveriesTable): string {
  const { eventId, endpointId } = keyOf(row);
  return `${eventId}/${endpointId}`;
}

function toLatestAttempt(row: DeliveriesTable): AttemptsTable {
  return {
    project_id: row.project_id,
    event_id: row.event_id,
    endpoint_id: row.endpoint_id,
    id: row.attempt_id ?? '',
    number: row.attempts,
    started_at: row.attempt_started_at ?? 0,
    latency_ms: row.attempt_latency_ms ?? 0,
    status: row.last_status,
    error_code: row.last_error,
    error_detail: row.last_error_detail,
    response_excerpt: row.last_response_excerpt,
    trace: row.last_trace,
    retain_until: row.retain_until,
  };
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
