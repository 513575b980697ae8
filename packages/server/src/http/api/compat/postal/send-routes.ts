import { numberFor } from '@posthorn/sdk';
import type { Ids } from '../../../../core/ids.ts';
import { PosthornError } from '../../../../lib/errors.ts';
import { type MessageAcceptor, SubmissionRefused } from '../../../../mail/accept-message.ts';
import { endLinesWithCrlf } from '../../../../mail/mime/end-lines.ts';
import { readSubmission } from '../../../../mail/read-submission.ts';
import { checkEnvelopeAddress } from '../../../../smtp/check-envelope-address.ts';
import { requireScope } from '../../../access/authenticate.ts';
import { type AnswerMemory, answerOnce, type KeyedRequest } from '../../../remember-answers.ts';
import type { RouteAnswer, RouteRequest } from '../../../route.ts';
import type { CallRoute } from '../call-routes.ts';
import type { ForeignRoute } from '../foreign-api.ts';
import { makeMessageId } from '../message-id.ts';
import { answerSuccess, refuse, refuseParameter } from './envelope.ts';
import { listOf, type Parameters, readParameters, textOf } from './parameters.ts';

/** Postal's routing of this API takes all of them. */
export const METHODS = ['GET', 'POST', 'PUT', 'PATCH'] as const;
const MAX_ADDRESSES = 50;

/** /send/message and /send/raw. */
export function createSendRoutes(deps: {
  callRoute: CallRoute;
  acceptor: Pick<MessageAcceptor, 'acceptRaw'>;
  ids: Ids;
  memory: AnswerMemory;
  now: () => number;
  maxMessageBytes: number;
}): ForeignRoute[] {
  const { callRoute, ids, memory, now, maxMessageBytes } = deps;
  const bodyLimit = Math.ceil(maxMessageBytes * 1.4) + 1_048_576;
  return [
    {
      methods: METHODS,
      path: '/send/message',
      bodyLimit,
      async handle({ caller, body, keyed, startedMs }) {
        const message = toMessage(readParameters(body), { ids, keyed });
        const smtpId = String(message.headers['Message-ID'] ?? '');
        const { id, recipients } = await callRoute<Accepted>('POST /v1/messages', {
          caller,
          body: message,
          keyed,
        });
        const addresses = recipients.map(({ address }) => address);
        return answerSuccess(toResult(id, smtpId, addresses), now() - startedMs);
      },
    },
    {
      methods: METHODS,
      path: '/send/raw',
      bodyLimit,
      async handle({ caller, body, keyed, startedMs }) {
        requireScope(caller, 'send');
        const { smtpId, ...given } = readRaw(readParameters(body), { ...deps, keyed });
        const submission = { ...given, keyMode: caller.keyMode };
        const accept = async (remember: RouteRequest['remember']) => {
          const accepted = await deps.acceptor
            .acceptRaw(caller.projectId, submission, (one) => remember(toIdAnswer(one)))
            .catch(refuseSubmission);
          return toIdAnswer(accepted);
        };
        const answer = keyed === null ? accept(() => []) : answerOnce(memory, keyed, accept);
        const id = String(Reflect.get(Object((await answer).body), 'id'));
        return answerSuccess(toResult(id, smtpId, given.recipients), now() - startedMs);
      },
    },
  ];
}

interface Accepted {
  id: string;
  recipients: { address: string }[];
}

/** What is remembered of a raw one. */
function toIdAnswer({ messageId }: { messageId: string }): RouteAnswer {
  return { status: 200, body: { id: messageId } };
}

/** Postal has a message for each recipient; ours has one number, and so the same for each. */
function toResult(id: string, smtpId: string, recipients: readonly string[]): object {
  const one = { id: numberFor(id), token: id };
  const messages = Object.fromEntries(recipients.map((recipient) => [recipient, one]));
  return { message_id: smtpId.replace(/^<|>$/g, ''), messages };
}

