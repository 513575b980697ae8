import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Nodes } from '../store/nodes.ts';

/**
 * Work that one node does for all: the one that has taken the duty, until it leaves or is declared
 * dead. A node that was declared dead and did not notice yet may do it beside its successor for as
 * long as it takes to ask again, so a duty must bear being done twice.
 */
export interface Duties {
  /** `begin` when this node has taken the duty, `end` when another has. Returns what gives it up. */
  hold(name: string, duty: { begin(): void; end(): void }): () => void;
}

/** How often a node asks whether a duty is free, or still its own. */
const ASK_MS = 5_000;

export function createDuties(options: {
  nodes: Pick<Nodes, 'takeDuty'>;
  node: string;
  clock: Clock;
  log: Log;
}): Duties {
  const { nodes, node, clock, log } = options;
  return {
    hold(name, duty) {
      let cancel = (): void => {};
      let held = false;
      let over = false;

      function change(taken: boolean): void {
        if (taken === held) return;
        held = taken;
        if (taken) duty.begin();
        else duty.end();
      }

      async function ask(): Promise<void> {
        try {
          const taken = await nodes.takeDuty(name, node);
          if (!over) change(taken);
        } catch (error) {
          const fields = { duty: name, error: messageOf(error) };
          log.warn(fields, 'A duty could not be asked for; trying again');
        }
        if (!over) cancel = clock.after(ASK_MS, () => void ask());
      }

      cancel = clock.after(0, () => void ask());
      return () => {
        over = true;
        cancel();
        change(false);
      };
    },
  };
}
