import { readAutoReply } from './auto-reply/read-auto-reply.ts';
import type { BounceReading } from './bounce/bounce-reading.ts';
import { judgeFindings } from './bounce/judge-finding.ts';
import { readRejection } from './bounce/read-rejection.ts';
import { readStatusReport } from './bounce/read-status-report.ts';
import { readTextReport } from './bounce/read-text-report.ts';
import { isComplaint, readFeedback } from './feedback/read-feedback.ts';
import { collectParts, type MailParts } from './mail/collect-parts.ts';
import { parseEntity } from './mail/parse-entity.ts';
import type { Headers } from './mail/parse-headers.ts';
import { readSource } from './mail/source-text.ts';
import { readProviderJson } from './notice/read-provider-json.ts';
import { readOriginal } from './read-original.ts';
import type { Feedback, Report, ReportedRecipient } from './report.ts';

export interface ParseOptions {
  /** How much of the mail is read; the rest is left alone. */
  maxBytes?: number;
}

/**
 * Reports are some kB, and what they return stands behind what they say. 4 MiB also reaches the
 * fields of servers that put a returned message of ordinary size first.
 */
export const MAX_REPORT_BYTES = 4 * 1024 * 1024;

/**
 * Says what a mail that came back is: a delivery report (RFC 3464, 6533, or free text), a complaint
 * (RFC 5965), an automatic reply (RFC 3834), or none of them. Never throws, whatever the bytes are.
 */
export function parseReport(bytes: Uint8Array, options: ParseOptions = {}): Report {
  const mail = parseEntity(readSource(bytes, options.maxBytes ?? MAX_REPORT_BYTES));
  const parts = collectParts(mail);
  const { headers } = mail;
  return (
    readComplaintReport(headers, parts) ??
    readDisposition(parts) ??
    readProviderReport(parts) ??
    readBounceReport(parts, readStatusReport(headers, parts)) ??
    readAnswer(headers, parts) ??
    createReport('none', parts, {})
  );
}

function readComplaintReport(headers: Headers, parts: MailParts): Report | null {
  const feedback = readFeedback(headers, parts);
  return feedback === null ? null : createFeedbackReport(parts, feedback);
}

function createFeedbackReport(parts: MailParts, feedback: Feedback): Report {
  const reason = `The recipient's provider reports: ${feedback.type}`;
  const recipients = feedback.originalRecipients.map((recipient) => quiet(recipient, { reason }));
  return createReport(isComplaint(feedback) ? 'complaint' : 'none', parts, {
    feedback,
    recipients,
  });
}

/** A receipt, unless a program has refused the message in its form. */
function readDisposition(parts: MailParts): Report | null {
  if (parts.disposition === null) return null;
  return readBounceReport(parts, readRejection(parts)) ?? createReport('none', parts, {});
}

function readProviderReport(parts: MailParts): Report | null {
  const found = readProviderJson(parts.notice);
  if (found === null) return null;
  const known = { ...parts, original: found.original };
  if (found.feedback !== null) return createFeedbackReport(known, found.feedback);
  const recipients = judgeFindings(found.findings);
  return createReport(kindOf(recipients), known, { recipients });
}

function readBounceReport(parts: MailParts, reading: BounceReading | null): Report | null {
  if (reading === null) return null;
  const { recipients, original, originalMessageId, envelopeId } = reading;
  return createReport(
    kindOf(recipients),
    { ...parts, original },
    {
      recipients,
      hints: { messageId: originalMessageId, envelopeId },
    },
  );
}

/** A person's program has answered, or a server has written a report for people. */
function readAnswer(headers: Headers, parts: MailParts): Report | null {
  const autoReply = readAutoReply(headers, parts.notice);
  // "Out of office" is sure. A bare Auto-Submitted is what servers put on their reports, too.
  const bounce = () => readBounceReport(parts, readTextReport(headers, parts));
  if (autoReply === null || autoReply.type === 'other') {
    const report = bounce();
    if (report !== null || autoReply === null) return report;
  }
  const recipients =
    autoReply.from === null ? [] : [quiet(autoReply.from, { category: 'auto_reply' })];
  return createReport('auto-reply', parts, { autoReply, recipients });
}

function kindOf(recipients: ReportedRecipient[]): Report['kind'] {
  const late = recipients.some(({ action }) => action === 'failed' || action === 'delayed');
  return late ? 'bounce' : 'none';
}

/** Someone whom the report speaks of though no delivery to them failed. */
function quiet(recipient: string, known: Partial<ReportedRecipient>): ReportedRecipient {
  return {
    recipient,
    originalRecipient: null,
    action: null,
    status: null,
    smtpCode: null,
    diagnostic: null,
    remoteMta: null,
    reportingMta: null,
    type: null,
    scope: null,
    category: null,
    reason: null,
    rule: null,
    confidence: null,
    ...known,
  };
}

interface Known extends Partial<Pick<Report, 'recipients' | 'feedback' | 'autoReply'>> {
  hints?: Parameters<typeof readOriginal>[1];
}

function createReport(kind: Report['kind'], parts: MailParts, known: Known): Report {
  return {
    kind,
    recipients: known.recipients ?? [],
    original: readOriginal(parts.original, known.hints ?? {}),
    feedback: known.feedback ?? null,
    autoReply: known.autoReply ?? null,
  };
}
