import type { Engine, Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';

/** Text of a job, in pieces that a step can hold in memory: what it reads, or what it has made. */
export interface JobParts {
  insertion(part: JobPart & { retainUntilMs: number }): Statement;
  get(projectId: string, jobId: string, number: number): Promise<string | null>;
  removal(projectId: string, jobId: string, number: number): Statement;
}

export interface JobPart {
  projectId: string;
  jobId: string;
  /** From 0. */
  number: number;
  content: string;
}

export function createJobParts({ db }: Pick<Engine, 'db'>): JobParts {
  return {
    insertion: ({ projectId, jobId, number, content, retainUntilMs }) =>
      toStatement(
        db.insertInto('job_parts').values({
          project_id: projectId,
          job_id: jobId,
          part: keyOf(number),
          content,
          retain_until: retainUntilMs,
        }),
        1,
      ),
    async get(projectId, jobId, number) {
      const row = await db
        .selectFrom('job_parts')
        .select('content')
        .where('project_id', '=', projectId)
        .where('job_id', '=', jobId)
        .where('part', '=', keyOf(number))
        .executeTakeFirst();
      return row?.content ?? null;
    },
    removal: (projectId, jobId, number) =>
      toStatement(
        db
          .deleteFrom('job_parts')
          .where('project_id', '=', projectId)
          .where('job_id', '=', jobId)
          .where('part', '=', keyOf(number)),
      ),
  };
}

/** Text, as all keys are that retention and erasure walk along; in the order of the numbers. */
function keyOf(number: number): string {
  return String(number).padStart(6, '0');
}
