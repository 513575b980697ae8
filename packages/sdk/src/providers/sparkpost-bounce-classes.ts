// A table: SparkPost's bounce classes (support.sparkpost.com/docs/deliverability/bounce-classification-codes).
import type { BounceCategory, BounceType, EventType } from '../event.ts';

export interface BounceClass {
  /** `null`: SparkPost does not say; the code and the text decide. */
  type: BounceType | null;
  category: BounceCategory | null;
  /** What such a "bounce" is, where it is none. */
  event?: EventType;
}

const hard = (category: BounceCategory | null): BounceClass => ({ type: 'hard', category });
const soft = (category: BounceCategory | null): BounceClass => ({ type: 'soft', category });

export const BOUNCE_CLASSES: Readonly<Record<string, BounceClass>> = {
  '1': { type: null, category: null },
  '10': hard('invalid_address'),
  '20': soft(null),
  '21': soft('dns_failure'),
  '22': soft('mailbox_full'),
  '23': soft('message_too_large'),
  '24': soft('timeout'),
  '25': soft('suppressed'),
  '26': soft('content_rejected'),
  '30': hard(null),
  '40': soft(null),
  '50': soft('blocked'),
  '51': soft('spam_content'),
  '52': soft('spam_content'),
  '53': soft('content_rejected'),
  '54': soft('relay_denied'),
  '60': { ...soft('auto_reply'), event: 'email.autoresponded' },
  '70': soft(null),
  '80': { type: null, category: null, event: 'email.resubscribed' },
  '90': { ...hard(null), event: 'email.unsubscribed' },
  '100': { ...soft('auto_reply'), event: 'email.autoresponded' },
};
