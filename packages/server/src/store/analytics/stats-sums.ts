import type { Grain, StatsDimension } from '../../core/stats/counts.ts';
import type { Engine } from '../engine.ts';

export interface SumQuery {
  projectId: string;
  grain: Grain;
  fromMs: number;
  /** Not included. */
  toMs: number;
  dimension: StatsDimension;
  /** Of the dimension; null for all of them. */
  value: string | null;
  /** Null for all. */
  stream: string | null;
}

export interface Sum {
  /** A bucket's beginning, a value or a stream. */
  key: string | number;
  metric: string;
  count: number;
}

/** What was counted, for who wants to know it. */
export interface StatsSums {
  /** By metric, for each bucket, value of the dimension, or stream. */
  sum(query: SumQuery, by: 'starts_at' | 'value' | 'stream'): Promise<Sum[]>;
}

export function createStatsSums({ lists }: Pick<Engine, 'lists'>): StatsSums {
  return {
    async sum({ projectId, grain, fromMs, toMs, dimension, value, stream }, by) {
      let select = lists
        .selectFrom('stats_counts')
        .select((eb) => [`${by} as key` as const, 'metric', eb.fn.sum('count').as('count')])
        .where('project_id', '=', projectId)
        .where('grain', '=', grain)
        .where('dimension', '=', dimension)
        .where('starts_at', '>=', fromMs)
        .where('starts_at', '<', toMs);
      if (value !== null) select = select.where('value', '=', value);
      if (stream !== null) select = select.where('stream', '=', stream);
      const rows = await select.groupBy([by, 'metric']).orderBy(by).orderBy('metric').execute();
      return rows.map(({ key, metric, count }) => ({ key, metric, count: Number(count) }));
    },
  };
}
