/** What a run has come to so far. The first failure is the one that counts. */
export interface Verdict {
  fail(problem: string): void;
  /** Fails unless it holds. */
  expect(holds: boolean, problem: () => string): void;
  readonly failure: string | null;
  /** Counts that something happened, so that one can see what the runs have met. */
  count(what: Feat, times?: number): void;
  readonly counts: Readonly<Partial<Record<Feat, number>>>;
}

/** What the runs are to meet, all in all. */
export const FEATS = [
  'event',
  'duplicate event',
  'refused append',
  'post',
  'batch',
  'coalesced post',
  'success',
  'failure',
  'fault of ours',
  'abort',
  'retry',
  'Retry-After',
  'overload floor',
  'dead after its ladder',
  'dead by 410',
  'wait for a rate limit',
  'full concurrency',
  'full memory',
  'open breaker',
  'probe',
  'recovery',
  'crash',
  'stop',
  'outage',
  'clock jump',
  'requeue',
  'endpoint disabled by hand',
  'endpoint disabled by us',
  'endpoint enabled',
  'endpoint moved',
  'endpoint changed',
  'endpoint deleted',
  'canceled',
  'skipped',
  'result lost by a crash',
  'result that the store failed',
  'report',
] as const;
export type Feat = (typeof FEATS)[number];

export function createVerdict(): Verdict {
  const counts: Partial<Record<Feat, number>> = {};
  let failure: string | null = null;
  const fail = (problem: string): void => {
    failure ??= problem;
  };
  return {
    fail,
    expect(holds, problem) {
      if (!holds) fail(problem());
    },
    get failure() {
      return failure;
    },
    count(what, times = 1) {
      counts[what] = (counts[what] ?? 0) + times;
    },
    counts,
  };
}
