import { type Page, toPage } from '../../core/cursor.ts';
import {
  NEW_PLACE,
  type SinkLane,
  type SinkPlace,
  type SinkRecord,
  type SinkRefusal,
  type SinkTroubleNote,
} from '../../core/sink.ts';
import type { Engine, Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';
import type { SinkPlacesTable } from '../tables.ts';

type SinkKey = Pick<SinkRecord, 'projectId' | 'id'>;
type LaneKey = SinkKey & { lane: SinkLane };

export interface StoredRefusal extends SinkRefusal {
  atMs: number;
}

/** How far each sink has come in the log, and which events it would not take. */
export interface SinkPlaces {
  /** Null where this lane is not under way. */
  get(lane: LaneKey): Promise<SinkPlace | null>;
  /** Of several sinks of a project, both lanes. */
  of(projectId: string, ids: readonly string[]): Promise<(LaneKey & { place: SinkPlace })[]>;
  /**
   * A part of the log is done: everything behind `from` up to `to`. Rejects with StoreConflict when the
   * lane does not stand at `from` any more, because another node has gone on with it.
   */
  advance(
    lane: LaneKey,
    step: {
      from: number;
      to: number;
      sent: number;
      refusals: readonly SinkRefusal[];
      nowMs: number;
      /** How long a refused event is kept for a person to see. */
      retainUntilMs: number;
    },
  ): Promise<void>;
  /** A batch failed as a whole, and comes again at `retryAtMs`. */
  fail(
    lane: LaneKey,
    trouble: { from: number; failures: number; failingSinceMs: number; retryAtMs: number } & {
      note: SinkTroubleNote;
    },
  ): Promise<void>;
  /** Sends a part of the past once more, in place of one that is under way. */
  backfill(sink: SinkKey, part: { afterPosition: number; untilPosition: number }): Promise<void>;
  /** The backfill is over, or was stopped. */
  end(sink: SinkKey): Promise<void>;
  /** What the sink would not take, the newest first. */
  refusals(query: {
    projectId: string;
    sinkId: string;
    limit: number;
    beforeId: string | null;
  }): Promise<Page<StoredRefusal>>;
  /**
   * How many of them came since then, counted up to `limit`. What alerts say is left out: an alert that many are
   * refused would be refused as well, and fire the next one for ever.
   */
  refusedSince(query: {
    projectId: string;
    sinkId: string;
    sinceMs: number;
    limit: number;
  }): Promise<number>;
  /** They were sent once more, and refused with another reason. */
  refuseAgain(sink: SinkKey, refusals: readonly SinkRefusal[], nowMs: number): Promise<void>;
  /** They were taken after all: the sink refuses no longer. */
  take(sink: SinkKey, eventIds: readonly string[]): Promise<void>;
  /** Nobody wants them any more. */
  forget(sink: SinkKey, eventIds: readonly string[]): Promise<void>;
}

export function createSinkPlaces(engine: Engine): SinkPlaces {
  const { db } = engine;
  const commit = async (...statements: Statement[]): Promise<void> => {
    await engine.commit({ events: [], statements });
  };
  const at = ({ projectId, id, lane }: LaneKey) =>
    db
      .updateTable('sink_places')
      .where('project_id', '=', projectId)
      .where('sink_id', '=', id)
      .where('lane', '=', lane);
  const backfillOf = ({ projectId, id }: SinkKey) =>
    toStatement(
      db
        .deleteFrom('sink_places')
        .where('project_id', '=', projectId)
        .where('sink_id', '=', id)
        .where('lane', '=', 'backfill'),
    );
  const withdraw = ({ projectId, id }: SinkKey, eventIds: readonly string[]) =>
    toStatement(
      db
        .deleteFrom('sink_refusals')
        .where('project_id', '=', projectId)
        .where('sink_id', '=', id)
        .where('event_id', 'in', eventIds),
    );
  return {
    async get({ projectId, id, lane }) {
      const row = await db
        .selectFrom('sink_places')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('sink_id', '=', id)
        .where('lane', '=', lane)
        .executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    async of(projectId, ids) {
      if (ids.length === 0) return [];
      const rows = await db
        .selectFrom('sink_places')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('sink_id', 'in', ids)
        .execute();
      return rows.map((row) => ({
        projectId: row.project_id,
        id: row.sink_id,
        lane: row.lane,
        place: fromRow(row),
      }));
    },
    advance(lane, { from, to, sent, refusals, nowMs, retainUntilMs }) {
      const moved = at(lane)
        .set((eb) => ({
          position: to,
          sent: eb('sent', '+', sent),
          refused: eb('refused', '+', refusals.length),
          failures: 0,
          failing_since: null,
          last_error: null,
          retry_at: null,
          ...(sent > 0 ? { last_sent_at: nowMs, refusing_since: null } : {}),
          ...(sent === 0 && refusals.length > 0
            ? { refusing_since: eb.fn.coalesce('refusing_since', eb.val(nowMs)) }
            : {}),
        }))
        .where('position', '=', from);
      const aside = refusals.map(({ eventId, code, detail }) =>
        toStatement(
          db
            .insertInto('sink_refusals')
            .values({
              project_id: lane.projectId,
              sink_id: lane.id,
              event_id: eventId,
              code,
              detail,
              refused_at: nowMs,
              retain_until: retainUntilMs,
            })
            .onConflict((row) =>
              row
                .columns(['project_id', 'sink_id', 'event_id'])
                .doUpdateSet({ code, detail, refused_at: nowMs, retain_until: retainUntilMs }),
            ),
        ),
      );
      return commit(toStatement(moved, 1), ...aside);
    },
    fail: (lane, { from, failures, failingSinceMs, retryAtMs, note }) =>
      commit(
        toStatement(
          at(lane)
            .set({
              failures,
              failing_since: failingSinceMs,
              retry_at: retryAtMs,
              last_error: JSON.stringify(note),
            })
            .where('position', '=', from),
          1,
        ),
      ),
    backfill: (sink, part) =>
      commit(backfillOf(sink), beginPlace(engine, sink, { lane: 'backfill', ...part })),
    end: (sink) => commit(backfillOf(sink)),
    async refusals({ projectId, sinkId, limit, beforeId }) {
      let query = db
        .selectFrom('sink_refusals')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('sink_id', '=', sinkId);
      if (beforeId !== null) query = query.where('event_id', '<', beforeId);
      const rows = await query
        .orderBy('event_id', 'desc')
        .limit(limit + 1)
        .execute();
      const found = rows.map((row) => ({
        eventId: row.event_id,
        code: row.code,
        detail: row.detail,
        atMs: row.refused_at,
      }));
      return toPage(found, limit, ({ eventId }) => eventId);
    },
    async refusedSince({ projectId, sinkId, sinceMs, limit }) {
      const some = db
        .selectFrom('sink_refusals as r')
        .innerJoin('events as e', (join) =>
          join.onRef('e.project_id', '=', 'r.project_id').onRef('e.id', '=', 'r.event_id'),
        )
        .select('r.refused_at')
        .where('r.project_id', '=', projectId)
        .where('r.sink_id', '=', sinkId)
        .where('r.refused_at', '>=', sinceMs)
        .where('e.type', 'not in', ['alert.fired', 'alert.resolved'])
        .limit(limit);
      const row = await db
        .selectFrom(some.as('some'))
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    async refuseAgain({ projectId, id }, refusals, nowMs) {
      if (refusals.length === 0) return;
      const noted = refusals.map(({ eventId, code, detail }) =>
        toStatement(
          db
            .updateTable('sink_refusals')
            .set({ code, detail, refused_at: nowMs })
            .where('project_id', '=', projectId)
            .where('sink_id', '=', id)
            .where('event_id', '=', eventId),
        ),
      );
      await commit(...noted);
    },
    async take(sink, eventIds) {
      if (eventIds.length === 0) return;
      const taken = at({ ...sink, lane: 'live' }).set({ refusing_since: null });
      await commit(withdraw(sink, eventIds), toStatement(taken));
    },
    async forget(sink, eventIds) {
      if (eventIds.length > 0) await commit(withdraw(sink, eventIds));
    },
  };
}

/** For the commit that makes the sink, or its backfill. */
export function beginPlace(
  { db }: Pick<Engine, 'db'>,
  { projectId, id }: SinkKey,
  part: { lane: SinkLane; afterPosition: number; untilPosition: number | null },
): Statement {
  const place = { ...NEW_PLACE, position: part.afterPosition, fromPosition: part.afterPosition };
  const row = toRow({ ...place, untilPosition: part.untilPosition });
  return toStatement(
    db
      .insertInto('sink_places')
      .values({ project_id: projectId, sink_id: id, lane: part.lane, ...row }),
    1,
  );
}

function toRow(place: SinkPlace): Omit<SinkPlacesTable, 'project_id' | 'sink_id' | 'lane'> {
  return {
    position: place.position,
    from_position: place.fromPosition,
    until_position: place.untilPosition,
    sent: place.sent,
    refused: place.refused,
    failures: place.failures,
    failing_since: place.failingSinceMs,
    last_error: place.lastError === null ? null : JSON.stringify(place.lastError),
    retry_at: place.retryAtMs,
    last_sent_at: place.lastSentAtMs,
    refusing_since: place.refusingSinceMs,
  };
}

function fromRow(row: SinkPlacesTable): SinkPlace {
  return {
    position: row.position,
    fromPosition: row.from_position,
    untilPosition: row.until_position,
    sent: row.sent,
    refused: row.refused,
    failures: row.failures,
    failingSinceMs: row.failing_since,
    lastError: row.last_error === null ? null : JSON.parse(row.last_error),
    retryAtMs: row.retry_at,
    lastSentAtMs: row.last_sent_at,
    refusingSinceMs: row.refusing_since,
  };
}
