import { groupTransmissions, type MailJob } from '../mail-job.ts';
import { SANDBOX_LANE } from '../sandbox/sandbox-delivery.ts';

/** Jobs in memory, at most; what is beyond waits in the store. */
const MAX_JOBS = 1_000;
/** Jobs of one destination in memory, so that one that stands still does not fill the memory. */
const MAX_LANE_JOBS = 100;

export interface MailLane {
  jobs: MailJob[];
  /** Messages whose commit is under way. */
  reserved: number;
  inFlight: number;
  /** When the first of its jobs is given up. */
  firstExpiryMs: number;
}

/** What a node holds of the mail queue in memory: one lane a destination, bounded by jobs and bytes. */
export interface MailLanes {
  /** In the order of their turns; may be changed while it is walked through. */
  readonly byKey: Map<string, MailLane>;
  keysOf(domains: readonly string[]): string[];
  /** Puts what was claimed or accepted into its lanes, as jobs. */
  add(
    transmissions: Parameters<typeof groupTransmissions>[0],
    fresh?: Pick<MailJob, 'message' | 'raw'>,
  ): void;
  /** The next job of a lane is under way; its turn is over. Undefined where it has none. */
  begin(key: string, lane: MailLane): MailJob | undefined;
  /** Those that were to be given up by then are under way. */
  beginExpired(lane: MailLane, byMs: number): MailJob[];
  end(lane: MailLane, job: MailJob): void;
  isFull(key: string): boolean;
  isHalfEmpty(lane: MailLane): boolean;
  /** Jobs that a claim may bring; 0 when the memory is full. */
  roomForClaim(): number;
  hasRoomFor(sizeBytes: number): boolean;
  reserve(sizeBytes: number, domains: readonly string[]): void;
  release(sizeBytes: number, domains: readonly string[]): void;
  /** Empties all lanes of what is not under way. */
  takeWaiting(): MailJob[];
  counts(): { jobs: number; reserved: number; inFlight: number };
}

export function createMailLanes(options: {
  /** All domains share one lane, since all go the same way. */
  smarthost: boolean;
  memoryBytes: number;
}): MailLanes {
  const { smarthost, memoryBytes } = options;
  const byKey = new Map<string, MailLane>();
  let jobs = 0;
  /** Of these: their commit is under way. */
  let reserved = 0;
  let inFlight = 0;
  let heldBytes = 0;

  const laneKeyOf = (domain: string): string =>
    smarthost && domain !== SANDBOX_LANE ? '' : domain;

  const keysOf = (domains: readonly string[]): string[] => [...new Set(domains.map(laneKeyOf))];

  function laneFor(key: string): MailLane {
    const lane = byKey.get(key) ?? { jobs: [], reserved: 0, inFlight: 0, firstExpiryMs: Infinity };
    byKey.set(key, lane);
    return lane;
  }

  function put(lane: MailLane, job: MailJob): void {
    lane.jobs.push(job);
    lane.firstExpiryMs = Math.min(lane.firstExpiryMs, job.expiresAtMs);
  }

  function begun(lane: MailLane, count: number): void {
    lane.inFlight += count;
    inFlight += count;
  }

  /** The more destinations stand still, the fewer jobs each of them holds: some room always stays. */
  const capacityNow = (): number =>
    smarthost ? MAX_JOBS : Math.min(MAX_LANE_JOBS, quarterOfRoom());

  const quarterOfRoom = (): number => Math.max(1, Math.floor((MAX_JOBS - jobs) / 4));

  return {
    byKey,
    keysOf,
    add(transmissions, fresh) {
      for (const job of groupTransmissions(transmissions, laneKeyOf)) {
        put(laneFor(job.laneKey), { ...job, ...fresh });
        jobs += 1;
        heldBytes += fresh?.raw?.length ?? 0;
      }
    },
    begin(key, lane) {
      const job = lane.jobs.shift();
      if (job === undefined) return undefined;
      begun(lane, 1);
      // To the end of the line, where whoever walks comes by again: the next place is another lane's.
      byKey.delete(key);
      byKey.set(key, lane);
      return job;
    },
    beginExpired(lane, byMs) {
      if (lane.firstExpiryMs > byMs) return [];
      const waiting = lane.jobs;
      lane.jobs = [];
      lane.firstExpiryMs = Infinity;
      for (const job of waiting) if (job.expiresAtMs > byMs) put(lane, job);
      const expired = waiting.filter((job) => job.expiresAtMs <= byMs);
      begun(lane, expired.length);
      return expired;
    },
    end(lane, job) {
      lane.inFlight -= 1;
      inFlight -= 1;
      jobs -= 1;
      heldBytes -= job.raw?.length ?? 0;
    },
    isFull(key) {
      const lane = byKey.get(key);
      return lane !== undefined && lane.jobs.length + lane.reserved >= capacityNow();
    },
    isHalfEmpty: (lane) => lane.jobs.length <= capacityNow() / 2,
    roomForClaim: () => (jobs < MAX_JOBS ? quarterOfRoom() : 0),
    hasRoomFor: (sizeBytes) => jobs < MAX_JOBS && heldBytes + sizeBytes <= memoryBytes,
    reserve(sizeBytes, domains) {
      for (const key of keysOf(domains)) laneFor(key).reserved += 1;
      heldBytes += sizeBytes;
      jobs += 1;
      reserved += 1;
    },
    release(sizeBytes, domains) {
      for (const key of keysOf(domains)) laneFor(key).reserved -= 1;
      heldBytes -= sizeBytes;
      jobs -= 1;
      reserved -= 1;
    },
    takeWaiting() {
      const waiting = [...byKey.values()].flatMap((lane) => lane.jobs.splice(0));
      jobs -= waiting.length;
      for (const { raw } of waiting) heldBytes -= raw?.length ?? 0;
      return waiting;
    },
    counts: () => ({ jobs, reserved, inFlight }),
  };
}
