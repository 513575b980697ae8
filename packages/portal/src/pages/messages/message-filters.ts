import type { Query } from '../../api/client.ts';

/** The filters of the list of messages, as they stand in the address. */
export interface MessageFilters {
  recipient?: string;
  subject?: string;
  smtp_id?: string;
  tag?: string;
  state?: string;
  /** One of PERIODS; `own` is between `since` and `until`. */
  period?: string;
  since?: string;
  until?: string;
}

const HOUR_MS = 3_600_000;

/** How far back each looks, ms. */
export const PERIODS = {
  hour: HOUR_MS,
  day: 24 * HOUR_MS,
  week: 7 * 24 * HOUR_MS,
  month: 30 * 24 * HOUR_MS,
} as const;

export type Period = keyof typeof PERIODS;

/** What of a search is one field: an address, a Message-ID, or a part of the subject. */
export function readTyped(
  typed: string,
): Pick<MessageFilters, 'recipient' | 'subject' | 'smtp_id'> {
  if (typed === '') return {};
  if (/^<.*>$/.test(typed)) return { smtp_id: typed };
  if (/^[^\s@]+@[^\s@]+$/.test(typed)) return { recipient: typed };
  return { subject: typed };
}

export function typedOf({ recipient, subject, smtp_id }: MessageFilters): string {
  return recipient ?? smtp_id ?? subject ?? '';
}

/** What the API is asked. A period begins at a full minute, so that one list is read for one period. */
export function toQuery(
  { period, since, until, ...filters }: MessageFilters,
  nowMs: number,
): Query {
  if (period === 'own') {
    const iso = (text = '') => (Number.isNaN(Date.parse(text)) ? '' : new Date(text).toISOString());
    return { ...filters, since: iso(since), until: iso(until) };
  }
  if (period === undefined || !Object.hasOwn(PERIODS, period)) return { ...filters };
  const minute = Math.floor(nowMs / 60_000) * 60_000;
  return { ...filters, since: new Date(minute - PERIODS[period as Period]).toISOString() };
}
