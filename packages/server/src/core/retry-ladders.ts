import { parseDuration } from '../lib/duration.ts';
import { STANDARD_WEBHOOKS_LADDER_MS } from './retry-schedule.ts';

/** Ladders that go by a name: those of the systems whose handlers may be behind an endpoint. */
export const RETRY_LADDERS: Readonly<Record<string, readonly number[]>> = {
  'standard-webhooks': STANDARD_WEBHOOKS_LADDER_MS,
};

/** The waits of an endpoint's setting, ms. `setting` has passed the check of when it was saved. */
export function ladderOf(
  setting: string | readonly string[] | null,
  fallbackMs: readonly number[],
): readonly number[] {
  if (setting === null) return fallbackMs;
  if (typeof setting === 'string') return RETRY_LADDERS[setting] ?? fallbackMs;
  return setting.map(parseDuration);
}
