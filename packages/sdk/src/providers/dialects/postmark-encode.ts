import type { CanonicalEvent, EventData } from '../../event.ts';
import { signStandard } from '../shared/encode/sign.ts';
import {
  isHard,
  JSON_TYPE,
  messageIdOf,
  notCarried,
  numberFor,
  onlyEvent,
  saidOf,
} from '../shared/encode/values.ts';
import type { Dialect, DialectSender } from './dialect.ts';

/**
 * Events of ours as Postmark's webhooks (postmarkapp.com/developer/webhooks/webhooks-overview). Many
 * things are bounces there, told apart by `Type`. Ids of servers and bounces are numbers, made of ours;
 * `MessageID` is ours as it is.
 */

/** postmarkapp.com/developer/api/bounce-api#bounce-types */
const BOUNCES = {
  HardBounce: [1, 'Hard bounce'],
  Transient: [2, 'Message delayed'],
  AutoResponder: [64, 'Auto responder'],
  SoftBounce: [4_096, 'Soft bounce'],
  BadEmailAddress: [100_000, 'Invalid email address'],
  SpamComplaint: [100_001, 'Spam complaint'],
  ManuallyDeactivated: [100_002, 'Manually deactivated'],
  Blocked: [100_006, 'ISP block'],
  SMTPApiError: [100_007, 'SMTP API error'],
} as const;
type BounceName = keyof typeof BOUNCES;

const REJECTED: Readonly<Record<string, BounceName>> = {
  invalid_address: 'BadEmailAddress',
  suppressed: 'ManuallyDeactivated',
  unsubscribed: 'ManuallyDeactivated',
};

/** .NET writes seven digits. */
function sevenDigits(timestamp: string): string {
  const [whole = '', fraction = ''] = timestamp.replace(/Z$/, '').split('.');
  return `${whole}.${fraction.slice(0, 7).padEnd(7, '0')}Z`;
}

function write(event: CanonicalEvent, sender: DialectSender): object {
  const { data } = event;
  const at = sevenDigits(event.timestamp);
  const common = commonOf(event, sender);
  const named = { ...common, Recipient: data.recipient ?? null };
  switch (event.type) {
    case 'email.delivered':
      return {
        RecordType: 'Delivery',
        ...named,
        DeliveredAt: at,
        Details: data.delivery?.response ?? '',
      };
    case 'email.opened':
      return {
        RecordType: 'Open',
        ...named,
        FirstOpen: data.engagement?.first ?? true,
        ...readerOf(data),
        ReceivedAt: at,
      };
    case 'email.clicked':
      return {
        RecordType: 'Click',
        ClickLocation: 'HTML',
        ...named,
        OriginalLink: data.engagement?.url ?? null,
        ...readerOf(data),
        ReceivedAt: at,
      };
    case 'email.unsubscribed':
    case 'email.resubscribed': {
      const isOut = event.type === 'email.unsubscribed';
      return {
        RecordType: 'SubscriptionChange',
        ...named,
        ChangedAt: at,
        Origin: data.unsubscribe?.method === 'manual' ? 'Customer' : 'Recipient',
        SuppressSending: isOut,
        SuppressionReason: isOut ? 'ManualSuppression' : null,
      };
    }
    default:
      return bounceOf(event, common, at);
  }
}

function commonOf(event: CanonicalEvent, { projectId }: DialectSender): object {
  const { message, tags, metadata } = event.data;
  return {
    MessageID: messageIdOf(event),
    // The field is a 32-bit integer in its libraries.
    ServerID: numberFor(projectId) % 2 ** 31,
    MessageStream: message?.stream ?? 'outbound',
    Tag: tags?.[0] ?? '',
    Metadata: metadata ?? {},
  };
}

function bounceOf(event: CanonicalEvent, common: object, at: string): object {
  const { data, id } = event;
  const name = bounceName(event);
  const [code, title] = BOUNCES[name];
  return {
    RecordType: name === 'SpamComplaint' ? 'SpamComplaint' : 'Bounce',
    ...common,
    ID: numberFor(id),
    Type: name,
    TypeCode: code,
    Name: title,
    Description: data.bounce?.description ?? data.reject?.reason ?? title,
    Details: data.delivery?.response ?? saidOf(data) ?? '',
    Email: data.recipient ?? null,
    From: data.message?.from ?? '',
    BouncedAt: at,
    DumpAvailable: false,
    // After these Postmark sends no more to the address.
    Inactive: data.bounce?.suppressed ?? (name === 'HardBounce' || name === 'SpamComplaint'),
    CanActivate: name !== 'SpamComplaint',
    Subject: data.message?.subject ?? '',
    Content: '',
  };
}

function bounceName(event: CanonicalEvent): BounceName {
  const { data } = event;
  switch (event.type) {
    case 'email.bounced':
      return isHard(data) ? 'HardBounce' : 'SoftBounce';
    case 'email.deferred':
      return 'Transient';
    case 'email.autoresponded':
      return 'AutoResponder';
    case 'email.complained':
      return 'SpamComplaint';
    case 'email.rejected':
      return REJECTED[data.reject?.reason ?? ''] ?? 'Blocked';
    case 'email.failed':
      return 'SMTPApiError';
    default:
      throw notCarried(event, 'postmark');
  }
}

function readerOf({ engagement }: EventData): object {
  const { client } = engagement ?? {};
  const named = (name: string | null | undefined) => ({
    Name: name ?? '',
    Company: '',
    Family: name ?? '',
  });
  return {
    Client: named(client?.name),
    OS: named(client?.os),
    Platform: client?.device ?? 'Unknown',
    UserAgent: engagement?.user_agent ?? '',
    Geo: { IP: engagement?.ip ?? '' },
  };
}

/** Nine retries since August 2026: the usual ones, then a slower round. */
const LADDER_MS = [1, 5, 15, 1, 5, 10, 10, 10, 15].map((minutes) => minutes * 60_000);

const BASE = ['time', 'recipient', 'message', 'tag', 'metadata'];
const MAIL = [...BASE, 'message.from', 'message.subject'];
const READER = ['engagement.ip', 'engagement.user_agent', 'engagement.client.name'];

export const postmarkDialect: Dialect = {
  carries: {
    'email.delivered': { fields: [...BASE, 'delivery.response'] },
    'email.deferred': { fields: [...MAIL, 'delivery.response'] },
    'email.bounced': { fields: [...MAIL, 'delivery.response', 'bounce.hard', 'bounce.suppressed'] },
    'email.rejected': { fields: MAIL },
    'email.failed': { fields: MAIL },
    'email.opened': { fields: [...BASE, ...READER, 'engagement.first'] },
    'email.clicked': { fields: [...BASE, ...READER, 'engagement.url'] },
    'email.complained': { fields: MAIL },
    'email.unsubscribed': { fields: BASE },
    'email.resubscribed': { fields: BASE },
    'email.autoresponded': { fields: MAIL },
  },
  // Postmark does not sign. Headers of Standard Webhooks harm nobody and let a handler verify.
  signs: ['v1', 'v1a'],
  ladderMs: LADDER_MS,
  timeoutMs: null,
  lists: 'single',
  handshake: null,
  options: [],
  encode: (batch, sender) => ({
    body: JSON.stringify(write(onlyEvent(batch), sender)),
    headers: JSON_TYPE,
  }),
  sign: signStandard,
};
