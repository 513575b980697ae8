import { deliveryId } from '../../core/ids.ts';
import { toTimestamp } from '../../lib/clock.ts';
import type { AttemptsTable, DeliveriesTable } from '../../store/tables.ts';

/** The URL of an endpoint by its id; null when it was deleted. */
export type EndpointUrls = (projectId: string, endpointId: string) => string | null;

export function toDeliveryJson(row: DeliveriesTable, endpointUrls: EndpointUrls) {
  return {
    id: deliveryId(row.event_id, row.endpoint_id),
    event_id: row.event_id,
    endpoint_id: row.endpoint_id,
    endpoint_url: endpointUrls(row.project_id, row.endpoint_id),
    state: row.state,
    attempt_count: row.attempts,
    last_status: row.last_status,
    last_error: row.last_error,
    next_attempt_at:
      row.state === 'pending' && row.due_at !== null ? toTimestamp(row.due_at) : null,
    created_at: toTimestamp(row.created_at),
    ended_at: row.ended_at === null ? null : toTimestamp(row.ended_at),
  };
}

export function toAttemptJson(row: AttemptsTable) {
  return {
    id: row.id,
    number: row.number,
    started_at: toTimestamp(row.started_at),
    latency_ms: row.latency_ms,
    outcome: row.error_code === null ? 'succeeded' : 'failed',
    status: row.status,
    error_code: row.error_code,
    error_detail: row.error_detail,
    response_excerpt: row.response_excerpt,
  };
}
