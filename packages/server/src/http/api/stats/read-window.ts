import { type StatsWindow, toStatsWindow } from '../../../core/stats/stats-window.ts';
import { readRange, refuseField } from '../filters.ts';
import { timestampSchema } from '../schemas.ts';

const DAY_MS = 86_400_000;

export const windowQuery = {
  since: timestampSchema.optional().describe('From this time on; a day before until.'),
  until: timestampSchema.optional().describe('Up to this time; now.'),
};

/** Throws `invalid_field` for what is not kept, or would be too many points. */
export function readWindow(
  query: {
    since?: string | undefined;
    until?: string | undefined;
    interval?: StatsWindow['grain'] | undefined;
  },
  nowMs: number,
): StatsWindow {
  const { sinceMs, untilMs } = readRange(query, '?');
  const toMs = untilMs ?? nowMs;
  const fromMs = sinceMs ?? toMs - DAY_MS;
  if (fromMs >= toMs)
    refuseField('?since', 'It has to be before until, which is now when left out.');
  const window = toStatsWindow({ fromMs, toMs, grain: query.interval ?? null }, nowMs);
  return 'refused' in window ? refuseField(window.pointer, window.refused) : window;
}
