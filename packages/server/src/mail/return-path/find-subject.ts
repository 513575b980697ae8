import type { MessageRecord, Messages } from '../../store/mail/messages.ts';
import type { ReturnPathRef, ReturnPathTokens } from './return-path-token.ts';

/** A message and the recipient whom an address of ours is about. */
export interface Subject {
  message: MessageRecord;
  recipient: string;
}

/** Null where the message is not kept any more, or the person was erased. */
export async function findSubject(
  ref: ReturnPathRef,
  deps: {
    messages: Pick<Messages, 'get' | 'recipients'>;
    tokens: Pick<ReturnPathTokens, 'isAbout'>;
  },
): Promise<Subject | null> {
  const recipients = await deps.messages.recipients(ref.projectId, ref.messageId);
  const found = recipients.find(({ recipient }) => deps.tokens.isAbout(ref, recipient));
  if (found === undefined) return null;
  const message = await deps.messages.get(ref.projectId, ref.messageId);
  return message === null ? null : { message, recipient: found.recipient };
}
