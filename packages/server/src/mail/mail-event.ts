import type {
  CanonicalEvent,
  EventBounce,
  EventData,
  EventDelivery,
  EventEngagement,
  EventHold,
  EventSuppression,
  EventType,
} from '@posthorn/sdk';
import { toTimestamp } from '../lib/clock.ts';
import type { MessageRecord } from '../store/mail/messages.ts';

/** An event of our own pipeline about one recipient of one message. */
export function createMailEvent(input: {
  id: string;
  type: EventType;
  atMs: number;
  message: MessageRecord;
  recipient: string;
  /** What a relay calls the message. */
  providerId?: string | null;
  delivery?: EventDelivery;
  bounce?: EventBounce;
  engagement?: EventEngagement;
  complaint?: NonNullable<EventData['complaint']>;
  unsubscribe?: NonNullable<EventData['unsubscribe']>;
  /** What a report said, as it was read. */
  raw?: Record<string, unknown>;
  /** Of `email.rejected`: the entry of the list. */
  suppression?: EventSuppression;
  /** Of `email.rejected`, where the list is not the reason. */
  rejectReason?: 'canceled' | 'dropped' | 'hold_expired';
  hold?: EventHold;
}): CanonicalEvent {
  const { message } = input;
  const data: EventData = {
    ...(message.sandbox ? { test: true } : {}),
    provider: 'posthorn',
    source: null,
    received_at: toTimestamp(input.atMs),
    message: {
      id: message.id,
      smtp_id: message.smtpId,
      provider_id: input.providerId ?? null,
      from: message.headerFrom,
      subject: message.subject,
      stream: message.stream,
      sent_at: toTimestamp(message.createdAtMs),
    },
    recipient: input.recipient,
    recipient_inferred: false,
    ...(input.delivery === undefined ? {} : { delivery: input.delivery }),
    ...(input.bounce === undefined ? {} : { bounce: input.bounce }),
    ...(input.engagement === undefined ? {} : { engagement: input.engagement }),
    ...(input.complaint === undefined ? {} : { complaint: input.complaint }),
    ...(input.unsubscribe === undefined ? {} : { unsubscribe: input.unsubscribe }),
    ...(input.rejectReason === undefined ? {} : { reject: { reason: input.rejectReason } }),
    ...(input.hold === undefined ? {} : { hold: input.hold }),
    ...(input.suppression === undefined
      ? {}
      : { reject: { reason: 'suppressed' }, suppression: input.suppression }),
    tags: message.tags,
    metadata: message.metadata,
    ...(input.raw === undefined ? {} : { raw: input.raw }),
  };
  return { id: input.id, type: input.type, timestamp: toTimestamp(input.atMs), data };
}
