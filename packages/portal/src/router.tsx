import type { QueryClient } from '@tanstack/react-query';
import { useSuspenseQuery } from '@tanstack/react-query';
import {
  createMemoryHistory,
  createRootRouteWithContext,
  createRoute,
  createRouter,
  Link,
  lazyRouteComponent,
  Outlet,
  useLocation,
} from '@tanstack/react-router';
import { isSession, sessionQuery } from './api/session.ts';
import { buttonClass } from './design/button.tsx';
import { Empty, ProblemNotice, Skeleton } from './design/notices.tsx';
import { CustomerFrame, LinkOver } from './embed/customer-frame.tsx';
import { Frame } from './frame/frame.tsx';
import { SignIn } from './pages/access/sign-in.tsx';
import { useWords } from './words/words.tsx';

const rootRoute = createRootRouteWithContext<{ client: QueryClient }>()({
  loader: ({ context }) => context.client.ensureQueryData(sessionQuery),
  component: Root,
});

/** Who is not signed in sees the form, at whatever address; then the page that was asked for. */
function Root() {
  const { data } = useSuspenseQuery(sessionQuery);
  const { pathname } = useLocation();
  // Who is invited has no account yet, and who has one may open the link of another.
  if (pathname === '/invitation') return <Outlet />;
  if (!isSession(data)) return data.reason === 'link_over' ? <LinkOver /> : <SignIn {...data} />;
  return data.link === undefined ? <Frame /> : <CustomerFrame />;
}

/** Filters in the address: only texts, and only those that a page names. */
function textFilters<const K extends string>(...names: K[]) {
  return (search: Record<string, unknown>): { [name in K]?: string } => {
    const kept: { [name in K]?: string } = {};
    for (const name of names) {
      const value = search[name];
      if (typeof value === 'string' && value !== '') kept[name] = value;
      else if (typeof value === 'number') kept[name] = String(value);
    }
    return kept;
  };
}

const parent = { getParentRoute: () => rootRoute };

