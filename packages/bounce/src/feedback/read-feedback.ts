import { firstAddress } from '../mail/addresses.ts';
import type { MailParts } from '../mail/collect-parts.ts';
import type { Headers } from '../mail/parse-headers.ts';
import type { Feedback } from '../report.ts';
import { isRedacted, parseFeedbackFields } from './parse-feedback-fields.ts';

/** A provider that reports in a form of its own, instead of RFC 5965. */
interface FeedbackLoop {
  name: string;
  source: string;
  matches(headers: Headers, parts: MailParts): boolean;
}

const LOOPS: readonly FeedbackLoop[] = [
  {
    name: 'jmrp',
    source:
      'sendersupport.olc.protection.outlook.com/snds: Junk Mail Reporting Program of Outlook.com',
    matches: (headers, { original }) =>
      original?.text('x-hmxmroriginalrecipient') != null ||
      (/^\W*staff@hotmail\.com|<staff@hotmail\.com>/i.test(headers.text('from') ?? '') &&
        /complaint about message from/i.test(headers.text('subject') ?? '')),
  },
  {
    name: 'scomp',
    source: 'postmaster.aol.com: feedback loop before RFC 5965',
    matches: (headers, { original }) =>
      original !== null && /\bscomp@aol\.net\b/i.test(headers.text('from') ?? ''),
  },
  {
    name: 'spamcop',
    source: 'spamcop.net: reports to network owners',
    matches: (headers) =>
      headers.text('x-spamcop-sourceip') !== null ||
      /@(?:reports|bounces|admin|devnull)\.spamcop\.net/i.test(headers.text('from') ?? ''),
  },
];

/** Headers in which providers and senders keep the recipient of a message that comes back. */
const RECIPIENT_HEADERS = [
  'x-hmxmroriginalrecipient',
  'original-recipient',
  'x-original-to',
  'delivered-to',
  'to',
];

/** The complaint that a mail is, or `null`. */
export function readFeedback(headers: Headers, parts: MailParts): Feedback | null {
  const [machine] = parts.feedbacks;
  if (machine !== undefined) return complete(parseFeedbackFields(machine), parts);
  if (/^[ \t]*Feedback-Type[ \t]*:/im.test(parts.notice) && hasFeedbackShape(headers, parts)) {
    return complete(parseFeedbackFields(parts.notice), parts);
  }
  const loop = LOOPS.find((candidate) => candidate.matches(headers, parts));
  if (loop === undefined) return null;
  const sourceIp = /\b(\d{1,3}(?:\.\d{1,3}){3})\b/.exec(headers.text('subject') ?? '')?.[1];
  return complete({ ...parseFeedbackFields(''), sourceIp: sourceIp ?? null }, parts);
}

/** Some systems write the fields into the text, or label the part as something else. */
function hasFeedbackShape(headers: Headers, { notice }: MailParts): boolean {
  const declared = /feedback-report/i.test(headers.all('content-type')[0] ?? '');
  const fields = notice.match(
    /^[ \t]*(?:User-Agent|Version|Source-IP|Original-Mail-From|Original-Rcpt-To|Arrival-Date|Reported-Domain)[ \t]*:/gim,
  );
  return declared || (fields?.length ?? 0) >= 3;
}

/** A report without a recipient leaves the message's own headers to tell. */
function complete(feedback: Feedback, { original }: MailParts): Feedback {
  if (feedback.originalRecipients.length > 0 || original === null) return feedback;
  for (const name of RECIPIENT_HEADERS) {
    const address = firstAddress(original.text(name));
    if (address !== null && !isRedacted(address)) {
      return { ...feedback, originalRecipients: [address] };
    }
  }
  return feedback;
}

/** RFC 6430 and RFC 6591: reports that complain of nothing, or not of the message being sent. */
const NO_COMPLAINT = new Set(['not-spam', 'auth-failure', 'dmarc', 'dkim', 'opt-in']);

export function isComplaint(feedback: Feedback): boolean {
  return !NO_COMPLAINT.has(feedback.type);
}
