import type { AddressInfo } from 'node:net';
import { buildAccess } from './assembly/build-access.ts';
import { buildAlerts } from './assembly/build-alerts.ts';
import { buildAnalytics } from './assembly/build-analytics.ts';
import { buildHttp } from './assembly/build-http.ts';
import { buildJobs } from './assembly/build-jobs.ts';
import { buildLog } from './assembly/build-log.ts';
import { buildMail } from './assembly/build-mail.ts';
import { buildReports } from './assembly/build-reports.ts';
import { buildSharing } from './assembly/build-sharing.ts';
import { buildSinks } from './assembly/build-sinks.ts';
import { buildSources } from './assembly/build-sources.ts';
import { buildSubmission, type Submission } from './assembly/build-submission.ts';
import { buildWebhooks } from './assembly/build-webhooks.ts';
import { type Basics, openBasics } from './assembly/open-basics.ts';
import { takeDuties } from './assembly/take-duties.ts';
import type { KeyMaterial } from './cli/key-material.ts';
import type { Config } from './config.ts';
import { ensureFirstProject } from './http/access/ensure-first-project.ts';
import { createMetrics } from './http/metrics.ts';
import type { Clock } from './lib/clock.ts';
import type { Log } from './lib/log.ts';
import { createLeaseFence } from './nodes/lease-fence.ts';
import { checkSourceAddresses } from './smtp/client/source-addresses.ts';
import type { SmtpListener } from './smtp/smtp-listener.ts';

export const VERSION = '0.1.0';

export interface RunningPosthorn {
  httpUrl: string;
  /** Null without the role smtp. */
  smtp: { host: string; port: number } | null;
  /** With TLS from the first byte; null without `smtp_tls_port`. */
  smtpTlsPort: number | null;
  /** Null where bounces come in by a mailbox, or not at all. */
  returnPathPort: number | null;
  projectId: string;
  /** The key that the first start made; null when there was one, or it was given. */
  newApiKey: string | null;
  /** Drains: no new work, what is under way ends within the bound, state is stored. */
  stop(): Promise<void>;
}

/** How long a request may take to end once everything else has, ms. */
const HTTP_CLOSE_MS = 3_000;

/** Builds every part by hand, starts it, and stops it in reverse order. */
export async function startPosthorn(
  config: Config,
  keys: KeyMaterial,
  options: { log: Log; clock?: Clock; random?: () => number },
): Promise<RunningPosthorn> {
  const basics = await openBasics(config, keys, { ...options, version: VERSION });
  /** Of a start that fails: what was started, the latest last. */
  const closers: Close[] = [basics.close];
  try {
    return await start(basics, await buildParts(basics), closers);
  } catch (error) {
    for (const close of closers.reverse()) await close().catch(() => {});
    throw error;
  }
}

type Close = () => Promise<void>;
type Parts = Awaited<ReturnType<typeof buildParts>>;

/**
 * Each part gets those that it stands on. Some need one that is built after them: they get a function,
 * and call it only when there is work.
 */
async function buildParts(basics: Basics) {
  const { store } = basics;
  const metrics = createMetrics({
    dispatcher: () => dispatcher.stats(),
    deliverer: () => mail.deliverer.stats(),
    storeOk: () => store.engine.health().ok,
    waitingDeliveries: store.deliveries.waiting,
    backlog: () => reports.monitor.stats(),
    stalledSources: () => sources.monitor.stalled(),
    firingAlerts: () => alerts.alertRoom.watch.firing(),
    waitingMail: store.messages.waiting,
  });
  const access = buildAccess(basics);
  const fence = createLeaseFence({ ...basics, engine: store.engine, wallMs: Date.now });
  const webhooks = await buildWebhooks(basics, {
    nodes: () => sharing.count('dispatch'),
    fence,
    report: (report) => reports.reporter.report(report),
    onAttempt: ({ errorCode, latencyMs }) => metrics.attempt(errorCode, latencyMs),
  });
  const { dispatcher } = webhooks;
  const sinks = buildSinks(basics, { ...webhooks, acceptor: () => mail.acceptor });
  const { announce } = sinks.sinkRoom;
  const logbook = buildLog(basics, { subscribers: dispatcher, metrics, announce });
  const nodes = (): number => sharing.count('mail');
  const mail = await buildMail(basics, { ...logbook, metrics, nodes, fence });
  const { acceptor } = mail;
  const reports = buildReports(basics, { ...logbook, ...webhooks, acceptor });
  const sources = await buildSources(basics, { ...logbook, ...access, ...webhooks, metrics });
  const jobs = buildJobs(basics, { ...logbook, ...webhooks, sources });
  const analytics = buildAnalytics(basics);
  const alerts = buildAlerts(basics, {
    ...{ ...logbook, ...webhooks, ...sinks, ...analytics },
    ...{ ...access, acceptor },
  });
  const sharing = buildSharing(basics, { access, webhooks, mail, sources, sinks, fence });
  const app = buildHttp(basics, {
    access,
    webhooks,
    logbook,
    mail,
    sources,
    sinks,
    jobs,
    analytics,
    alerts,
    metrics,
  });
  const submission = buildSubmission(basics, { acceptor, ...access, metrics });
  return {
    access,
    webhooks,
    logbook,
    mail,
    reports,
    sources,
    sinks,
    jobs,
    analytics,
    alerts,
    sharing,
    app,
    submission,
  };
}

