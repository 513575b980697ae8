import type { EventAttachment, EventMailbox } from '@posthorn/sdk/src/event.ts';
import PostalMime, { type Address, type Attachment, type Email } from 'postal-mime';
import { wholeHtmlOf } from '../../read-content.ts';
import { textFromHtml } from '../../text-from-html.ts';
import { splitReply } from '../split-reply.ts';

/** What a mail says, read out of its bytes. */
export interface ParsedMail {
  headers: { name: string; value: string }[];
  from: EventMailbox | null;
  to: EventMailbox[];
  cc: EventMailbox[];
  replyTo: EventMailbox[];
  subject: string | null;
  messageId: string | null;
  inReplyTo: string | null;
  references: string[];
  dateMs: number | null;
  /** Of the HTML where the mail has no text. */
  text: string | null;
  html: string | null;
  /** Null without a text. */
  replyText: string | null;
  attachments: Omit<EventAttachment, 'url'>[];
}

/** A file of a mail. */
export interface MailFile {
  filename: string | null;
  contentType: string;
  content: Uint8Array;
}

const MAX_HEADERS = 1_000;
const MAX_HEADER_CHARS = 10_000;
const MAX_MAILBOXES = 100;
const MAX_REFERENCES = 50;
const MAX_FILES = 1_000;
/** RFC 5322 2.1.1 asks for 998; a few clients fold none of theirs. */
const MAX_ID_CHARS = 998;
const MAX_NAME_CHARS = 300;

/** Beyond these the library throws; what it has read by then is nobody's mail. */
const LIMITS = { maxNestingDepth: 100, maxHeadersSize: 1_048_576, forceRfc822Attachments: true };

const EMPTY: Email = { headers: [], headerLines: [], attachments: [] };

/** Bytes of any kind may come; what cannot be read is a mail with nothing in it. Never rejects. */
export async function parseMail(raw: Uint8Array): Promise<ParsedMail> {
  const email = await parse(raw);
  const html = email.html ?? null;
  const text = email.text ?? (html === null ? null : textFromHtml(html));
  return {
    headers: email.headers.slice(0, MAX_HEADERS).map(({ originalKey, value }) => ({
      name: originalKey.slice(0, 200),
      value: value.slice(0, MAX_HEADER_CHARS),
    })),
    from: mailboxesOf(email.from === undefined ? [] : [email.from])[0] ?? null,
    to: mailboxesOf(email.to),
    cc: mailboxesOf(email.cc),
    replyTo: mailboxesOf(email.replyTo),
    subject: email.subject?.slice(0, MAX_ID_CHARS) ?? null,
    messageId: toMessageId(email.messageId),
    inReplyTo: cut(email.inReplyTo),
    references: (email.references ?? '').split(/\s+/).filter(isId).slice(-MAX_REFERENCES),
    dateMs: dateOf(email.date),
    text,
    html,
    replyText: text === null ? null : splitReply(text),
    attachments: email.attachments.slice(0, MAX_FILES).map(describe),
  };
}

/** Its HTML to be shown, with its own images in it; null where it has none. */
export async function extractHtml(raw: Uint8Array): Promise<string | null> {
  return wholeHtmlOf(await parse(raw));
}

/** The file of this number (from 1); null where the mail has none such. */
export async function extractFile(raw: Uint8Array, number: number): Promise<MailFile | null> {
  const { attachments } = await parse(raw);
  const found = attachments[number - 1];
  if (found === undefined) return null;
  const { filename, content_type: contentType } = describe(found, number - 1);
  return { filename, contentType, content: bytesOf(found) };
}

async function parse(raw: Uint8Array): Promise<Email> {
  try {
    return await PostalMime.parse(raw, LIMITS);
  } catch {
    return EMPTY;
  }
}

function describe(
  { filename, mimeType, contentId, disposition, related, content }: Attachment,
  index: number,
): Omit<EventAttachment, 'url'> {
  const size = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
  return {
    number: index + 1,
    filename: filename === null ? null : filename.slice(0, MAX_NAME_CHARS),
    content_type: mimeType.slice(0, 200),
    size_bytes: size,
    content_id: cut(contentId, 500),
    inline: disposition === 'inline' || related === true,
  };
}

function bytesOf({ content }: Attachment): Uint8Array {
  if (typeof content === 'string') return Buffer.from(content);
  return new Uint8Array(content);
}

/** Groups (RFC 5322 3.4) by their members. */
function mailboxesOf(addresses: readonly Address[] | undefined): EventMailbox[] {
  return (addresses ?? [])
    .flatMap((one) => one.group ?? (one.address === undefined ? [] : [one]))
    .filter(({ address }) => address !== undefined && address !== '')
    .slice(0, MAX_MAILBOXES)
    .map(({ address = '', name }) => ({
      address: address.slice(0, 320),
      name: name === '' ? null : name.slice(0, 500),
    }));
}

function cut(text: string | undefined, max = MAX_ID_CHARS): string | null {
  return text === undefined || text === '' ? null : text.slice(0, max);
}

/**
 * In its angle brackets, also where it came without (RFC 5322 3.6.4): what a stranger writes there is never taken
 * for an id of ours, by which events of a message are found.
 */
function toMessageId(text: string | undefined): string | null {
  const inner = /[^<>\s]{1,996}/.exec(text ?? '')?.[0];
  return inner === undefined ? null : `<${inner}>`;
}

function isId(text: string): boolean {
  return text !== '' && text.length <= MAX_ID_CHARS;
}

function dateOf(date: string | undefined): number | null {
  const ms = date === undefined ? Number.NaN : Date.parse(date);
  // What no calendar can hold would not be a timestamp in an event either.
  return Number.isNaN(ms) || ms < 0 || ms > 253_402_300_799_999 ? null : ms;
}
