import addressparser from 'nodemailer/lib/addressparser/index.js';
import type { Page } from '../../../core/cursor.ts';
import { isId } from '../../../core/ids.ts';
import type { KeyMode } from '../../../core/key-mode.ts';
import type { TrackingWish } from '../../../core/mail/tracking.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { type FieldError, PosthornError } from '../../../lib/errors.ts';
import type { AcceptedMessage, MessageAcceptor } from '../../../mail/accept-message.ts';
import { encodedSize, type Mailbox, type MessageInput } from '../../../mail/message-input.ts';
import { checkEnvelopeAddress } from '../../../smtp/check-envelope-address.ts';
import type { Expectations } from '../../../store/expectations.ts';
import type { Events } from '../../../store/log/events.ts';
import type { HeldMessages, HeldRecord } from '../../../store/mail/held-messages.ts';
import type { MessageQuery } from '../../../store/mail/message-search.ts';
import type { MessageRecord, Messages, RecipientRow } from '../../../store/mail/messages.ts';
import type { Deliveries } from '../../../store/webhooks/deliveries.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoints/endpoint-directory.ts';
import { defineRoute, type Route } from '../../route.ts';
import { type EndpointUrls, toAttemptJson, toDeliveryJson } from '../deliveries/delivery-json.ts';
import { refuseField } from '../filters.ts';
import { toHeldJson } from '../holds/hold-json.ts';
import { idParam } from '../schemas.ts';
import {
  acceptedSchema,
  type MessageBody,
  messageBody,
  messageDetail,
  messageList,
} from './message-schema.ts';
import { messageQuery, toMessageQuery } from './message-search.ts';

/** Recipients of one message, all fields together. */
const MAX_RECIPIENTS = 1_000;
/** Recipients of a message that lists show. */
const LISTED_RECIPIENTS = 3;
/** Events of a message that its page shows; the rest is in GET /v1/events?message_id=. */
const MAX_TIMELINE = 1_000;

interface MessageRouteDeps {
  acceptor: MessageAcceptor;
  messages: Pick<Messages, 'get' | 'list' | 'some' | 'recipients' | 'firstRecipients'>;
  heldMessages: Pick<HeldMessages, 'get' | 'list' | 'some'>;
  expectations: Pick<Expectations, 'dueAtMs'>;
  events: Pick<Events, 'ofMessage'>;
  deliveries: Pick<Deliveries, 'ofEvents' | 'attempts'>;
  endpointUrls: EndpointUrls;
  directory: Pick<EndpointDirectory, 'subscribersOf'>;
  maxMessageBytes: number;
}

export function createMessageRoutes(deps: MessageRouteDeps): Route[] {
  const { messages, maxMessageBytes } = deps;
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/messages',
      auth: 'send',
      group: 'Messages',
      summary: 'Send a message',
      description:
        'Takes a message for delivery. 202 means that it is on disk, together with its email.accepted events: nothing that happens to this machine afterwards loses it.',
      body: messageBody,
      // Base64 makes four bytes of three; the rest is room for JSON around it.
      bodyLimit: Math.ceil(maxMessageBytes * 1.4) + 1_048_576,
      responses: { 202: { description: 'Accepted.', schema: acceptedSchema } },
      async handle({ projectId, keyMode, body, remember }) {
        const input = toMessageInput(body, keyMode);
        refuseTooLarge(encodedSize(input), maxMessageBytes);
        const webhooks = deps.directory.subscribersOf(projectId, 'email.');
        const accepted = await deps.acceptor.acceptInput(projectId, input, (one) =>
          remember(toAnswer(one, webhooks)),
        );
        return toAnswer(accepted, webhooks);
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/messages',
      auth: 'read',
      group: 'Messages',
      summary: 'List messages',
      description:
        'The newest first. Recipient and time are found at once; what else is asked for is looked for message by message, so a page may be short or empty and still have a next_cursor: go on with it.',
      query: messageQuery,
      responses: { 200: { description: 'A page of messages.', schema: messageList } },
      async handle({ projectId, query }) {
        const { rows, nextCursor } = await readPage(deps, toMessageQuery(projectId, query));
        const ids = rows.map(({ message }) => message.id);
        const first = await messages.firstRecipients(projectId, ids, LISTED_RECIPIENTS);
        const data = rows.map(({ message, held }) => ({
          ...toMessageJson(message, held),
          recipients: first
            .filter(({ messageId }) => messageId === message.id)
            .map(({ recipient, state }) => ({ address: recipient, state })),
        }));
        return { status: 200, body: { data, next_cursor: nextCursor } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/messages/{id}',
      auth: 'read',
      group: 'Messages',
      summary: 'Where is this message, and was the application told?',
      description:
        'The message, the state of each recipient, and its timeline: every event, with what each endpoint answered to it.',
      params: idParam('id', 'message'),
      responses: { 200: { description: 'The message.', schema: messageDetail } },
      async handle({ projectId, params }) {
        const id = String(params['id']);
        const message = isId('message', id) ? await messages.get(projectId, id) : null;
        if (message === null) throw new PosthornError('not_found', `There is no message ${id}.`);
        const [recipients, held, expectedByMs, events] = await Promise.all([
          messages.recipients(projectId, id),
          deps.heldMessages.get(projectId, id),
          deps.expectations.dueAtMs(projectId, id),
          deps.events.ofMessage(projectId, id, MAX_TIMELINE + 1),
        ]);
        const shown = events.slice(0, MAX_TIMELINE);
        const eventIds = shown.map((event) => event.id);
        const [deliveries, attempts] = await Promise.all([
          deps.deliveries.ofEvents(projectId, eventIds),
          deps.deliveries.attempts(projectId, eventIds),
        ]);
        const timeline = shown.map((event) => ({
          event,
          deliveries: deliveries
            .filter((row) => row.event_id === event.id)
            .map((row) => ({
              ...toDeliveryJson(row, deps.endpointUrls),
              attempts: attempts
                .filter((one) => one.event_id === event.id && one.endpoint_id === row.endpoint_id)
                .map(toAttemptJson),
            })),
        }));
        const body = {
          ...toMessageJson(message, held),
          expected_by: expectedByMs === null ? null : toTimestamp(expectedByMs),
          recipients: recipients.map(toRecipientJson),
          timeline,
          timeline_truncated: events.length > MAX_TIMELINE,
        };
        return { status: 200, body };
      },
    }),
  ];
}

