import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { call, type Query } from './client.ts';
import type {
  Alert,
  AlertRule,
  AlertRuleType,
  ApiKey,
  AuditEntry,
  DeadGroup,
  DefaultAlertRule,
  Deliverability,
  Delivery,
  DeliveryDetail,
  Domain,
  Endpoint,
  EndpointNumbers,
  EventType,
  EventVolume,
  Gaps,
  HeldMessage,
  InboundRoute,
  Invitation,
  Job,
  ListedMessage,
  MessageContent,
  MessageDetail,
  Page,
  PosthornEvent,
  Project,
  Queue,
  ReceivedDetail,
  ReceivedMail,
  RefusedEvent,
  ShownEvent,
  Sink,
  SinkKind,
  SinkPreset,
  Source,
  Stats,
  Suppression,
  Transcript,
  User,
  VolumePeriod,
  WholeAlert,
} from './objects.ts';

/** How long lists that nobody watches live are taken for fresh, ms. */
const FRESH_MS = 5_000;
const PAGE = 50;

function pages<T>(path: string, filters: Query) {
  return infiniteQueryOptions({
    queryKey: [path, filters],
    queryFn: ({ pageParam, signal }) =>
      call<Page<T>>(path, { query: { ...filters, limit: PAGE, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next_cursor }) => next_cursor,
    staleTime: FRESH_MS,
  });
}

function one<T>(path: string, refetchMs?: number) {
  return queryOptions({
    queryKey: [path],
    queryFn: ({ signal }) => call<T>(path, { signal }),
    staleTime: FRESH_MS,
    ...(refetchMs === undefined ? {} : { refetchInterval: refetchMs }),
  });
}

/** Bytes of a mail as text: they never change. */
function source(path: string) {
  return queryOptions({
    queryKey: [path],
    queryFn: ({ signal }) => call<string>(path, { asText: true, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export const messagesQuery = (filters: Query) => pages<ListedMessage>('/v1/messages', filters);
export const heldMessagesQuery = () => pages<HeldMessage>('/v1/messages', { state: 'held' });
export const transcriptsQuery = (id: string) =>
  one<{ data: Transcript[]; truncated: boolean }>(
    `/v1/messages/${encodeURIComponent(id)}/attempts`,
  );
export const messageContentQuery = (id: string) =>
  one<MessageContent>(`/v1/messages/${encodeURIComponent(id)}/content`);
export const messageSourceQuery = (id: string) =>
  source(`/v1/messages/${encodeURIComponent(id)}/raw`);
export const messageQuery = (id: string) =>
  one<MessageDetail>(`/v1/messages/${encodeURIComponent(id)}`);
export const eventsQuery = (filters: Query) => pages<PosthornEvent>('/v1/events', filters);
export const eventQuery = (id: string) =>
  one<PosthornEvent>(`/v1/events/${encodeURIComponent(id)}`);
export const eventDialectsQuery = (id: string) =>
  one<{ data: ShownEvent[] }>(`/v1/events/${encodeURIComponent(id)}/dialects`);
export const volumeQuery = (period: VolumePeriod) =>
  one<EventVolume>(`/v1/events/volume?period=${period}`, 15_000);
export const eventTypesQuery = () => one<{ data: EventType[] }>('/v1/event-types');
export const endpointsQuery = () => pages<Endpoint>('/v1/endpoints', {});
export const endpointQuery = (id: string) =>
  one<Endpoint>(`/v1/endpoints/${encodeURIComponent(id)}`);
export const gapsQuery = (id: string) =>
  one<Gaps>(`/v1/endpoints/${encodeURIComponent(id)}/gaps?limit=1`, 10_000);
export const queueQuery = () => one<Queue>('/v1/queue', 5_000);
export const deadLettersQuery = () =>
  one<{ data: DeadGroup[]; at_least: boolean }>('/v1/dead-letters');
export const deliveriesQuery = (filters: Query) => pages<Delivery>('/v1/deliveries', filters);
export const deliveryQuery = (id: string) =>
  one<DeliveryDetail>(`/v1/deliveries/${encodeURIComponent(id)}?include=body`);
export const jobsQuery = (filters: Query) => pages<Job>('/v1/jobs', filters);
export const jobQuery = (id: string) => one<Job>(`/v1/jobs/${encodeURIComponent(id)}`, 1_000);
export const suppressionsQuery = (filters: Query) =>
  pages<Suppression>('/v1/suppressions', filters);
export const sourcesQuery = () => pages<Source>('/v1/sources', {});
export const sourceQuery = (id: string) =>
  one<Source>(`/v1/sources/${encodeURIComponent(id)}`, 10_000);
export const sinkKindsQuery = () => one<{ data: SinkKind[] }>('/v1/sink-kinds');
export const sinkPresetsQuery = () => one<{ data: SinkPreset[] }>('/v1/sink-presets');
export const sinksQuery = () => pages<Sink>('/v1/sinks', {});
export const sinkQuery = (id: string, refetchMs: number) =>
  one<Sink>(`/v1/sinks/${encodeURIComponent(id)}`, refetchMs);
export const refusedQuery = (id: string) =>
  pages<RefusedEvent>(`/v1/sinks/${encodeURIComponent(id)}/refused`, {});
export const receivedQuery = (filters: Query) =>
  pages<ReceivedMail>('/v1/inbound/messages', filters);
export const receivedDetailQuery = (id: string) =>
  one<ReceivedDetail>(`/v1/inbound/messages/${encodeURIComponent(id)}`);
export const receivedSourceQuery = (id: string) =>
  source(`/v1/inbound/messages/${encodeURIComponent(id)}/raw`);
export const inboundRoutesQuery = () => pages<InboundRoute>('/v1/inbound/routes', {});
export const inboundRouteQuery = (id: string) =>
  one<InboundRoute>(`/v1/inbound/routes/${encodeURIComponent(id)}`);
/** What fires is looked at anew so often, ms. */
const ALERTS_AGAIN_MS = 15_000;
export const alertsQuery = (state: 'open' | 'firing' | 'resolved') => ({
  ...pages<Alert>('/v1/alerts', { state }),
  refetchInterval: ALERTS_AGAIN_MS,
});
export const alertQuery = (id: string) =>
  one<WholeAlert>(`/v1/alerts/${encodeURIComponent(id)}`, ALERTS_AGAIN_MS);
export const alertRulesQuery = () => pages<AlertRule>('/v1/alert-rules', {});
export const alertRuleQuery = (id: string) =>
  one<AlertRule>(`/v1/alert-rules/${encodeURIComponent(id)}`);
export const alertRuleTypesQuery = () => one<{ data: AlertRuleType[] }>('/v1/alert-rule-types');
export const defaultAlertRulesQuery = () =>
  one<{ data: DefaultAlertRule[] }>('/v1/alert-rules/defaults');
export const keysQuery = () => pages<ApiKey>('/v1/keys', {});
export const projectsQuery = () => pages<Project>('/v1/projects', {});
export const domainsQuery = () => pages<Domain>('/v1/domains', {});
export const domainQuery = (id: string) => one<Domain>(`/v1/domains/${encodeURIComponent(id)}`);
export const usersQuery = () =>
  one<{ users: User[]; invitations: Invitation[] }>('/portal/api/users');
export const auditQuery = () => pages<AuditEntry>('/portal/api/audit', {});

/** How often numbers of a time that ends now are counted anew, ms. */
const COUNT_AGAIN_MS = 60_000;

/**
 * Numbers of a time, known by its filters: which time that is, is said when they are asked for. Those that were shown
 * stay in sight until the next ones are there.
 */
function numbers<T>(path: string, filters: object, toQuery: (nowMs: number) => Query) {
  return queryOptions({
    queryKey: [path, filters],
    queryFn: ({ signal }) => call<T>(path, { query: toQuery(Date.now()), signal }),
    staleTime: FRESH_MS,
    refetchInterval: COUNT_AGAIN_MS,
    placeholderData: keepPreviousData,
  });
}
export const statsQuery = (filters: object, toQuery: (nowMs: number) => Query) =>
  numbers<Stats>('/v1/stats', filters, toQuery);
export const deliverabilityQuery = (filters: object, toQuery: (nowMs: number) => Query) =>
  numbers<Deliverability>('/v1/stats/deliverability', filters, toQuery);
export const endpointNumbersQuery = (query: Query) =>
  pages<EndpointNumbers>('/v1/stats/endpoints', query);
