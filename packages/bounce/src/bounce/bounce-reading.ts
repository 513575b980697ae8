import type { Headers } from '../mail/parse-headers.ts';
import type { ReportedRecipient } from '../report.ts';

/** What a delivery report says, whatever form it has. */
export interface BounceReading {
  recipients: ReportedRecipient[];
  original: Headers | null;
  originalMessageId: string | null;
  envelopeId: string | null;
}
