import { formatCsvRow } from '../../core/csv.ts';
import type { Ids } from '../../core/ids.ts';
import { toTimestamp } from '../../lib/clock.ts';
import type { JobParts } from '../../store/jobs/job-parts.ts';
import { type JobStep, stopWith } from '../../store/jobs/job-step.ts';
import type { JobProblem, JobRecord } from '../../store/jobs/jobs.ts';
import type {
  NewSuppression,
  SuppressionRecord,
  Suppressions,
} from '../../store/mail/suppressions.ts';
import { readList } from './read-list.ts';

/** Entries of one step of an export: some 100 kB. */
const EXPORT_ROWS = 1_000;
/** A finished list is kept for a week, ms. */
const EXPORT_KEPT_MS = 604_800_000;
/** Enough to see what is wrong with a list. */
const MAX_PROBLEMS = 20;

export const EXPORT_COLUMNS = [
  'address',
  'reason',
  'stream',
  'source',
  'note',
  'created_at',
  'expires_at',
] as const;

export interface ListJobs {
  /** Reads the next piece of the list and puts its addresses on the suppression list. */
  importStep(job: JobRecord<'import_suppressions'>): Promise<JobStep>;
  /** Writes the next piece of the list to download. */
  exportStep(job: JobRecord<'export_suppressions'>): Promise<JobStep>;
}

/**
 * The steps of imports and exports. An import tells of no `suppression.added`: a hundred thousand
 * addresses would be as many events, and who imports a list has it.
 */
export function createListJobs(deps: {
  suppressions: Suppressions;
  parts: JobParts;
  ids: Ids;
  now: () => number;
}): ListJobs {
  const { suppressions, parts, ids, now } = deps;

  async function importStep(job: JobRecord<'import_suppressions'>): Promise<JobStep> {
    const { projectId, id: jobId, params, progress } = job;
    const number = Number(job.cursor ?? 0);
    const content = await parts.get(projectId, jobId, number);
    if (content === null) return stopWith(job, { kind: 'done' });
    const end = content.indexOf('\n');
    const firstLine = Number(content.slice(0, end));
    const lines = readList(content.slice(end + 1), { ...params, firstLine });
    const entries = lines.flatMap(({ entry }) => (entry === null ? [] : [entry]));
    const nowMs = now();
    const statements = entries.map(({ reason, stream, ...entry }) => {
      const row: NewSuppression = {
        ...entry,
        projectId,
        id: ids.next('suppression'),
        reason: reason ?? params.reason,
        stream: stream === null ? params.stream : stream === 'all' ? null : stream,
        source: 'import',
        eventId: null,
        createdAtMs: nowMs,
      };
      return suppressions.insertion(row);
    });
    const problems = lines.flatMap(({ line, detail }): JobProblem[] =>
      detail === null ? [] : [{ line, detail }],
    );
    const shown = [...(progress.problems ?? []), ...problems].slice(0, MAX_PROBLEMS);
    return {
      statements: [...statements, parts.removal(projectId, jobId, number)],
      cursor: String(number + 1),
      progress: {
        ...progress,
        done: progress.done + entries.length,
        failed: progress.failed + problems.length,
        ...(shown.length === 0 ? {} : { problems: shown }),
      },
      items: entries.length,
      outcome: { kind: 'more' },
    };
  }

  async function exportStep(job: JobRecord<'export_suppressions'>): Promise<JobStep> {
    const { projectId, id: jobId, params, progress } = job;
    const [number, after]: [number, string] =
      job.cursor === null ? [0, ''] : JSON.parse(job.cursor);
    const nowMs = now();
    const rows = await suppressions.after(projectId, after, { limit: EXPORT_ROWS, nowMs });
    const last = rows.at(-1);
    if (last === undefined && number > 0) return stopWith(job, { kind: 'done' });
    const header = number === 0 && params.format === 'csv' ? formatCsvRow(EXPORT_COLUMNS) : '';
    const lines = rows.map((row) => formatEntry(row, params.format));
    const content = header + lines.join('');
    const part = { projectId, jobId, number, content, retainUntilMs: nowMs + EXPORT_KEPT_MS };
    return {
      statements: [parts.insertion(part)],
      cursor: JSON.stringify([number + 1, last?.id ?? after]),
      progress: { ...progress, done: progress.done + rows.length },
      items: rows.length,
      outcome: { kind: rows.length < EXPORT_ROWS ? 'done' : 'more' },
    };
  }

  return { importStep, exportStep };
}

/** One line; nothing for an entry whose person was erased. */
function formatEntry(entry: SuppressionRecord, format: 'csv' | 'ndjson'): string {
  if (entry.address === null) return '';
  const fields = {
    address: entry.address,
    reason: entry.reason,
    stream: entry.stream ?? 'all',
    source: entry.source,
    note: entry.note,
    created_at: toTimestamp(entry.createdAtMs),
    expires_at: entry.expiresAtMs === null ? null : toTimestamp(entry.expiresAtMs),
  };
  if (format === 'ndjson') return `${JSON.stringify(fields)}\n`;
  return formatCsvRow(EXPORT_COLUMNS.map((column) => fields[column] ?? ''));
}
