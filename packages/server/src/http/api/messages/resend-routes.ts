import { z } from 'zod';
import { isId } from '../../../core/ids.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { AcceptedMessage, MessageAcceptor } from '../../../mail/accept-message.ts';
import type { Messages } from '../../../store/mail/messages.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoints/endpoint-directory.ts';
import { defineRoute, type Route } from '../../route.ts';
import { idParam } from '../schemas.ts';
import { envelopeRecipients, readEnvelope, refuseSubmission } from '../sending/raw-routes.ts';
import { readBytes } from './content-routes.ts';
import { acceptedSchema } from './message-schema.ts';

const resendBody = z
  .strictObject({
    to: envelopeRecipients
      .optional()
      .describe('Who gets it; without it, everybody who was to get it the first time.'),
  })
  .prefault({});

export function createResendRoutes(deps: {
  acceptor: Pick<MessageAcceptor, 'acceptRaw'>;
  messages: Pick<Messages, 'get' | 'raw' | 'recipients'>;
  directory: Pick<EndpointDirectory, 'subscribersOf'>;
}): Route[] {
  const { acceptor, messages } = deps;

  async function recipientsOf(projectId: string, id: string): Promise<string[]> {
    const rows = await messages.recipients(projectId, id);
    if (rows.length > 0) return rows.map(({ recipient }) => recipient);
    const detail = 'Nobody is left of its recipients. Say in "to" who gets it.';
    throw new PosthornError('nothing_found', detail);
  }

  return [
    defineRoute({
      method: 'POST',
      path: '/v1/messages/{id}/resend',
      auth: 'send',
      group: 'Messages',
      summary: 'Send a message once more',
      description:
        'The same content as a message of its own: a new id, Message-ID, date and signature, with the tags, metadata and stream of the first. The suppression list and the limits of the project count as for any other.',
      params: idParam('id', 'message'),
      body: resendBody,
      responses: { 202: { description: 'Accepted.', schema: acceptedSchema } },
      async handle({ projectId, keyMode, params, body, remember }) {
        const id = String(params['id']);
        const first = isId('message', id) ? await messages.get(projectId, id) : null;
        if (first === null) throw new PosthornError('not_found', `There is no message ${id}.`);
        const raw = Buffer.from(await readBytes(messages, projectId, id));
        const recipients =
          body.to === undefined
            ? await recipientsOf(projectId, id)
            : readEnvelope({ to: body.to }).recipients;
        const { envelopeFrom, stream, tags, metadata, tracking } = first;
        const webhooks = deps.directory.subscribersOf(projectId, 'email.');
        const toAnswer = ({ messageId, recipients: all, hold }: AcceptedMessage) => {
          return { status: 202, body: { id: messageId, recipients: all, hold, webhooks } };
        };
        const accepted = await acceptor
          .acceptRaw(
            projectId,
            {
              envelopeFrom,
              recipients,
              raw,
              keyMode: first.sandbox ? 'sandbox' : keyMode,
              acceptedBy: 'http',
              again: { stream, tags, metadata, tracking },
            },
            (one) => remember(toAnswer(one)),
          )
          .catch(refuseSubmission);
        return toAnswer(accepted);
      },
    }),
  ];
}
