import type { Lane } from './lane.ts';

/**
 * How lanes and projects share what a process has: posts under way, and deliveries in memory.
 *
 * All lanes of a project together have at most PROJECT_SHARE times as much as is still free: a single
 * busy project uses three quarters of the machine, and leaves room for the next one to begin. No lane
 * has more than its project may still take. So the more endpoints hang, the less each of them holds,
 * and there is always something left for one that answers, of the same project or of another one.
 * (Shared first come, first served, sixteen hanging endpoints took every post and eight all of the
 * memory.)
 *
 * Who has work and meets a limit waits; free places go to projects in turn, and to their lanes in turn.
 */
export interface Shares {
  canStart(lane: Lane): boolean;
  noteStarted(lane: Lane): void;
  noteEnded(lane: Lane): void;
  /** How many more deliveries there is room for; the lane may hold half of them. */
  roomFor(lane: Lane): number;
  /** Counts `count` more deliveries in memory (fewer, when negative). */
  hold(lane: Lane, count: number): void;
  /** Counts deliveries out that no lane holds any more. */
  drop(projectId: string, count: number): void;
  /** The lane has work and waits for a free place. */
  wait(lane: Lane): void;
  stopWaiting(lane: Lane): void;
  /** Whose turn it is: it waits no more. Undefined when nobody who waits may start. */
  nextInTurn(): Lane | undefined;
  readonly waiting: number;
  readonly inFlight: number;
  readonly inMemory: number;
}

const PROJECT_SHARE = 3;

export function createShares(limits: { concurrency: number; memory: number }): Shares {
  const projects = new Map<string, { inFlight: number; held: number }>();
  /** In the order in which they get their turn. */
  const queues = new Map<string, Set<Lane>>();
  let inFlight = 0;
  let inMemory = 0;
  let waiting = 0;

  function projectOf(projectId: string): { inFlight: number; held: number } {
    let project = projects.get(projectId);
    if (project === undefined) {
      project = { inFlight: 0, held: 0 };
      projects.set(projectId, project);
    }
    return project;
  }

  /** How much more a project that has `used` may take: with each of it less is free, and more is used. */
  const leftFor = (used: number, free: number): number =>
    (free * PROJECT_SHARE - used) / (PROJECT_SHARE + 1);

  const idOf = (lane: Lane): string => lane.endpoint.record.projectId;

  function drop(projectId: string, count: number): void {
    inMemory -= count;
    projectOf(projectId).held -= count;
  }

  const leftToStart = (projectId: string): number =>
    leftFor(projectOf(projectId).inFlight, limits.concurrency - inFlight);

  // One more, so that the last place is for a lane that has none: hanging ones, of which now and then
  // one ends and another begins, would fill it up between them.
  const mayStart = (lane: Lane, left: number): boolean =>
    lane.inFlight === 0 ? left > 0 : lane.inFlight + 1 < left;

  function stopWaiting(lane: Lane): void {
    const id = idOf(lane);
    const queue = queues.get(id);
    if (queue?.delete(lane) !== true) return;
    waiting -= 1;
    if (queue.size === 0) queues.delete(id);
  }

  return {
    canStart: (lane) => mayStart(lane, leftToStart(idOf(lane))),
    noteStarted(lane) {
      inFlight += 1;
      lane.inFlight += 1;
      projectOf(idOf(lane)).inFlight += 1;
    },
    noteEnded(lane) {
      inFlight -= 1;
      lane.inFlight -= 1;
      projectOf(idOf(lane)).inFlight -= 1;
    },
    roomFor(lane) {
      const free = limits.memory - inMemory;
      return leftFor(projectOf(idOf(lane)).held, free) - lane.held;
    },
    hold(lane, count) {
      lane.held += count;
      drop(idOf(lane), -count);
    },
    drop,
    wait(lane) {
      const id = idOf(lane);
      const queue = queues.get(id) ?? new Set();
      queues.set(id, queue);
      if (queue.has(lane)) return;
      queue.add(lane);
      waiting += 1;
    },
    stopWaiting,
    nextInTurn() {
      // Asked after each start: with a thousand projects waiting, finding nobody took as long as signing.
      if (inFlight >= limits.concurrency) return undefined;
      for (const [id, queue] of queues) {
        const left = leftToStart(id);
        if (left <= 0) continue;
        for (const lane of queue) {
          if (!mayStart(lane, left)) continue;
          stopWaiting(lane);
          // Behind the other projects.
          if (queues.delete(id)) queues.set(id, queue);
          return lane;
        }
      }
      return undefined;
    },
    get waiting() {
      return waiting;
    },
    get inFlight() {
      return inFlight;
    },
    get inMemory() {
      return inMemory;
    },
  };
}
