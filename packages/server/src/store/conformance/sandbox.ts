import { randomBytes } from 'node:crypto';
import { after, before } from 'node:test';
import type { EventData, EventType } from '@posthorn/sdk';
import { createIds, type Ids } from '../../core/ids.ts';
import { DEFAULT_ENDPOINT_SETTINGS } from '../../core/webhooks/endpoint-settings.ts';
import type { AttemptRecord, DeliveryClaim, Engine, OwedDelivery, Statement } from '../engine.ts';
import {
  type CommittedDelivery,
  createEventLog,
  type EventLog,
  type NewEvent,
} from '../log/event-log.ts';
import type { MessageRecord } from '../mail/messages.ts';
import type { NewTransmission } from '../mail/transmissions.ts';
import { newProject } from '../projects.ts';
import { createStore, type Store } from '../store.ts';
import type { EndpointRecord } from '../webhooks/endpoints.ts';

/** Opens an engine on an empty database; `close` also removes what it left behind. */
export type OpenEngine = () => Promise<{ engine: Engine; close(): Promise<void> }>;

/** When the cases happen. */
export const NOW_MS = Date.UTC(2026, 0, 15, 12);
export const DAY_MS = 86_400_000;
export const RETENTION_MS = 30 * DAY_MS;

/** The node that the cases run on, and another one. */
export const NODE = 'node_here';
export const OTHER_NODE = 'node_elsewhere';

export interface EventInput {
  id?: string;
  type?: EventType;
  atMs?: number;
  messageId?: string;
  recipient?: string;
  dedupKey?: string | null;
  data?: EventData;
}

export interface Announced {
  committed: CommittedDelivery[];
  stored: OwedDelivery[];
  dropped: OwedDelivery[];
}

/** A project of its own in the store under test, and what a case needs to fill it. */
export interface Sandbox {
  engine: Engine;
  store: Store;
  ids: Ids;
  projectId: string;
  endpointId: string;
  log: EventLog;
  /** What each event appended from now on owes. */
  owes(...deliveries: Partial<OwedDelivery>[]): void;
  /** What the log told its subscribers so far. */
  announced: Announced;
  event(input?: EventInput): NewEvent;
  /** The sandbox's endpoint, not stored yet. */
  endpoint(fields?: Partial<EndpointRecord>): EndpointRecord;
  /** Of the sandbox's endpoint, by this node, of what is due now; more than any case has. */
  claim(fields?: Partial<DeliveryClaim>): DeliveryClaim;
  attempt(eventId: string, fields?: Partial<AttemptRecord>): AttemptRecord;
  /** Statements that store a message with a body and these recipients. */
  message(input: MessageInput): Statement[];
}

export interface MessageInput {
  id: string;
  raw?: Uint8Array;
  fields?: Partial<MessageRecord>;
  transmissions?: Partial<NewTransmission>[];
}

/** One engine for a group of cases; each case takes a sandbox. Call it inside `describe`. */
export function useStore(open: OpenEngine): () => Promise<Sandbox> {
  let opened: Awaited<ReturnType<OpenEngine>>;
  before(async () => {
    opened = await open();
  });
  after(() => opened.close());
  return () => createSandbox(opened.engine);
}

/** For cases about what the whole database holds: an engine that nobody else uses. */
export async function withOwnStore(
  open: OpenEngine,
  work: (sandbox: Sandbox) => Promise<void>,
): Promise<void> {
  const opened = await open();
  try {
    await work(await createSandbox(opened.engine));
  } finally {
    await opened.close();
  }
}

