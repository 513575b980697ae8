import type { Inbox, InboxBatch, PutOutcome } from './inbox.ts';

/** What became of one batch; a failure of one does not concern the others. */
export type GatheredOutcome = { outcome: PutOutcome } | { error: unknown };

/**
 * Gathers what is put within one turn of the event loop, so that a burst shares one sync of the disk.
 * `commit` answers for each batch, and throws when none of them is stored.
 */
export function gatherPuts(
  commit: (batches: readonly InboxBatch[]) => readonly GatheredOutcome[],
): Inbox['put'] {
  let waiting: {
    batch: InboxBatch;
    resolve: (outcome: PutOutcome) => void;
    reject: (error: unknown) => void;
  }[] = [];

  function flush(): void {
    const gathered = waiting;
    waiting = [];
    try {
      const outcomes = commit(gathered.map(({ batch }) => batch));
      for (const [i, { resolve, reject }] of gathered.entries()) {
        const one = outcomes[i];
        if (one !== undefined && 'outcome' in one) resolve(one.outcome);
        else reject(one?.error);
      }
    } catch (error) {
      for (const { reject } of gathered) reject(error);
    }
  }

  return (batch) =>
    new Promise((resolve, reject) => {
      waiting.push({ batch, resolve, reject });
      if (waiting.length === 1) setImmediate(flush);
    });
}
