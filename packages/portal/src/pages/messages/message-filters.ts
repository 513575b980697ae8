import type { Query } from '../../api/client.ts';
import { type PeriodFilters, toRange } from '../../api/period.ts';

/** The filters of the list of messages, as they stand in the address. */
export interface MessageFilters extends PeriodFilters {
  recipient?: string;
  subject?: string;
  smtp_id?: string;
  tag?: string;
  state?: string;
}

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

/** What the API is asked. */
export function toQuery(filters: MessageFilters, nowMs: number): Query {
  const { period: _p, since: _s, until: _u, ...rest } = filters;
  return { ...rest, ...toRange(filters, nowMs) };
}
