import { addressKey, type FoundAddress, findAddresses } from '../mail/addresses.ts';
import { collectParts, type MailParts } from '../mail/collect-parts.ts';
import { parseEntity } from '../mail/parse-entity.ts';
import type { Headers } from '../mail/parse-headers.ts';
import { findStage } from '../notice/find-stage.ts';
import { isDelay } from '../notice/is-delay.ts';
import type { Finding, Notice } from '../notice/notice.ts';
import { weighEvidence } from '../notice/weigh-evidence.ts';
import type { BounceReading } from './bounce-reading.ts';
import { judgeFindings } from './judge-finding.ts';
import { openNotice, readNotice } from './open-notice.ts';
import { readStatusReport } from './read-status-report.ts';

/** Reads a delivery report that is written for people only, or `null` where it is none. */
export function readTextReport(headers: Headers, parts: MailParts): BounceReading | null {
  const { notice, original } = openNotice(headers, parts);
  const { isReport, isSure } = weighEvidence(headers, notice.text, original !== null);
  if (!isReport || !isSure) return null;
  const wrapped = readWrapped(parts);
  if (wrapped !== null) return wrapped;
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

/** A gateway that forwards the report of another server: a daemon's mail with a daemon's mail inside. */
function readWrapped({ attached }: MailParts): BounceReading | null {
  if (attached === null) return null;
  const mail = parseEntity(attached);
  return mail.reportType === 'delivery-status'
    ? readStatusReport(mail.headers, collectParts(mail))
    : null;
}

/**
 * A report that names nobody: who it was for stands in a header, in the returned message, or in the
 * table that describes it. A message of a mailing list was not sent to whom it names.
 */
function guessRecipients(headers: Headers, notice: Notice, original: Headers | null): Finding[] {
  const failed = headers.all('x-failed-recipients').flatMap((value) => findAddresses(value));
  const sentTo = isListMail(original)
    ? []
    : findAddresses(original?.all('to').join(', ') ?? '', 20);
  const described = findAddresses(
    /^\s*(?:to|an|para|a|à)\s*:(.{1,500})$/im.exec(notice.text)?.[1] ?? '',
    20,
  );
  const addresses = [failed, onlyOne(sentTo, notice), onlyOne(described, notice)].find(
    ({ length }) => length > 0,
  );
  const stage = findStage(notice.text);
  const texts = [notice.text.slice(0, 3_000)];
  return (addresses ?? []).map(({ address }) => ({ recipient: address, texts, stage }));
}

function isListMail(original: Headers | null): boolean {
  if (original === null) return false;
  if (['list-id', 'list-post'].some((name) => original.all(name).length > 0)) return true;
  return original.all('precedence').some((value) => /^\s*list/i.test(value));
}

/** One of several might be the one that took the message. */
function onlyOne(addresses: FoundAddress[], { own }: Notice): FoundAddress[] {
  const others = addresses.filter(({ address }) => !own.has(addressKey(address)));
  return others.length === 1 ? others : [];
}
