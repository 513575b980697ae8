import type { ClaimedEntry, DeadEntry, Inbox, InboxEntry, Lease } from './inbox.ts';

interface Row extends InboxEntry {
  position: number;
  state: 'pending' | 'done' | 'dead';
  attempts: number;
  dueMs: number;
  lease: string | null;
  receivedAtMs: number;
  retainUntilMs: number;
  error: string;
}

interface Queue {
  rows: Map<string, Row>;
  replays: Map<string, { digest: string; retainUntilMs: number }>;
  lastReceivedMs: number | null;
}

/** Keeps everything in this process and loses it with it: for tests. Each claim looks at every entry. */
export function createMemoryInbox(): Inbox {
  const queues = new Map<string, Queue>();
  let positions = 0;

  function queueOf(name: string): Queue {
    const found = queues.get(name) ?? { rows: new Map(), replays: new Map(), lastReceivedMs: null };
    queues.set(name, found);
    return found;
  }

  /** The row while its lease is this one. */
  function held(queue: string, { key, lease }: Lease): Row | null {
    const row = queueOf(queue).rows.get(key);
    return row?.state === 'pending' && row.lease === lease ? row : null;
  }

  function pendingOf(queue: string): Row[] {
    return [...queueOf(queue).rows.values()].filter(({ state }) => state === 'pending');
  }

  function deadRow(queue: string, key: string): Row | null {
    const row = queueOf(queue).rows.get(key);
    return row?.state === 'dead' ? row : null;
  }

  function end(row: Row): true {
    Object.assign(row, { state: 'done', event: '', lease: null });
    return true;
  }

  return {
    open: async () => ({ warnings: ['The inbox is in memory: events are lost with the process.'] }),

    async put({ queue, entries, nowMs, retainUntilMs, replay }) {
      const { rows, replays } = queueOf(queue);
      const seen = replay === null ? undefined : replays.get(replay.key);
      if (seen !== undefined && seen.retainUntilMs > nowMs && seen.digest !== replay?.digest) {
        return { replayed: true };
      }
      if (replay !== null) replays.set(replay.key, { digest: replay.digest, retainUntilMs });
      const fresh = entries.filter(({ key }) => !rows.has(key));
      for (const entry of fresh) {
        const row: Row = {
          ...entry,
          position: ++positions,
          state: 'pending',
          attempts: 0,
          dueMs: nowMs,
          lease: null,
          receivedAtMs: nowMs,
          retainUntilMs,
          error: '',
        };
        rows.set(entry.key, row);
        queueOf(queue).lastReceivedMs = nowMs;
      }
      return { replayed: false, fresh: fresh.map(({ key }) => key) };
    },

    async claim({ queue, lease, nowMs, leaseMs, limit }) {
      const pending = pendingOf(queue);
      const heads = new Map<string, number>();
      for (const { lane, position } of pending) {
        if (lane !== null) heads.set(lane, Math.min(position, heads.get(lane) ?? position));
      }
      const due = pending
        .filter(({ dueMs }) => dueMs <= nowMs)
        .filter(({ lane, position }) => lane === null || heads.get(lane) === position)
        .sort((a, b) => a.dueMs - b.dueMs || a.position - b.position)
        .slice(0, limit);
      return due.map((row): ClaimedEntry => {
        row.attempts += 1;
        row.lease = lease;
        row.dueMs = nowMs + leaseMs;
        const { key, lane, event, attempts, receivedAtMs } = row;
        return { key, lane, event, lease, attempt: attempts, receivedAtMs };
      });
    },

    async renew(queue, leases, untilMs) {
      const rows = leases.flatMap((lease) => held(queue, lease) ?? []);
      for (const row of rows) row.dueMs = untilMs;
      return rows.map(({ key }) => key);
    },

    async finish(queue, lease) {
      const row = held(queue, lease);
      return row !== null && end(row);
    },

    async postpone(queue, lease, { dueMs, error }) {
      const row = held(queue, lease);
      if (row === null) return false;
      Object.assign(row, { dueMs, error, lease: null });
      return true;
    },

    async bury(queue, lease, { retainUntilMs, error }) {
      const row = held(queue, lease);
      if (row === null) return false;
      Object.assign(row, { state: 'dead', retainUntilMs, error, lease: null });
      return true;
    },

    async listDead(queue, { limit, before = Number.POSITIVE_INFINITY }) {
      return [...queueOf(queue).rows.values()]
        .filter(({ state, position }) => state === 'dead' && position < before)
        .sort((a, b) => b.position - a.position)
        .slice(0, limit)
        .map(
          ({ key, event, attempts, receivedAtMs, error, position }): DeadEntry => ({
            key,
            event,
            attempts,
            receivedAtMs,
            error,
            position,
          }),
        );
    },

    async revive(queue, key, nowMs) {
      const row = deadRow(queue, key);
      if (row === null) return false;
      Object.assign(row, { state: 'pending', attempts: 0, dueMs: nowMs, lane: null });
      return true;
    },

    async discard(queue, key) {
      const row = deadRow(queue, key);
      return row !== null && end(row);
    },

    async stats(queue) {
      const waiting = pendingOf(queue).map(({ receivedAtMs }) => receivedAtMs);
      const rows = [...queueOf(queue).rows.values()];
      return {
        pending: waiting.length,
        dead: rows.filter(({ state }) => state === 'dead').length,
        oldestPendingMs: waiting.length === 0 ? null : Math.min(...waiting),
        lastReceivedMs: queueOf(queue).lastReceivedMs,
      };
    },

    async purge(queue, nowMs, limit) {
      const { rows, replays } = queueOf(queue);
      const old = [...rows.values()]
        .filter(({ state, retainUntilMs }) => state !== 'pending' && retainUntilMs <= nowMs)
        .slice(0, limit);
      for (const { key } of old) rows.delete(key);
      const oldReplays = [...replays]
        .filter(([, { retainUntilMs }]) => retainUntilMs <= nowMs)
        .slice(0, limit);
      for (const [key] of oldReplays) replays.delete(key);
      return old.length + oldReplays.length;
    },
  };
}