export async function createSandbox(engine: Engine): Promise<Sandbox> {
  const store = createStore(engine);
  // The clock stands still and the ids count up within its millisecond: they sort as they were made.
  const ids = createIds({ now: () => NOW_MS, randomBytes });
  const projectId = ids.next('project');
  const endpointId = ids.next('endpoint');
  const announced: Announced = { committed: [], stored: [], dropped: [] };
  let owed: OwedDelivery[] = [];
  const log = createEventLog({
    engine,
    now: () => NOW_MS,
    retentionMs: () => RETENTION_MS,
    subscribers: {
      owedFor: () => owed,
      committed: (delivery) => announced.committed.push(delivery),
      stored: (_projectId, delivery) => announced.stored.push(delivery),
      dropped: (_projectId, delivery) => announced.dropped.push(delivery),
    },
  });
  await store.projects.insert(newProject(projectId, 'Test', NOW_MS), []);
  return {
    engine,
    store,
    ids,
    projectId,
    endpointId,
    log,
    announced,
    owes(...deliveries) {
      owed = deliveries.map((one) => ({
        endpointId,
        state: 'pending',
        urgency: 1,
        dueAtMs: NOW_MS,
        node: null,
        orderKey: null,
        ...one,
      }));
    },
    event(input = {}) {
      const { messageId, recipient } = input;
      const id = input.id ?? ids.next('event');
      const data = {
        provider: 'api',
        ...(messageId !== undefined && { message: { id: messageId } }),
        ...(recipient !== undefined && { recipient }),
        ...input.data,
      };
      const timestamp = new Date(input.atMs ?? NOW_MS).toISOString();
      const event = { id, type: input.type ?? 'email.delivered', timestamp, data };
      return { projectId, event, dedupKey: input.dedupKey === undefined ? id : input.dedupKey };
    },
    endpoint: (fields) => ({
      projectId,
      id: endpointId,
      uid: null,
      url: 'https://hooks.receiver.test/in?x=1',
      description: 'Orders 🙂',
      metadata: {},
      eventTypes: ['*'],
      settings: DEFAULT_ENDPOINT_SETTINGS,
      secretsSealed: 'v1.a.b.c',
      status: 'enabled',
      disabledReason: null,
      version: 1,
      createdAtMs: NOW_MS,
      updatedAtMs: NOW_MS,
      failingSinceMs: null,
      warnedPercent: 0,
      ...fields,
    }),
    claim: (fields) => ({
      projectId,
      endpointId,
      urgency: 1,
      nowMs: NOW_MS,
      limit: 100,
      node: NODE,
      ...fields,
    }),
    attempt: (eventId, fields) => ({
      projectId,
      eventId,
      endpointId,
      node: NODE,
      attemptId: ids.next('attempt'),
      number: 1,
      startedAtMs: NOW_MS,
      latencyMs: 12,
      status: 200,
      errorCode: null,
      errorDetail: null,
      responseExcerpt: 'ok',
      trace: null,
      retainUntilMs: NOW_MS + RETENTION_MS,
      orderKey: null,
      next: { state: 'delivered', endedAtMs: NOW_MS + 12 },
      ...fields,
    }),
    message: ({ id, raw = Buffer.from('Subject: Hi\r\n\r\nHi\r\n'), fields, transmissions = [] }) =>
      store.messages.insertion({
        message: {
          projectId,
          id,
          acceptedBy: 'http',
          sandbox: false,
          stream: 'transactional',
          envelopeFrom: 'bounces@sender.test',
          headerFrom: 'shop@sender.test',
          subject: 'Hi',
          smtpId: `<${id}@sender.test>`,
          tags: [],
          metadata: {},
          tracking: null,
          dsn: null,
          sizeBytes: raw.length,
          createdAtMs: NOW_MS,
          sendAtMs: null,
          expiresAtMs: NOW_MS + 5 * DAY_MS,
          retainUntilMs: NOW_MS + RETENTION_MS,
          ...fields,
        },
        raw,
        bodyRetainUntilMs: NOW_MS + RETENTION_MS,
        transmissions: transmissions.map((one) => ({
          recipient: 'anna@receiver.test',
          kind: 'to',
          domain: 'receiver.test',
          dueAtMs: NOW_MS,
          node: null,
          ...one,
        })),
      }),
  };
}
