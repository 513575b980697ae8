import { htmlToText } from './html-text.ts';
import { type Entity, sourceOf, textOf } from './parse-entity.ts';
import { type Headers, parseHeaders } from './parse-headers.ts';

/** The parts of a mail by what they are for. Attached mails are not looked into. */
export interface MailParts {
  /** What people are meant to read: `text/plain` before the returned message, else HTML as text. */
  notice: string;
  /** Bodies of `message/delivery-status` (RFC 3464) and `message/global-delivery-status` (RFC 6533). */
  statuses: string[];
  /** Bodies of `message/feedback-report` (RFC 5965). */
  feedbacks: string[];
  /** Headers of the first returned message, or of what is left of it. */
  original: Headers | null;
  /** The first attached mail, undecoded. */
  attached: string | null;
  /** Body of a `message/disposition-notification` (RFC 8098): a message was read, or deleted. */
  disposition: string | null;
}

/** A notice is some kB; the rest of a longer text is the message that it returns. */
const MAX_NOTICE_CHARS = 100_000;

const STATUS = new Set(['message/delivery-status', 'message/global-delivery-status']);
const RETURNED = new Set([
  'message/rfc822',
  'message/global',
  'text/rfc822-headers',
  'text/rfc822',
  'message/rfc822-headers',
  'message/global-headers',
]);

interface Collected extends Omit<MailParts, 'notice'> {
  plain: string[];
  html: string[];
}

export function collectParts(mail: Entity): MailParts {
  const found: Collected = {
    statuses: [],
    feedbacks: [],
    original: null,
    attached: null,
    disposition: mail.reportType === 'disposition-notification' ? '' : null,
    plain: [],
    html: [],
  };
  visit(mail, found, true);
  const { plain, html, ...parts } = found;
  const readable = plain.some((text) => /\S/.test(text)) ? plain : html.map(htmlToText);
  return { ...parts, notice: readable.join('\n\n').slice(0, MAX_NOTICE_CHARS) };
}

function visit(entity: Entity, found: Collected, isMail: boolean): void {
  if (entity.parts.length > 0) {
    for (const part of entity.parts) visit(part, found, false);
  } else if (STATUS.has(entity.type)) {
    found.statuses.push(textOf({ ...entity, charset: entity.charset ?? 'utf-8' }));
  } else if (entity.type === 'message/feedback-report') {
    found.feedbacks.push(textOf(entity));
  } else if (entity.type === 'message/disposition-notification') {
    found.disposition ||= textOf(entity);
  } else if (RETURNED.has(entity.type)) {
    const source = sourceOf(entity);
    found.original ??= parseHeaders(source).headers;
    if (entity.type.startsWith('message/')) found.attached ??= source;
  } else if (!isMail && looksReturned(entity.headers)) {
    // Gateways paste the message behind a boundary without a Content-Type of its own.
    found.original ??= entity.headers;
  } else if (entity.type === 'text/html') {
    found.html.push(textOf(entity));
  } else if (entity.type.startsWith('text/') || entity.type.startsWith('multipart/')) {
    // A multipart without parts: its boundary is wrong or missing, so its body is what there is.
    found.plain.push(textOf(entity));
  }
}

function looksReturned(headers: Headers): boolean {
  const names = new Set(headers.fields.map(([name]) => name));
  return (
    ['from', 'message-id', 'received', 'return-path'].filter((name) => names.has(name)).length > 1
  );
}