async function start(basics: Basics, parts: Parts, closers: Close[]): Promise<RunningPosthorn> {
  const { config, store, projects, clock, ids, log } = basics;
  const { mail, reports, jobs, sharing, app } = parts;
  const { dispatcher } = parts.webhooks;
  const graceMs = config.shutdownGrace;

  await removeOrphans(basics, parts);
  await sharing.start();
  closers.push(() => sharing.stop());
  if (config.roles.includes('dispatch')) {
    dispatcher.start();
    await jobs.runner.start();
  }
  for (const gone of await store.endpoints.deleted()) {
    // The process may have ended between deleting an endpoint and canceling what waited for it.
    void dispatcher.cancelFor(gone.projectId, gone.id);
  }
  if (config.roles.includes('mail')) {
    await checkSourceAddresses(config.mailSourceAddresses);
    const pooled = [...config.mailPools.values()].flat().map(({ address }) => address);
    await checkSourceAddresses(pooled, 'mail_pools');
    mail.deliverer.start();
  }
  closers.push(async () => reports.reporter.stop());
  closers.push(() => jobs.runner.stop());
  closers.push(() => dispatcher.stop(graceMs));
  closers.push(() => mail.deliverer.stop(graceMs));
  closers.push(() => parts.sinks.stop());
  const giveUpDuties = takeDuties(basics, parts);
  closers.push(async () => giveUpDuties());
  await app.listen({ host: config.host, port: config.port });
  closers.push(() => app.close());
  const doors = config.roles.includes('smtp')
    ? { ...parts.submission, incoming: mail.incoming }
    : { plain: null, tls: null, incoming: null };
  const smtp = await listenSmtp(doors.plain, config.smtpPort);
  const smtpTls = await listenSmtp(doors.tls, config.smtpTlsPort ?? 0);
  const incoming = await listenSmtp(doors.incoming, config.returnPathPort ?? 0);

  // Last, since the key is shown once: a start that fails must not have made it.
  const { projectId, newApiKey } = await ensureFirstProject({
    stored: store.projects,
    apiKeys: store.apiKeys,
    projects,
    authenticator: parts.access.authenticator,
    apiKey: config.apiKey,
    ids,
    now: clock.now,
    log,
  });
  return {
    httpUrl: toHttpUrl(config.host, app.server.address() as AddressInfo),
    smtp,
    smtpTlsPort: smtpTls?.port ?? null,
    returnPathPort: incoming?.port ?? null,
    projectId,
    newApiKey,
    stop: () => stop(basics, parts, { giveUpDuties, doors }),
  };

  async function listenSmtp(
    server: SmtpListener | null,
    port: number,
  ): Promise<{ host: string; port: number } | null> {
    if (server === null) return null;
    await server.listen({ host: config.host, port });
    closers.push(() => server.close({ graceMs }));
    return server.address();
  }
}

/** The process may have ended between deleting a project and its endpoints. */
async function removeOrphans({ projects, clock }: Basics, { webhooks }: Parts): Promise<void> {
  const { directory } = webhooks;
  for (const { record } of [...directory.all()]) {
    if (projects.find(record.projectId) !== null) continue;
    await directory.remove(record.projectId, record.id, clock.now());
  }
}

function toHttpUrl(host: string, { port }: AddressInfo): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function stop(
  { config, clock, gate, close }: Basics,
  parts: Parts,
  started: {
    giveUpDuties: () => void;
    doors: Record<keyof Submission | 'incoming', SmtpListener | null>;
  },
): Promise<void> {
  if (gate.isStopping()) return;
  const { access, webhooks, logbook, mail, reports, sources, sinks, jobs, sharing, app } = parts;
  const { plain, tls, incoming } = started.doors;
  const graceMs = config.shutdownGrace;
  // While work ends, HTTP still answers: /readyz says that we are stopping, and new work gets 503.
  gate.shut();
  started.giveUpDuties();
  await sharing.drain().catch(() => {});
  // Who waits for events gets an answer now, or HTTP would wait for them.
  logbook.notifier.close();
  await jobs.runner.stop();
  await Promise.all([
    plain?.close({ graceMs }),
    tls?.close({ graceMs }),
    incoming?.close({ graceMs }),
    webhooks.dispatcher.stop(graceMs),
    mail.deliverer.stop(graceMs),
    sinks.stop(),
  ]);
  reports.reporter.stop();
  // Answers that are under way go out; a request that is still coming in is cut after a moment.
  const cancel = clock.after(HTTP_CLOSE_MS, () => app.server.closeAllConnections());
  await app.close();
  cancel();
  await access.usage.flush();
  await sources.recorder.stop();
  await mail.inboundRoom.close();
  await sharing.stop().catch(() => {});
  await close();
}