export function refuseTooLarge(sizeBytes: number, maxBytes: number): void {
  if (sizeBytes <= maxBytes) return;
  const detail = `With its parts encoded the message comes to ${sizeBytes} bytes; it may have ${maxBytes}.`;
  throw new PosthornError('too_large', detail);
}

function toAnswer(
  { messageId, recipients, hold }: AcceptedMessage,
  webhooks: { enabled: number; disabled: number },
) {
  return { status: 202, body: { id: messageId, recipients, hold, webhooks } };
}

/** Held ones are few: where they are asked for, the list begins with them. */
async function readPage(
  { messages, heldMessages }: Pick<MessageRouteDeps, 'messages' | 'heldMessages'>,
  query: MessageQuery,
): Promise<Page<{ message: MessageRecord; held: HeldRecord | null }>> {
  const { projectId } = query;
  const holds = isHeldOnly(query) ? await heldMessages.list(query) : null;
  const ids = holds?.rows.map(({ messageId }) => messageId) ?? [];
  const { rows, nextCursor } =
    holds === null
      ? await messages.list(query)
      : { rows: await messages.some(projectId, ids), nextCursor: holds.nextCursor };
  const known =
    holds?.rows ??
    (await heldMessages.some(
      projectId,
      rows.map(({ id }) => id),
    ));
  const heldOf = new Map(known.map((held) => [held.messageId, held]));
  return {
    rows: rows.map((message) => ({ message, held: heldOf.get(message.id) ?? null })),
    nextCursor,
  };
}

/** What the list of held messages has, which is short, whatever the project has sent. */
function isHeldOnly({ state, subject, tag, smtpId, fromId, toId }: MessageQuery): boolean {
  return state === 'held' && [subject, tag, smtpId, fromId, toId].every((one) => one === null);
}

function toMessageJson(message: MessageRecord, held: HeldRecord | null) {
  return {
    id: message.id,
    from: message.headerFrom,
    subject: message.subject,
    smtp_id: message.smtpId,
    accepted_by: message.acceptedBy,
    sandbox: message.sandbox,
    stream: message.stream,
    size_bytes: message.sizeBytes,
    tags: message.tags,
    metadata: message.metadata,
    tracking: toTrackingJson(message.tracking),
    created_at: toTimestamp(message.createdAtMs),
    send_at: message.sendAtMs === null ? null : toTimestamp(message.sendAtMs),
    expires_at: toTimestamp(message.expiresAtMs),
    held: toHeldJson(held),
  };
}

function toTrackingJson(tracking: MessageRecord['tracking']) {
  if (tracking === null) return null;
  const { opens, clicks, textLinks, unsubscribe } = tracking;
  return { opens, clicks, text_links: textLinks, unsubscribe_page: unsubscribe };
}

function toRecipientJson(row: RecipientRow) {
  return {
    address: row.recipient,
    kind: row.kind,
    state: row.state,
    attempts: row.attempts,
    next_attempt_at: row.queue === 'queued' ? toTimestamp(row.dueAtMs) : null,
  };
}

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
