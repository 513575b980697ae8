import type { Engine } from '../engine.ts';

export interface SampledDelivery {
  state: string;
  attempts: number;
  /** Of the latest attempt; null before the first one. */
  latencyMs: number | null;
}

/** The newest deliveries of an endpoint, to tell how it does. */
export interface DeliverySample {
  /** Between two ids of events: `from` is included, `to` is not. */
  newest(query: {
    projectId: string;
    endpointId: string;
    fromEventId: string;
    toEventId: string;
    limit: number;
  }): Promise<SampledDelivery[]>;
}

export function createDeliverySample({ lists }: Pick<Engine, 'lists'>): DeliverySample {
  return {
    async newest({ projectId, endpointId, fromEventId, toEventId, limit }) {
      const rows = await lists
        .selectFrom('deliveries')
        .select(['state', 'attempts', 'attempt_latency_ms'])
        .where('project_id', '=', projectId)
        .where('endpoint_id', '=', endpointId)
        .where('event_id', '>=', fromEventId)
        .where('event_id', '<', toEventId)
        .orderBy('event_id', 'desc')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        state: row.state,
        attempts: row.attempts,
        latencyMs: row.attempt_latency_ms,
      }));
    },
  };
}
