import type { Page } from '../../core/cursor.ts';
import type { ListFormat } from '../../core/mail/list-format.ts';
import type { Stream } from '../../core/mail/streams.ts';
import type { SuppressionReason } from '../../core/mail/suppression.ts';
import type { ShownDeliveryState } from '../../core/webhooks/delivery-state.ts';
import type { Engine, Statement } from '../engine.ts';
import { readNewestFirst } from '../read-newest-first.ts';
import { toStatement } from '../statement.ts';
import type { JobKind, JobState, JobsTable } from '../tables.ts';

export interface ReplayParams {
  /** Null: every endpoint that is enabled. */
  endpointId: string | null;
  /** Null: from the first event that is kept. */
  sinceMs: number | null;
  untilMs: number;
  /** Patterns as the user wrote them; null for all. */
  eventTypes: string[] | null;
  states: ShownDeliveryState[];
  messageId: string | null;
  /** Of the latest attempt; null for all. */
  errorCode: string | null;
  /** Also events that match today and were never owed. */
  includeMissing: boolean;
}

export interface EraseParams {
  /** Null as soon as the job has ended: what it removed must not live on in it. */
  recipient: string | null;
}

export interface RedecodeParams {
  /** Null: all of the project. */
  sourceId: string | null;
  sinceMs: number | null;
  untilMs: number;
  /** Nothing is stored. */
  dryRun: boolean;
}

export interface ImportParams {
  format: ListFormat;
  /** The columns of a CSV list, by their names in lower case. */
  columns: string[];
  /** For entries that do not say it themselves. */
  reason: SuppressionReason;
  stream: Stream | null;
}

export interface ExportParams {
  format: ListFormat;
}

interface ParamsByKind {
  replay: ReplayParams;
  erase: EraseParams;
  redecode: RedecodeParams;
  import_suppressions: ImportParams;
  export_suppressions: ExportParams;
}

export interface JobProgress {
  /** How many there are to do; null where nobody has counted. */
  total: number | null;
  done: number;
  failed: number;
  /** Of a redecoding: what became of the events in the webhooks that were read. */
  redecoded?: RedecodeCounts;
  /** Of what failed the first ones: where, and why. Names nobody. */
  problems?: JobProblem[];
}

export interface RedecodeCounts {
  /** Events that nobody had seen in them. */
  added: number;
  /** Events whose type is another by now. */
  changed: number;
  kept: number;
}

export interface JobProblem {
  /** Counted from 1. */
  line: number;
  detail: string;
}

interface JobFields {
  projectId: string;
  id: string;
  state: JobState;
  progress: JobProgress;
  /** Where the next step begins, in the words of its kind; null at the start. */
  cursor: string | null;
  ratePerSecond: number | null;
  /** Why it failed, or why it paused by itself. */
  error: string | null;
  createdAtMs: number;
  startedAtMs: number | null;
  updatedAtMs: number;
  endedAtMs: number | null;
  retainUntilMs: number;
}

/**
 * Long work that a person asked for.
 *
 *   queued -> running -> done | failed
 *   queued | running -> paused -> queued (resumed)
 *   queued | running | paused -> canceled
 */
export type JobRecord<K extends JobKind = JobKind> = {
  [Each in K]: JobFields & { kind: Each; params: ParamsByKind[Each] };
}[K];

type JobChange = Partial<
  Pick<JobFields, 'state' | 'progress' | 'cursor' | 'error' | 'startedAtMs' | 'retainUntilMs'>
>;

export interface Jobs {
  /** `beside` is committed together with it. */
  insert(job: JobRecord, beside: readonly Statement[]): Promise<void>;
  get(projectId: string, id: string): Promise<JobRecord | null>;
  list(query: {
    projectId: string;
    limit: number;
    beforeId: string | null;
    state: JobState | null;
    kind: JobKind | null;
  }): Promise<Page<JobRecord>>;
  /** The job of a project that runs, or else the queued one that has waited longest. */
  next(projectId: string): Promise<JobRecord | null>;
  /** Projects that have a job to run. */
  projectsWithWork(): Promise<string[]>;
  /**
   * Changes a job that is in one of these states. As a statement it goes into the commit of what the
   * change stands for, which is refused when somebody has moved the job meanwhile. A state that ends
   * the job also takes from its parameters what must not outlive it. With `at`, only while its cursor
   * stands there: of two nodes that make the same step one is refused.
   */
  change(
    job: Pick<JobRecord, 'projectId' | 'id' | 'kind'>,
    from: readonly JobState[],
    change: JobChange & { updatedAtMs: number },
    at?: { cursor: string | null },
  ): Statement;
}

