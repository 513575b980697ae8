import { messageOf } from '../lib/errors.ts';
import { type Engine, StoreUnavailable } from '../store/engine.ts';
import type { FreshMail } from './accept-message.ts';
import { createJobDelivery, type JobDeliveryOptions } from './delivery/deliver-job.ts';
import { groupTransmissions, type MailJob } from './mail-job.ts';

export interface DelivererOptions extends JobDeliveryOptions {
  engine: Pick<Engine, 'claimTransmissions' | 'health' | 'onHealthChange'>;
  /** With a smarthost all domains share one lane, since all go the same way. */
  smarthost: boolean;
  /** SMTP transactions under way, at most: in all, and for one destination. */
  concurrency: number;
  destinationConcurrency: number;
  /** How many nodes deliver mail: a destination's transactions are shared among them. */
  nodes?: () => number;
  /** Message bytes kept in memory for their first attempt; beyond it they are read back when due. */
  memoryBytes: number;
}

/**
 * Brings messages to their mail servers: one lane a destination. A job is one message for the
 * recipients of one destination, in one SMTP transaction.
 *
 * A recipient's way: queued in the store and leased to this node -> (claimed or fresh) in a lane ->
 * in a transaction -> settled together with its events in one commit; a deferred one goes back to
 * the store until it is due.
 */
export interface Deliverer extends FreshMail {
  start(): void;
  stop(graceMs: number): Promise<void>;
  /** What waits in memory is leased to this node no more: it is dropped, and read back if it is due. */
  dropLeases(): void;
  stats(): { jobs: number; inFlight: number };
}

/** Jobs in memory, at most; what is beyond waits in the store. */
const MAX_JOBS = 1_000;
/** Jobs of one destination in memory, so that one that stands still does not fill the memory. */
const MAX_LANE_JOBS = 100;
/** Claimed at once, at most. */
const CLAIM_LIMIT = 200;
/** How often the store is asked for due mail when nothing else calls for it, ms. */
const IDLE_POLL_MS = 30_000;
/** How long settling may take once everything was aborted, ms. */
const ABORT_BOUND_MS = 2_000;

interface MailLane {
  jobs: MailJob[];
  /** Messages whose commit is under way. */
  reserved: number;
  inFlight: number;
}

