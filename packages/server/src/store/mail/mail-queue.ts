import type { Engine } from '../engine.ts';

/** The mail of a project that could be sent, and is not yet. */
export interface MailQueueDepth {
  projectId: string;
  /** Recipients: due now, to be tried again later, or taken by a node. */
  waiting: number;
  /** Since when the first one is due; null when none is due yet. */
  dueSinceMs: number | null;
}

/** So many rows are read at most, some 0.3 s: those that have been due longest. With more, every project waits. */
const DUE_LIMIT = 200_000;
/** Of what is due later, the soonest. */
const LATER_LIMIT = 50_000;

/**
 * What waits in the mail queue, by project. Each question picks its rows along an index that holds nothing else, in
 * a part of its own: planned as one, all messages ever sent would be read in the order of their projects.
 */
export interface MailQueue {
  /** Projects that have nothing waiting are left out. What was asked for a later time does not wait. */
  depths(nowMs: number): Promise<MailQueueDepth[]>;
}

export function createMailQueue({ lists: db }: Pick<Engine, 'lists'>): MailQueue {
  const inStore = () =>
    db.selectFrom('transmissions').where('state', '=', 'queued').where('node', 'is', null);

  const due = (nowMs: number) =>
    inStore()
      .where('due_at', '<=', nowMs)
      .select(['project_id', 'due_at'])
      .orderBy('due_at')
      .limit(DUE_LIMIT);

  const held = (nowMs: number) =>
    db
      .selectFrom('transmissions')
      .where('node', 'is not', null)
      .where('due_at', '<=', nowMs)
      .select(['project_id', 'due_at'])
      .limit(DUE_LIMIT);

  /** Put off by a mail server. */
  const again = (nowMs: number) =>
    inStore()
      .where('due_at', '>', nowMs)
      .select(['project_id', 'attempts'])
      .orderBy('due_at')
      .limit(LATER_LIMIT);

  const byProject = (rows: ReturnType<typeof due>) =>
    db
      .selectFrom(rows.as('some'))
      .select((eb) => [
        'project_id as projectId',
        eb.fn.countAll<number>().as('waiting'),
        eb.fn.min('due_at').as('dueAt'),
      ])
      .groupBy('project_id')
      .execute();

  const putOff = (nowMs: number) =>
    db
      .selectFrom(again(nowMs).as('later'))
      .where('attempts', '>', 0)
      .select((eb) => ['project_id as projectId', eb.fn.countAll<number>().as('waiting')])
      .groupBy('project_id')
      .execute();

  return {
    async depths(nowMs) {
      const rows = [
        ...(await byProject(due(nowMs))),
        ...(await byProject(held(nowMs))),
        ...(await putOff(nowMs)),
      ];
      const depths = new Map<string, MailQueueDepth>();
      for (const { projectId, waiting, ...row } of rows) {
        const depth = depths.get(projectId) ?? { projectId, waiting: 0, dueSinceMs: null };
        depth.waiting += Number(waiting);
        if ('dueAt' in row) {
          const dueAtMs = Number(row.dueAt);
          depth.dueSinceMs = Math.min(depth.dueSinceMs ?? dueAtMs, dueAtMs);
        }
        depths.set(projectId, depth);
      }
      return [...depths.values()];
    },
  };
}
