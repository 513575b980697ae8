import { parseFeedbackFields } from '../feedback/parse-feedback-fields.ts';
import { createHeaders, type Headers } from '../mail/parse-headers.ts';
import type { Feedback } from '../report.ts';
import { readAction } from '../status/parse-status-fields.ts';
import type { Finding } from './notice.ts';

/** What a provider's JSON says in place of a report. */
export interface ProviderNotification {
  findings: Finding[];
  feedback: Feedback | null;
  /** What it tells of the message's headers. */
  original: Headers;
}

type Json = Record<string, unknown>;

const MAX_RECIPIENTS = 1_000;

/**
 * Amazon SES notifications that SNS sends by email: one JSON object, then advertising
 * (docs.aws.amazon.com/ses: notification contents). `null` where `text` is no such thing.
 */
export function readProviderJson(text: string): ProviderNotification | null {
  const body = /^\s*(\{[\s\S]*\})\s*$/.exec(cutFooter(text))?.[1];
  if (body === undefined || !body.includes('otificationType')) return null;
  // Long lines are folded on their way, in the middle of a string.
  const notification = parseObject(body.replace(/\n ?/g, ''));
  if (notification === null) return null;
  return {
    findings: readBounce(objectOf(notification['bounce']), notification['notificationType']),
    feedback: readComplaint(objectOf(notification['complaint'])),
    original: readHeaders(objectOf(notification['mail'])),
  };
}

function readHeaders(mail: Json): Headers {
  const common = objectOf(mail['commonHeaders']);
  const fields = [
    ['message-id', textOf(common['messageId'])],
    ['from', textOf(mail['source'])],
    ['subject', textOf(common['subject'])],
  ] as const;
  return createHeaders(
    fields.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])),
  );
}

/** Everything from the signature mark on is SNS's own text. */
function cutFooter(text: string): string {
  const end = text.indexOf('\n--\n');
  return end === -1 ? text : text.slice(0, end);
}

function readBounce(bounce: Json, kind: unknown): Finding[] {
  if (kind !== 'Bounce') return [];
  const reportingMta = textOf(bounce['reportingMTA'])?.replace(/^\w+;\s*/, '') ?? null;
  // `MailboxFull`, `ContentRejected`: words, once they are apart.
  const subType = (textOf(bounce['bounceSubType']) ?? '').replace(/(?<=[a-z])(?=[A-Z])/g, ' ');
  return listOf(bounce['bouncedRecipients']).flatMap((entry) => {
    const recipient = textOf(entry['emailAddress']);
    if (recipient === null) return [];
    return {
      recipient,
      action: readAction(textOf(entry['action'])),
      status: textOf(entry['status']),
      texts: [textOf(entry['diagnosticCode']) ?? '', subType],
      reportingMta,
    };
  });
}

function readComplaint(complaint: Json): Feedback | null {
  const recipients = listOf(complaint['complainedRecipients'])
    .map((entry) => textOf(entry['emailAddress']))
    .filter((address) => address !== null);
  if (recipients.length === 0) return null;
  return {
    ...parseFeedbackFields(''),
    type: textOf(complaint['complaintFeedbackType']) ?? 'abuse',
    userAgent: textOf(complaint['userAgent']),
    originalRecipients: recipients,
  };
}

function parseObject(text: string): Json | null {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return null;
  }
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Json)
    : {};
}

function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.slice(0, MAX_RECIPIENTS).map(objectOf) : [];
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, 4_000) : null;
}