export function createDeliverer(options: DelivererOptions): Deliverer {
  const { engine, clock, logger, node } = options;
  const lanes = new Map<string, MailLane>();
  const abort = new AbortController();
  let jobs = 0;
  /** Of these: their commit is under way. */
  let reserved = 0;
  let inFlight = 0;
  let heldBytes = 0;
  let dueAtMs = 0;
  let claiming = false;
  /** Due mail was left in the store because a lane, or the memory, was full. */
  let leftBehind = false;
  let running = false;
  let cancelTimer: (() => void) | null = null;
  let idle: (() => void) | null = null;

  const delivery = createJobDelivery({
    ...options,
    signal: abort.signal,
    wake,
    answered: () => {},
  });

  const laneKeyOf = (domain: string): string => (options.smarthost ? '' : domain);

  function laneFor(key: string): MailLane {
    const lane = lanes.get(key) ?? { jobs: [], reserved: 0, inFlight: 0 };
    lanes.set(key, lane);
    return lane;
  }

  function add(job: MailJob): void {
    laneFor(job.laneKey).jobs.push(job);
    jobs += 1;
  }

  /** The more destinations stand still, the fewer jobs each of them holds: some room always stays. */
  function capacityNow(): number {
    return options.smarthost ? MAX_JOBS : Math.min(MAX_LANE_JOBS, quarterOfRoom());
  }

  function quarterOfRoom(): number {
    return Math.max(1, Math.floor((MAX_JOBS - jobs) / 4));
  }

  function isFull(lane: MailLane): boolean {
    return lane.jobs.length + lane.reserved >= capacityNow();
  }

  /** No lane has more transactions under way than are still free, for the same reason. */
  function mayRun(lane: MailLane): boolean {
    const free = options.concurrency - inFlight;
    const share = Math.ceil(options.destinationConcurrency / (options.nodes?.() ?? 1));
    return lane.inFlight < Math.min(share, free);
  }

  function pump(): void {
    if (!running || !engine.health().ok) return;
    for (const [key, lane] of lanes) {
      if (lane.jobs.length === 0 && lane.inFlight + lane.reserved === 0) lanes.delete(key);
      const job = mayRun(lane) ? lane.jobs.shift() : undefined;
      if (job === undefined) continue;
      // To the end of the line, where this loop comes by again: the next place is another lane's.
      lanes.delete(key);
      lanes.set(key, lane);
      void run(lane, job);
    }
    claimDue();
  }

  async function run(lane: MailLane, job: MailJob): Promise<void> {
    lane.inFlight += 1;
    inFlight += 1;
    await delivery.deliver(job);
    lane.inFlight -= 1;
    inFlight -= 1;
    jobs -= 1;
    if (job.raw !== null) heldBytes -= job.raw.length;
    if (leftBehind && lane.jobs.length <= capacityNow() / 2) {
      leftBehind = false;
      dueAtMs = clock.now();
    }
    checkIdle();
    pump();
  }

  function wake(atMs: number): void {
    dueAtMs = Math.min(dueAtMs, atMs);
    claimDue();
  }

  function claimDue(): void {
    if (!running || claiming || !engine.health().ok) return;
    cancelTimer?.();
    cancelTimer = null;
    const waitMs = dueAtMs - clock.now();
    if (waitMs > 0) {
      cancelTimer = clock.after(waitMs, claimDue);
      return;
    }
    const limit = Math.min(CLAIM_LIMIT, quarterOfRoom());
    if (jobs < MAX_JOBS) void claim(limit);
    else leftBehind = true;
  }

  async function claim(limit: number): Promise<void> {
    claiming = true;
    const full = [...lanes].filter(([, lane]) => isFull(lane));
    const exceptDomains = full.map(([key]) => key);
    dueAtMs = clock.now() + IDLE_POLL_MS;
    try {
      const nowMs = clock.now();
      const found = await engine.claimTransmissions({ nowMs, limit, node, exceptDomains });
      leftBehind = full.length > 0;
      for (const job of groupTransmissions(found.transmissions, laneKeyOf)) add(job);
      if (found.nextDueAtMs !== null) dueAtMs = Math.min(dueAtMs, found.nextDueAtMs);
    } catch (error) {
      dueAtMs = clock.now() + 1_000;
      if (!(error instanceof StoreUnavailable)) {
        logger.error({ error: messageOf(error) }, 'Due mail could not be claimed');
      }
    } finally {
      claiming = false;
    }
    checkIdle();
    pump();
  }

  engine.onHealthChange((health) => {
    if (health.ok) wake(clock.now());
    pump();
  });

  function drop(sizeBytes: number, domains: readonly string[]): void {
    heldBytes -= sizeBytes;
    jobs -= 1;
    reserved -= 1;
    for (const key of keysOf(domains)) laneFor(key).reserved -= 1;
  }

  function keysOf(domains: readonly string[]): Set<string> {
    return new Set(domains.map(laneKeyOf));
  }

  /** What is claimed or accepted at this moment comes into a lane still, and has to be given back. */
  function checkIdle(): void {
    if (inFlight === 0 && reserved === 0 && !claiming) idle?.();
  }

  function untilIdle(boundMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(boundMs, resolve);
      idle = () => {
        cancel();
        resolve();
      };
      checkIdle();
    });
  }

  async function giveBackWaiting(): Promise<void> {
    const waiting = [...lanes.values()].flatMap((lane) => lane.jobs.splice(0));
    jobs -= waiting.length;
    for (const { raw } of waiting) heldBytes -= raw?.length ?? 0;
    await delivery.giveBack(waiting, clock.now());
  }

  return {
    reserve(sizeBytes, domains) {
      if (!running || jobs >= MAX_JOBS || heldBytes + sizeBytes > options.memoryBytes) return null;
      const itsLanes = [...keysOf(domains)].map(laneFor);
      if (itsLanes.some(isFull)) return null;
      for (const lane of itsLanes) lane.reserved += 1;
      heldBytes += sizeBytes;
      jobs += 1;
      reserved += 1;
      return { node };
    },
    drop(sizeBytes, domains) {
      drop(sizeBytes, domains);
      checkIdle();
    },
    take(message, raw, transmissions) {
      drop(
        raw.length,
        transmissions.map(({ domain }) => domain),
      );
      const rows = transmissions.map(({ recipient, domain }) => ({
        projectId: message.projectId,
        messageId: message.id,
        recipient,
        domain,
        attempts: 0,
        reachedServer: false,
      }));
      for (const job of groupTransmissions(rows, laneKeyOf)) {
        heldBytes += raw.length;
        add({ ...job, message, raw });
      }
      checkIdle();
      pump();
    },
    wake,
    start() {
      running = true;
      wake(0);
    },
    async stop(graceMs) {
      running = false;
      cancelTimer?.();
      await giveBackWaiting();
      await untilIdle(graceMs);
      abort.abort();
      await untilIdle(ABORT_BOUND_MS);
      await giveBackWaiting();
      await options.transmitter.close();
    },
    dropLeases() {
      for (const lane of lanes.values()) {
        for (const { raw } of lane.jobs.splice(0)) {
          jobs -= 1;
          heldBytes -= raw?.length ?? 0;
        }
      }
      wake(clock.now());
    },
    stats: () => ({ jobs, inFlight }),
  };
}
