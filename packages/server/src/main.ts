import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KeyMaterial } from './cli/key-material.ts';
import { openSecretBox } from './cli/select-master-key.ts';
import type { Config } from './config.ts';
import { createIds } from './core/ids.ts';
import { createAuthenticator } from './http/access/authenticate.ts';
import { ensureFirstProject } from './http/access/ensure-first-project.ts';
import { createKeyUsage } from './http/access/key-usage.ts';
import { limitEndpoints } from './http/access/limit-endpoints.ts';
import { createProjectRates } from './http/access/project-rates.ts';
import { createSubmissionLogin } from './http/access/submission-login.ts';
import { createCompatibleApis } from './http/api/compat/create-compatible-apis.ts';
import { createMetrics } from './http/metrics.ts';
import { createPortal } from './http/portal/create-portal.ts';
import { createInvitationMailer } from './http/portal/invitation-mail.ts';
import { readPortalFiles } from './http/portal/portal-files.ts';
import { createAnswerMemory } from './http/remember-answers.ts';
import { createRoutes } from './http/routes.ts';
import { createHttpServer } from './http/server.ts';
import { createAddressGuard } from './lib/address-guard.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import { PosthornError } from './lib/errors.ts';
import type { Log } from './lib/log.ts';
import { createSteadyClock } from './lib/steady-clock.ts';
import { createMessageAcceptor, type MessageAcceptor } from './mail/accept-message.ts';
import { composeNotice } from './mail/compose-notice.ts';
import { createDeliverer } from './mail/deliverer.ts';
import { createDomainRoom } from './mail/domains/create-domain-room.ts';
import { createReturnPath } from './mail/return-path/create-return-path.ts';
import type { MailboxReader } from './mail/return-path/read-mailbox.ts';
import { createSendLimits } from './mail/send-limits.ts';
import { parseSmarthost } from './mail/smarthost.ts';
import { createSuppression } from './mail/suppression/create-suppression.ts';
import { createTrackingRoom } from './mail/tracking/create-tracking-room.ts';
import { createDuties } from './nodes/duties.ts';
import { keepTime } from './nodes/keep-time.ts';
import { repeat } from './nodes/repeat.ts';
import { shareWork } from './nodes/share-work.ts';
import { checkSourceAddresses } from './smtp/client/source-addresses.ts';
import { createMailResolver } from './smtp/create-mail-resolver.ts';
import type { SmtpListener } from './smtp/smtp-listener.ts';
import { createSubmissionServer } from './smtp/submission-server.ts';
import { createTransmitter } from './smtp/transmit.ts';
import { createSourceRoom } from './sources/create-sources.ts';
import { createAppendNotifier } from './store/append-notifier.ts';
import type { AuditLog } from './store/audit-log.ts';
import { type Engine, StoreUnavailable, toPublicHealth } from './store/engine.ts';
import { createEventLog, type EventLog } from './store/event-log.ts';
import { refuseHalfMoved } from './store/move/move-state.ts';
import { openEngine } from './store/open-engine.ts';
import { createProjectDirectory } from './store/project-directory.ts';
import { sourceContext } from './store/sealed-values.ts';
import { createSourceIntake } from './store/source-intake.ts';
import { createStore } from './store/store.ts';
import { createBacklogMonitor } from './webhooks/backlog/backlog-monitor.ts';
import { createDispatcher } from './webhooks/dispatcher.ts';
import { createEndpointDirectory } from './webhooks/endpoint-directory.ts';
import { createErase } from './webhooks/jobs/erase.ts';
import { createRedecode } from './webhooks/jobs/redecode.ts';
import { createReplay } from './webhooks/jobs/replay.ts';
import { createJobRunner } from './webhooks/jobs/runner.ts';
import { guardLookup, shareLookups } from './webhooks/post/connect/guarded-lookup.ts';
import { parseProxyUrl } from './webhooks/post/connect/proxy-settings.ts';
import { createConfiguredPoster } from './webhooks/poster/create-configured-poster.ts';
import { createReporter } from './webhooks/reporter.ts';

export const VERSION = '0.1.0';

export interface RunningPosthorn {
  httpUrl: string;
  /** Null without the role smtp. */
  smtp: { host: string; port: number } | null;
  /** Null where bounces come in by a mailbox, or not at all. */
  returnPathPort: number | null;
  projectId: string;
  /** The key that the first start made; null when there was one, or it was given. */
  newApiKey: string | null;
  /** Drains: no new work, what is under way ends within the bound, state is stored. */
  stop(): Promise<void>;
}

