/** What counts as a backlog. */
export interface BacklogThreshold {
  /** Events that wait for one endpoint. */
  depth: number;
  /** For how long the first of them has been due, ms. */
  lagMs: number;
}

/** It is over when both are well below what was passed, so that it is not told again and again. */
const CLEAR_SHARE = 0.8;

export function isBacklog(
  wasBacklog: boolean,
  found: BacklogThreshold,
  threshold: BacklogThreshold,
): boolean {
  const share = wasBacklog ? CLEAR_SHARE : 1;
  return found.depth >= threshold.depth * share || found.lagMs >= threshold.lagMs * share;
}
