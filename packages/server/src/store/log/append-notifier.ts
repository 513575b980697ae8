import type { Clock } from '../../lib/clock.ts';

/** Tells who waits for events that there are new ones. They read them from the log themselves. */
export interface AppendNotifier {
  /** Called after each commit. */
  announce(projectIds: Iterable<string>): void;
  /** Null when the project has as many listeners as it may have. */
  listen(projectId: string): AppendListener | null;
  /** Nobody waits any more: the process stops. */
  close(): void;
  readonly isClosed: boolean;
}

export interface AppendListener {
  /**
   * Resolves when something was appended since the last wait (so what is appended between a look at
   * the log and a wait is not missed), after this time, or at the end.
   */
  wait(ms: number): Promise<void>;
  /** Ends this wait and all that come. */
  stop(): void;
}

export function createAppendNotifier(options: {
  clock: Pick<Clock, 'after'>;
  /** Listeners of one project at once: each of them holds a connection. */
  listenersPerProject: number;
  /** Where other processes append as well, and tell nobody here: every wait ends after this, ms. */
  pollMs?: number;
}): AppendNotifier {
  const listeners = new Map<string, Set<() => void>>();
  let isClosed = false;

  return {
    announce(projectIds) {
      for (const projectId of projectIds) {
        for (const notice of listeners.get(projectId) ?? []) notice();
      }
    },
    listen(projectId) {
      const ours = listeners.get(projectId) ?? new Set<() => void>();
      if (ours.size >= options.listenersPerProject) return null;
      let isNoticed = false;
      let isStopped = false;
      let end = (): void => {};
      const notice = (): void => {
        isNoticed = true;
        end();
      };
      listeners.set(projectId, ours.add(notice));
      return {
        wait(ms) {
          return new Promise((resolve) => {
            const longestMs = options.pollMs ?? ms;
            const cancel = options.clock.after(Math.min(ms, longestMs), () => end());
            end = () => {
              end = () => {};
              isNoticed = false;
              cancel();
              resolve();
            };
            if (isNoticed || isStopped || isClosed) end();
          });
        },
        stop() {
          isStopped = true;
          end();
          ours.delete(notice);
          if (ours.size === 0 && listeners.get(projectId) === ours) listeners.delete(projectId);
        },
      };
    },
    close() {
      isClosed = true;
      for (const ours of listeners.values()) for (const notice of ours) notice();
    },
    get isClosed() {
      return isClosed;
    },
  };
}
