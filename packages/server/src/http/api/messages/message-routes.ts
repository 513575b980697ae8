import type { Page } from '../../../core/cursor.ts';
import { isId } from '../../../core/ids.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { AcceptedMessage, MessageAcceptor } from '../../../mail/accept-message.ts';
import { encodedSize } from '../../../mail/message-input.ts';
import type { Events } from '../../../store/log/events.ts';
import type { Expectations } from '../../../store/mail/expectations.ts';
import type { HeldMessages, HeldRecord } from '../../../store/mail/held-messages.ts';
import type { MessageQuery } from '../../../store/mail/message-search.ts';
import type { MessageRecord, Messages } from '../../../store/mail/messages.ts';
import type { Deliveries } from '../../../store/webhooks/deliveries.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoints/endpoint-directory.ts';
import { defineRoute, type Route } from '../../route.ts';
import { type EndpointUrls, toAttemptJson, toDeliveryJson } from '../deliveries/delivery-json.ts';
import { idParam } from '../schemas.ts';
import { refuseTooLarge } from '../sending/refuse-too-large.ts';
import { toMessageJson, toRecipientJson } from './message-json.ts';
import { acceptedSchema, messageBody, messageDetail, messageList } from './message-schema.ts';
import { messageQuery, toMessageQuery } from './message-search.ts';
import { toMessageInput } from './to-message-input.ts';

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