/** RFC 5321 4.5.3.2 allows minutes; a server that is silent this long will not answer at all. */
const SMTP_TIMEOUTS = {
  connectTimeoutMs: 30_000,
  greetingTimeoutMs: 60_000,
  replyTimeoutMs: 120_000,
  dataTimeoutMs: 300_000,
};
/** Big mailbox providers cut connections after about this many messages. */
const MAX_MESSAGES_PER_CONNECTION = 100;
const SMTP_IDLE_MS = 10_000;
const SUBMISSION_IDLE_MS = 300_000;
/** How long a request may take to end once everything else has, ms. */
const HTTP_CLOSE_MS = 3_000;
const PURGE_INTERVAL_MS = 600_000;
const PURGE_ROWS = 500;
/** Between two steps of one round, so that commits have the writer to themselves. */
const PURGE_PAUSE_MS = 50;
/** Deliveries of all endpoints in memory; about 1 kB each. */
const MEMORY_DELIVERIES = 8_192;
const MEMORY_MAIL_BYTES = 64 * 1_048_576;

/** What "npm run build -w @posthorn/portal" has made. */
const PORTAL_FOLDER = join(
  dirname(fileURLToPath(import.meta.resolve('@posthorn/portal/package.json'))),
  'dist',
);

/** How often jobs of a node that died are looked for. */
const JOBS_AGAIN_MS = 10_000;

/** Connections of one project that wait for events, at most: streams and long polls. */
const FEED_LISTENERS = 100;
/** How often they look for what other nodes have appended, ms. */
const FEED_POLL_MS = 1_000;

