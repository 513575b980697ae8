import { PosthornError } from '../../../lib/errors.ts';
import type { AcceptedMessage, MessageAcceptor } from '../../../mail/accept-message.ts';
import { encodedSize } from '../../../mail/message-input.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoints/endpoint-directory.ts';
import { defineRoute, type Route } from '../../route.ts';
import { batchAccepted, batchBody, MAX_PERSONALIZATIONS } from './batch-schema.ts';
import { mergeBatch } from './merge-batch.ts';
import { refuseTooLarge } from './refuse-too-large.ts';

/** They are in memory together, and in one commit, which everything else waits for. */
const MAX_BATCH_BYTES = 64 * 1_048_576;
const MAX_BATCH_RECIPIENTS = 5_000;
/** Recipients, fields and metadata of one personalization, as JSON; some may have more. */
const PERSONALIZATION_BYTES = 8_192;

export function createBatchRoutes(deps: {
  acceptor: Pick<MessageAcceptor, 'acceptInputs'>;
  directory: Pick<EndpointDirectory, 'subscribersOf'>;
  maxMessageBytes: number;
}): Route[] {
  const { acceptor, maxMessageBytes } = deps;
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/messages/batch',
      auth: 'send',
      group: 'Messages',
      summary: 'Send a message to many, each with fields of their own',
      description:
        'One message for each personalization, with its values in the place of {{name}}. All of them are taken in one commit, or none: if one is wrong, the answer says which, and nothing is sent.',
      body: batchBody,
      bodyLimit:
        Math.ceil(maxMessageBytes * 1.4) + MAX_PERSONALIZATIONS * PERSONALIZATION_BYTES + 1_048_576,
      responses: { 202: { description: 'Accepted, all of them.', schema: batchAccepted } },
      async handle({ projectId, keyMode, body, remember }) {
        const inputs = mergeBatch(body, keyMode);
        const sizes = inputs.map(encodedSize);
        for (const size of sizes) refuseTooLarge(size, maxMessageBytes);
        refuseTooMuch(inputs, sizes);
        const webhooks = deps.directory.subscribersOf(projectId, 'email.');
        const toAnswer = (all: readonly AcceptedMessage[]) => {
          const data = all.map(({ messageId, recipients, hold }) => ({
            id: messageId,
            recipients,
            hold,
          }));
          return { status: 202, body: { data, webhooks } };
        };
        const accepted = await acceptor.acceptInputs(projectId, inputs, (all) =>
          remember(toAnswer(all)),
        );
        return toAnswer(accepted);
      },
    }),
  ];
}

function refuseTooMuch(
  inputs: readonly { to: unknown[]; cc: unknown[]; bcc: unknown[] }[],
  sizes: readonly number[],
): void {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total > MAX_BATCH_BYTES) {
    const detail = `The messages of this batch come to ${total} bytes together; they may have ${MAX_BATCH_BYTES}. Send several batches.`;
    throw new PosthornError('too_large', detail);
  }
  const recipients = inputs.reduce((sum, one) => {
    return sum + one.to.length + one.cc.length + one.bcc.length;
  }, 0);
  if (recipients <= MAX_BATCH_RECIPIENTS) return;
  const detail = `A batch has at most ${MAX_BATCH_RECIPIENTS} recipients; this one has ${recipients}. Send several batches.`;
  throw new PosthornError('invalid_field', detail, {
    fields: [{ pointer: '/personalizations', detail }],
  });
}
