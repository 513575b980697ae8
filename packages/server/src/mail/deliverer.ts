import { messageOf } from '../lib/errors.ts';
import { type Engine, StoreUnavailable } from '../store/engine.ts';
import type { FreshMail } from './accept-message.ts';
import { createJobDelivery, type JobDeliveryOptions } from './delivery/deliver-job.ts';
import type { DestinationPace } from './delivery/destination-pace.ts';
import { groupTransmissions, type MailJob } from './mail-job.ts';
import { SANDBOX_LANE } from './sandbox/sandbox-delivery.ts';

export interface DelivererOptions extends JobDeliveryOptions {
  engine: Pick<Engine, 'claimTransmissions' | 'health' | 'onHealthChange'>;
  /** With a smarthost all domains share one lane, since all go the same way. */
  smarthost: boolean;
  /** How much each destination gets at a time. */
  pace: DestinationPace;
  /** SMTP transactions under way, at most. */
  concurrency: number;
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
  /** `slowed`: destinations that get less than they might, since they asked for it or do not answer. */
  stats(): { jobs: number; inFlight: number; slowed: number };
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
  const { engine, clock, logger, node, pace } = options;
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
  let cancelPump: (() => void) | null = null;
  let pumpAtMs = Number.POSITIVE_INFINITY;
  let idle: (() => void) | null = null;

  const delivery = createJobDelivery({
    ...options,
    signal: abort.signal,
    wake,
  });

  const laneKeyOf = (domain: string): string =>
    options.smarthost && domain !== SANDBOX_LANE ? '' : domain;

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

  /** A destination that asked to be left alone gets no more into memory: others may take it meanwhile. */
  function takesNoMore(key: string): boolean {
    const lane = lanes.get(key);
    return (lane !== undefined && isFull(lane)) || pace.isHeldBack(key);
  }

  /** No lane has more transactions under way than are still free, for the same reason. */
  function mayRun(lane: MailLane): boolean {
    return lane.jobs.length > 0 && lane.inFlight < options.concurrency - inFlight;
  }

  /** How the next job of a lane is to be done; null when it has to wait. */
  function nextStep(key: string, lane: MailLane): ((job: MailJob) => Promise<void>) | null {
    const answer = mayRun(lane) ? pace.start(key) : { waitMs: null };
    if ('suspended' in answer) return (job) => delivery.putOff(job, answer.suspended);
    if ('ticket' in answer) {
      return async (job) => answer.ticket.end(await delivery.deliver(job));
    }
    if (answer.waitMs !== null) pumpAfter(answer.waitMs);
    return null;
  }

  /** Destinations become free by time alone. */
  function pumpAfter(waitMs: number): void {
    const atMs = clock.now() + waitMs;
    if (atMs >= pumpAtMs) return;
    cancelPump?.();
    pumpAtMs = atMs;
    cancelPump = clock.after(waitMs, () => {
      pumpAtMs = Number.POSITIVE_INFINITY;
      // What was left in the store for their sake may come now.
      dueAtMs = Math.min(dueAtMs, clock.now());
      pump();
    });
  }

  function pump(): void {
    if (!running || !engine.health().ok) return;
    for (const [key, lane] of lanes) {
      if (lane.jobs.length === 0 && lane.inFlight + lane.reserved === 0) lanes.delete(key);
      const step = nextStep(key, lane);
      const job = step === null ? undefined : lane.jobs.shift();
      if (step === null || job === undefined) continue;
      // To the end of the line, where this loop comes by again: the next place is another lane's.
      lanes.delete(key);
      lanes.set(key, lane);
      void run(lane, job, step);
    }
    claimDue();
  }

  async function run(
    lane: MailLane,
    job: MailJob,
    step: (job: MailJob) => Promise<void>,
  ): Promise<void> {
    lane.inFlight += 1;
    inFlight += 1;
    await step(job);
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
    const exceptDomains = [...lanes.keys()].filter(takesNoMore);
    dueAtMs = clock.now() + IDLE_POLL_MS;
    try {
      const nowMs = clock.now();
      const found = await engine.claimTransmissions({ nowMs, limit, node, exceptDomains });
      leftBehind = exceptDomains.length > 0;
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
      const keys = [...keysOf(domains)];
      if (keys.some(takesNoMore)) return null;
      const itsLanes = keys.map(laneFor);
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
      cancelPump?.();
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
    stats: () => ({ jobs, inFlight, slowed: pace.slowed() }),
  };
}
