import { parseReport } from '@posthorn/bounce';
import type { SecretBox } from '../../lib/secrets/secret-box.ts';
import type { IncomingDoor } from '../../smtp/incoming/incoming.ts';
import type { MessageRecord, Messages } from '../../store/mail/messages.ts';
import type { DomainDirectory } from '../domains/domain-directory.ts';
import { findSubject, type Subject } from '../return-path/find-subject.ts';
import { createReturnDomain } from '../return-path/return-domain.ts';
import { createReturnPathTokens } from '../return-path/return-path-token.ts';
import type { Unsubscriber } from './unsubscriber.ts';

/** The address beside the page in List-Unsubscribe (RFC 2369 3.2); null where no mail to it would come in. */
export type UnsubscribeAddress = (
  message: Pick<MessageRecord, 'projectId' | 'id' | 'headerFrom'>,
  recipient: string,
) => string | null;

/** Leaving by mail. */
export interface UnsubscribeMail {
  addressOf: UnsubscribeAddress;
  /** Made with who unsubscribes, which is built later. */
  doorTo(unsubscriber: Pick<Unsubscriber, 'leave'>): IncomingDoor;
}

const PREFIX = 'unsub+';
/** What is written in such a mail makes no difference; whether it is a report stands at its beginning. */
const KEEP_BYTES = 65_536;

/**
 * `unsub+<token>@...`, one for each recipient of each message, signed like a return path: a mail to it
 * unsubscribes him, whoever wrote it and whatever it says, as a click does. Reports and automatic replies do
 * not.
 */
export function createUnsubscribeMail(deps: {
  config: {
    returnPathPort: number | null;
    returnPathDomain: string | null;
    maxMessageSize: number;
  };
  secretBox: Pick<SecretBox, 'derive'>;
  messages: Pick<Messages, 'get' | 'recipients'>;
  directory: Pick<DomainDirectory, 'findSender'>;
  projectIds: () => readonly string[];
}): UnsubscribeMail {
  const { config, messages, projectIds } = deps;
  const key = deps.secretBox.derive('unsubscribe-mail');
  const tokens = createReturnPathTokens({ key, prefix: PREFIX, projectIds });
  const isRead = config.returnPathPort !== null;
  const domainOf = createReturnDomain({
    directory: deps.directory,
    serverDomain: isRead ? config.returnPathDomain : null,
    isRead,
  });

  async function find(address: string): Promise<Subject | null> {
    const ref = tokens.read(address.slice(0, Math.max(0, address.lastIndexOf('@'))));
    return ref === null ? null : findSubject(ref, { messages, tokens });
  }

  return {
    addressOf(message, recipient) {
      const domain = domainOf(message);
      if (domain === null) return null;
      const { projectId, id: messageId } = message;
      return `${tokens.localPart({ projectId, messageId, recipient })}@${domain}`;
    },
    doorTo: (unsubscriber) => ({
      keepBytes: KEEP_BYTES,
      maxSizeBytes: config.maxMessageSize,
      knows: async (address) => (await find(address)) !== null,
      async take({ recipients, raw }) {
        if (parseReport(raw).kind !== 'none') return null;
        for (const subject of await Promise.all(recipients.map(find))) {
          if (subject === null) continue;
          const { message, recipient } = subject;
          const { projectId, id: messageId, stream, headerFrom: from } = message;
          const ref = {
            kind: 'unsubscribe',
            projectId,
            messageId,
            recipient,
            stream,
            from,
          } as const;
          // The address of a mail server, and no browser: nothing of a reader's.
          await unsubscriber.leave(ref, 'mailto', { ip: null, userAgent: null });
        }
        return null;
      },
    }),
  };
}
