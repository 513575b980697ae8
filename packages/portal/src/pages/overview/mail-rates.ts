import type { EventVolume } from '../../api/objects.ts';

/** What of the mail in a stretch of time came to an end, and how. */
export interface MailCounts {
  delivered: number;
  bounced: number;
  complained: number;
  /** Came to an end: delivered or not. */
  ended: number;
}

/** What gives a sender a bad name with large receivers, as parts of one. */
export const BOUNCE_THRESHOLD = 0.05;
export const COMPLAINT_THRESHOLD = 0.001;

export function countMail(counts: EventVolume['data'][number]['counts']): MailCounts {
  const of = (type: string): number => counts[`email.${type}`] ?? 0;
  const delivered = of('delivered');
  const bounced = of('bounced');
  return {
    delivered,
    bounced,
    complained: of('complained'),
    ended: delivered + bounced + of('failed'),
  };
}

export function sumMail(data: EventVolume['data']): MailCounts {
  const sum: MailCounts = { delivered: 0, bounced: 0, complained: 0, ended: 0 };
  for (const { counts } of data) {
    const one = countMail(counts);
    sum.delivered += one.delivered;
    sum.bounced += one.bounced;
    sum.complained += one.complained;
    sum.ended += one.ended;
  }
  return sum;
}

/** Null where nothing came to an end: no rate is better than one of nothing. */
export function rateOf(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
