import { addressKey } from '../mail/addresses.ts';
import type { MailParts } from '../mail/collect-parts.ts';
import type { Headers } from '../mail/parse-headers.ts';
import { findStage } from '../notice/find-stage.ts';
import type { Finding, Notice } from '../notice/notice.ts';
import { splitOriginal } from '../notice/split-original.ts';
import { isPersonalSubject } from '../notice/weigh-evidence.ts';
import type { ReportedRecipient } from '../report.ts';
import {
  parseStatusFields,
  type RecipientFields,
  type StatusFields,
} from '../status/parse-status-fields.ts';
import type { BounceReading } from './bounce-reading.ts';
import { judgeFindings } from './judge-finding.ts';
import { openNotice, readNotice } from './open-notice.ts';

/** Reads a delivery report with machine-readable fields (RFC 3464), or `null`. */
export function readStatusReport(headers: Headers, parts: MailParts): BounceReading | null {
  const fromParts = parts.statuses.map(parseStatusFields);
  const statuses = hasRecipients(fromParts) ? fromParts : [findFieldsInText(parts.notice)];
  if (!hasRecipients(statuses)) return null;
  if (parts.statuses.length === 0 && isPersonalSubject(headers.text('subject') ?? '')) return null;
  const { notice, original } = openNotice(headers, parts);
  const words = readNotice(notice);
  const findings = statuses.flatMap((status) =>
    status.recipients.map((fields) => toFinding(fields, status, words, notice)),
  );
  const first = statuses.find(({ recipients }) => recipients.length > 0);
  return {
    recipients: withoutRepeats(judgeFindings(findings)),
    original,
    originalMessageId: first?.originalMessageId ?? null,
    envelopeId: first?.envelopeId ?? null,
  };
}

function hasRecipients(statuses: StatusFields[]): boolean {
  return statuses.some(({ recipients }) => recipients.length > 0);
}

/** The same fields inside of a text: a damaged multipart, or a server that has no parts. */
function findFieldsInText(text: string): StatusFields {
  const names = ['Final-Recipient', 'Action', 'Status', 'Diagnostic-Code', 'Original-Recipient'];
  const present = names.filter((name) => new RegExp(`^[ \\t]*${name}[ \\t]*:`, 'im').test(text));
  const hasRecipient = present.some((name) => name.endsWith('Recipient'));
  if (present.length < 2 || !hasRecipient) return parseStatusFields('');
  const start = text.search(
    /^[ \t]*(?:Reporting-MTA|Final-Recipient|Original-Recipient|Action)[ \t]*:/im,
  );
  return parseStatusFields(
    splitOriginal(`\n${text.slice(start)}`).notice.replace(/^[ \t]+(?=[A-Z][\w-]+:)/gm, ''),
  );
}

function toFinding(
  fields: RecipientFields,
  status: StatusFields,
  words: Finding[],
  notice: Notice,
): Finding {
  const keys = [fields.recipient, fields.originalRecipient ?? ''].map(addressKey);
  const beside =
    words.find(({ recipient }) => keys.includes(addressKey(recipient))) ??
    (status.recipients.length === 1 && words.length === 1 ? words[0] : undefined);
  const isOnly = status.recipients.length === 1;
  return {
    recipient: fields.recipient,
    originalRecipient: fields.originalRecipient,
    action: fields.action ?? (fields.willRetry ? 'delayed' : null),
    status: fields.status,
    texts: [
      fields.diagnostic ?? '',
      ...(beside?.texts ?? []),
      ...(isOnly ? [notice.text.trim().slice(0, 3_000)] : []),
      fields.statusComment ?? '',
    ].filter((text) => text !== ''),
    stage: beside?.stage ?? (isOnly ? findStage(notice.text) : undefined),
    remoteMta: fields.remoteMta,
    reportingMta: status.reportingMta,
  };
}

/** Servers repeat a recipient (once as alias, once per try); what failed outweighs what did not. */
function withoutRepeats(recipients: ReportedRecipient[]): ReportedRecipient[] {
  const rank = ['failed', 'delayed', 'expanded', 'relayed', 'delivered'];
  const kept = new Map<string, ReportedRecipient>();
  for (const recipient of recipients) {
    const key = addressKey(recipient.recipient);
    const known = kept.get(key);
    const outweighs =
      known !== undefined &&
      rank.indexOf(recipient.action ?? '') < rank.indexOf(known.action ?? '');
    if (known === undefined || outweighs) kept.set(key, recipient);
  }
  return [...kept.values()];
}