/** As POST /v1/messages takes it. */
function toMessage(
  parameters: Parameters,
  { ids, keyed }: { ids: Ids; keyed: KeyedRequest | null },
) {
  const [to, cc, bcc] = [
    listOf(parameters, 'to'),
    listOf(parameters, 'cc'),
    listOf(parameters, 'bcc'),
  ];
  const from = textOf(parameters, 'from');
  const [text, html] = [textOf(parameters, 'plain_body'), textOf(parameters, 'html_body')];
  if (to.length + cc.length + bcc.length === 0) {
    refuse('NoRecipients', 'There are no recipients defined to receive this message');
  }
  if (text === null && html === null) {
    refuse('NoContent', 'There is no content defined for this e-mail');
  }
  if (from === null) refuse('FromAddressMissing', 'The From address is missing and is required');
  for (const [name, list] of [['To', to] as const, ['CC', cc] as const, ['BCC', bcc] as const]) {
    if (list.length <= MAX_ADDRESSES) continue;
    const message = `The maximum number of ${name} addresses has been reached (maximum ${MAX_ADDRESSES})`;
    refuse(`TooMany${name}Addresses`, message);
  }
  const replyTo = textOf(parameters, 'reply_to');
  const tag = textOf(parameters, 'tag');
  return {
    from,
    to,
    cc,
    bcc,
    ...(replyTo === null ? {} : { reply_to: replyTo }),
    subject: textOf(parameters, 'subject') ?? '',
    ...(text === null ? {} : { text }),
    ...(html === null ? {} : { html }),
    headers: readHeaders(parameters, makeMessageId(ids, from, keyed)),
    attachments: readAttachments(parameters),
    tags: tag === null ? [] : [tag],
  };
}

/** With a Message-ID, since the answer has it. */
function readHeaders(parameters: Parameters, smtpId: string | null): Record<string, string> {
  const given = parameters['headers'] ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) {
    refuseParameter('`headers` parameter must be a hash');
  }
  const entries = Object.entries(given).map(([name, value]) => [
    name.toLowerCase() === 'message-id' ? 'Message-ID' : name,
    String(value),
  ]);
  return { ...(smtpId === null ? {} : { 'Message-ID': smtpId }), ...Object.fromEntries(entries) };
}

function readAttachments(parameters: Parameters): object[] {
  const given = parameters['attachments'] ?? [];
  if (!Array.isArray(given)) refuseParameter('`attachments` parameter must be an array');
  return given
    .filter((one): one is Parameters => typeof one === 'object' && one !== null)
    .map((one) => {
      const [name, data] = [textOf(one, 'name'), textOf(one, 'data')];
      const type = textOf(one, 'content_type');
      if (name === null) refuse('AttachmentMissingName', 'An attachment is missing a name');
      if (data === null) refuse('AttachmentMissingData', 'An attachment is missing data');
      // Ruby's encoder, which its clients use, breaks lines.
      const content = data.replace(/\s+/g, '');
      return { filename: name, content, ...(type === null ? {} : { content_type: type }) };
    });
}

function readRaw(
  parameters: Parameters,
  {
    ids,
    maxMessageBytes,
    keyed,
  }: { ids: Ids; maxMessageBytes: number; keyed: KeyedRequest | null },
) {
  const missing = (name: string): never =>
    refuseParameter(`\`${name}\` parameter is required but is missing`);
  if (!Array.isArray(parameters['rcpt_to'])) missing('rcpt_to');
  const recipients = listOf(parameters, 'rcpt_to').map((one) => readAddress(one, 'rcpt_to'));
  if (recipients.length === 0) missing('rcpt_to');
  const envelopeFrom = readAddress(
    textOf(parameters, 'mail_from') ?? missing('mail_from'),
    'mail_from',
  );
  const data = Buffer.from(textOf(parameters, 'data') ?? missing('data'), 'base64');
  const given = endLinesWithCrlf(data);
  if (given.length > maxMessageBytes) {
    const detail = `The message has ${given.length} bytes; it may have ${maxMessageBytes}.`;
    throw new PosthornError('too_large', detail);
  }
  const known = readSubmission(given).smtpId;
  const smtpId = known ?? makeMessageId(ids, envelopeFrom, keyed) ?? '';
  const added = known === null ? Buffer.from(`Message-ID: ${smtpId}\r\n`) : Buffer.alloc(0);
  const raw = Buffer.concat([added, given]);
  return { envelopeFrom, recipients: [...new Set(recipients)], raw, smtpId };
}

function readAddress(given: string, name: string): string {
  const checked = checkEnvelopeAddress(given.trim(), true);
  if (checked.ok) return checked.address;
  return refuseParameter(`\`${name}\`: "${given}" is no address: ${checked.message}`);
}

function refuseSubmission(error: unknown): never {
  if (!(error instanceof SubmissionRefused)) throw error;
  if (/\bFrom\b/.test(error.message)) refuse('UnauthenticatedFromAddress', error.message);
  refuseParameter(error.message);
}
