import type { BounceCategory, BounceScope, BounceType } from '@posthorn/sdk';

/**
 * What a mail turned out to be. `bounce`: a delivery report that names a failed or a delayed
 * recipient. `none` is everything else, a report of nothing but successes included.
 */
export const REPORT_KINDS = ['bounce', 'complaint', 'auto-reply', 'none'] as const;
export type ReportKind = (typeof REPORT_KINDS)[number];

/** RFC 3464 section 2.3.3. Only `failed` is a bounce. */
export const DELIVERY_ACTIONS = ['failed', 'delayed', 'delivered', 'relayed', 'expanded'] as const;
export type DeliveryAction = (typeof DELIVERY_ACTIONS)[number];

export interface ReportedRecipient {
  /** The address that the report speaks of, its domain in lower case. */
  recipient: string;
  /** The address that the message was sent to, where forwarding or an alias changed it. */
  originalRecipient: string | null;
  /** `null` for complaints and auto-replies. */
  action: DeliveryAction | null;
  /** RFC 3463 (`5.1.1`): the reply's own code where it says more than the report's. */
  status: string | null;
  smtpCode: number | null;
  /** The reply, or the words of the report, on one line. */
  diagnostic: string | null;
  remoteMta: string | null;
  reportingMta: string | null;
  /** `null` where nothing failed: delivered, complaint, auto-reply. */
  type: BounceType | null;
  scope: BounceScope | null;
  category: BounceCategory | null;
  /** One sentence for people. */
  reason: string | null;
  /** Which rule decided; see `Classification.rule`. */
  rule: string | null;
  confidence: number | null;
}

/** What the report returns of the message that it speaks of. */
export interface OriginalMessage {
  /** With its angle brackets. */
  messageId: string | null;
  from: string | null;
  to: string[];
  subject: string | null;
  date: string | null;
  /** RFC 3461 ENVID, as the report repeats it. */
  envelopeId: string | null;
  /** Names in lower case, values decoded, in their order. */
  headers: (readonly [name: string, value: string])[];
}

/** The fields of a feedback report (RFC 5965, RFC 6591), or what a provider says in their place. */
export interface Feedback {
  /** `abuse`, `fraud`, `virus`, `other`, `not-spam`, `auth-failure` ... */
  type: string;
  userAgent: string | null;
  version: string | null;
  originalMailFrom: string | null;
  originalRecipients: string[];
  arrivalDate: string | null;
  sourceIp: string | null;
  reportingMta: string | null;
  reportedDomains: string[];
  reportedUris: string[];
  authenticationResults: string[];
  incidents: number | null;
}

export interface AutoReply {
  /** `challenge` asks the sender to prove that they are a person. */
  type: 'vacation' | 'challenge' | 'other';
  from: string | null;
  subject: string | null;
}

export interface Report {
  kind: ReportKind;
  recipients: ReportedRecipient[];
  original: OriginalMessage | null;
  feedback: Feedback | null;
  autoReply: AutoReply | null;
}
