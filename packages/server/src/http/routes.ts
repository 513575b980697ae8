import { createAlertRoutes } from './api/alerts/alert-routes.ts';
import { createAlertRuleRoutes } from './api/alerts/rule-routes.ts';
import { createDeadLetterRoutes } from './api/deliveries/dead-letter-routes.ts';
import { createDeliveryRoutes } from './api/deliveries/delivery-routes.ts';
import { createQueueRoutes } from './api/deliveries/queue-routes.ts';
import { createDomainRoutes } from './api/domains/domain-routes.ts';
import { createEndpointRoutes } from './api/endpoints/endpoint-routes.ts';
import { createDialectRoutes } from './api/events/dialect-routes.ts';
import { createEventRoutes } from './api/events/event-routes.ts';
import { createEventTypeRoutes } from './api/events/event-type-routes.ts';
import { createVolumeRoutes } from './api/events/volume-routes.ts';
import { createFeedRoutes } from './api/feed/feed-routes.ts';
import { createHoldRoutes } from './api/holds/hold-routes.ts';
import { createReceivedRoutes } from './api/inbound/received-routes.ts';
import { createInboundRouteRoutes } from './api/inbound/route-routes.ts';
import { createErasureRoutes } from './api/jobs/erasure-routes.ts';
import { createJobRoutes } from './api/jobs/job-routes.ts';
import { createReplayRoutes } from './api/jobs/replay-routes.ts';
import { createKeyRoutes } from './api/keys/key-routes.ts';
import { createContentRoutes } from './api/messages/content-routes.ts';
import { createMessageRoutes } from './api/messages/message-routes.ts';
import { createResendRoutes } from './api/messages/resend-routes.ts';
import { createNodeRoutes } from './api/nodes/node-routes.ts';
import { createPortalLinkRoutes } from './api/portal-links/portal-link-routes.ts';
import { createProjectRoutes } from './api/projects/project-routes.ts';
import { createBatchRoutes } from './api/sending/batch-routes.ts';
import { createCancelRoutes } from './api/sending/cancel-routes.ts';
import { createRawRoutes } from './api/sending/raw-routes.ts';
import { createSinkRoutes } from './api/sinks/sink-routes.ts';
import { createSourceRoutes } from './api/sources/source-routes.ts';
import { createStatsRoutes } from './api/stats/stats-routes.ts';
import { createStreamRoutes } from './api/streams/stream-routes.ts';
import { createListRoutes } from './api/suppressions/list-routes.ts';
import { createSuppressionRoutes } from './api/suppressions/suppression-routes.ts';
import { createSystemRoutes } from './api/system-routes.ts';
import { createTrackingRoutes } from './api/tracking/tracking-routes.ts';
import { createTranscriptRoutes } from './api/transcripts/transcript-routes.ts';
import { createDocsPage } from './docs/api-page.ts';
import { createOpenApi } from './openapi.ts';
import type { Route } from './route.ts';

/** What the handlers need, of all resources together. */
type RouteDeps = Parameters<typeof createMessageRoutes>[0] &
  Parameters<typeof createContentRoutes>[0] &
  Parameters<typeof createResendRoutes>[0] &
  Parameters<typeof createCancelRoutes>[0] &
  Parameters<typeof createHoldRoutes>[0] &
  Parameters<typeof createStreamRoutes>[0] &
  Parameters<typeof createTranscriptRoutes>[0] &
  Parameters<typeof createEventRoutes>[0] &
  Parameters<typeof createVolumeRoutes>[0] &
  Parameters<typeof createDialectRoutes>[0] &
  Parameters<typeof createEndpointRoutes>[0] &
  Parameters<typeof createPortalLinkRoutes>[0] &
  Parameters<typeof createDeliveryRoutes>[0] &
  Parameters<typeof createDeadLetterRoutes>[0] &
  Parameters<typeof createQueueRoutes>[0] &
  Parameters<typeof createJobRoutes>[0] &
  Parameters<typeof createReplayRoutes>[0] &
  Parameters<typeof createErasureRoutes>[0] &
  Parameters<typeof createDomainRoutes>[0] &
  Parameters<typeof createSuppressionRoutes>[0] &
  Parameters<typeof createListRoutes>[0] &
  Parameters<typeof createSinkRoutes>[0] &
  Parameters<typeof createSourceRoutes>[0] &
  Parameters<typeof createStatsRoutes>[0] &
  Parameters<typeof createAlertRuleRoutes>[0] &
  Parameters<typeof createAlertRoutes>[0] &
  Parameters<typeof createKeyRoutes>[0] &
  Parameters<typeof createProjectRoutes>[0] &
  Parameters<typeof createInboundRouteRoutes>[0] &
  Parameters<typeof createReceivedRoutes>[0] &
  Parameters<typeof createTrackingRoutes>[0] &
  Parameters<typeof createNodeRoutes>[0] &
  Omit<Parameters<typeof createSystemRoutes>[0], 'openapi' | 'docsPage'> & {
    version: string;
    /** The resources are left out when this process does not serve the API (--roles). */
    api: boolean;
  };

/** The one table of routes: what the server answers, OpenAPI describes and /docs shows. */
export function createRoutes(deps: RouteDeps): Route[] {
  const resources = [
    ...createMessageRoutes(deps),
    ...createContentRoutes(deps),
    ...createResendRoutes(deps),
    ...createBatchRoutes(deps),
    ...createRawRoutes(deps),
    ...createCancelRoutes(deps),
    ...createHoldRoutes(deps),
    ...createStreamRoutes(deps),
    ...createTranscriptRoutes(deps),
    ...createFeedRoutes(deps),
    ...createVolumeRoutes(deps),
    ...createEventRoutes(deps),
    ...createDialectRoutes(deps),
    ...createEventTypeRoutes(),
    ...createEndpointRoutes(deps),
    ...createPortalLinkRoutes(deps),
    ...createDeliveryRoutes(deps),
    ...createDeadLetterRoutes(deps),
    ...createQueueRoutes(deps),
    ...createReplayRoutes(deps),
    ...createErasureRoutes(deps),
    ...createDomainRoutes(deps),
    ...createSuppressionRoutes(deps),
    ...createListRoutes(deps),
    ...createJobRoutes(deps),
    ...createSinkRoutes(deps),
    ...createSourceRoutes(deps),
    ...createStatsRoutes(deps),
    ...createAlertRuleRoutes(deps),
    ...createAlertRoutes(deps),
    ...createKeyRoutes(deps),
    ...createProjectRoutes(deps),
    ...createNodeRoutes(deps),
    ...createInboundRouteRoutes(deps),
    ...createReceivedRoutes(deps),
    ...createTrackingRoutes(deps),
  ];
  const routes: Route[] = deps.api ? resources : [];
  const openapi = once(() => createOpenApi(routes, deps.version));
  const docsPage = once(() => createDocsPage(routes, deps.version));
  routes.push(...createSystemRoutes({ ...deps, openapi, docsPage }));
  return routes;
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
