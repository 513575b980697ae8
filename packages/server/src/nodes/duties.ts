import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Nodes } from '../store/nodes.ts';

/** Work that exactly one node does for all: the one that has taken the duty, for as long as it lives. */
export interface Duties {
  /**
   * Runs `work` at once and again after the time that it resolves to, ms, while this node has the
   * duty. Returns what ends it.
   */
  perform(name: string, work: () => Promise<number>): () => void;
}

/** How often a node that has not the duty asks whether it is free, and one whose work failed tries. */
const AGAIN_MS = 5_000;

export function createDuties(options: {
  nodes: Pick<Nodes, 'takeDuty'>;
  node: string;
  clock: Clock;
  log: Log;
}): Duties {
  const { nodes, node, clock, log } = options;
  return {
    perform(name, work) {
      let cancel = (): void => {};
      let ended = false;
      async function turn(): Promise<void> {
        let waitMs = AGAIN_MS;
        try {
          if (await nodes.takeDuty(name, node)) waitMs = await work();
        } catch (error) {
          log.warn({ duty: name, error: messageOf(error) }, 'A duty failed; it is tried again');
        }
        if (!ended) cancel = clock.after(waitMs, () => void turn());
      }
      cancel = clock.after(0, () => void turn());
      return () => {
        ended = true;
        cancel();
      };
    },
  };
}
