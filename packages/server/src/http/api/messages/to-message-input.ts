import addressparser from 'nodemailer/lib/addressparser/index.js';
import type { KeyMode } from '../../../core/key-mode.ts';
import type { TrackingWish } from '../../../core/mail/tracking.ts';
import { type FieldError, PosthornError } from '../../../lib/errors.ts';
import type { Mailbox, MessageInput } from '../../../mail/message-input.ts';
import { checkEnvelopeAddress } from '../../../smtp/check-envelope-address.ts';
import { refuseField } from '../filters.ts';
import type { MessageBody } from './message-schema.ts';

/** Recipients of one message, all fields together. */
const MAX_RECIPIENTS = 1_000;

/** Checks what a schema cannot: addresses. Throws `invalid_field` with a pointer to each wrong one. */
export function toMessageInput(body: MessageBody, keyMode: KeyMode): MessageInput {
  const fields: FieldError[] = [];
  const read = (value: MessageBody['to'], field: string): Mailbox[] => {
    const list = value === undefined ? [] : Array.isArray(value) ? value : [value];
    return list.flatMap((one, i) => {
      const pointer = Array.isArray(value) ? `/${field}/${i}` : `/${field}`;
      return readMailboxes(one, pointer, fields);
    });
  };
  const [from, ...others] = read(body.from, 'from');
  if (others.length > 0) fields.push({ pointer: '/from', detail: 'A message has one sender.' });
  const [to, cc, bcc] = [read(body.to, 'to'), read(body.cc, 'cc'), read(body.bcc, 'bcc')];
  const replyTo = read(body.reply_to, 'reply_to');
  const count = to.length + cc.length + bcc.length;
  if (count === 0 && fields.length === 0) {
    fields.push({ pointer: '/to', detail: 'A message needs a recipient in to, cc or bcc.' });
  }
  if (count > MAX_RECIPIENTS) {
    const detail = `A message has at most ${MAX_RECIPIENTS} recipients; this one has ${count}. Send several.`;
    fields.push({ pointer: '/to', detail });
  }
  if (fields.length > 0 || from === undefined) {
    const [first] = fields;
    const detail =
      first === undefined ? 'from: give an address.' : `${first.pointer}: ${first.detail}`;
    throw new PosthornError('invalid_field', detail, { fields });
  }
  return {
    keyMode,
    from,
    to,
    cc,
    bcc,
    replyTo,
    subject: body.subject,
    text: body.text ?? null,
    html: body.html ?? null,
    headers: Object.entries(body.headers ?? {}).map(([name, value]) => ({ name, value })),
    attachments: (body.attachments ?? []).map((one) => ({
      filename: one.filename,
      content: Buffer.from(one.content, 'base64'),
      contentType: one.content_type ?? null,
      contentId: one.content_id ?? null,
    })),
    stream: body.stream,
    unsubscribe: readUnsubscribe(body.unsubscribe),
    tracking: readTracking(body.tracking),
    tags: body.tags ?? [],
    metadata: body.metadata ?? {},
    ...(body.send_at === undefined ? {} : { sendAtMs: Date.parse(body.send_at) }),
    ...(body.expect_within === undefined ? {} : { expectWithinMs: body.expect_within }),
  };
}

function readTracking(given: MessageBody['tracking'] = {}): TrackingWish {
  const { opens, clicks, text_links: textLinks, except } = given;
  return {
    ...(opens === undefined ? {} : { opens }),
    ...(clicks === undefined ? {} : { clicks }),
    ...(textLinks === undefined ? {} : { textLinks }),
    ...(except === undefined ? {} : { except }),
  };
}

function readUnsubscribe(given: MessageBody['unsubscribe']): MessageInput['unsubscribe'] {
  if (given === undefined) return null;
  const { url = null, mailto } = given;
  const hosted = given.hosted === true;
  if (mailto === undefined) return { url, mailto: null, hosted };
  const checked = checkEnvelopeAddress(mailto, false);
  if (!checked.ok) refuseField('/unsubscribe/mailto', `This is no address: ${checked.message}.`);
  return { url, mailto: checked.address, hosted };
}

function readMailboxes(
  value: string | { email: string; name?: string | undefined },
  pointer: string,
  fields: FieldError[],
): Mailbox[] {
  const found = typeof value === 'string' ? parseMailboxes(value) : [value];
  if (found.length === 0) fields.push({ pointer, detail: 'There is no address in it.' });
  return found.map(({ email, name }) => {
    const checked = checkEnvelopeAddress(email, true);
    if (!checked.ok) {
      fields.push({
        pointer,
        detail: `"${email}" is not an address that mail can go to: ${checked.message}.`,
      });
    }
    return { email: checked.ok ? checked.address : email, name: name || null };
  });
}

/**
 * The parser guesses: of `a b@example.com` it makes b@example.com, called a. Mail must not go where a
 * guess leads, so a name counts only beside an address in angle brackets; otherwise the whole text is
 * taken for the address, and refused as one.
 */
function parseMailboxes(text: string): { email: string; name: string }[] {
  return addressparser(text, { flatten: true }).map(({ address, name }) => {
    if (address === '') return { email: name, name: '' };
    const isPlain = name === '' || text.includes(`<${address}>`);
    return isPlain ? { email: address, name } : { email: text, name: '' };
  });
}
