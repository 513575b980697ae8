import { deliveryId } from '../../../core/ids.ts';
import { type AttemptTrace, decodeAttemptTrace } from '../../../core/webhooks/attempt-trace.ts';
import { shownDeliveryState } from '../../../core/webhooks/delivery-state.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import type { AttemptsTable, DeliveriesTable } from '../../../store/tables.ts';
import type { LiveEndpoint } from '../../../webhooks/endpoints/live-endpoint.ts';
import { faultOf, outcomeOf } from '../../../webhooks/post/post-errors.ts';
import { listOwnHeaders } from '../../../webhooks/render.ts';

/** The URL of an endpoint by its id; null when it was deleted. */
export type EndpointUrls = (projectId: string, endpointId: string) => string | null;

export function toDeliveryJson(row: DeliveriesTable, endpointUrls: EndpointUrls) {
  const pending = row.state === 'pending';
  return {
    id: deliveryId(row.event_id, row.endpoint_id),
    event_id: row.event_id,
    endpoint_id: row.endpoint_id,
    endpoint_url: endpointUrls(row.project_id, row.endpoint_id),
    state: shownDeliveryState(row),
    attempt_count: row.attempts,
    last_status: row.last_status,
    last_error: row.last_error,
    next_attempt_at:
      pending && row.node === null && row.due_at !== null ? toTimestamp(row.due_at) : null,
    in_line: pending && row.node === null && row.due_at === null,
    created_at: toTimestamp(row.created_at),
    ended_at: row.ended_at === null ? null : toTimestamp(row.ended_at),
  };
}

/** An attempt in short, as timelines show it. */
export function toAttemptJson(row: AttemptsTable) {
  return {
    id: row.id,
    number: row.number,
    started_at: toTimestamp(row.started_at),
    latency_ms: row.latency_ms,
    outcome: outcomeOf(row.error_code),
    status: row.status,
    error_code: row.error_code,
    error_detail: row.error_detail,
    fault: row.error_code === null ? null : faultOf(row.error_code),
    response_excerpt: row.response_excerpt,
  };
}

const NO_TRACE: AttemptTrace = {
  signature: null,
  responseHeaders: null,
  timing: null,
  sharedId: null,
};

/** An attempt in full. `endpoint` as it is today; null when it was deleted. */
export function toFullAttemptJson(row: AttemptsTable, endpoint: LiveEndpoint | null) {
  const trace = row.trace === null ? NO_TRACE : decodeAttemptTrace(row.trace);
  const { response_excerpt, ...short } = toAttemptJson(row);
  const { timing } = trace;
  return {
    ...short,
    transformed_by: trace.transformedBy ?? null,
    request: {
      method: 'POST',
      url: endpoint?.record.url ?? null,
      headers: toHeaderList([...sentHeaders(row, trace), ...shownHeadersOf(endpoint)]),
    },
    response:
      row.status === null
        ? null
        : {
            status: row.status,
            headers: toHeaderList(trace.responseHeaders ?? []),
            excerpt: response_excerpt,
          },
    timing:
      timing === null
        ? null
        : {
            dns_ms: timing.dnsMs,
            connect_ms: timing.connectMs,
            tls_ms: timing.tlsMs,
            first_byte_ms: timing.firstByteMs,
            remote_address: timing.remoteAddress,
            connection_reused: timing.reused,
          },
  };
}

/** In our own dialect everything but the signature follows from the attempt. */
function sentHeaders(row: AttemptsTable, trace: AttemptTrace): string[] {
  const { signature, sharedId, headers } = trace;
  if (headers !== undefined) return [...headers];
  if (signature === null) return [];
  return listOwnHeaders({ id: sharedId ?? row.event_id, nowMs: row.started_at, signature });
}

const MASK = '***';

/** Of the endpoint's own headers, those whose values are secret show their names only. */
function shownHeadersOf(endpoint: LiveEndpoint | null): string[] {
  if (endpoint === null) return [];
  const open = new Map(Object.entries(endpoint.record.settings.headers));
  return toHeaderList(endpoint.headers).flatMap(({ name, value }) => [
    name,
    open.get(name) === value ? value : MASK,
  ]);
}

function toHeaderList(flat: readonly string[]): { name: string; value: string }[] {
  const list: { name: string; value: string }[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    list.push({ name: flat[i] ?? '', value: flat[i + 1] ?? '' });
  }
  return list;
}
