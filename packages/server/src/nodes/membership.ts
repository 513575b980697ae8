import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { NodeRecord, NodeStats, Nodes } from '../store/nodes.ts';
import type { LeaseFence } from './lease-fence.ts';

/**
 * Who works on the database. Each node beats once a second; one whose beat has not changed while another
 * has looked for DEAD_AFTER_MS is taken off the list, and its leases go to the living. No two clocks are
 * ever compared, and time in which nobody could look (the database was away, the clock jumped) is no
 * silence. A node that finds itself off the list (it was stopped for long, or cut off) holds leases no
 * more: what it records of them is refused by the store. It drops what it has in memory, makes due what
 * it has taken since, and joins again. One that has lost track of a commit in an outage leaves the list
 * itself, and goes the same way.
 *
 * absent -> (start) working -> (drain) draining -> (stop) absent; working -> (declared dead by others)
 * working again, with nothing in memory.
 */
export interface Membership {
  start(): Promise<void>;
  /** How many nodes live and have this role, this one included. */
  count(role: string): number;
  /** Others may go on with less: this one takes no new work. */
  drain(): Promise<void>;
  /** Everything has been given back; what was not, for whatever reason, is made due for the others. */
  stop(): Promise<void>;
}

const BEAT_MS = 1_000;
/** Ten beats: a long collection of garbage or a slow disk is no death. */
export const DEAD_AFTER_MS = 10_000;
/** What counts as silence between two looks, at most: a beat, and the look itself when it is slow. */
const MAX_SILENCE_MS = 2 * BEAT_MS;

export function createMembership(options: {
  nodes: Nodes;
  self: Pick<NodeRecord, 'id' | 'host' | 'pid' | 'version' | 'roles'>;
  stats: () => NodeStats;
  clock: Clock;
  log: Log;
  /** Makes due again what nodes that are not on the list hold; with `own`, what this one holds too. */
  releaseOrphans: (input: { own: boolean }) => Promise<{ released: number }>;
  /** The number of the living has changed, or leases of the dead are free. */
  onChange: () => void;
  /** See Engine.doubtfulCommits. */
  doubtfulCommits: () => number;
  /** Others had declared this node dead: none of its leases is its own any more. */
  onExpelled: () => void;
  /** See LeaseFence. */
  fence: Pick<LeaseFence, 'beat'>;
}): Membership {
  const { nodes, self, clock, log } = options;
  /** The last beat of each other node, and for how long this one has looked and seen no other. */
  const seen = new Map<string, { beat: number; silentMs: number }>();
  let lookedAtMs: number | null = null;
  let living: NodeRecord[] = [];
  let state: NodeRecord['state'] = 'working';
  let beat = 0;
  let cancelTimer = (): void => {};
  let stopped = false;
  let doubts = 0;

  async function register(): Promise<void> {
    const nowMs = clock.now();
    const times = { startedAtMs: nowMs, beat, beatAtMs: nowMs };
    const confirm = options.fence.beat();
    await nodes.register({ ...self, state, stats: options.stats(), ...times });
    confirm();
  }

  async function turn(): Promise<void> {
    try {
      beat += 1;
      const stats = options.stats();
      const doubtful = options.doubtfulCommits();
      if (doubtful > doubts) await nodes.leave(self.id);
      const confirm = options.fence.beat();
      const known = await nodes.beat({ id: self.id, state, stats, beat, beatAtMs: clock.now() });
      if (known) confirm();
      else if (!stopped) {
        const why =
          doubtful > doubts
            ? 'This node has lost track of a commit in an outage; it joins again'
            : 'Other nodes had declared this one dead; it joins again';
        log.warn({ node: self.id }, why);
        options.onExpelled();
        // What it has accepted or claimed since then is leased to it in the store, and was dropped.
        await options.releaseOrphans({ own: true });
        await register();
        doubts = doubtful;
      }
      await look();
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'This node could not say that it lives; trying again');
    }
    if (!stopped) cancelTimer = clock.after(BEAT_MS, () => void turn());
  }

  async function look(): Promise<void> {
    const before = living.map(({ id }) => id).join();
    living = await nodes.list();
    const nowMs = clock.now();
    const sinceMs = Math.min(Math.max(nowMs - (lookedAtMs ?? nowMs), 0), MAX_SILENCE_MS);
    lookedAtMs = nowMs;
    for (const node of living) {
      const last = seen.get(node.id);
      if (node.id === self.id) continue;
      const isSilent = last?.beat === node.beat;
      const silentMs = isSilent ? last.silentMs + sinceMs : 0;
      seen.set(node.id, { beat: node.beat, silentMs });
      if (silentMs >= DEAD_AFTER_MS) await bury(node);
    }
    const listed = new Set(living.map(({ id }) => id));
    for (const id of seen.keys()) if (!listed.has(id)) seen.delete(id);
    if (living.map(({ id }) => id).join() !== before) options.onChange();
  }

  async function bury(node: NodeRecord): Promise<void> {
    if (!(await nodes.declareDead(node))) return;
    seen.delete(node.id);
    living = living.filter(({ id }) => id !== node.id);
    const { released } = await options.releaseOrphans({ own: false });
    const fields = { node: node.id, host: node.host, pid: node.pid, released };
    log.warn(fields, 'A node is silent and counts as dead; its work goes to the others');
  }

  return {
    async start() {
      await register();
      await look();
      cancelTimer = clock.after(BEAT_MS, () => void turn());
    },
    count: (role) => Math.max(1, living.filter(({ roles }) => roles.includes(role)).length),
    async drain() {
      state = 'draining';
      const now = { state, stats: options.stats(), beat, beatAtMs: clock.now() };
      await nodes.beat({ id: self.id, ...now });
    },
    async stop() {
      stopped = true;
      cancelTimer();
      await nodes.leave(self.id);
      const { released } = await options.releaseOrphans({ own: true });
      if (released > 0) log.warn({ released }, 'Leases were left behind by a stop, and are freed');
    },
  };
}
