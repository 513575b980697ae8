import type { Report, ReportedRecipient } from '@posthorn/bounce';
import type { EventBounce, EventData, EventDelivery, EventType } from '@posthorn/sdk';
import { toSuppressedAddress } from '../../core/mail/suppression.ts';

/** What a mail that came back says of one recipient of one message. */
export interface ReportedNews {
  type: Extract<
    EventType,
    'email.bounced' | 'email.deferred' | 'email.complained' | 'email.autoresponded'
  >;
  delivery?: EventDelivery;
  bounce?: EventBounce;
  complaint?: NonNullable<EventData['complaint']>;
  /** The report, shortened, for those who ask for it. */
  raw: Record<string, unknown>;
  /**
   * Reports of one type with the same parts are told of once. There are few such parts, so that whoever
   * knows a return path cannot fill the log.
   */
  sameness: readonly (string | boolean | null)[];
}

/** Null: nothing is to be told, as of a success. */
export type ReportDecision = ReportedNews | null;

/** Events stay under 20 kB; replies of servers are one line. */
const MAX_RESPONSE_CHARS = 1_000;
const MAX_RAW_CHARS = 500;

/**
 * Pure. A recipient that failed is a bounce, one that is late is deferred. When the report names nobody
 * but others, the message was forwarded: our recipient took it, so its address is not to blame, and a
 * hard bounce of the other is `undetermined` for it.
 */
export function decideReport(report: Report, recipient: string): ReportDecision {
  switch (report.kind) {
    case 'bounce':
      return decideBounce(report, recipient);
    case 'complaint':
      return {
        type: 'email.complained',
        complaint: {
          type: cut(report.feedback?.type ?? 'abuse'),
          feedback_id: null,
          user_agent: cut(report.feedback?.userAgent ?? null),
        },
        raw: { kind: report.kind, feedback: shorten(report.feedback ?? {}) },
        sameness: [],
      };
    case 'auto-reply':
      return {
        type: 'email.autoresponded',
        raw: { kind: report.kind, auto_reply: shorten(report.autoReply ?? {}) },
        sameness: [],
      };
    case 'none':
      return null;
  }
}

function decideBounce(report: Report, recipient: string): ReportDecision {
  const late = report.recipients.filter(
    ({ action }) => action === 'failed' || action === 'delayed',
  );
  const own = late.filter(
    (one) => isSame(one.recipient, recipient) || namesAsOriginal(one, recipient),
  );
  const judged = own.length > 0 ? own : late;
  const one = judged.find(({ action }) => action === 'failed') ?? judged[0];
  if (one === undefined) return null;
  const news = {
    delivery: toDelivery(one),
    raw: { kind: report.kind, recipient: shorten(one) },
  };
  if (one.action === 'delayed') {
    return { type: 'email.deferred', ...news, sameness: [one.category] };
  }
  const isForwarded = own.length === 0;
  return {
    type: 'email.bounced',
    ...news,
    bounce: {
      type: isForwarded && one.type === 'hard' ? 'undetermined' : (one.type ?? 'undetermined'),
      category: one.category ?? 'other',
      scope: one.scope ?? 'infrastructure',
      description: isForwarded
        ? `An address that the message was forwarded to refused it. ${one.reason ?? ''}`.trim()
        : one.reason,
      async: true,
      from_dsn: true,
      suppressed: false,
    },
    sameness: [isForwarded, one.type, one.category],
  };
}

function isSame(a: string, b: string): boolean {
  return toSuppressedAddress(a) === toSuppressedAddress(b);
}

function namesAsOriginal({ originalRecipient }: ReportedRecipient, recipient: string): boolean {
  return originalRecipient !== null && isSame(originalRecipient, recipient);
}

function toDelivery(one: ReportedRecipient): EventDelivery {
  return {
    attempt: null,
    smtp_code: one.smtpCode,
    enhanced_code: one.status,
    response: one.diagnostic?.slice(0, MAX_RESPONSE_CHARS) ?? null,
    mx: cut(one.remoteMta ?? one.reportingMta),
    remote_ip: null,
    tls: null,
    latency_ms: null,
    error_code: null,
    next_attempt_at: null,
  };
}

function cut<T extends string | null>(text: T): T {
  return (typeof text === 'string' ? text.slice(0, MAX_RAW_CHARS) : text) as T;
}

/** Texts cut off, lists left out beyond a few: a report may be of any size. */
function shorten(fields: object): Record<string, unknown> {
  const entries = Object.entries(fields).map(([name, value]: [string, unknown]) => {
    if (Array.isArray(value)) return [name, value.slice(0, 5).map((one) => cut(String(one)))];
    return [name, typeof value === 'string' ? cut(value) : value];
  });
  return Object.fromEntries(entries);
}
