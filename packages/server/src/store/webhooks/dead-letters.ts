import type { Engine } from '../engine.ts';
import { toStatement } from '../statement.ts';
import { comparesTo, type DeliveryKey, keyOf } from './delivery-queries/delivery-filter.ts';

/** Deliveries that an endpoint was given up on for the same reason. */
export interface DeadGroup {
  endpointId: string;
  /** Of the latest attempt. */
  errorCode: string | null;
  count: number;
  /** Their ids begin with the time that they were taken. */
  firstEventId: string;
  lastEventId: string;
}

export interface DeadLetters {
  /** The newest `limit` of a project by endpoint and reason; the largest group first. */
  groups(projectId: string, limit: number): Promise<{ groups: DeadGroup[]; isAtLeast: boolean }>;
  /**
   * Ends up to `limit` of them as canceled: nobody wants them any more. `more`: there are others.
   */
  drop(
    which: { projectId: string; endpointId: string; errorCode: string | null; nowMs: number },
    limit: number,
  ): Promise<{ dropped: number; more: boolean }>;
}

/** How many are looked at in one question. */
const WINDOW_ROWS = 5_000;
/** What one commit takes on; larger ones hold up others behind them. */
const DROP_STEP = 500;

/**
 * Read along the index of the dead letters, which holds nothing else: the cost follows their number, not that
 * of all deliveries.
 */
export function createDeadLetters(engine: Engine): DeadLetters {
  const { db, lists } = engine;
  const dead = (from: typeof db, projectId: string) =>
    from
      .selectFrom('deliveries')
      .where('project_id', '=', projectId)
      .where('state', '=', 'dead')
      .orderBy('event_id', 'desc');
  /** Those behind `from`, whichever endpoint they are of: a planner would go through all that one ever had. */
  function readWindow(projectId: string, from: DeliveryKey | null) {
    let select = dead(db, projectId);
    if (from !== null) select = select.where(comparesTo(from, '<'));
    return select
      .select(['event_id', 'endpoint_id', 'last_error'])
      .orderBy('endpoint_id', 'desc')
      .limit(WINDOW_ROWS)
      .execute();
  }
  function cancellation(which: {
    projectId: string;
    endpointId: string;
    eventIds: readonly string[];
    nowMs: number;
  }) {
    return toStatement(
      db
        .updateTable('deliveries')
        .set({ state: 'canceled', ended_at: which.nowMs })
        .where('project_id', '=', which.projectId)
        .where('endpoint_id', '=', which.endpointId)
        .where('event_id', 'in', which.eventIds)
        .where('state', '=', 'dead'),
    );
  }
  return {
    async groups(projectId, limit) {
      const newest = dead(lists, projectId)
        .select(['event_id', 'endpoint_id', 'last_error'])
        .limit(limit)
        .as('newest');
      const rows = await lists
        .selectFrom(newest)
        .select((eb) => [
          'endpoint_id as endpointId',
          'last_error as errorCode',
          eb.fn.countAll<number>().as('count'),
          eb.fn.min('event_id').as('firstEventId'),
          eb.fn.max('event_id').as('lastEventId'),
        ])
        .groupBy(['endpoint_id', 'last_error'])
        .execute();
      const groups = rows.map((row) => ({
        endpointId: row.endpointId,
        errorCode: row.errorCode,
        count: Number(row.count),
        firstEventId: String(row.firstEventId),
        lastEventId: String(row.lastEventId),
      }));
      const counted = groups.reduce((sum, { count }) => sum + count, 0);
      return {
        groups: groups.sort(
          (a, b) => b.count - a.count || (a.lastEventId < b.lastEventId ? 1 : -1),
        ),
        isAtLeast: counted === limit,
      };
    },
    async drop({ projectId, endpointId, errorCode, nowMs }, limit) {
      let dropped = 0;
      let from: DeliveryKey | null = null;
      for (;;) {
        const window = await readWindow(projectId, from);
        const meant = window.filter(
          (row) =>
            row.endpoint_id === endpointId && (errorCode === null || row.last_error === errorCode),
        );
        const some = meant.slice(0, limit - dropped).map((row) => row.event_id);
        for (let i = 0; i < some.length; i += DROP_STEP) {
          const eventIds = some.slice(i, i + DROP_STEP);
          await engine.commit({
            events: [],
            statements: [cancellation({ projectId, endpointId, eventIds, nowMs })],
          });
        }
        dropped += some.length;
        const last = window.at(-1);
        if (meant.length > some.length) return { dropped, more: true };
        if (last === undefined || window.length < WINDOW_ROWS) return { dropped, more: false };
        from = keyOf(last);
      }
    },
  };
}
