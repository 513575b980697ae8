import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../config.ts';
import { limitEndpoints } from '../http/access/limit-endpoints.ts';
import {
  type CompatibleApis,
  createCompatibleApis,
} from '../http/api/compat/create-compatible-apis.ts';
import { createDocumentation } from '../http/docs/documentation.ts';
import type { Metrics } from '../http/metrics.ts';
import { createPortal, type Portal } from '../http/portal/create-portal.ts';
import { createInvitationMailer } from '../http/portal/invitation-mail.ts';
import type { OidcSettings } from '../http/portal/oidc/add-oidc.ts';
import { readPortalFiles } from '../http/portal/portal-files.ts';
import { createLinkRules } from '../http/portal-links/narrow-link.ts';
import { type AnswerMemory, createAnswerMemory } from '../http/remember-answers.ts';
import type { Route } from '../http/route.ts';
import { createRoutes } from '../http/routes.ts';
import { createHttpServer } from '../http/server.ts';
import { toPublicHealth } from '../store/engine.ts';
import type { Access } from './build-access.ts';
import type { Alerts } from './build-alerts.ts';
import type { AnalyticsRoom } from './build-analytics.ts';
import type { Jobs } from './build-jobs.ts';
import type { Logbook } from './build-log.ts';
import type { Mail } from './build-mail.ts';
import type { Sinks } from './build-sinks.ts';
import type { Sources } from './build-sources.ts';
import type { Webhooks } from './build-webhooks.ts';
import type { Basics } from './open-basics.ts';

/** The parts that HTTP shows and asks. */
interface Shown {
  access: Access;
  webhooks: Webhooks;
  logbook: Logbook;
  mail: Mail;
  sources: Sources;
  sinks: Sinks;
  jobs: Jobs;
  analytics: Pick<AnalyticsRoom, 'analytics'>;
  alerts: Pick<Alerts, 'alertRoom'>;
  metrics: Pick<Metrics, 'render'>;
}

/** What "npm run build -w @posthorn/portal" has made. */
const PORTAL_FOLDER = join(
  dirname(fileURLToPath(import.meta.resolve('@posthorn/portal/package.json'))),
  'dist',
);

/** The pages of the checkout. */
const DOCS_FOLDER = join(import.meta.dirname, '..', '..', '..', '..', 'docs');

/** The API, the portal and what answers to clients of other providers, where they are served here. */
export function buildHttp(basics: Basics, shown: Shown): FastifyInstance {
  const { config, store, secretBox, clock, ids, log, gate } = basics;
  const servesApi = config.roles.includes('api');
  const { idempotency } = store;
  const memory = createAnswerMemory({ idempotency, secretBox, now: clock.now });
  return createHttpServer({
    routes: buildRoutes(basics, shown, servesApi),
    ...shown.access,
    memory,
    ids,
    log,
    refuseWork: gate.refuseWork,
    compatible: servesApi ? buildCompatibleApis(basics, shown, memory) : null,
    links: createLinkRules({ directory: shown.webhooks.directory }),
    portal: servesApi ? buildPortal(basics, shown) : null,
  });
}

function buildRoutes(basics: Basics, shown: Shown, servesApi: boolean): Route[] {
  const { config, store, secretBox, projects, version, clock, ids, gate } = basics;
  const { access, webhooks, logbook, mail, sources, sinks, jobs } = shown;
  const { directory } = webhooks;
  return createRoutes({
    ...store,
    ...access,
    ...mail,
    secretBox,
    version,
    ids,
    clock,
    now: clock.now,
    logger: basics.log,
    log: logbook.eventLog,
    notifier: logbook.notifier,
    projects,
    storedProjects: store.projects,
    directory: limitEndpoints(directory, projects),
    dispatcher: webhooks.dispatcher,
    endpointDefaults: webhooks.defaults,
    evaluateText: webhooks.evaluateText,
    endpointUrls: (projectId, endpointId) =>
      directory.find(projectId, endpointId)?.record.url ?? null,
    urlPolicy: { guard: webhooks.guard, allowHttp: config.endpointAllowHttp },
    maxMessageBytes: config.maxMessageSize,
    publicUrl: config.publicUrl,
    runner: jobs.runner,
    analytics: shown.analytics.analytics,
    alertRoom: shown.alerts.alertRoom,
    replay: jobs.replay,
    jobRetentionMs: basics.retentionMs,
    sourceRoom: sources,
    sinkRoom: sinks.sinkRoom,
    health: () => toPublicHealth(store.engine.health()),
    stopping: gate.isStopping,
    documentation: createDocumentation({ folder: DOCS_FOLDER, version }),
    metrics: shown.metrics.render,
    api: servesApi,
  });
}

function buildCompatibleApis(
  { config, store, ids, clock, gate, log }: Basics,
  { access, webhooks, mail }: Shown,
  memory: AnswerMemory,
): CompatibleApis {
  return createCompatibleApis({
    acceptor: mail.acceptor,
    messages: store.messages,
    events: store.events,
    directory: webhooks.directory,
    authenticator: access.authenticator,
    rates: access.rates,
    ids,
    clock,
    memory,
    maxMessageBytes: config.maxMessageSize,
    canTrack: config.publicUrl !== null,
    refuseWork: gate.refuseWork,
    log,
  });
}

function buildPortal(basics: Basics, { access, mail }: Shown): Portal {
  const { config, store, secretBox, projects, version, ids, clock, log, gate } = basics;
  return createPortal({
    store,
    secretBox,
    authenticator: access.authenticator,
    projects,
    mailReader: mail.inboundRoom.reader,
    sendInvitation: createInvitationMailer({ ...config, acceptor: mail.acceptor, log }),
    files: readPortalFiles(PORTAL_FOLDER),
    isSecure: config.publicUrl?.startsWith('https:') === true,
    hostname: config.hostname,
    auditRetentionMs: config.auditRetention,
    version,
    ids,
    now: clock.now,
    log,
    refuseWork: gate.refuseWork,
    oidc: readOidcSettings(config),
  });
}

function readOidcSettings(config: Config): OidcSettings | null {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcDefaultRole, publicUrl } = config;
  if (issuer === null || clientId === null) return null;
  return {
    provider: {
      issuer,
      clientId,
      clientSecret: config.oidcClientSecret,
      scopes: config.oidcScopes,
    },
    admission: {
      roleClaim: config.oidcRoleClaim,
      roles: config.oidcRoles,
      defaultRole: oidcDefaultRole === 'none' ? null : oidcDefaultRole,
      domains: config.oidcDomains,
    },
    trustsEmail: config.oidcTrustEmail,
    publicUrl,
  };
}