const pages = [
  createRoute({
    ...parent,
    path: '/',
    validateSearch: textFilters('period'),
    component: lazyRouteComponent(() => import('./pages/overview/overview.tsx'), 'Overview'),
  }),
  createRoute({
    ...parent,
    path: '/messages',
    validateSearch: textFilters(
      'recipient',
      'subject',
      'smtp_id',
      'tag',
      'state',
      'period',
      'since',
      'until',
    ),
    component: lazyRouteComponent(() => import('./pages/messages/messages.tsx'), 'Messages'),
  }),
  createRoute({
    ...parent,
    path: '/messages/$id',
    component: lazyRouteComponent(() => import('./pages/messages/message.tsx'), 'MessagePage'),
  }),
  createRoute({
    ...parent,
    path: '/review',
    component: lazyRouteComponent(() => import('./pages/review/review.tsx'), 'Review'),
  }),
  createRoute({
    ...parent,
    path: '/events',
    validateSearch: textFilters('type', 'recipient', 'message_id', 'period', 'since', 'until'),
    component: lazyRouteComponent(() => import('./pages/events/events.tsx'), 'Events'),
  }),
  createRoute({
    ...parent,
    path: '/events/$id',
    component: lazyRouteComponent(() => import('./pages/events/event.tsx'), 'EventPage'),
  }),
  createRoute({
    ...parent,
    path: '/analytics',
    validateSearch: textFilters(
      'period',
      'since',
      'until',
      'stream',
      'tag',
      'sending_domain',
      'receiving_domain',
      'provider',
      'group_by',
      'compare',
    ),
    component: lazyRouteComponent(() => import('./pages/analytics/analytics.tsx'), 'Analytics'),
  }),
  createRoute({
    ...parent,
    path: '/alerts',
    component: lazyRouteComponent(() => import('./pages/alerts/alerts.tsx'), 'AlertsList'),
  }),
  createRoute({
    ...parent,
    path: '/alerts/rules',
    component: lazyRouteComponent(() => import('./pages/alerts/rules/rules.tsx'), 'AlertRules'),
  }),
  createRoute({
    ...parent,
    path: '/alerts/rules/new',
    validateSearch: textFilters('type'),
    component: lazyRouteComponent(() => import('./pages/alerts/rules/new-rule.tsx'), 'NewRule'),
  }),
  createRoute({
    ...parent,
    path: '/alerts/rules/$id',
    component: lazyRouteComponent(() => import('./pages/alerts/rules/rule.tsx'), 'RulePage'),
  }),
  createRoute({
    ...parent,
    path: '/alerts/$id',
    component: lazyRouteComponent(() => import('./pages/alerts/alert.tsx'), 'AlertPage'),
  }),
  createRoute({
    ...parent,
    path: '/webhooks',
    component: lazyRouteComponent(() => import('./pages/webhooks/endpoints.tsx'), 'Endpoints'),
  }),
  createRoute({
    ...parent,
    path: '/webhooks/new',
    component: lazyRouteComponent(() => import('./pages/webhooks/new-endpoint.tsx'), 'NewEndpoint'),
  }),
  createRoute({
    ...parent,
    path: '/webhooks/$id',
    validateSearch: textFilters('state'),
    component: lazyRouteComponent(() => import('./pages/webhooks/endpoint.tsx'), 'EndpointPage'),
  }),
  createRoute({
    ...parent,
    path: '/dead-letters',
    validateSearch: textFilters('endpoint_id', 'error_code'),
    component: lazyRouteComponent(
      () => import('./pages/deliveries/dead-letters.tsx'),
      'DeadLetters',
    ),
  }),
  createRoute({
    ...parent,
    path: '/suppressions',
    validateSearch: textFilters('address', 'reason'),
    component: lazyRouteComponent(
      () => import('./pages/suppressions/suppressions.tsx'),
      'Suppressions',
    ),
  }),
  createRoute({
    ...parent,
    path: '/sources',
    component: lazyRouteComponent(() => import('./pages/sources/sources.tsx'), 'Sources'),
  }),
  createRoute({
    ...parent,
    path: '/sources/new',
    component: lazyRouteComponent(() => import('./pages/sources/new-source.tsx'), 'NewSource'),
  }),
  createRoute({
    ...parent,
    path: '/sources/$id',
    component: lazyRouteComponent(() => import('./pages/sources/source.tsx'), 'SourcePage'),
  }),
  createRoute({
    ...parent,
    path: '/sinks',
    component: lazyRouteComponent(() => import('./pages/sinks/sinks.tsx'), 'SinksPage'),
  }),
  createRoute({
    ...parent,
    path: '/sinks/new',
    component: lazyRouteComponent(() => import('./pages/sinks/new-sink.tsx'), 'NewSink'),
  }),
  createRoute({
    ...parent,
    path: '/sinks/$id',
    component: lazyRouteComponent(() => import('./pages/sinks/sink.tsx'), 'SinkPage'),
  }),
  createRoute({
    ...parent,
    path: '/inbound',
    validateSearch: textFilters('recipient', 'route_id'),
    component: lazyRouteComponent(() => import('./pages/inbound/inbound.tsx'), 'Inbound'),
  }),
  createRoute({
    ...parent,
    path: '/inbound/$id',
    component: lazyRouteComponent(() => import('./pages/inbound/received.tsx'), 'ReceivedPage'),
  }),
  createRoute({
    ...parent,
    path: '/inbound/routes',
    component: lazyRouteComponent(() => import('./pages/inbound/routes.tsx'), 'InboundRoutes'),
  }),
  createRoute({
    ...parent,
    path: '/inbound/routes/$id',
    component: lazyRouteComponent(() => import('./pages/inbound/route.tsx'), 'RoutePage'),
  }),
  createRoute({
    ...parent,
    path: '/domains',
    component: lazyRouteComponent(() => import('./pages/domains/domains.tsx'), 'Domains'),
  }),
  createRoute({
    ...parent,
    path: '/domains/$id',
    component: lazyRouteComponent(() => import('./pages/domains/domain.tsx'), 'DomainPage'),
  }),
  createRoute({
    ...parent,
    path: '/settings',
    component: lazyRouteComponent(() => import('./pages/settings/account.tsx'), 'Account'),
  }),
  createRoute({
    ...parent,
    path: '/settings/keys',
    component: lazyRouteComponent(() => import('./pages/settings/keys.tsx'), 'Keys'),
  }),
  createRoute({
    ...parent,
    path: '/settings/projects',
    component: lazyRouteComponent(() => import('./pages/settings/projects.tsx'), 'Projects'),
  }),
  createRoute({
    ...parent,
    path: '/settings/users',
    component: lazyRouteComponent(() => import('./pages/settings/users.tsx'), 'Users'),
  }),
  createRoute({
    ...parent,
    path: '/settings/audit',
    component: lazyRouteComponent(() => import('./pages/settings/audit.tsx'), 'AuditPage'),
  }),
  createRoute({
    ...parent,
    path: '/invitation',
    component: lazyRouteComponent(() => import('./pages/access/invitation.tsx'), 'InvitationPage'),
  }),
  createRoute({
    ...parent,
    path: '/jobs',
    component: lazyRouteComponent(() => import('./pages/jobs/jobs.tsx'), 'Jobs'),
  }),
  createRoute({
    ...parent,
    path: '/deliveries/$id',
    component: lazyRouteComponent(() => import('./pages/deliveries/delivery.tsx'), 'DeliveryPage'),
  }),
] as const;

function UnknownPage() {
  const { common } = useWords();
  return (
    <Empty isPage title={common.unknownPage} help={common.unknownPageHelp}>
      <Link to="/" className={buttonClass()}>
        {common.backToOverview}
      </Link>
    </Empty>
  );
}

/** `isByLink`: what is behind a link stays at its address, which has its token. */
export function createPortalRouter(client: QueryClient, isByLink = false) {
  const start = `${import.meta.env.BASE_URL}webhooks`;
  return createRouter({
    ...(isByLink ? { history: createMemoryHistory({ initialEntries: [start] }) } : {}),
    routeTree: rootRoute.addChildren(pages),
    basepath: import.meta.env.BASE_URL,
    context: { client },
    defaultPreload: 'intent',
    defaultPendingComponent: () => <Skeleton />,
    defaultErrorComponent: ({ error, reset }) => (
      <ProblemNotice isPage error={error} retry={reset} />
    ),
    defaultNotFoundComponent: UnknownPage,
    // Addresses read as they are typed: ?recipient=a@b.example, without quotes.
    parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
    stringifySearch: (search) => {
      const text = new URLSearchParams(search as Record<string, string>).toString();
      return text === '' ? '' : `?${text}`;
    },
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createPortalRouter>;
  }
}
