import {
  GRAIN_MS,
  GRAINS,
  oldestKept,
  STATS_DIMENSIONS,
  type StatsCount,
  type StatsFirst,
  type StatsPlace,
} from '../../core/stats/counts.ts';
import type { Engine, Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';
import type { StatsPlacesTable } from '../tables.ts';

/** The place that follows the whole log. */
export const WHOLE_LOG = '';

/** What a step along the log found, committed together with its new place. */
export interface StatsStep {
  /** As it was read; the step is refused with StoreConflict when it is not so any more. */
  place: StatsPlace;
  to: number;
  isDone: boolean;
  counts: readonly StatsCount[];
  firsts: readonly (StatsFirst & { projectId: string; retainUntilMs: number })[];
}

/** How far the log is counted, and what was counted. */
export interface StatsPlaces {
  all(): Promise<StatsPlace[]>;
  /** Begins to follow the log, at its beginning. */
  begin(): Promise<void>;
  advance(step: StatsStep): Promise<void>;
  /** Asks for a recount of a project since then; one that is under way begins anew. */
  recount(projectId: string, floorMs: number, beside: readonly Statement[]): Promise<void>;
  /** Deletes some of what a recount counts again. Resolves to false when there is nothing left of it. */
  clear(place: StatsPlace): Promise<boolean>;
  /** All is cleared: the recount goes up to where the live place stands, which must stand there still. */
  startCounting(place: StatsPlace, live: StatsPlace): Promise<void>;
  /** Which values a day has, so that it gets only so many. */
  valuesOfDay(projectId: string, dayMs: number): Promise<DayValues[]>;
  firsts(projectId: string, marks: readonly string[]): Promise<StatsFirst[]>;
  /** Deletes buckets that are too old, and those of projects that are gone. */
  purge(nowMs: number): Promise<void>;
}

export interface DayValues {
  dimension: StatsCount['dimension'];
  value: string;
  stream: string;
}

/** A statement has at most 32,766 parameters in SQLite, and a commit is to be short. */
const ROWS_A_STATEMENT = 500;
/** Buckets of a grain that one commit clears. */
const CLEARED_BUCKETS = 24;

export function createStatsPlaces(engine: Engine): StatsPlaces {
  const { db } = engine;
  const commit = async (statements: Statement[]): Promise<void> => {
    await engine.commit({ events: [], statements });
  };
  /** Of a place that stands as it was read. */
  const moved = (place: StatsPlace, to: Partial<StatsPlacesTable>): Statement =>
    toStatement(
      db
        .updateTable('stats_places')
        .set(to)
        .where('project_id', '=', place.projectId)
        .where('state', '=', place.state)
        .where('position', '=', place.position)
        .where('generation', '=', place.generation),
      1,
    );
  const bucketsOf = (projectId: string) =>
    db.deleteFrom('stats_counts').where('project_id', '=', projectId);

  return {
    async all() {
      return (await db.selectFrom('stats_places').selectAll().execute()).map(fromRow);
    },
    begin: () =>
      commit([
        toStatement(
          db.insertInto('stats_places').values({
            project_id: WHOLE_LOG,
            state: 'live',
            position: 0,
            until_position: null,
            floor_at: 0,
            generation: 0,
          }),
          1,
        ),
      ]),
    advance: ({ place, to, isDone, counts, firsts }) =>
      commit([
        moved(place, { position: to, ...(isDone ? { state: 'done' } : {}) }),
        ...inChunks(counts).map((rows) => addCounts(engine, rows)),
        ...inChunks(firsts).map((rows) => keepFirsts(engine, rows)),
      ]),
    recount: (projectId, floorMs, beside) => {
      const anew = {
        state: 'clearing',
        position: 0,
        until_position: null,
        floor_at: floorMs,
      } as const;
      return commit([
        toStatement(
          db
            .insertInto('stats_places')
            .values({ project_id: projectId, ...anew, generation: 0 })
            .onConflict((row) => row.column('project_id').doUpdateSet(anew)),
        ),
        ...beside,
      ]);
    },
    async clear({ projectId, floorMs }) {
      const deletes: Statement[] = [];
      for (const grain of GRAINS) {
        const found = await Promise.all(
          STATS_DIMENSIONS.map(async (dimension) => {
            const first = await db
              .selectFrom('stats_counts')
              .select('starts_at')
              .where('project_id', '=', projectId)
              .where('grain', '=', grain)
              .where('dimension', '=', dimension)
              .where('starts_at', '>=', floorMs)
              .orderBy('starts_at')
              .limit(1)
              .executeTakeFirst();
            if (first === undefined) return [];
            const some = bucketsOf(projectId)
              .where('grain', '=', grain)
              .where('dimension', '=', dimension)
              .where('starts_at', '>=', first.starts_at)
              .where('starts_at', '<', first.starts_at + CLEARED_BUCKETS * GRAIN_MS[grain]);
            return [toStatement(some)];
          }),
        );
        deletes.push(...found.flat());
      }
      if (deletes.length > 0) await commit(deletes);
      return deletes.length > 0;
    },
    startCounting: (place, live) =>
      commit([
        // Whoever still counts by the old generation is refused.
        moved(live, { generation: live.generation + 1 }),
        moved(place, {
          state: 'counting',
          until_position: live.position,
          generation: place.generation + 1,
        }),
      ]),
    valuesOfDay: (projectId, dayMs) =>
      db
        .selectFrom('stats_counts')
        .select(['dimension', 'value', 'stream'])
        .distinct()
        .where('project_id', '=', projectId)
        .where('grain', '=', 'day')
        .where('dimension', 'in', STATS_DIMENSIONS)
        .where('starts_at', '=', dayMs)
        .execute(),
    async firsts(projectId, marks) {
      if (marks.length === 0) return [];
      const rows = await db
        .selectFrom('stats_firsts')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('mark', 'in', marks)
        .execute();
      return rows.map((row) => ({
        mark: row.mark,
        atMs: row.occurred_at,
        generation: row.generation,
        counted: JSON.parse(row.counted),
      }));
    },
    async purge(nowMs) {
      const projects = await db.selectFrom('projects').select(['id', 'deleted_at']).execute();
      for (const { id, deleted_at: deletedAt } of projects) {
        if (deletedAt !== null) {
          await commit([toStatement(bucketsOf(id))]);
          continue;
        }
        const old = GRAINS.flatMap((grain) =>
          STATS_DIMENSIONS.map((dimension) =>
            toStatement(
              bucketsOf(id)
                .where('grain', '=', grain)
                .where('dimension', '=', dimension)
                .where('starts_at', '<', oldestKept(grain, nowMs)),
            ),
          ),
        );
        await commit(old);
      }
    },
  };
}

function addCounts({ db }: Pick<Engine, 'db'>, rows: readonly StatsCount[]): Statement {
  return toStatement(
    db
      .insertInto('stats_counts')
      .values(
        rows.map((row) => ({
          project_id: row.projectId,
          grain: row.grain,
          dimension: row.dimension,
          starts_at: row.startMs,
          value: row.value,
          stream: row.stream,
          metric: row.metric,
          count: row.count,
        })),
      )
      .onConflict((row) =>
        row
          .columns(['project_id', 'grain', 'dimension', 'starts_at', 'value', 'stream', 'metric'])
          .doUpdateSet((eb) => ({
            count: eb('stats_counts.count', '+', eb.ref('excluded.count')),
          })),
      ),
  );
}

function keepFirsts({ db }: Pick<Engine, 'db'>, rows: StatsStep['firsts']): Statement {
  return toStatement(
    db
      .insertInto('stats_firsts')
      .values(
        rows.map((row) => ({
          project_id: row.projectId,
          mark: row.mark,
          occurred_at: row.atMs,
          generation: row.generation,
          counted: JSON.stringify(row.counted),
          retain_until: row.retainUntilMs,
        })),
      )
      .onConflict((row) =>
        row.columns(['project_id', 'mark']).doUpdateSet((eb) => ({
          occurred_at: eb.ref('excluded.occurred_at'),
          generation: eb.ref('excluded.generation'),
          counted: eb.ref('excluded.counted'),
          retain_until: eb.ref('excluded.retain_until'),
        })),
      ),
  );
}

function inChunks<T>(rows: readonly T[]): T[][] {
  const chunks: T[][] = [];
  for (let i = 0; i < rows.length; i += ROWS_A_STATEMENT) {
    chunks.push(rows.slice(i, i + ROWS_A_STATEMENT));
  }
  return chunks;
}

function fromRow(row: StatsPlacesTable): StatsPlace {
  return {
    projectId: row.project_id,
    state: row.state,
    position: row.position,
    untilPosition: row.until_position,
    floorMs: row.floor_at,
    generation: row.generation,
  };
}
