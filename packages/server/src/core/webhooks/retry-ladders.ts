import { DIALECTS } from '@posthorn/sdk';
import { parseDuration } from '../../lib/duration.ts';
import { nearestName } from '../nearest-name.ts';
import { STANDARD_WEBHOOKS_LADDER_MS } from '../retry-schedule.ts';

/**
 * Ladders that go by a name: those of the systems whose handlers may be behind an endpoint. Each is
 * the wait after each failure, ms, as that system documents it (packages/sdk/src/providers); Flexmail,
 * MailChannels, mailfloss and SendGrid say that they retry and not when, so they have none.
 */
export const RETRY_LADDERS: Readonly<Record<string, readonly number[]>> = {
  'standard-webhooks': STANDARD_WEBHOOKS_LADDER_MS,
  ...Object.fromEntries(
    [...DIALECTS].flatMap(([name, { ladderMs }]) => (ladderMs === null ? [] : [[name, ladderMs]])),
  ),
};

export const RETRY_LADDER_NAMES = Object.keys(RETRY_LADDERS);

export const MAX_RUNGS = 50;
export const MIN_RUNG_MS = 1_000;
const DAY_MS = 86_400_000;
export const MAX_RUNG_MS = 7 * DAY_MS;
/** Events are kept for 30 days by default; what waits longer has nothing to be compared with. */
export const MAX_LADDER_MS = 30 * DAY_MS;

/** A sentence about a name that is no preset; it says which names there are. */
export function explainUnknownLadder(name: string): string {
  const nearest = nearestName(name, RETRY_LADDER_NAMES);
  const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
  return `There is no retry ladder "${name}".${hint} There are: ${RETRY_LADDER_NAMES.join(', ')}; or give a list of waits such as ["30s", "5m", "1h"].`;
}

/**
 * What is wrong with a list of waits, by its index (null: with the list as a whole) and as a sentence
 * that says what to write instead; `null` when it is fine. An empty list means: no retries.
 */
export function explainLadder(
  waits: readonly string[],
): { index: number | null; detail: string } | null {
  if (waits.length > MAX_RUNGS) {
    return { index: null, detail: `A ladder has at most ${MAX_RUNGS} rungs.` };
  }
  let totalMs = 0;
  for (const [index, wait] of waits.entries()) {
    const ms = parseDuration(wait);
    if (ms === null || ms < MIN_RUNG_MS || ms > MAX_RUNG_MS) {
      return { index, detail: 'Write a wait from 1s to 7d, such as 30s, 5m or 2h.' };
    }
    totalMs += ms;
  }
  if (totalMs <= MAX_LADDER_MS) return null;
  return { index: null, detail: 'The waits of a ladder are 30 days in all, at most.' };
}

/**
 * The waits of an endpoint's setting, ms. `setting` has passed the checks when it was saved; a preset
 * that has gone since means what the server does by default.
 */
export function ladderOf(
  setting: string | readonly string[] | null,
  fallbackMs: readonly number[],
): readonly number[] {
  if (setting === null) return fallbackMs;
  if (typeof setting === 'string') return RETRY_LADDERS[setting] ?? fallbackMs;
  return setting.map((wait) => parseDuration(wait) ?? 0);
}
