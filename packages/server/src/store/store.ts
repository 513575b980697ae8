import { type ApiKeys, createApiKeys } from './access/api-keys.ts';
import { type AuditLog, createAuditLog } from './access/audit-log.ts';
import { createInvitations, type Invitations } from './access/invitations.ts';
import { createSessions, type Sessions } from './access/sessions.ts';
import { createUsers, type Users } from './access/users.ts';
import { type AlertNotices, createAlertNotices } from './alerts/alert-notices.ts';
import { type AlertRules, createAlertRules } from './alerts/alert-rules.ts';
import { type Alerts, createAlerts } from './alerts/alerts.ts';
import { createDeliverySample, type DeliverySample } from './analytics/delivery-sample.ts';
import { createStatsPlaces, type StatsPlaces } from './analytics/stats-places.ts';
import { createStatsSums, type StatsSums } from './analytics/stats-sums.ts';
import { type Changes, createChanges } from './changes.ts';
import type { Engine } from './engine.ts';
import { createErasure, type Erasure } from './erasure/erasure.ts';
import { createIdempotency, type Idempotency } from './idempotency.ts';
import { createJobParts, type JobParts } from './jobs/job-parts.ts';
import { createJobs, type Jobs } from './jobs/jobs.ts';
import { createEventFeed, type EventFeed } from './log/event-feed.ts';
import { createEventVolume, type EventVolume } from './log/event-volume.ts';
import { createEvents, type Events } from './log/events.ts';
import type { RecentEvents } from './log/recent-events.ts';
import { createDomains, type Domains } from './mail/domains.ts';
import { createExpectations, type Expectations } from './mail/expectations.ts';
import { createHeldMessages, type HeldMessages } from './mail/held-messages.ts';
import { createInboundRoutes, type InboundRoutes } from './mail/inbound-routes.ts';
import { createMailQueue, type MailQueue } from './mail/mail-queue.ts';
import { createMessages, type Messages } from './mail/messages.ts';
import { createReceivedMails, type ReceivedMails } from './mail/received-mail.ts';
import { createSendWindows, type SendWindows } from './mail/send-windows.ts';
import { createSuppressions, type Suppressions } from './mail/suppressions.ts';
import { createTranscripts, type Transcripts } from './mail/transcripts.ts';
import { createNodes, type Nodes } from './nodes.ts';
import { createProjects, type Projects } from './projects.ts';
import { createSealedValues, type SealedValues } from './sealed-values.ts';
import { createSinkPlaces, type SinkPlaces } from './sinks/sink-places.ts';
import { createSinks, type Sinks } from './sinks/sinks.ts';
import { createSourceActivities, type SourceActivities } from './sources/source-activities.ts';
import { createSourcePayloads, type SourcePayloads } from './sources/source-payloads.ts';
import { createSources, type Sources } from './sources/sources.ts';
import { createDeadLetters, type DeadLetters } from './webhooks/dead-letters.ts';
import { createDeliveries, type Deliveries } from './webhooks/deliveries.ts';
import { createEndpoints, type Endpoints } from './webhooks/endpoints.ts';
import { createQueue, type Queue } from './webhooks/queue.ts';

/** The store by noun. Each room takes the nouns that it needs, not the whole. */
export interface Store {
  engine: Engine;
  projects: Projects;
  apiKeys: ApiKeys;
  endpoints: Endpoints;
  messages: Messages;
  heldMessages: HeldMessages;
  expectations: Expectations;
  mailQueue: MailQueue;
  transcripts: Transcripts;
  events: Events;
  eventVolume: EventVolume;
  feed: EventFeed;
  /** Null where other processes append as well. */
  recentEvents: RecentEvents | null;
  deliveries: Deliveries;
  deadLetters: DeadLetters;
  queue: Queue;
  jobs: Jobs;
  nodes: Nodes;
  changes: Changes;
  erasure: Erasure;
  idempotency: Idempotency;
  sealed: SealedValues;
  sinks: Sinks;
  sinkPlaces: SinkPlaces;
  deliverySample: DeliverySample;
  statsPlaces: StatsPlaces;
  statsSums: StatsSums;
  alertRules: AlertRules;
  alerts: Alerts;
  alertNotices: AlertNotices;
  sources: Sources;
  sourceActivities: SourceActivities;
  sourcePayloads: SourcePayloads;
  suppressions: Suppressions;
  jobParts: JobParts;
  domains: Domains;
  inboundRoutes: InboundRoutes;
  receivedMail: ReceivedMails;
  sendWindows: SendWindows;
  users: Users;
  sessions: Sessions;
  invitations: Invitations;
  audit: AuditLog;
}

export function createStore(engine: Engine, recentEvents: RecentEvents | null = null): Store {
  return {
    engine,
    projects: createProjects(engine),
    apiKeys: createApiKeys(engine),
    endpoints: createEndpoints(engine),
    messages: createMessages(engine),
    heldMessages: createHeldMessages(engine),
    expectations: createExpectations(engine),
    mailQueue: createMailQueue(engine),
    transcripts: createTranscripts(engine),
    events: createEvents(engine),
    eventVolume: createEventVolume(engine),
    feed: createEventFeed(engine, recentEvents),
    recentEvents,
    deliveries: createDeliveries(engine),
    deadLetters: createDeadLetters(engine),
    queue: createQueue(engine),
    jobs: createJobs(engine),
    nodes: createNodes(engine),
    changes: createChanges(engine),
    erasure: createErasure(engine, recentEvents),
    idempotency: createIdempotency(engine),
    sealed: createSealedValues(engine),
    sinks: createSinks(engine),
    sinkPlaces: createSinkPlaces(engine),
    deliverySample: createDeliverySample(engine),
    statsPlaces: createStatsPlaces(engine),
    statsSums: createStatsSums(engine),
    alertRules: createAlertRules(engine),
    alerts: createAlerts(engine),
    alertNotices: createAlertNotices(engine),
    sources: createSources(engine),
    sourceActivities: createSourceActivities(engine),
    sourcePayloads: createSourcePayloads(engine),
    suppressions: createSuppressions(engine),
    jobParts: createJobParts(engine),
    domains: createDomains(engine),
    inboundRoutes: createInboundRoutes(engine),
    receivedMail: createReceivedMails(engine),
    sendWindows: createSendWindows(engine),
    users: createUsers(engine),
    sessions: createSessions(engine),
    invitations: createInvitations(engine),
    audit: createAuditLog(engine),
  };
}
