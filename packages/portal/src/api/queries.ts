import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { call, type Query } from './client.ts';
import type {
  ApiKey,
  AuditEntry,
  DeadGroup,
  Delivery,
  DeliveryDetail,
  Domain,
  Endpoint,
  EventType,
  EventVolume,
  Gaps,
  HeldMessage,
  Invitation,
  Job,
  ListedMessage,
  MessageContent,
  MessageDetail,
  Page,
  PosthornEvent,
  Project,
  Queue,
  RefusedEvent,
  ShownEvent,
  Sink,
  SinkKind,
  Source,
  Suppression,
  Transcript,
  User,
  VolumePeriod,
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

export const messagesQuery = (filters: Query) => pages<ListedMessage>('/v1/messages', filters);
export const heldMessagesQuery = () => pages<HeldMessage>('/v1/messages', { state: 'held' });
export const transcriptsQuery = (id: string) =>
  one<{ data: Transcript[]; truncated: boolean }>(
    `/v1/messages/${encodeURIComponent(id)}/attempts`,
  );
export const messageContentQuery = (id: string) =>
  one<MessageContent>(`/v1/messages/${encodeURIComponent(id)}/content`);
export const messageSourceQuery = (id: string) => {
  const path = `/v1/messages/${encodeURIComponent(id)}/raw`;
  return queryOptions({
    queryKey: [path],
    queryFn: ({ signal }) => call<string>(path, { asText: true, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
};
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
export const sinksQuery = () => pages<Sink>('/v1/sinks', {});
export const sinkQuery = (id: string, refetchMs: number) =>
  one<Sink>(`/v1/sinks/${encodeURIComponent(id)}`, refetchMs);
export const refusedQuery = (id: string) =>
  pages<RefusedEvent>(`/v1/sinks/${encodeURIComponent(id)}/refused`, {});
export const keysQuery = () => pages<ApiKey>('/v1/keys', {});
export const projectsQuery = () => pages<Project>('/v1/projects', {});
export const domainsQuery = () => pages<Domain>('/v1/domains', {});
export const domainQuery = (id: string) => one<Domain>(`/v1/domains/${encodeURIComponent(id)}`);
export const usersQuery = () =>
  one<{ users: User[]; invitations: Invitation[] }>('/portal/api/users');
export const auditQuery = () => pages<AuditEntry>('/portal/api/audit', {});
