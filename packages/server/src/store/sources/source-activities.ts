import {
  type ActivityDelta,
  type DailySilence,
  NO_ACTIVITY,
  type SourceActivity,
} from '../../core/source.ts';
import type { Engine, Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';
import type { SourceActivityTable } from '../tables.ts';

type SourceKey = { projectId: string; id: string };

/** What was noticed of sources. Counters are added to, so that several nodes may do it. */
export interface SourceActivities {
  get(source: SourceKey): Promise<SourceActivity>;
  /** Of several sources of a project, by their ids. */
  of(projectId: string, ids: readonly string[]): Promise<Map<string, SourceActivity>>;
  /** Of every source that is not deleted. */
  all(): Promise<(SourceKey & { activity: SourceActivity })[]>;
  /** Adds what came in; the later of two times stays. */
  add(notes: readonly (SourceKey & { delta: ActivityDelta })[]): Promise<void>;
  noteSilences(source: SourceKey, silences: readonly DailySilence[]): Promise<void>;
  /** Goes with the event that tells of it. */
  stalling(source: SourceKey, sinceMs: number): Statement;
  recovering(source: SourceKey): Statement;
}

export function createSourceActivities(engine: Engine): SourceActivities {
  const { db } = engine;
  const rows = () => db.selectFrom('source_activity').selectAll('source_activity');
  const one = ({ projectId, id }: SourceKey) =>
    db
      .updateTable('source_activity')
      .where('project_id', '=', projectId)
      .where('source_id', '=', id);

  function adding({ delta, ...source }: SourceKey & { delta: ActivityDelta }): Statement[] {
    const { lastRequestAtMs, lastEventAtMs, lastRefusal } = delta;
    const counted = one(source).set((eb) => ({
      requests: eb('requests', '+', delta.requests),
      events: eb('events', '+', delta.events),
      duplicates: eb('duplicates', '+', delta.duplicates),
      refused: eb('refused', '+', delta.refused),
    }));
    const statements = [toStatement(counted)];
    for (const [column, atMs] of [
      ['last_request_at', lastRequestAtMs],
      ['last_event_at', lastEventAtMs],
    ] as const) {
      if (atMs !== null) statements.push(later(source, column, atMs, { [column]: atMs }));
    }
    if (lastRefusal !== null) {
      const { atMs, code, detail } = lastRefusal;
      const set = { last_refusal_at: atMs, last_refusal_code: code, last_refusal_detail: detail };
      statements.push(later(source, 'last_refusal_at', atMs, set));
    }
    return statements;
  }

  function later(
    source: SourceKey,
    column: 'last_request_at' | 'last_event_at' | 'last_refusal_at',
    atMs: number,
    set: Partial<SourceActivityTable>,
  ): Statement {
    return toStatement(
      one(source)
        .set(set)
        .where((eb) => eb.or([eb(column, 'is', null), eb(column, '<', atMs)])),
    );
  }

  return {
    async get({ projectId, id }) {
      const found = await rows()
        .where('project_id', '=', projectId)
        .where('source_id', '=', id)
        .executeTakeFirst();
      return found === undefined ? NO_ACTIVITY : fromRow(found);
    },
    async of(projectId, ids) {
      if (ids.length === 0) return new Map();
      const found = await rows()
        .where('project_id', '=', projectId)
        .where('source_id', 'in', ids)
        .execute();
      return new Map(found.map((row) => [row.source_id, fromRow(row)]));
    },
    async all() {
      const found = await rows()
        .innerJoin('sources', (join) =>
          join
            .onRef('sources.project_id', '=', 'source_activity.project_id')
            .onRef('sources.id', '=', 'source_activity.source_id'),
        )
        .where('sources.deleted_at', 'is', null)
        .execute();
      return found.map((row) => ({
        projectId: row.project_id,
        id: row.source_id,
        activity: fromRow(row),
      }));
    },
    async add(notes) {
      await engine.commit({ events: [], statements: notes.flatMap(adding) });
    },
    async noteSilences(source, silences) {
      const update = one(source).set({ silences: JSON.stringify(silences) });
      await engine.commit({ events: [], statements: [toStatement(update)] });
    },
    stalling: (source, sinceMs) => toStatement(one(source).set({ stalled_since: sinceMs })),
    recovering: (source) => toStatement(one(source).set({ stalled_since: null })),
  };
}

function fromRow(row: SourceActivityTable): SourceActivity {
  return {
    requests: row.requests,
    events: row.events,
    duplicates: row.duplicates,
    refused: row.refused,
    lastRequestAtMs: row.last_request_at,
    lastEventAtMs: row.last_event_at,
    lastRefusal:
      row.last_refusal_at === null
        ? null
        : {
            atMs: row.last_refusal_at,
            code: row.last_refusal_code ?? '',
            detail: row.last_refusal_detail ?? '',
          },
    silences: JSON.parse(row.silences),
    stalledSinceMs: row.stalled_since,
  };
}
