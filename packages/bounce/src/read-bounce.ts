import { judgeFindings } from './judge-finding.ts';
import { addressKey, findAddresses } from './mail/addresses.ts';
import type { MailParts } from './mail/collect-parts.ts';
import { type Headers, parseHeaders } from './mail/parse-headers.ts';
import { findStage } from './notice/find-stage.ts';
import { NOTICE_FORMATS } from './notice/formats/index.ts';
import { isDelay } from './notice/is-delay.ts';
import type { Finding, Notice } from './notice/notice.ts';
import { splitOriginal } from './notice/split-original.ts';
import { isPersonalSubject, weighEvidence } from './notice/weigh-evidence.ts';
import type { ReportedRecipient } from './report.ts';
import {
  parseStatusFields,
  type RecipientFields,
  type StatusFields,
} from './status/parse-status-fields.ts';

/** What a delivery report says, whatever form it has. */
export interface BounceReading {
  recipients: ReportedRecipient[];
  original: Headers | null;
  originalMessageId: string | null;
  envelopeId: string | null;
}

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

/** Reads a delivery report that is written for people only, or `null` where it is none. */
export function readTextReport(headers: Headers, parts: MailParts): BounceReading | null {
  const { notice, original } = openNotice(headers, parts);
  const { isReport, isSure } = weighEvidence(headers, notice.text, original !== null);
  if (!isReport || !isSure) return null;
  const found = readNotice(notice);
  const findings = found.length > 0 ? found : guessRecipients(headers, notice, original);
  if (findings.length === 0) return null;
  const action = isDelay(notice.subject, notice.text) ? 'delayed' : 'failed';
  const recipients = judgeFindings(
    findings.map((finding) => ({
      ...finding,
      action: finding.action ?? action,
      // The subject is the last to be asked: "Returned mail: User unknown".
      texts: [...finding.texts, notice.subject],
    })),
  );
  return { recipients, original, originalMessageId: null, envelopeId: null };
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

function openNotice(headers: Headers, parts: MailParts) {
  const { notice: text, original } = splitOriginal(parts.notice);
  const own = new Set<string>();
  for (const name of ['from', 'to', 'return-path', 'reply-to']) {
    for (const value of headers.all(name)) {
      for (const { address } of findAddresses(value, 20)) own.add(addressKey(address));
    }
  }
  // Who writes to themselves is both ends of it.
  for (const value of headers.all('x-failed-recipients')) {
    for (const { address } of findAddresses(value)) own.delete(addressKey(address));
  }
  const notice: Notice = { headers, subject: headers.text('subject') ?? '', text, own };
  const inText = original === '' ? null : parseHeaders(original).headers;
  return { notice, original: parts.original ?? inText };
}

function readNotice(notice: Notice): Finding[] {
  for (const format of NOTICE_FORMATS) {
    const findings = format.read(notice);
    if (findings.length > 0) return findings;
  }
  return [];
}

/** A report that names nobody: who it was for stands in a header, or in the returned message. */
function guessRecipients(headers: Headers, notice: Notice, original: Headers | null): Finding[] {
  const failed = headers.all('x-failed-recipients').flatMap((value) => findAddresses(value));
  const sentTo = findAddresses(original?.all('to').join(', ') ?? '', 20);
  const addresses = failed.length > 0 ? failed : sentTo.length === 1 ? sentTo : [];
  const stage = findStage(notice.text);
  const texts = [notice.text.slice(0, 3_000)];
  return addresses.map(({ address }) => ({ recipient: address, texts, stage }));
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
