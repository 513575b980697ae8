import { URGENCIES } from '../../core/events/urgency.ts';
import type { Engine } from '../engine.ts';

/** What an endpoint still has to get. */
export interface QueueDepth {
  projectId: string;
  endpointId: string;
  /** In the store: due now, due at a later time (retries), in line behind another. */
  due: number;
  scheduled: number;
  inLine: number;
  /** Held by a node: being posted, or next in its memory. */
  inMemory: number;
  /** One of the counts has reached COUNT_LIMIT: there may be more. */
  isAtLeast: boolean;
  /** The event that has waited longest, of those that were counted. */
  oldestEventId: string;
  /** Since when the first one is due; null when none is due yet. */
  dueSinceMs: number | null;
}

/** Counting stops here, after some 30 ms: beyond it the exact number changes little for anybody. */
export const COUNT_LIMIT = 10_000;

/**
 * What waits, by endpoint, read along the indexes that hold nothing else: the cost follows the number
 * of endpoints that have something waiting, not what waits for them.
 */
export interface Queue {
  /** Of one project, or of all (null); endpoints that have nothing waiting are left out. */
  depths(projectId: string | null, nowMs: number, countLimit?: number): Promise<QueueDepth[]>;
}

type Place = Pick<QueueDepth, 'projectId' | 'endpointId'>;
type Counted = { count: number; oldest: string | null };

const NONE: Counted = { count: 0, oldest: null };

export function createQueue({ db }: Pick<Engine, 'db'>): Queue {
  const waiting = () =>
    db.selectFrom('deliveries').where('state', '=', 'pending').where('node', 'is', null);
  const due = () => waiting().where('due_at', 'is not', null);
  const inLine = () => waiting().where('order_key', 'is not', null).where('due_at', 'is', null);
  type Waits = typeof waiting;

  /** The endpoints of a project that have something waiting: a look-up each, however much it is. */
  async function endpointsOf(waits: Waits, projectId: string): Promise<string[]> {
    const found: string[] = [];
    for (;;) {
      let select = waits().select('endpoint_id').where('project_id', '=', projectId);
      const behind = found.at(-1);
      if (behind !== undefined) select = select.where('endpoint_id', '>', behind);
      const row = await select.orderBy('endpoint_id').limit(1).executeTakeFirst();
      if (row === undefined) return found;
      found.push(row.endpoint_id);
    }
  }

  async function projectsOf(waits: Waits): Promise<string[]> {
    const found: string[] = [];
    for (;;) {
      let select = waits().select('project_id');
      const behind = found.at(-1);
      if (behind !== undefined) select = select.where('project_id', '>', behind);
      const row = await select.orderBy('project_id').limit(1).executeTakeFirst();
      if (row === undefined) return found;
      found.push(row.project_id);
    }
  }

  async function count(select: ReturnType<typeof waiting>, countLimit: number): Promise<Counted> {
    const some = select.select('event_id').limit(countLimit);
    const row = await db
      .selectFrom(some.as('some'))
      .select((eb) => [
        eb.fn.countAll<number>().as('count'),
        eb.fn.min('some.event_id').as('oldest'),
      ])
      .executeTakeFirst();
    return row === undefined ? NONE : { count: Number(row.count), oldest: row.oldest };
  }

  /** What nodes hold is bounded by their memory. */
  async function held(projectId: string | null): Promise<(Place & Counted & { dueAt: number })[]> {
    let select = db.selectFrom('deliveries').where('node', 'is not', null);
    if (projectId !== null) select = select.where('project_id', '=', projectId);
    const rows = await select
      .select((eb) => [
        'project_id as projectId',
        'endpoint_id as endpointId',
        eb.fn.countAll<number>().as('count'),
        eb.fn.min('event_id').as('oldest'),
        eb.fn.min('due_at').as('dueAt'),
      ])
      .groupBy(['project_id', 'endpoint_id'])
      .execute();
    return rows.map((row) => ({ ...row, count: Number(row.count), dueAt: Number(row.dueAt) }));
  }

  async function firstDueAt({ projectId, endpointId }: Place): Promise<number | null> {
    let first: number | null = null;
    for (const urgency of URGENCIES) {
      const row = await due()
        .select('due_at')
        .where('project_id', '=', projectId)
        .where('endpoint_id', '=', endpointId)
        .where('urgency', '=', urgency)
        .orderBy('due_at')
        .limit(1)
        .executeTakeFirst();
      const dueAt = row?.due_at ?? null;
      if (dueAt !== null && (first === null || dueAt < first)) first = dueAt;
    }
    return first;
  }

  async function placesOf(projectId: string | null): Promise<Map<string, Place>> {
    const places = new Map<string, Place>();
    for (const waits of [due, inLine]) {
      for (const project of projectId === null ? await projectsOf(waits) : [projectId]) {
        for (const endpointId of await endpointsOf(waits, project)) {
          const place = { projectId: project, endpointId };
          places.set(keyOf(place), place);
        }
      }
    }
    return places;
  }

  async function depthOf(
    place: Place,
    inMemory: Counted & { dueAt: number | null },
    nowMs: number,
    countLimit: number,
  ): Promise<QueueDepth> {
    const { projectId, endpointId } = place;
    const here = (waits: typeof due) =>
      waits().where('project_id', '=', projectId).where('endpoint_id', '=', endpointId);
    // With each urgency named, the index leads straight to the times.
    const queued = here(due).where('urgency', 'in', URGENCIES);
    const dueNow = await count(queued.where('due_at', '<=', nowMs), countLimit);
    const later = await count(queued.where('due_at', '>', nowMs), countLimit);
    const lined = await count(here(inLine), countLimit);
    const firstDue = await firstDueAt(place);
    const counted = [dueNow, later, lined, inMemory];
    const dueAts = [firstDue, inMemory.dueAt].filter((at) => at !== null && at <= nowMs);
    return {
      projectId,
      endpointId,
      due: dueNow.count,
      scheduled: later.count,
      inLine: lined.count,
      inMemory: inMemory.count,
      isAtLeast: counted.some((one) => one.count === countLimit),
      oldestEventId: counted.flatMap(({ oldest }) => oldest ?? []).sort()[0] ?? '',
      dueSinceMs: dueAts.length === 0 ? null : Math.min(...dueAts.map(Number)),
    };
  }

  return {
    async depths(projectId, nowMs, countLimit = COUNT_LIMIT) {
      const places = await placesOf(projectId);
      const byPlace = new Map((await held(projectId)).map((one) => [keyOf(one), one]));
      for (const [key, { projectId: project, endpointId }] of byPlace) {
        places.set(key, { projectId: project, endpointId });
      }
      const depths: QueueDepth[] = [];
      for (const [key, place] of places) {
        const inMemory = byPlace.get(key) ?? { ...NONE, dueAt: null };
        depths.push(await depthOf(place, inMemory, nowMs, countLimit));
      }
      return depths.filter((one) => one.due + one.scheduled + one.inLine + one.inMemory > 0);
    },
  };
}

function keyOf({ projectId, endpointId }: Place): string {
  return `${projectId}/${endpointId}`;
}
