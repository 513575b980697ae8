import { plain } from '../output/columns.ts';
import { paintState, renderFields, type TableColumn, toShortTime } from '../output/table.ts';
import type { World } from '../program/world.ts';

/** As `GET /v1/deliveries` says it (http/api/deliveries/delivery-json.ts). */
export interface DeliveryRow {
  id: string;
  event_id: string;
  endpoint_id: string;
  endpoint_url: string | null;
  state: string;
  attempt_count: number;
  last_status: number | null;
  last_error: string | null;
  next_attempt_at: string | null;
  created_at: string;
  ended_at: string | null;
}

export interface DeliveryDetail extends DeliveryRow {
  attempts: {
    number: number;
    started_at: string;
    latency_ms: number;
    outcome: string;
    status: number | null;
    error_code: string | null;
    error_detail: string | null;
    response: { excerpt: string | null } | null;
  }[];
}

export const DELIVERY_COLUMNS: readonly TableColumn<DeliveryRow>[] = [
  { head: 'delivery', text: ({ id }) => id },
  {
    head: 'state',
    text: ({ state }) => state,
    paint: ({ state }, colors) => paintState(state, colors),
  },
  { head: 'n', align: 'right', text: ({ attempt_count }) => attempt_count },
  { head: 'last', minWidth: 4, text: ({ last_error, last_status }) => last_error ?? last_status },
];

export function renderDelivery(delivery: DeliveryDetail, colors: World['colors']): string[] {
  const { id, event_id, endpoint_id, endpoint_url, state, attempts } = delivery;
  return [
    ...renderFields([
      ['delivery', id],
      ['event', event_id],
      ['endpoint', `${endpoint_id} ${endpoint_url ?? '(deleted)'}`],
      ['state', state],
      ['next attempt', timeOf(delivery.next_attempt_at)],
      ['ended', timeOf(delivery.ended_at)],
    ]),
    '',
    ...attempts.flatMap((attempt) => {
      const { number, started_at, latency_ms, outcome, error_detail, response } = attempt;
      const result = attempt.error_code ?? attempt.status ?? '';
      const paint = paintState(outcome === 'succeeded' ? 'ok' : outcome, colors) ?? String;
      const head = `#${number}  ${toShortTime(started_at)}  ${paint(String(result))} in ${latency_ms} ms`;
      const more = [error_detail, response?.excerpt ?? null].filter(
        (one) => one !== null && one !== '',
      );
      return [head, ...more.map((one) => `    ${plain(one ?? '')}`)];
    }),
  ];
}

const timeOf = (timestamp: string | null): string | null =>
  timestamp === null ? null : toShortTime(timestamp);
