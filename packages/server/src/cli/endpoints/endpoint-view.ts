import { paintState, renderFields, type TableColumn, toShortTime } from '../output/table.ts';

/** As `GET /v1/endpoints` says it (http/api/endpoints/endpoint-json.ts), as far as it is shown. */
export interface EndpointView {
  id: string;
  uid: string | null;
  url: string;
  description: string;
  event_types: string[];
  dialect: string;
  transformation: string | null;
  status: string;
  disabled_reason: string | null;
  health: { failing_since: string | null; patience_used_percent: number };
  version: number;
  created_at: string;
}

export const stateOf = ({ status, health }: EndpointView): string =>
  status === 'enabled' && health.failing_since !== null ? 'failing' : status;

export const ENDPOINT_COLUMNS: readonly TableColumn<EndpointView>[] = [
  { head: 'endpoint', text: ({ id }) => id },
  { head: 'uid', minWidth: 6, text: ({ uid }) => uid },
  { head: 'state', text: stateOf, paint: (row, colors) => paintState(stateOf(row), colors) },
  { head: 'dialect', minWidth: 6, text: ({ dialect }) => dialect },
  { head: 'url', minWidth: 16, text: ({ url }) => url },
];

export function renderEndpoint(endpoint: EndpointView): string[] {
  const { health } = endpoint;
  return renderFields([
    ['endpoint', endpoint.id],
    ['uid', endpoint.uid],
    ['url', endpoint.url],
    ['description', endpoint.description],
    ['events', endpoint.event_types.join(', ') || 'all'],
    ['dialect', endpoint.dialect],
    ['body by', endpoint.transformation],
    ['created', toShortTime(endpoint.created_at)],
    ['state', stateOf(endpoint)],
    ['why', endpoint.disabled_reason],
    ['failing since', health.failing_since === null ? null : toShortTime(health.failing_since)],
  ]);
}

/** What has to be kept at once: nobody shows it a second time. */
export function renderSecret(secret: string | null): string[] {
  if (secret === null) return [];
  return ['', `secret  ${secret}`, 'It signs what is posted there, and is shown this once.'];
}

export const endpointPath = (id: string | undefined): string =>
  `/v1/endpoints/${encodeURIComponent(id ?? '')}`;