/** Builds every part by hand, starts it, and stops it in reverse order. */
export async function startPosthorn(
  config: Config,
  keys: KeyMaterial,
  options: { log: Log; clock?: Clock; random?: () => number },
): Promise<RunningPosthorn> {
  const { log } = options;
  const sharedClock = config.databaseUrl === null ? null : createSteadyClock();
  const clock = options.clock ?? sharedClock ?? systemClock;
  const random = options.random ?? Math.random;
  const { now } = clock;
  const has = (role: Config['roles'][number]): boolean => config.roles.includes(role);
  const ids = createIds({ now, randomBytes });
  const node = ids.next('node');

  const engine = await openEngine(config, clock, log);
  const store = createStore(engine);
  const closers: (() => Promise<void>)[] = [() => engine.close()];
  let stopping = false;
  try {
    return await build();
  } catch (error) {
    for (const close of closers.reverse()) await close().catch(() => {});
    throw error;
  }

  async function build(): Promise<RunningPosthorn> {
    await refuseHalfMoved(engine);
    const timeKeeper = sharedClock === null ? null : keepTime({ engine, clock: sharedClock, log });
    await timeKeeper?.start();
    closers.push(async () => timeKeeper?.stop());
    const secretBox = await openSecretBox(store.sealed, keys, { log, nowMs: now() });
    // Of an embedded store this process is the only one; whoever is listed there has died.
    if (!engine.shared) await store.nodes.clear();
    await engine.releaseLeases({ exceptNode: node, nowMs: now() });
    engine.onHealthChange((health) => {
      if (health.ok) log.info({}, 'The store takes work again');
      else if (health.code !== 'closed')
        log.error({ code: health.code, detail: health.detail }, 'The store takes no work');
    });

    const loopbackOnly = ['127.0.0.1', '::1', 'localhost'].includes(config.host);
    const endpointNetworks = config.endpointNetworks ?? (loopbackOnly ? ['loopback'] : []);
    const endpointGuard = createAddressGuard(endpointNetworks);
    const endpointDefaults = {
      ladderMs: config.webhookRetryLadder,
      timeoutMs: config.webhookTimeout,
      concurrency: config.endpointConcurrency,
      patienceMs: config.endpointPatience,
      sender: { host: config.hostname, publicUrl: config.publicUrl },
    };
    const directory = createEndpointDirectory({
      endpoints: store.endpoints,
      secretBox,
      defaults: endpointDefaults,
    });
    await directory.load();
    const projects = createProjectDirectory({
      projects: store.projects,
      defaults: {
        apiRequestsPerSecond: config.apiRate,
        retentionMs: config.retention,
        bodyRetentionMs: config.bodyRetention,
      },
    });
    await projects.load();
    const retentionMs = (project: string): number => projects.settingsOf(project).retentionMs;

    const dispatcher = createDispatcher({
      engine,
      deliveries: store.deliveries,
      directory,
      poster: createConfiguredPoster({
        threads: has('dispatch') ? config.dispatchThreads : 0,
        settings: {
          networks: endpointNetworks,
          // The lanes bound each endpoint; several of them may share an origin.
          connectionsPerOrigin: config.webhookConcurrency,
          idleConnections: config.webhookIdleConnections,
          ca: keys.endpointCa,
          proxy:
            config.webhookProxy === null
              ? null
              : { ...parseProxyUrl(config.webhookProxy), noProxy: config.webhookNoProxy },
        },
        clock,
        log,
      }),
      clock,
      random,
      ids,
      log,
      node,
      concurrency: config.webhookConcurrency,
      memoryLimit: MEMORY_DELIVERIES,
      nodes: () => sharing.count('dispatch'),
      retentionMs,
      report: (report) => reporter.report(report),
      onAttempt: ({ errorCode, latencyMs }) => metrics.attempt(errorCode, latencyMs),
    });
    const plainLog = createEventLog({ engine, subscribers: dispatcher, now, retentionMs });
    const notifier = createAppendNotifier({
      clock,
      listenersPerProject: FEED_LISTENERS,
      ...(engine.shared ? { pollMs: FEED_POLL_MS } : {}),
    });
    const countingLog: EventLog = {
      async append(events, beside) {
        const appended = await plainLog.append(events, beside);
        const stored = events.filter((_, i) => appended[i]?.duplicateOf === null);
        notifier.announce(new Set(stored.map(({ projectId: project }) => project)));
        metrics.eventsAppended(stored.map(({ event }) => event.type));
        return appended;
      },
    };
    const suppression = createSuppression({
      log: countingLog,
      store,
      ids,
      now,
      sendingOf: (project) => projects.settingsOf(project).sending,
    });
    const eventLog = suppression.log;
    const domainRoom = createDomainRoom({
      config,
      domains: store.domains,
      log: eventLog,
      secretBox,
      ids,
      now,
      requiresVerified: (project) => projects.settingsOf(project).sending.requireVerifiedDomain,
    });
    await domainRoom.directory.load();

    const reporter = createReporter({
      eventLog,
      ids,
      clock,
      log,
      notify({ projectId: project, ...notice }) {
        const from = config.noticeFrom ?? `posthorn@${config.hostname}`;
        return acceptor.acceptInput(project, composeNotice({ from, ...notice }), () => []);
      },
    });
    const returnPath = createReturnPath({
      config,
      tls: keys.submissionTls,
      secretBox,
      messages: store.messages,
      log: eventLog,
      directory: domainRoom.directory,
      projectIds: () => projects.all().map(({ id }) => id),
      refuseWork,
      onMail: (door, taken) => metrics.mailReturned(door, taken),
      ids,
      clock,
      logger: log,
    });
    const trackingRoom = createTrackingRoom({
      config,
      secretBox,
      directory: domainRoom.directory,
      rules: domainRoom.rules,
      store,
      log: eventLog,
      ids,
      now,
      sendingOf: (project) => projects.settingsOf(project).sending,
    });
    const smarthost = config.smarthost === null ? null : parseSmarthost(config.smarthost);
    const deliverer = createDeliverer({
      engine,
      messages: store.messages,
      log: eventLog,
      transmitter: createTransmitter({
        ...(smarthost === null
          ? {
              resolver: createMailResolver({
                ...config,
                networks: config.mailNetworks ?? [],
                now,
                random,
              }),
            }
          : { smarthost }),
        port: config.mailPort,
        heloName: config.hostname,
        ...SMTP_TIMEOUTS,
        maxConnectionsPerDestination: config.mailDestinationConcurrency,
        maxMessagesPerConnection: MAX_MESSAGES_PER_CONNECTION,
        sourceAddresses: config.mailSourceAddresses,
        idleMs: SMTP_IDLE_MS,
        tlsMode: config.mailTls,
        now,
        log,
      }),
      clock,
      random,
      ids,
      logger: log,
      node,
      ladderMs: config.mailRetryLadder,
      suppressed: suppression.check,
      projectExists: (project) => projects.find(project) !== null,
      smarthost: smarthost !== null,
      envelopeSender: returnPath.envelopeSender,
      personalize: trackingRoom.personalize,
      concurrency: config.mailConcurrency,
      destinationConcurrency: config.mailDestinationConcurrency,
      nodes: () => sharing.count('mail'),
      memoryBytes: MEMORY_MAIL_BYTES,
    });
    const acceptor = countAccepted(
      createMessageAcceptor({
        messages: store.messages,
        log: eventLog,
        fresh: deliverer,
        suppressed: suppression.check,
        senders: domainRoom.rules,
        sendLimits: createSendLimits({
          windows: store.sendWindows,
          log: eventLog,
          limitsOf: projects.settingsOf,
          ids,
          clock,
        }),
        tracking: trackingRoom,
        ids,
        clock,
        hostname: config.hostname,
        expiryMs: config.mailExpiry,
        retentionOf: projects.settingsOf,
      }),
    );

    function countAccepted(inner: MessageAcceptor): MessageAcceptor {
      return {
        async acceptInput(...args) {
          const accepted = await inner.acceptInput(...args);
          metrics.messageAccepted('http');
          return accepted;
        },
        async acceptInputs(...args) {
          const accepted = await inner.acceptInputs(...args);
          for (const _ of accepted) metrics.messageAccepted('http');
          return accepted;
        },
        async acceptRaw(...args) {
          const accepted = await inner.acceptRaw(...args);
          metrics.messageAccepted(args[1].acceptedBy ?? 'smtp');
          return accepted;
        },
      };
    }

    const sourceRoom = createSourceRoom({
      sources: store.sources,
      activities: store.sourceActivities,
      secretBox,
      contextOf: sourceContext,
      projectExists: (project) => projects.find(project) !== null,
      store: createSourceIntake({ engine, log: eventLog, payloads: store.sourcePayloads }),
      append: (given, beside) => eventLog.append(given, beside),
      takeEvents: (project, count) => rates.takeEvents(project, count),
      refuseWork,
      isStoreTrouble: (error) => error instanceof StoreUnavailable,
      retentionMs,
      onOutcome: (outcome) => metrics.webhookReceived(outcome),
      lookup: guardLookup(endpointGuard, shareLookups(lookup)),
      ids,
      clock,
      log,
    });
    await sourceRoom.directory.load();

    const { deliveries, events, erasure, jobs, queue } = store;
    const { wake } = dispatcher;
    const replay = createReplay({ deliveries, events, directory, wake, now });
    const erase = createErase({ erasure, wake, now });
    const runner = createJobRunner({
      jobs,
      engine,
      works: {
        replay: replay.step,
        erase,
        redecode: createRedecode({
          payloads: store.sourcePayloads,
          sources: sourceRoom.directory,
          log: eventLog,
          ids,
        }),
        import_suppressions: suppression.importStep,
        export_suppressions: suppression.exportStep,
      },
      clock,
      log,
    });
    const monitor = createBacklogMonitor({
      queue,
      directory,
      report: reporter.report,
      clock,
      log,
      threshold: { depth: config.queueAlertDepth, lagMs: config.queueAlertLag },
    });

    const metrics = createMetrics({
      dispatcher: dispatcher.stats,
      deliverer: deliverer.stats,
      storeOk: () => engine.health().ok,
      waitingDeliveries: store.deliveries.waiting,
      backlog: monitor.stats,
      stalledSources: sourceRoom.monitor.stalled,
      waitingMail: store.messages.waiting,
    });
    const usage = createKeyUsage({ apiKeys: store.apiKeys, clock, log });
    const authenticator = createAuthenticator({ apiKeys: store.apiKeys, projects, usage, now });
    const rates = createProjectRates({ projects, now });
    const logIn = createSubmissionLogin(authenticator);

    const sharing = shareWork({
      ...store,
      self: {
        id: node,
        host: hostname(),
        pid: process.pid,
        version: VERSION,
        roles: [...config.roles],
      },
      stats: () => ({
        deliveriesInMemory: dispatcher.stats().inMemory,
        postsInFlight: dispatcher.stats().inFlight,
        mailInMemory: deliverer.stats().jobs,
      }),
      sharer: {
        refreshEndpoint: directory.refresh,
        refreshEndpoints: directory.refreshAll,
        refreshSource: sourceRoom.directory.refresh,
        refreshSources: sourceRoom.directory.refreshAll,
        refreshProjects: projects.refresh,
        refreshDomains: domainRoom.directory.load,
        forgetKeys: authenticator.forgetAll,
        noteDue: dispatcher.noteDue,
        noteMailDue: () => deliverer.wake(now()),
        dropLeases() {
          dispatcher.dropLeases();
          deliverer.dropLeases();
        },
      },
      clock,
      log,
    });
    const duties = createDuties({ nodes: store.nodes, node, clock, log });

    function refuseWork(): PosthornError | null {
      if (stopping) {
        const detail = 'This process is stopping. Try again in a moment, or at another one.';
        return new PosthornError('shutting_down', detail, { retryAfterSeconds: 5 });
      }
      const health = toPublicHealth(engine.health());
      if (health.ok) return null;
      return new PosthornError('store_unavailable', health.detail, { retryAfterSeconds: 5 });
    }

    const urls = (project: string, endpointId: string): string | null =>
      directory.find(project, endpointId)?.record.url ?? null;
    const app = createHttpServer({
      routes: createRoutes({
        acceptor,
        messages: store.messages,
        events: store.events,
        deliveries: store.deliveries,
        endpoints: store.endpoints,
        endpointDefaults,
        endpointUrls: urls,
        maxMessageBytes: config.maxMessageSize,
        log: eventLog,
        ids,
        now,
        directory: limitEndpoints(directory, projects),
        projects,
        storedProjects: store.projects,
        nodes: store.nodes,
        apiKeys: store.apiKeys,
        rates,
        authenticator,
        urlPolicy: { guard: endpointGuard, allowHttp: config.endpointAllowHttp },
        dispatcher,
        clock,
        engine,
        feed: store.feed,
        notifier,
        queue,
        jobs,
        jobParts: store.jobParts,
        domainRoom,
        trackingRoom,
        logger: log,
        domains: store.domains,
        secretBox,
        suppressions: store.suppressions,
        runner,
        replay,
        sources: store.sources,
        sourceRoom,
        sourceActivities: store.sourceActivities,
        sourcePayloads: store.sourcePayloads,
        publicUrl: config.publicUrl,
        jobRetentionMs: retentionMs,
        health: () => toPublicHealth(engine.health()),
        stopping: () => stopping,
        metrics: metrics.render,
        version: VERSION,
        api: has('api'),
      }),
      authenticator,
      rates,
      memory: createAnswerMemory({ idempotency: store.idempotency, secretBox, now }),
      ids,
      log,
      refuseWork,
      compatible: has('api')
        ? createCompatibleApis({
            acceptor,
            messages: store.messages,
            events: store.events,
            directory,
            authenticator,
            rates,
            ids,
            clock,
            maxMessageBytes: config.maxMessageSize,
            refuseWork,
            log,
          })
        : null,
      portal: has('api')
        ? createPortal({
            store,
            secretBox,
            authenticator,
            projects,
            sendInvitation: createInvitationMailer({ ...config, acceptor, log }),
            files: readPortalFiles(PORTAL_FOLDER),
            isSecure: config.publicUrl?.startsWith('https:') === true,
            hostname: config.hostname,
            auditRetentionMs: config.auditRetention,
            version: VERSION,
            ids,
            now,
            log,
            refuseWork,
          })
        : null,
    });

    const submission = createSubmissionServer({
      hostname: config.hostname,
      ...(keys.submissionTls === null ? {} : { tls: keys.submissionTls }),
      requireTls: config.smtpRequireTls,
      maxSizeBytes: config.maxMessageSize,
      maxRecipients: 1_000,
      maxConnections: 1_000,
      maxConnectionsPerAddress: 100,
      idleMs: SUBMISSION_IDLE_MS,
      authenticate: ({ password }) => logIn(password),
      accept: async ({ projectId: project, envelopeFrom, recipients, raw }) =>
        acceptor.acceptRaw(project, { envelopeFrom, recipients, raw }),
      canAccept() {
        const refusal = refuseWork();
        return refusal === null ? { ok: true } : { ok: false, reason: refusal.title };
      },
      log,
    });

    for (const { record } of [...directory.all()]) {
      // The process may have ended between deleting a project and its endpoints.
      if (projects.find(record.projectId) !== null) continue;
      await directory.remove(record.projectId, record.id, now());
    }
    await sharing.start();
    closers.push(() => sharing.stop());
    if (has('dispatch')) {
      dispatcher.start();
      await runner.start();
    }
    for (const gone of await store.endpoints.deleted()) {
      // The process may have ended between deleting an endpoint and canceling what waited for it.
      void dispatcher.cancelFor(gone.projectId, gone.id);
    }
    if (has('mail')) {
      await checkSourceAddresses(config.mailSourceAddresses);
      deliverer.start();
    }
    closers.push(async () => reporter.stop());
    closers.push(() => runner.stop());
    closers.push(() => dispatcher.stop(config.shutdownGrace));
    closers.push(() => deliverer.stop(config.shutdownGrace));
    const giveUpDuties = takeDuties();
    closers.push(async () => giveUpDuties());
    await app.listen({ host: config.host, port: config.port });
    closers.push(() => app.close());
    const smtp = has('smtp') ? await listenSmtp(submission, config.smtpPort) : null;
    const returnPathServer = has('smtp') ? returnPath.server : null;
    const returnPathPort =
      returnPathServer === null
        ? null
        : (await listenSmtp(returnPathServer, config.returnPathPort ?? 0)).port;

    const { port } = app.server.address() as AddressInfo;
    const shownHost = config.host.includes(':') ? `[${config.host}]` : config.host;
    // Last, since the key is shown once: a start that fails must not have made it.
    const { projectId, newApiKey } = await ensureFirstProject({
      stored: store.projects,
      apiKeys: store.apiKeys,
      projects,
      authenticator,
      apiKey: config.apiKey,
      ids,
      now,
      log,
    });
    return {
      httpUrl: `http://${shownHost}:${port}`,
      smtp,
      returnPathPort,
      projectId,
      newApiKey,
      stop,
    };

    async function listenSmtp(
      server: SmtpListener,
      at: number,
    ): Promise<{ host: string; port: number }> {
      await server.listen({ host: config.host, port: at });
      closers.push(() => server.close({ graceMs: config.shutdownGrace }));
      return server.address();
    }

    /** What one node does for all. Jobs go on where they began; this takes up what a dead node left. */
    function takeDuties(): () => void {
      const held = [
        duties.hold(
          'retention',
          repeat(() => purge(engine, store.audit, now()), { clock, log }),
        ),
        duties.hold('sources', { begin: sourceRoom.monitor.start, end: sourceRoom.monitor.stop }),
        ...(has('mail')
          ? [duties.hold('domains', repeat(domainRoom.checker.round, { clock, log }))]
          : []),
        ...(has('mail') && returnPath.mailbox !== null ? [readMailbox(returnPath.mailbox)] : []),
        ...(has('dispatch')
          ? [
              duties.hold('alerts', { begin: monitor.start, end: monitor.stop }),
              duties.hold(
                'jobs',
                repeat(() => runner.start().then(() => JOBS_AGAIN_MS), { clock, log }),
              ),
            ]
          : []),
      ];
      return () => {
        for (const giveUp of held) giveUp();
      };
    }

    function readMailbox(mailbox: MailboxReader): () => void {
      const rounds = repeat(mailbox.round, { clock, log });
      return duties.hold('bounce_mailbox', {
        begin: rounds.begin,
        end() {
          rounds.end();
          mailbox.abort();
        },
      });
    }

    async function stop(): Promise<void> {
      if (stopping) return;
      stopping = true;
      // While work ends, HTTP still answers: /readyz says that we are stopping, and new work gets 503.
      const graceMs = config.shutdownGrace;
      giveUpDuties();
      await sharing.drain().catch(() => {});
      // Who waits for events gets an answer now, or HTTP would wait for them.
      notifier.close();
      await runner.stop();
      await Promise.all([
        smtp === null ? null : submission.close({ graceMs }),
        returnPathServer?.close({ graceMs }),
        dispatcher.stop(graceMs),
        deliverer.stop(graceMs),
      ]);
      reporter.stop();
      await closeHttp();
      await usage.flush();
      timeKeeper?.stop();
      await sourceRoom.recorder.stop();
      await sharing.stop().catch(() => {});
      await engine.close();
    }

    /** Answers that are under way go out; a request that is still coming in is cut after a moment. */
    async function closeHttp(): Promise<void> {
      const cancel = clock.after(HTTP_CLOSE_MS, () => app.server.closeAllConnections());
      await app.close();
      cancel();
    }
  }
}

/** Deletes what has outlived its retention, in small steps: resolves to when the next one is due. */
async function purge(
  engine: Engine,
  audit: Pick<AuditLog, 'purge'>,
  nowMs: number,
): Promise<number> {
  await audit.purge(nowMs);
  const { more } = await engine.purgeExpired({ nowMs, limit: PURGE_ROWS });
  return more ? PURGE_PAUSE_MS : PURGE_INTERVAL_MS;
}
