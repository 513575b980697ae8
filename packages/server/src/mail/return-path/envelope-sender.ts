import { hasReadyReturnPath, returnPathOf } from '../../store/mail/domains.ts';
import type { MessageRecord } from '../../store/mail/messages.ts';
import type { DomainDirectory } from '../domains/domain-directory.ts';
import type { ReturnPathTokens } from './return-path-token.ts';

/** The address that bounces of a message to one recipient come back to: MAIL FROM. */
export type EnvelopeSender = (
  message: Pick<MessageRecord, 'projectId' | 'id' | 'envelopeFrom' | 'headerFrom'>,
  recipient: string,
) => string;

/**
 * The domain is the return path of the sending domain, where its records stand in DNS, so that SPF and
 * DMARC are aligned; else the server's. Without either, mail goes out with the sender that it came with.
 * Mail without a sender (RFC 5321 4.5.5) stays so: it is a notification, and nobody may answer it.
 */
export function createEnvelopeSender(deps: {
  tokens: Pick<ReturnPathTokens, 'localPart'>;
  directory: Pick<DomainDirectory, 'findSender'>;
  /** `return_path_domain`. */
  serverDomain: string | null;
  /** Whether mail to the return paths of domains is read here, or by another node. */
  isRead: boolean;
}): EnvelopeSender {
  function ownDomain(projectId: string, from: string): string | null {
    const record = deps.isRead ? deps.directory.findSender(projectId, from)?.record : undefined;
    if (record === undefined || record.verifiedAtMs === null) return null;
    return hasReadyReturnPath(record) ? returnPathOf(record) : null;
  }

  return ({ projectId, id: messageId, envelopeFrom, headerFrom }, recipient) => {
    if (envelopeFrom === '') return '';
    const domain = ownDomain(projectId, headerFrom) ?? deps.serverDomain;
    if (domain === null) return envelopeFrom;
    return `${deps.tokens.localPart({ projectId, messageId, recipient })}@${domain}`;
  };
}
