import type {
  AppendedEvent,
  AttemptRecord,
  ClaimedDeliveries,
  Commit,
  Engine,
} from '../../../store/engine.ts';
import type { Deliveries } from '../../../store/webhooks/deliveries.ts';
import type { Endpoints } from '../../../store/webhooks/endpoints.ts';
import type { Trace } from '../world/trace.ts';
import type { VirtualDisk } from '../world/virtual-disk.ts';
import type { BareStore } from './bare-store.ts';

/** Told of what a process asks of its store, and of what has come of it. */
export interface StoreWatcher {
  appended(events: Commit['events'], duplicates: readonly boolean[]): void;
  recording(attempt: AttemptRecord): void;
  recorded(attempt: AttemptRecord): void;
  /** It will be made again. */
  recordFailed(attempt: AttemptRecord): void;
  /** It will be asked again. */
  claimFailed(endpointId: string): void;
  requeued(eventId: string, endpointId: string): void;
}

/** The store as one process has it. */
export interface ProcessStore {
  engine: Pick<
    Engine,
    'commit' | 'recordAttempt' | 'claimDeliveries' | 'health' | 'onHealthChange'
  >;
  deliveries: Pick<Deliveries, 'release' | 'cancelWaiting' | 'requeue'>;
  endpoints: Pick<Endpoints, 'all' | 'get' | 'insert' | 'update' | 'noteHealth' | 'remove'>;
}

export function createProcessStore(options: {
  bare: BareStore;
  disk: VirtualDisk;
  watcher: StoreWatcher;
  trace: Trace;
}): ProcessStore {
  const { bare, disk, watcher, trace } = options;
  const names = (ids: readonly string[]): string => ids.map(trace.nameOf).join(' ') || 'nothing';

  function commit<T>(
    name: string,
    work: () => T | Promise<T>,
    endpointId: string | null = null,
  ): Promise<T> {
    const keys = [STATEMENTS, ...(endpointId === null ? [] : [linesOf(endpointId)])];
    const traced = async (): Promise<T> => {
      const value = await work();
      trace(`store: ${name}`);
      return value;
    };
    return disk.call({ kind: 'commit', name, keys, work: traced });
  }

  function recordAttempt(attempt: AttemptRecord): Promise<void> {
    watcher.recording(attempt);
    const { next } = attempt;
    const name = `record ${trace.nameOf(attempt.eventId)} to ${trace.nameOf(attempt.endpointId)}, attempt ${attempt.number}: ${describeNext(next)}`;
    const keys = attempt.orderKey === null ? [] : [linesOf(attempt.endpointId)];
    const work = async (): Promise<void> => {
      await bare.recordAttempt(attempt);
      trace(`store: ${name}`);
      watcher.recorded(attempt);
    };
    const stored = disk.call({ kind: 'attempt', name, keys, work });
    stored.catch(() => watcher.recordFailed(attempt));
    return stored;
  }

  function claimDeliveries(
    claim: Parameters<Engine['claimDeliveries']>[0],
  ): Promise<ClaimedDeliveries> {
    const { endpointId, urgency, limit, nowMs } = claim;
    const name = `claim for ${trace.nameOf(endpointId)}, urgency ${urgency}, at most ${limit}`;
    const work = async (): Promise<ClaimedDeliveries> => {
      const found = await bare.claimDeliveries(claim);
      const ids = found.deliveries.map(({ eventId }) => eventId);
      const { nextDueAtMs } = found;
      const next = nextDueAtMs === null ? '' : `, next due in ${nextDueAtMs - nowMs} ms`;
      trace(`store: ${name}: ${names(ids)}${next}`);
      return found;
    };
    const claimed = disk.call({ kind: 'claim', name, keys: [], work });
    claimed.catch(() => watcher.claimFailed(endpointId));
    return claimed;
  }

  return {
    engine: {
      health: disk.health,
      onHealthChange: disk.onHealthChange,
      recordAttempt,
      claimDeliveries,
      commit({ events, statements }) {
        if (statements.length > 0) throw new Error('The simulated store runs no statements.');
        const name = `append ${names(events.map(({ id }) => id))}`;
        const ordered = events.flatMap(({ deliveries }) =>
          deliveries.filter(({ orderKey }) => orderKey !== null),
        );
        const keys = ordered.map(({ endpointId }) => linesOf(endpointId));
        const work = async (): Promise<AppendedEvent[]> => {
          const appended = await bare.append(events);
          const duplicates = appended.map(({ duplicateOf }) => duplicateOf !== null);
          trace(`store: ${name}${duplicates.includes(true) ? ', with duplicates' : ''}`);
          watcher.appended(events, duplicates);
          return appended;
        };
        return disk.call({ kind: 'commit', name, keys, work });
      },
    },
    deliveries: {
      release(from, given) {
        const all = `${names(given.due)}, in line ${names(given.inLine)}`;
        const name = `release ${all} of ${trace.nameOf(from.endpointId)}`;
        return commit(name, () => bare.release(from, given), from.endpointId);
      },
      cancelWaiting: (...input) =>
        commit(
          `cancel for ${trace.nameOf(input[1])}`,
          () => bare.cancelWaiting(...input),
          input[1],
        ),
      async requeue(key, nowMs) {
        const name = `requeue ${names([key.eventId, key.endpointId])}`;
        const work = async (): Promise<void> => {
          await bare.requeue(key, nowMs);
          watcher.requeued(key.eventId, key.endpointId);
        };
        await commit(name, work, key.endpointId);
      },
    },
    endpoints: {
      all: async () => bare.allEndpoints(),
      // A row as it is now: the process changes its records in place.
      insert(endpoint) {
        const row = { ...endpoint };
        return commit(`insert ${trace.nameOf(row.id)}`, () => bare.insertEndpoint(row));
      },
      update(before, endpoint) {
        const [row, version] = [{ ...endpoint }, { version: before.version }];
        return commit(`update ${trace.nameOf(row.id)}`, () => bare.updateEndpoint(version, row));
      },
      // Only asked for what another node has changed, and there is none.
      get: () => Promise.resolve(null),
      noteHealth({ projectId, id, failingSinceMs, warnedPercent }) {
        const row = { projectId, id, failingSinceMs, warnedPercent };
        return commit(`note health of ${trace.nameOf(id)}`, () => bare.noteHealth(row));
      },
      remove: (projectId, id, nowMs) =>
        commit(`delete ${trace.nameOf(id)}`, () => bare.removeEndpoint(projectId, id, nowMs)),
    },
  };
}

/** Settings, and what is given back, are written in their order (postgres/write-queue.ts). */
const STATEMENTS = 'statements';

/** So is what touches the lines of an endpoint. */
const linesOf = (endpointId: string): string => `lines of ${endpointId}`;

function describeNext(next: AttemptRecord['next']): string {
  if (next.state !== 'pending') return next.state;
  const due = next.dueAtMs === null ? 'in line' : `due at ${next.dueAtMs}`;
  return `pending (${due}, ${next.failures} failures)`;
}
