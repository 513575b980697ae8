/** Builds the part of Posthorn that a bench measures: store, log and dispatcher, without a server. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CanonicalEvent, encodeSecret } from '@posthorn/sdk';
import { createIds, type Ids } from 'posthorn/src/core/ids.ts';
import { STANDARD_WEBHOOKS_LADDER_MS } from 'posthorn/src/core/retry-schedule.ts';
import { DEFAULT_ENDPOINT_SETTINGS } from 'posthorn/src/core/webhooks/endpoint-settings.ts';
import { systemClock } from 'posthorn/src/lib/clock.ts';
import { silentLog } from 'posthorn/src/lib/log.ts';
import { createSecretBox } from 'posthorn/src/lib/secrets/secret-box.ts';
import { createEventLog, type EventLog } from 'posthorn/src/store/log/event-log.ts';
import { createRecentEvents } from 'posthorn/src/store/log/recent-events.ts';
import { openEngine } from 'posthorn/src/store/open-engine.ts';
import { newProject } from 'posthorn/src/store/projects.ts';
import { createStore, type Store } from 'posthorn/src/store/store.ts';
import { createDispatcher, type Dispatcher } from 'posthorn/src/webhooks/dispatcher.ts';
import { createEndpointDirectory } from 'posthorn/src/webhooks/endpoints/endpoint-directory.ts';
import { createConfiguredPostClient } from 'posthorn/src/webhooks/post/configured-client.ts';
import { createPoster } from 'posthorn/src/webhooks/poster/poster.ts';
import { createThreadedPoster } from 'posthorn/src/webhooks/poster/threaded-poster.ts';

export const IN_FLIGHT = 64;
const DAY_MS = 86_400_000;

export interface BenchEngine {
  projectId: string;
  ids: Ids;
  store: Store;
  log: EventLog;
  dispatcher: Dispatcher;
  /** Of the first project, or of another that is made for it. */
  addEndpoint(url: string, owner?: 'new project'): Promise<string>;
  /** Of the projects that have an endpoint, one after the other. */
  nextProjectId(): string;
  removeEndpoint(id: string): Promise<void>;
  /** How many attempts are on disk. */
  recorded(): number;
  onRecorded(listener: () => void): void;
  close(): Promise<void>;
}

export async function startBenchEngine(
  options: {
    /** How many post; 0 for the main thread. */
    threads?: number;
    /** Of an empty PostgreSQL; without it SQLite in a folder of its own. */
    databaseUrl?: string;
    /** PEM certificates to trust. */
    ca?: string;
    /** Posts under way at once, to all endpoints. */
    concurrency?: number;
  } = {},
): Promise<BenchEngine> {
  const { threads = 0, databaseUrl = null, ca = null, concurrency = 512 } = options;
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
  const now = systemClock.now;
  const ids = createIds({ now, randomBytes });
  const settings = { data: folder, storeMaxSize: null, databaseUrl };
  const engine = await openEngine(
    { ...settings, databaseReadUrl: null, databaseListenUrl: null, databasePool: 12 },
    systemClock,
  );
  const recent = engine.shared ? null : createRecentEvents({ clock: systemClock });
  const store = createStore(engine, recent);
  const directory = createEndpointDirectory({
    endpoints: store.endpoints,
    secretBox: createSecretBox(randomBytes(32)),
    defaults: {
      ladderMs: STANDARD_WEBHOOKS_LADDER_MS,
      timeoutMs: 15_000,
      concurrency: IN_FLIGHT,
      patienceMs: 5 * DAY_MS,
      sender: { host: 'bench.posthorn.test', publicUrl: null },
    },
  });
  const posting = {
    networks: ['loopback'],
    connectionsPerOrigin: IN_FLIGHT,
    idleConnections: 2_000,
    ca,
    proxy: null,
  };
  const poster =
    threads === 0
      ? createPoster(createConfiguredPostClient(posting))
      : createThreadedPoster({ threads, settings: posting, log: silentLog });
  let recorded = 0;
  let listener = () => {};
  const dispatcher = createDispatcher({
    engine,
    deliveries: store.deliveries,
    directory,
    poster,
    clock: systemClock,
    random: Math.random,
    ids,
    log: silentLog,
    node: ids.next('node'),
    concurrency,
    memoryLimit: 8_192,
    retentionMs: () => 30 * DAY_MS,
    report() {},
    onAttempt() {
      recorded += 1;
      listener();
    },
  });
  const log = createEventLog({
    engine,
    subscribers: dispatcher,
    now,
    retentionMs: () => 30 * DAY_MS,
    recent,
  });
  async function addProject(): Promise<string> {
    const id = ids.next('project');
    await store.projects.insert(newProject(id, 'bench', now()), []);
    return id;
  }
  const projectId = await addProject();
  const subscribed: string[] = [];
  let turn = 0;
  dispatcher.start();
  return {
    projectId,
    ids,
    store,
    log,
    dispatcher,
    nextProjectId() {
      turn += 1;
      return subscribed[turn % subscribed.length] ?? projectId;
    },
    async addEndpoint(url, owner) {
      const id = ids.next('endpoint');
      const ownerId = owner === undefined ? projectId : await addProject();
      if (!subscribed.includes(ownerId)) subscribed.push(ownerId);
      const fields = {
        projectId: ownerId,
        id,
        uid: null,
        url,
        description: '',
        metadata: {},
        eventTypes: ['*'],
        settings: DEFAULT_ENDPOINT_SETTINGS,
        version: 1,
        failingSinceMs: null,
        warnedPercent: 0,
        status: 'enabled' as const,
        disabledReason: null,
        createdAtMs: now(),
        updatedAtMs: now(),
      };
      const key = {
        id: 'sk_1',
        kind: 'v1' as const,
        secret: encodeSecret(randomBytes(32)),
        createdAtMs: now(),
        expiresAtMs: null,
      };
      await directory.create(fields, { keys: [key], headers: {}, clientKey: null }, []);
      return id;
    },
    removeEndpoint: (id) => directory.remove(projectId, id, now()),
    recorded: () => recorded,
    onRecorded(next) {
      listener = next;
    },
    async close() {
      await dispatcher.stop(2_000);
      await engine.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A usual event of about 570 bytes: what design/performance.md measured with. */
export function sampleEvent(ids: Ids): CanonicalEvent {
  return {
    id: ids.next('event'),
    type: 'email.delivered',
    timestamp: new Date().toISOString(),
    data: {
      provider: 'posthorn',
      message: { id: ids.next('message'), from: 'shop@example.com', subject: 'Your order 12345' },
      recipient: 'user@example.com',
      delivery: {
        attempt: 1,
        smtp_code: 250,
        enhanced_code: '2.0.0',
        response: '250 2.0.0 Ok: queued as 4F2A11B3C',
        mx: 'mx1.example.com',
        remote_ip: '192.0.2.25',
        tls: true,
        latency_ms: 312,
        next_attempt_at: null,
      },
      tags: ['order-confirmation'],
      metadata: { order_id: '12345' },
    },
  };
}