const ENDS: readonly JobState[] = ['done', 'failed', 'canceled'];

export function createJobs(engine: Engine): Jobs {
  const { db } = engine;
  const ofProject = (projectId: string) =>
    db.selectFrom('jobs').selectAll().where('project_id', '=', projectId);
  return {
    async insert(job, beside) {
      const insert = toStatement(db.insertInto('jobs').values(toRow(job)), 1);
      await engine.commit({ events: [], statements: [insert, ...beside] });
    },
    async get(projectId, id) {
      const row = await ofProject(projectId).where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    async list({ projectId, limit, beforeId, state, kind }) {
      let query = ofProject(projectId);
      if (state !== null) query = query.where('state', '=', state);
      if (kind !== null) query = query.where('kind', '=', kind);
      return readNewestFirst(query, { limit, beforeId }, fromRow);
    },
    async next(projectId) {
      const rows = await ofProject(projectId)
        .where('ended_at', 'is', null)
        .where('state', 'in', ['queued', 'running'])
        .orderBy('id')
        .execute();
      const row = rows.find(({ state }) => state === 'running') ?? rows[0];
      return row === undefined ? null : fromRow(row);
    },
    async projectsWithWork() {
      const rows = await db
        .selectFrom('jobs')
        .select('project_id')
        .distinct()
        .where('ended_at', 'is', null)
        .where('state', 'in', ['queued', 'running'])
        .execute();
      return rows.map((row) => row.project_id);
    },
    change({ projectId, id, kind }, from, change, at) {
      const ends = change.state !== undefined && ENDS.includes(change.state);
      const ending = {
        ended_at: change.updatedAtMs,
        // The place that it had come to may name an address as well.
        ...(kind === 'erase' ? { params: JSON.stringify(ENDED_ERASURE), cursor: null } : {}),
      };
      let update = db
        .updateTable('jobs')
        .set({ ...toChangedColumns(change), ...(ends ? ending : {}) })
        .where('project_id', '=', projectId)
        .where('id', '=', id)
        .where('state', 'in', from);
      if (at !== undefined) {
        update = update.where('cursor', at.cursor === null ? 'is' : '=', at.cursor);
      }
      return toStatement(update, 1);
    },
  };
}

const ENDED_ERASURE: EraseParams = { recipient: null };

function toChangedColumns(change: JobChange & { updatedAtMs: number }): Partial<JobsTable> {
  const { state, progress, cursor, error } = change;
  return {
    updated_at: change.updatedAtMs,
    ...(state === undefined ? {} : { state }),
    ...(progress === undefined ? {} : { progress: JSON.stringify(progress) }),
    ...(cursor === undefined ? {} : { cursor }),
    ...(error === undefined ? {} : { error }),
    ...(change.startedAtMs === undefined ? {} : { started_at: change.startedAtMs }),
    ...(change.retainUntilMs === undefined ? {} : { retain_until: change.retainUntilMs }),
  };
}

function toRow(job: JobRecord): JobsTable {
  return {
    project_id: job.projectId,
    id: job.id,
    kind: job.kind,
    state: job.state,
    params: JSON.stringify(job.params),
    progress: JSON.stringify(job.progress),
    cursor: job.cursor,
    rate_per_second: job.ratePerSecond,
    error: job.error,
    created_at: job.createdAtMs,
    started_at: job.startedAtMs,
    updated_at: job.updatedAtMs,
    ended_at: job.endedAtMs,
    retain_until: job.retainUntilMs,
  };
}

function fromRow(row: JobsTable): JobRecord {
  return {
    projectId: row.project_id,
    id: row.id,
    kind: row.kind,
    state: row.state,
    params: JSON.parse(row.params),
    progress: JSON.parse(row.progress),
    cursor: row.cursor,
    ratePerSecond: row.rate_per_second,
    error: row.error,
    createdAtMs: row.created_at,
    startedAtMs: row.started_at,
    updatedAtMs: row.updated_at,
    endedAtMs: row.ended_at,
    retainUntilMs: row.retain_until,
  };
}
