import type { ReplyStage } from '../reply/classify-reply.ts';
import type { DeliveryAction } from '../report.ts';

/** The text of a report for people, without the message that it returns. */
export interface Notice {
  subject: string;
  text: string;
  /** Addresses of the two ends of the report itself: never the recipient that failed. */
  own: ReadonlySet<string>;
}

/** What a report says of one recipient, before it is judged. */
export interface Finding {
  recipient: string;
  originalRecipient?: string | null;
  action?: DeliveryAction | null;
  status?: string | null;
  /** Where the cause may be told, the likeliest place first. */
  texts: string[];
  stage?: ReplyStage | undefined;
  remoteMta?: string | null;
  reportingMta?: string | null;
}

/**
 * A family of notices. Most say "this address, that reason", and are read without knowing who wrote
 * them; a format is for those whose reason stands somewhere else.
 */
export interface NoticeFormat {
  name: string;
  /** Whose notices these are, and where their wording comes from. */
  source: string;
  /** The findings, or nothing where the notice is not of this family. */
  read(notice: Notice): Finding[];
}
