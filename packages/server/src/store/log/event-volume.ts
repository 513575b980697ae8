import type { EventType } from '@posthorn/sdk';
import { sql } from 'kysely';
import { lowestIdAt, timeOfId } from '../../core/ids.ts';
import type { Engine } from '../engine.ts';

/** How many events of a type were taken in a stretch of time. */
export interface VolumeRow {
  /** When the stretch begins. */
  atMs: number;
  type: EventType;
  count: number;
}

export interface EventVolume {
  /**
   * Of the newest `limit` events since then. Stretches have `32 ** steps` ms, since ids begin with their
   * time in base 32 and the database counts by the beginning of the id. `isAtLeast`: there are more, and
   * the first stretch is not whole.
   */
  count(query: {
    projectId: string;
    sinceMs: number;
    steps: number;
    limit: number;
  }): Promise<{ rows: VolumeRow[]; isAtLeast: boolean }>;
}

const PREFIX = 'evt_';
const TIME_CHARS = 10;

/** How long a stretch is, ms. */
export const stretchMs = (steps: number): number => 32 ** steps;

export function createEventVolume({ lists }: Pick<Engine, 'lists'>): EventVolume {
  return {
    async count({ projectId, sinceMs, steps, limit }) {
      const chars = PREFIX.length + TIME_CHARS - steps;
      const newest = lists
        .selectFrom('events')
        .select(['type', sql<string>`substr(id, 1, ${sql.lit(chars)})`.as('start')])
        .where('project_id', '=', projectId)
        .where('id', '>=', lowestIdAt('event', sinceMs))
        .orderBy('id', 'desc')
        .limit(limit)
        .as('newest');
      const rows = await lists
        .selectFrom(newest)
        .select((eb) => ['start', 'type', eb.fn.countAll<number>().as('count')])
        .groupBy(['start', 'type'])
        .orderBy('start')
        .orderBy('type')
        .execute();
      const counted = rows.map(({ start, type, count }) => ({
        atMs: timeOfId(start.padEnd(PREFIX.length + TIME_CHARS, '0')),
        type,
        count: Number(count),
      }));
      const sum = counted.reduce((total, { count }) => total + count, 0);
      return { rows: counted, isAtLeast: sum === limit };
    },
  };
}
