import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Changes } from '../store/changes.ts';
import type { Engine } from '../store/engine.ts';
import type { NodeRecord, NodeStats, Nodes } from '../store/nodes.ts';
import type { Deliveries, DueDelivery } from '../store/webhooks/deliveries.ts';
import { followChanges } from './follow-changes.ts';
import type { LeaseFence } from './lease-fence.ts';
import { createMembership } from './membership.ts';
import { createRounds } from './rounds.ts';

/** Whoever keeps something in memory that other nodes change, or holds leases. */
export interface Sharer {
  refreshEndpoint(projectId: string, endpointId: string): Promise<void>;
  refreshEndpoints(): Promise<void>;
  refreshProjects(): Promise<void>;
  refreshSource(projectId: string, sourceId: string): Promise<void>;
  refreshSources(): Promise<void>;
  refreshSinks(): Promise<void>;
  refreshDomains(): Promise<void>;
  forgetKeys(): void;
  /** Deliveries and mail that wait in the store and that this node may not have heard of. */
  noteDue(due: readonly DueDelivery[]): void;
  noteMailDue(): void;
  /** Nothing in memory is leased to this node any more. */
  dropLeases(): void;
}

/** One node among several on one database: it lives, hears of the others, and takes its share. */
export interface WorkSharing {
  start(): Promise<void>;
  /** How many nodes live and have this role, this one included. */
  count(role: string): number;
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** How often a node looks for work that others have left in the store, ms. */
const LOOK_MS = 1_000;
/** When work is called out, the next look waits at least this long. */
const LOOK_GAP_MS = 100;
/** A look may take this share of the time, so that it stays cheap with many endpoints. */
const LOOK_SHARE = 0.05;
/** In the place of a node's id, which always begins with `node_`. */
const NOBODY = 'nobody';

export function shareWork(options: {
  nodes: Nodes;
  changes: Changes;
  deliveries: Pick<Deliveries, 'nextDue'>;
  engine: Pick<Engine, 'shared' | 'releaseLeases' | 'health' | 'onSignal' | 'doubtfulCommits'>;
  self: Pick<NodeRecord, 'id' | 'host' | 'pid' | 'version' | 'roles'>;
  stats: () => NodeStats;
  fence: Pick<LeaseFence, 'beat'>;
  sharer: Sharer;
  clock: Clock;
  log: Log;
}): WorkSharing {
  const { sharer, clock, log, deliveries } = options;
  const looks = createRounds({ work: look, clock });

  const membership = createMembership({
    nodes: options.nodes,
    self: options.self,
    stats: options.stats,
    clock,
    log,
    releaseOrphans: ({ own }) =>
      options.engine.releaseLeases({
        exceptNode: own ? NOBODY : options.self.id,
        nowMs: clock.now(),
      }),
    doubtfulCommits: options.engine.doubtfulCommits,
    onChange: () => looks.wake(),
    onExpelled: () => sharer.dropLeases(),
    fence: options.fence,
  });

  const follower = followChanges({
    changes: options.changes,
    clock,
    log,
    async apply({ kind, projectId, id }) {
      if (kind === 'endpoint') await sharer.refreshEndpoint(projectId, id);
      else if (kind === 'source') await sharer.refreshSource(projectId, id);
      else if (kind === 'sink') await sharer.refreshSinks();
      else if (kind === 'domain') await sharer.refreshDomains();
      else if (kind === 'project') await sharer.refreshProjects();
      else sharer.forgetKeys();
    },
  });

  async function look(): Promise<{ waitMs: number; gapMs: number }> {
    const startedAtMs = clock.now();
    try {
      if (options.engine.health().ok) {
        sharer.noteDue(await deliveries.nextDue());
        sharer.noteMailDue();
      }
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'The store could not be asked for what is due');
    }
    const restMs = (clock.now() - startedAtMs) / LOOK_SHARE;
    return { waitMs: Math.max(LOOK_MS, restMs), gapMs: Math.max(LOOK_GAP_MS, restMs) };
  }

  // On an embedded store nobody else is there to be heard of, and a beat would be an fsync a second.
  if (!options.engine.shared) return workAlone(options);

  return {
    async start() {
      await follower.start();
      // What was changed between loading and listening.
      await sharer.refreshProjects();
      await sharer.refreshEndpoints();
      await sharer.refreshSources();
      await sharer.refreshSinks();
      await sharer.refreshDomains();
      await membership.start();
      looks.start(0);
      options.engine.onSignal((signal) => (signal === 'change' ? follower : looks).wake());
    },
    count: (role) => membership.count(role),
    drain: () => membership.drain(),
    async stop() {
      looks.stop();
      follower.stop();
      await membership.stop();
    },
  };
}

function workAlone(
  options: Pick<Parameters<typeof shareWork>[0], 'nodes' | 'self' | 'stats' | 'clock'>,
): WorkSharing {
  const { nodes, self } = options;
  return {
    async start() {
      const nowMs = options.clock.now();
      const times = { startedAtMs: nowMs, beat: 0, beatAtMs: nowMs };
      await nodes.register({ ...self, state: 'working', stats: options.stats(), ...times });
    },
    count: () => 1,
    drain: async () => {},
    stop: () => nodes.leave(self.id),
  };
}
