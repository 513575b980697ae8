import { faultOf, isPassing, isStale, toUnavailable } from './faults.ts';

/** As many connections may have ended at once as a pool has. */
const MAX_STALE = 20;

/**
 * Again on another connection when one turns out to have ended since it was used last. What broke while
 * it was committing comes out decided (transactions.ts). What the database is at fault for comes out as
 * StoreUnavailable, with what to do about it.
 */
export async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (isStale(error) && tries < MAX_STALE) continue;
      // Made again often enough (writer.ts): somebody is in the way all the time.
      const fault = isPassing(error) ? 'locked' : faultOf(error);
      throw fault === null ? error : toUnavailable(fault, error);
    }
  }
}
