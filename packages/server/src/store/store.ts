import { type ApiKeys, createApiKeys } from './api-keys.ts';
import { type AuditLog, createAuditLog } from './audit-log.ts';
import { type Changes, createChanges } from './changes.ts';
import { createDeadLetters, type DeadLetters } from './dead-letters.ts';
import { createDeliveries, type Deliveries } from './deliveries.ts';
import { createDomains, type Domains } from './domains.ts';
import { createEndpoints, type Endpoints } from './endpoints.ts';
import type { Engine } from './engine.ts';
import { createErasure, type Erasure } from './erasure/erasure.ts';
import { createEventFeed, type EventFeed } from './event-feed.ts';
import { createEvents, type Events } from './events.ts';
import { createExpectations, type Expectations } from './expectations.ts';
import { createHeldMessages, type HeldMessages } from './held-messages.ts';
import { createIdempotency, type Idempotency } from './idempotency.ts';
import { createInboundRoutes, type InboundRoutes } from './inbound-routes.ts';
import { createInvitations, type Invitations } from './invitations.ts';
import { createJobParts, type JobParts } from './job-parts.ts';
import { createJobs, type Jobs } from './jobs.ts';
import { createMessages, type Messages } from './messages.ts';
import { createNodes, type Nodes } from './nodes.ts';
import { createProjects, type Projects } from './projects.ts';
import { createQueue, type Queue } from './queue.ts';
import { createReceivedMails, type ReceivedMails } from './received-mail.ts';
import { createSealedValues, type SealedValues } from './sealed-values.ts';
import { createSendWindows, type SendWindows } from './send-windows.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createSinkPlaces, type SinkPlaces } from './sink-places.ts';
import { createSinks, type Sinks } from './sinks.ts';
import { createSourceActivities, type SourceActivities } from './source-activities.ts';
import { createSourcePayloads, type SourcePayloads } from './source-payloads.ts';
import { createSources, type Sources } from './sources.ts';
import { createSuppressions, type Suppressions } from './suppressions.ts';
import { createTranscripts, type Transcripts } from './transcripts.ts';
import { createUsers, type Users } from './users.ts';

/** The store by noun. Each room takes the nouns that it needs, not the whole. */
export interface Store {
  engine: Engine;
  projects: Projects;
  apiKeys: ApiKeys;
  endpoints: Endpoints;
  messages: Messages;
  heldMessages: HeldMessages;
  expectations: Expectations;
  transcripts: Transcripts;
  events: Events;
  feed: EventFeed;
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

export function createStore(engine: Engine): Store {
  return {
    engine,
    projects: createProjects(engine),
    apiKeys: createApiKeys(engine),
    endpoints: createEndpoints(engine),
    messages: createMessages(engine),
    heldMessages: createHeldMessages(engine),
    expectations: createExpectations(engine),
    transcripts: createTranscripts(engine),
    events: createEvents(engine),
    feed: createEventFeed(engine),
    deliveries: createDeliveries(engine),
    deadLetters: createDeadLetters(engine),
    queue: createQueue(engine),
    jobs: createJobs(engine),
    nodes: createNodes(engine),
    changes: createChanges(engine),
    erasure: createErasure(engine),
    idempotency: createIdempotency(engine),
    sealed: createSealedValues(engine),
    sinks: createSinks(engine),
    sinkPlaces: createSinkPlaces(engine),
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
