import { messageOf } from '../lib/errors.ts';
import { type Engine, StoreUnavailable } from '../store/engine.ts';
import type { FreshMail } from './accept-message.ts';
import { createJobDelivery, type JobDeliveryOptions } from './delivery/deliver-job.ts';
import type { DestinationPace } from './delivery/destination-pace.ts';
import { createMailLanes, type MailLane } from './delivery/mail-lanes.ts';
import type { MailJob } from './mail-job.ts';

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

/** Claimed at once, at most. */
const CLAIM_LIMIT = 200;
/** How often the store is asked for due mail when nothing else calls for it, ms. */
const IDLE_POLL_MS = 30_000;
/** The last try falls on the expiry itself: so long after it somebody may still have his turn, ms. */
const EXPIRY_GRACE_MS = 60_000;
const EXPIRED = 'it waited until it expired, for its destination gets no more at a time';
/** How long settling may take once everything was aborted, ms. */
const ABORT_BOUND_MS = 2_000;

export function createDeliverer(options: DelivererOptions): Deliverer {
  const { engine, clock, logger, node, pace } = options;
  const lanes = createMailLanes(options);
  const abort = new AbortController();
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
    mayBegin: () => engine.health().ok,
    wake,
  });

  /** A destination that asked to be left alone gets no more into memory: others may take it meanwhile. */
  function takesNoMore(key: string): boolean {
    return lanes.isFull(key) || pace.isHeldBack(key);
  }

  /** No lane has more transactions under way than are still free, for the same reason. */
  function mayRun(lane: MailLane): boolean {
    const free = options.concurrency - lanes.counts().inFlight;
    return lane.jobs.length > 0 && lane.inFlight < free;
  }

  /** How the next job of a lane is to be done; null when it has to wait. */
  function nextStep(key: string, lane: MailLane): ((job: MailJob) => Promise<void>) | null {
    const answer = mayRun(lane) ? pace.start(key) : { waitMs: null };
    if ('suspended' in answer) return (job) => delivery.putOff(job, answer.suspended);
    if ('ticket' in answer) {
      return async (job) => answer.ticket.end(await delivery.deliver(job));
    }
    if (answer.waitMs !== null) pumpAfter(answer.waitMs);
    giveUpExpired(lane);
    return null;
  }

  /** What still waits for its turn when it should be over is not tried any more. */
  function giveUpExpired(lane: MailLane): void {
    const nowMs = clock.now();
    for (const job of lanes.beginExpired(lane, nowMs - EXPIRY_GRACE_MS)) {
      void run(lane, job, (one) => delivery.putOff(one, EXPIRED));
    }
    const { firstExpiryMs } = lane;
    if (Number.isFinite(firstExpiryMs)) pumpAfter(firstExpiryMs + EXPIRY_GRACE_MS - nowMs);
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
    for (const [key, lane] of lanes.byKey) {
      if (lane.jobs.length === 0 && lane.inFlight + lane.reserved === 0) lanes.byKey.delete(key);
      const step = nextStep(key, lane);
      const job = step === null ? undefined : lanes.begin(key, lane);
      if (step !== null && job !== undefined) void run(lane, job, step);
    }
    claimDue();
  }

  async function run(
    lane: MailLane,
    job: MailJob,
    step: (job: MailJob) => Promise<void>,
  ): Promise<void> {
    await step(job);
    lanes.end(lane, job);
    if (leftBehind && lanes.isHalfEmpty(lane)) {
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
    const limit = Math.min(CLAIM_LIMIT, lanes.roomForClaim());
    if (limit > 0) void claim(limit);
    else leftBehind = true;
  }

  async function claim(limit: number): Promise<void> {
    claiming = true;
    const full = [...lanes.byKey.keys()].filter(takesNoMore);
    const held = pace.heldBack();
    const exceptDomains = [...new Set([...full, ...(held?.domains ?? [])])];
    // What is held back comes when its time is over, and not with each job of others that has ended.
    if (held !== null) pumpAfter(held.waitMs);
    dueAtMs = clock.now() + IDLE_POLL_MS;
    try {
      const nowMs = clock.now();
      const found = await engine.claimTransmissions({ nowMs, limit, node, exceptDomains });
      leftBehind = full.some((key) => !pace.isHeldBack(key));
      lanes.add(found.transmissions);
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

  /** What is claimed or accepted at this moment comes into a lane still, and has to be given back. */
  function checkIdle(): void {
    const { inFlight, reserved } = lanes.counts();
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
    await delivery.giveBack(lanes.takeWaiting(), clock.now());
  }

  return {
    reserve(sizeBytes, domains) {
      if (!running || !lanes.hasRoomFor(sizeBytes)) return null;
      if (lanes.keysOf(domains).some(takesNoMore)) return null;
      lanes.reserve(sizeBytes, domains);
      return { node };
    },
    drop(sizeBytes, domains) {
      lanes.release(sizeBytes, domains);
      checkIdle();
    },
    take(message, raw, transmissions) {
      const domains = transmissions.map(({ domain }) => domain);
      lanes.release(raw.length, domains);
      const rows = transmissions.map(({ recipient, domain }) => ({
        projectId: message.projectId,
        messageId: message.id,
        recipient,
        domain,
        attempts: 0,
        reachedServer: false,
        expiresAtMs: message.expiresAtMs,
      }));
      lanes.add(rows, { message, raw });
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
      lanes.takeWaiting();
      wake(clock.now());
    },
    stats() {
      const { jobs, inFlight } = lanes.counts();
      return { jobs, inFlight, slowed: pace.slowed() };
    },
  };
}
