// A table: what each kind of Amazon SES event says, and about whom.
import type { BounceType, EventType } from '../event.ts';
import type { EventDraft } from './shared/build/build-event.ts';
import { classifyBounce, deferralCause } from './shared/build/classify-bounce.ts';
import { rejectReasonOf } from './shared/build/reject-reason.ts';
import { type Fields, fields, flag, list, lookUp, text } from './shared/read/fields.ts';
import { timeOf } from './shared/read/timestamps.ts';

export interface SesEvent {
  type: EventType;
  at: string | null;
  /** Addresses, or objects with `emailAddress`. */
  recipients: readonly unknown[];
  isInferred?: boolean;
  blocks?: (recipient: Fields) => Partial<EventDraft>;
}

const BOUNCE_TYPES: Readonly<Record<string, BounceType>> = { Permanent: 'hard', Transient: 'soft' };

/** To everybody whom the message went to. */
const toAll = (mail: Fields): Pick<SesEvent, 'recipients'> => ({
  recipients: list(mail['destination']),
});

/** Of one of them, and SES does not say which. */
const byOne = (mail: Fields): Pick<SesEvent, 'recipients' | 'isInferred'> => {
  const recipients = list(mail['destination']);
  return { recipients: recipients.slice(0, 1), isInferred: recipients.length > 1 };
};

/** `dns; mx1.example.com` */
const mtaOf = (value: unknown): string | undefined => text(value)?.replace(/^[a-z]+;\s*/i, '');

export const SES_EVENTS: Readonly<Record<string, (event: Fields, mail: Fields) => SesEvent>> = {
  Send: (_event, mail) => ({ type: 'email.sent', at: timeOf(mail['timestamp']), ...toAll(mail) }),

  Delivery: (event) => {
    const delivery = fields(event['delivery']);
    return {
      type: 'email.delivered',
      at: timeOf(delivery['timestamp']),
      recipients: list(delivery['recipients']),
      blocks: () => ({
        delivery: {
          response: delivery['smtpResponse'],
          remoteIp: delivery['remoteMtaIp'],
          latencyMs: delivery['processingTimeMillis'],
        },
      }),
    };
  },

  DeliveryDelay: (event) => {
    const delay = fields(event['deliveryDelay']);
    return {
      type: 'email.deferred',
      at: timeOf(delay['timestamp']),
      recipients: list(delay['delayedRecipients']),
      blocks: ({ status, diagnosticCode }) => ({
        delivery: {
          enhancedCode: status,
          response: diagnosticCode,
          errorCode: deferralCause({
            words: [delay['delayType']],
            enhancedCode: status,
            response: diagnosticCode,
          }),
        },
      }),
    };
  },

  Bounce: (event) => {
    const bounce = fields(event['bounce']);
    const { bounceType, bounceSubType } = bounce;
    return {
      type: 'email.bounced',
      at: timeOf(bounce['timestamp']),
      recipients: list(bounce['bouncedRecipients']),
      blocks: ({ status, diagnosticCode }) => ({
        delivery: {
          enhancedCode: status,
          response: diagnosticCode,
          mx: mtaOf(bounce['remoteMta']),
          remoteIp: bounce['remoteMtaIp'],
        },
        bounce: classifyBounce({
          type: lookUp(BOUNCE_TYPES, text(bounceType)) ?? 'undetermined',
          words: [bounceSubType],
          enhancedCode: status,
          response: diagnosticCode,
          description: [bounceType, bounceSubType].map(text).filter(Boolean).join('/'),
        }),
      }),
    };
  },

  Complaint: (event) => {
    const complaint = fields(event['complaint']);
    const recipients = list(complaint['complainedRecipients']);
    return {
      type: 'email.complained',
      at: timeOf(complaint['arrivalDate'], complaint['timestamp']),
      recipients,
      // SES lists everybody of the receiving provider who may have complained.
      isInferred: recipients.length > 1,
      blocks: () => ({
        complaint: {
          type: complaint['complaintFeedbackType'],
          feedbackId: complaint['feedbackId'],
          userAgent: complaint['userAgent'],
        },
      }),
    };
  },

  Reject: (event, mail) => {
    const { reason } = fields(event['reject']);
    return {
      type: 'email.rejected',
      at: timeOf(mail['timestamp']),
      ...toAll(mail),
      blocks: () => ({ reject: rejectReasonOf(reason), delivery: { response: reason } }),
    };
  },

  'Rendering Failure': (event, mail) => ({
    type: 'email.failed',
    at: timeOf(mail['timestamp']),
    ...toAll(mail),
    blocks: () => ({ delivery: { response: fields(event['failure'])['errorMessage'] } }),
  }),

  Open: (event, mail) => {
    const open = fields(event['open']);
    return {
      type: 'email.opened',
      at: timeOf(open['timestamp']),
      ...byOne(mail),
      blocks: () => ({ engagement: { ip: open['ipAddress'], userAgent: open['userAgent'] } }),
    };
  },

  Click: (event, mail) => {
    const click = fields(event['click']);
    return {
      type: 'email.clicked',
      at: timeOf(click['timestamp']),
      ...byOne(mail),
      blocks: () => ({
        engagement: {
          url: click['link'],
          ip: click['ipAddress'],
          userAgent: click['userAgent'],
        },
      }),
    };
  },

  Subscription: (event, mail) => {
    const subscription = fields(event['subscription']);
    const preferences = fields(subscription['newTopicPreferences']);
    const topics = list(preferences['topicSubscriptionStatus']).map(fields);
    const isOut =
      flag(preferences['unsubscribeAll']) === true ||
      (topics.length > 0 && topics.every((one) => text(one['subscriptionStatus']) === 'OptOut'));
    return {
      type: isOut ? 'email.unsubscribed' : 'email.resubscribed',
      at: timeOf(subscription['timestamp']),
      ...byOne(mail),
      blocks: () => ({
        unsubscribe: { method: 'preferences', group: subscription['contactList'] },
      }),
    };
  },
};
