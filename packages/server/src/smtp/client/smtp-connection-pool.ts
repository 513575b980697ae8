import type { SmtpSession } from './open-session.ts';

export interface PoolOptions {
  maxConnectionsPerDestination: number;
  maxMessagesPerConnection: number;
  /** An unused connection is closed after this; below the minutes that servers grant. */
  idleMs: number;
  /** Says QUIT and closes. Must not throw. */
  endSession(session: SmtpSession): void;
}

/** The right to one connection to a destination. `release` must be called once. */
export interface PoolLease {
  /** A session that was used before, or `null`: the holder opens one. */
  idle: SmtpSession | null;
  /** Gives the session back for others, or `null` where it is of no more use. */
  release(session: SmtpSession | null): void;
}

export interface SmtpConnectionPool {
  /** Waits for room at `key`. Rejects with the signal's reason, or after `close`. */
  acquire(key: string, signal: AbortSignal): Promise<PoolLease>;
  /** Ends idle connections, refuses waiters, resolves when every lease is back. */
  close(): Promise<void>;
}

interface Lane {
  leased: number;
  idle: { session: SmtpSession; timer: NodeJS.Timeout }[];
  waiting: Set<() => void>;
}

/** Connections by destination: at most so many at a time, reused while they are good. */
export function createSmtpConnectionPool(options: PoolOptions): SmtpConnectionPool {
  const lanes = new Map<string, Lane>();
  let closed = false;
  let onDrained: () => void = () => {};

  function laneOf(key: string): Lane {
    const lane = lanes.get(key) ?? { leased: 0, idle: [], waiting: new Set() };
    lanes.set(key, lane);
    return lane;
  }

  /** The session used last comes first, so that the surplus of a burst grows old and closes. */
  function takeIdle(lane: Lane): SmtpSession | null {
    for (let entry = lane.idle.pop(); entry !== undefined; entry = lane.idle.pop()) {
      clearTimeout(entry.timer);
      if (entry.session.link.isFresh()) return entry.session;
      options.endSession(entry.session);
    }
    return null;
  }

  function keepIdle(key: string, lane: Lane, session: SmtpSession): void {
    const timer = setTimeout(() => {
      lane.idle = lane.idle.filter((entry) => entry.session !== session);
      options.endSession(session);
      forgetEmpty(key, lane);
    }, options.idleMs);
    timer.unref();
    lane.idle.push({ session, timer });
  }

  function forgetEmpty(key: string, lane: Lane): void {
    if (lane.leased + lane.idle.length + lane.waiting.size === 0) lanes.delete(key);
    if (closed && lanes.size === 0) onDrained();
  }

  function lease(key: string, lane: Lane): PoolLease {
    lane.leased += 1;
    let released = false;
    return {
      idle: takeIdle(lane),
      release(session) {
        if (released) return;
        released = true;
        lane.leased -= 1;
        if (session !== null) {
          const good =
            session.messages < options.maxMessagesPerConnection && session.link.isFresh();
          if (good && !closed) keepIdle(key, lane, session);
          else options.endSession(session);
        }
        const next = lane.waiting.values().next().value;
        if (next !== undefined) next();
        forgetEmpty(key, lane);
      },
    };
  }

  return {
    acquire(key, signal) {
      if (closed || signal.aborted) return Promise.reject(new Error('stopped'));
      const lane = laneOf(key);
      if (lane.leased < options.maxConnectionsPerDestination) {
        return Promise.resolve(lease(key, lane));
      }
      return new Promise((resolve, reject) => {
        const leave = () => {
          lane.waiting.delete(go);
          signal.removeEventListener('abort', onAbort);
        };
        const onAbort = () => {
          leave();
          reject(new Error('stopped'));
        };
        const go = () => {
          leave();
          if (closed) reject(new Error('stopped'));
          else resolve(lease(key, lane));
        };
        signal.addEventListener('abort', onAbort);
        lane.waiting.add(go);
      });
    },
    async close() {
      closed = true;
      const drained = new Promise<void>((resolve) => {
        onDrained = resolve;
      });
      for (const [key, lane] of lanes) {
        for (const { session, timer } of lane.idle.splice(0)) {
          clearTimeout(timer);
          options.endSession(session);
        }
        for (const go of lane.waiting) go();
        forgetEmpty(key, lane);
      }
      if (lanes.size > 0) await drained;
    },
  };
}
