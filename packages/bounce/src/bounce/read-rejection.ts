import type { MailParts } from '../mail/collect-parts.ts';
import { parseStatusFields } from '../status/parse-status-fields.ts';
import type { BounceReading } from './bounce-reading.ts';
import { judgeFindings } from './judge-finding.ts';

/** RFC 8098 3.2.6: nobody has seen the message, and it is gone. */
const DELETED =
  /^[ \t]*Disposition[ \t]*:[ \t]*automatic-action\b.{0,200}?;[ \t]*(?:deleted|denied|failed)/im;

const WORDS = /reject|refus|could not|quota|unable|undeliver|not accepted/i;

/**
 * A refusal in the form of a disposition notification, which Sieve's `reject` and Dovecot's delivery
 * agent send (RFC 5429 section 2.1.2). A read receipt has a person's action, or no words of refusal.
 */
export function readRejection({ disposition, notice, original }: MailParts): BounceReading | null {
  if (disposition === null || !DELETED.test(disposition) || !WORDS.test(notice)) return null;
  const { recipients } = parseStatusFields(disposition);
  if (recipients.length === 0) return null;
  const reason = /automatically rejected:?\s*([\s\S]{1,600})/i.exec(notice)?.[1];
  const texts = [...(reason === undefined ? [] : [reason]), notice.slice(0, 2_000)];
  return {
    recipients: judgeFindings(
      recipients.map(({ recipient, originalRecipient }) => ({
        recipient,
        originalRecipient,
        action: 'failed',
        texts,
        // The message had been accepted: what is refused is the delivery, after DATA.
        stage: 'reply',
      })),
    ),
    original,
    originalMessageId:
      /^[ \t]*Original-Message-ID[ \t]*:[ \t]*(\S.{0,990})$/im.exec(disposition)?.[1] ?? null,
    envelopeId: null,
  };
}
