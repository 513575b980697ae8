import type { EventAttachment, EventInbound } from '@posthorn/sdk';
import { plusTagOf } from '../../core/mail/inbound-route.ts';
import type { ReceivedDetails, ReceivedMail } from '../../store/mail/received-mail.ts';
import type { ParsedMail } from './read/parse-mail.ts';
import type { ReadMail } from './read/protocol.ts';
import { findAutomatic, hintAtSpam } from './spam-hint.ts';

/** What is written on each mail: headers of transport are long, and of no use to who reads it. */
const NOT_IN_EVENTS =
  /^(received|return-path|dkim-signature|arc-.*|authentication-results|x-ms-exchange-.*|x-google-.*)$/i;

/** Bytes of JSON: an event stays under 20 kB with all of them. */
const BUDGETS = { text: 4_000, reply_text: 2_000, html: 4_000, headers: 2_000 } as const;
const MAX_MAILBOXES = 4;
const MAX_MAILBOX_BYTES = 160;
const MAX_FILES = 8;
const MAX_FILENAME_BYTES = 120;
const MAX_REFERENCES = 3;
const MAX_ID_BYTES = 300;

/** What is stored of a mail beside its bytes. */
export function toDetails(
  recipient: string,
  envelopeFrom: string,
  read: ReadMail,
): ReceivedDetails {
  const { mail, authentication } = read;
  return {
    plus_tag: plusTagOf(recipient),
    from: mail.from,
    to: mail.to,
    cc: mail.cc,
    reply_to: mail.replyTo,
    in_reply_to: mail.inReplyTo,
    references: mail.references,
    headers: mail.headers,
    attachments: mail.attachments,
    authentication,
    spam: hintAtSpam(mail.headers, authentication),
    automatic: findAutomatic(mail.headers, envelopeFrom),
  };
}

/** URLs of a mail and its files; null where nobody has said how we are reached, or nothing is kept. */
export interface FileUrls {
  urlOf(number: number): string;
  expiresAt: string;
}

/** The whole of it, for the API; without texts where the bytes are not kept any more. */
export function toInbound(
  { id, routeId, envelopeFrom, sizeBytes, details }: ReceivedMail,
  words: Pick<ParsedMail, 'text' | 'html' | 'replyText'> | null,
  urls: FileUrls | null,
): EventInbound {
  const files = details.attachments ?? [];
  return {
    id,
    route_id: routeId,
    envelope_from: envelopeFrom,
    ...details,
    text: words?.text ?? null,
    html: words?.html ?? null,
    reply_text: words?.replyText ?? null,
    attachments: files.map((one) => ({ ...one, url: urls?.urlOf(one.number) ?? null })),
    size_bytes: sizeBytes,
    url: urls?.urlOf(0) ?? null,
    urls_expire_at: urls?.expiresAt ?? null,
  };
}

/** Pure: the same, cut so that its event stays under 20 kB; `truncated` names what was cut. */
export function cutInbound(full: EventInbound): EventInbound {
  const truncated: string[] = [];
  function note<T>(name: keyof EventInbound, before: T, after: T): T {
    if (JSON.stringify(before) !== JSON.stringify(after)) truncated.push(name);
    return after;
  }
  const words = (name: 'text' | 'reply_text' | 'html'): string | null =>
    note(name, full[name] ?? null, cutText(full[name] ?? null, BUDGETS[name]));
  const people = (name: 'to' | 'cc' | 'reply_to') =>
    note(name, full[name] ?? [], (full[name] ?? []).slice(0, MAX_MAILBOXES).map(cutMailbox));
  return {
    ...full,
    plus_tag: cutText(full.plus_tag ?? null, 100),
    envelope_from: cutText(full.envelope_from ?? null, 340),
    from: full.from == null ? null : cutMailbox(full.from),
    to: people('to'),
    cc: people('cc'),
    reply_to: people('reply_to'),
    in_reply_to: cutText(full.in_reply_to ?? null, MAX_ID_BYTES),
    references: note(
      'references',
      full.references ?? [],
      (full.references ?? []).slice(-MAX_REFERENCES).map((id) => cutText(id, MAX_ID_BYTES)),
    ),
    text: words('text'),
    reply_text: words('reply_text'),
    html: words('html'),
    headers: note('headers', full.headers ?? [], cutHeaders(full.headers ?? [])),
    attachments: note(
      'attachments',
      full.attachments ?? [],
      (full.attachments ?? []).slice(0, MAX_FILES).map(cutFile),
    ),
    ...(full.authentication === undefined
      ? {}
      : { authentication: cutAuthentication(full.authentication) }),
    truncated,
  };
}

function cutMailbox({ address, name }: { address: string; name?: string | null }) {
  return { address: cutText(address, 340), name: cutText(name ?? null, MAX_MAILBOX_BYTES) };
}

function cutFile(file: EventAttachment): EventAttachment {
  return {
    ...file,
    filename: cutText(file.filename, MAX_FILENAME_BYTES),
    content_type: cutText(file.content_type, 80),
    content_id: cutText(file.content_id ?? null, 120),
  };
}

function cutAuthentication(all: NonNullable<EventInbound['authentication']>) {
  return { ...all, dkim: { ...all.dkim, signatures: all.dkim.signatures.slice(0, 3) } };
}

/** In their order, as many as there is room for. */
function cutHeaders(headers: readonly { name: string; value: string }[]) {
  let left: number = BUDGETS.headers;
  return headers.filter((header) => {
    if (NOT_IN_EVENTS.test(header.name)) return false;
    const size = Buffer.byteLength(JSON.stringify(header)) + 1;
    if (size > left) return false;
    left -= size;
    return true;
  });
}

/** As much of a text as fits into so many bytes of JSON; no character is cut in two. */
export function cutText<T extends string | null>(text: T, maxBytes: number): T {
  if (text === null || Buffer.byteLength(JSON.stringify(text.slice(0, maxBytes))) <= maxBytes + 2) {
    return (text === null ? null : text.slice(0, maxBytes)) as T;
  }
  let used = 0;
  let at = 0;
  for (const char of text as string) {
    used += Buffer.byteLength(JSON.stringify(char)) - 2;
    if (used > maxBytes) break;
    at += char.length;
  }
  return text.slice(0, at) as T;
}
