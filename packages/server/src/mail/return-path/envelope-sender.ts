import type { MessageRecord } from '../../store/mail/messages.ts';
import { createReturnDomain } from './return-domain.ts';
import type { ReturnPathTokens } from './return-path-token.ts';

/** The address that bounces of a message to one recipient come back to: MAIL FROM. */
export type EnvelopeSender = (
  message: Pick<MessageRecord, 'projectId' | 'id' | 'envelopeFrom' | 'headerFrom'>,
  recipient: string,
) => string;

/**
 * An address under the return domain; without one, mail goes out with the sender that it came with. Mail
 * without a sender (RFC 5321 4.5.5) stays so: it is a notification, and nobody may answer it.
 */
export function createEnvelopeSender(
  deps: { tokens: Pick<ReturnPathTokens, 'localPart'> } & Parameters<typeof createReturnDomain>[0],
): EnvelopeSender {
  const domainOf = createReturnDomain(deps);
  return (message, recipient) => {
    const { projectId, id: messageId, envelopeFrom } = message;
    if (envelopeFrom === '') return '';
    const domain = domainOf(message);
    if (domain === null) return envelopeFrom;
    return `${deps.tokens.localPart({ projectId, messageId, recipient })}@${domain}`;
  };
}
