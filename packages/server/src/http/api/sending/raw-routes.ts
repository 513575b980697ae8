import { z } from 'zod';
import { type FieldError, PosthornError } from '../../../lib/errors.ts';
import {
  type AcceptedMessage,
  type MessageAcceptor,
  SubmissionRefused,
} from '../../../mail/accept-message.ts';
import { endLinesWithCrlf } from '../../../mail/mime/end-lines.ts';
import { checkEnvelopeAddress } from '../../../smtp/check-envelope-address.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoints/endpoint-directory.ts';
import { defineRoute, type Route } from '../../route.ts';
import { acceptedSchema, expectWithinSchema, sendAtSchema } from '../messages/message-schema.ts';
import { addressLine } from '../schemas.ts';

const MAX_RECIPIENTS = 1_000;

const addressSchema = addressLine();

/** Who gets a message, whatever its headers say. */
export const envelopeRecipients = z.union(
  [addressSchema, z.array(addressSchema).min(1).max(MAX_RECIPIENTS)],
  { error: `Give an address or a list of up to ${MAX_RECIPIENTS} addresses.` },
);

const rawBody = z.strictObject({
  raw: z
    .base64('The message has to be base64.')
    .describe('The whole message as base64: header section, empty line, body.'),
  to: envelopeRecipients.describe(
    'Who gets it: the envelope. What the headers say does not matter.',
  ),
  from: addressSchema
    .optional()
    .describe('The envelope sender; without it, the address of the From header.'),
  send_at: sendAtSchema.optional(),
  expect_within: expectWithinSchema.optional(),
});

export function createRawRoutes(deps: {
  acceptor: Pick<MessageAcceptor, 'acceptRaw'>;
  directory: Pick<EndpointDirectory, 'subscribersOf'>;
  maxMessageBytes: number;
}): Route[] {
  const { acceptor, maxMessageBytes } = deps;
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/messages/raw',
      auth: 'send',
      group: 'Messages',
      summary: 'Send a message that is already put together',
      description:
        'Takes the bytes of a message with an envelope, as SMTP does: the same headers are read, added and taken out. 202 means that it is on disk.',
      body: rawBody,
      bodyLimit: Math.ceil(maxMessageBytes * 1.4) + 1_048_576,
      responses: { 202: { description: 'Accepted.', schema: acceptedSchema } },
      async handle({ projectId, keyMode, body, remember }) {
        const raw = endLinesWithCrlf(Buffer.from(body.raw, 'base64'));
        if (raw.length > maxMessageBytes) {
          const detail = `The message has ${raw.length} bytes; it may have ${maxMessageBytes}.`;
          throw new PosthornError('too_large', detail);
        }
        const submission = {
          ...readEnvelope(body),
          raw,
          keyMode,
          acceptedBy: 'http' as const,
          ...(body.send_at === undefined ? {} : { sendAtMs: Date.parse(body.send_at) }),
          ...(body.expect_within === undefined ? {} : { expectWithinMs: body.expect_within }),
        };
        const webhooks = deps.directory.subscribersOf(projectId, 'email.');
        const toAnswer = ({ messageId, recipients, hold }: AcceptedMessage) => {
          return { status: 202, body: { id: messageId, recipients, hold, webhooks } };
        };
        const accepted = await acceptor
          .acceptRaw(projectId, submission, (one) => remember(toAnswer(one)))
          .catch(refuseSubmission);
        return toAnswer(accepted);
      },
    }),
  ];
}

/** Throws `invalid_field` with a pointer to each address that is none. */
export function readEnvelope({
  to,
  from,
}: {
  to: z.output<typeof envelopeRecipients>;
  from?: string | undefined;
}): {
  recipients: string[];
  envelopeFrom: string | null;
} {
  const fields: FieldError[] = [];
  const read = (given: string, pointer: string): string => {
    const checked = checkEnvelopeAddress(given.trim(), true);
    if (checked.ok) return checked.address;
    const detail = `"${given}" is not an address that mail can go to: ${checked.message}.`;
    fields.push({ pointer, detail });
    return given;
  };
  const recipients = Array.isArray(to)
    ? to.map((one, i) => read(one, `/to/${i}`))
    : [read(to, '/to')];
  const envelopeFrom = from === undefined ? null : read(from, '/from');
  const [first] = fields;
  if (first === undefined) return { recipients, envelopeFrom };
  throw new PosthornError('invalid_field', `${first.pointer}: ${first.detail}`, { fields });
}

/** Turns what SMTP would refuse into a problem: `unverified_domain` or `invalid_field`. */
export function refuseSubmission(error: unknown): never {
  if (!(error instanceof SubmissionRefused)) throw error;
  const { cause } = error;
  if (cause instanceof PosthornError && cause.code === 'unverified_domain') {
    throw new PosthornError('unverified_domain', error.message, { cause: error });
  }
  const fields = [{ pointer: '/raw', detail: error.message }];
  throw new PosthornError('invalid_field', `raw: ${error.message}`, { cause: error, fields });
}
