import { createHash } from 'node:crypto';
import type { CanonicalEvent, EventData } from '../../event.ts';
import { writtenNumber } from '../../lossless-json.ts';
import { hmacHex, withId } from '../shared/encode/sign.ts';
import {
  bareSmtpId,
  epochText,
  isHard,
  JSON_TYPE,
  known,
  messageIdOf,
  notCarried,
  onlyEvent,
  saidOf,
} from '../shared/encode/values.ts';
import type { Dialect } from './dialect.ts';

/**
 * Events of ours as Mailgun's webhooks (documentation.mailgun.com/docs/mailgun/user-manual/webhooks/
 * webhook-payloads). The signature stands in the body, before the event: it is new on each try, since
 * handlers refuse an old time and a token that they have seen, and the event's bytes stay the same.
 */

function write(event: CanonicalEvent): object {
  const { data } = event;
  const recipient = data.recipient ?? '';
  return {
    id: event.id,
    timestamp: writtenNumber(epochText(event.timestamp)),
    'log-level': event.type === 'email.deferred' ? 'warn' : 'info',
    ...specificTo(event),
    recipient,
    'recipient-domain': recipient.slice(recipient.lastIndexOf('@') + 1),
    tags: data.tags ?? [],
    'user-variables': data.metadata ?? {},
    message: {
      headers: known({
        to: recipient,
        'message-id': bareSmtpId(data) ?? messageIdOf(event),
        from: data.message?.from,
        subject: data.message?.subject,
      }),
      attachments: [],
    },
    flags: { 'is-routed': false, 'is-authenticated': true, 'is-test-mode': data.test === true },
  };
}

function specificTo(event: CanonicalEvent): object {
  const { data } = event;
  switch (event.type) {
    case 'email.accepted':
      return { event: 'accepted' };
    case 'email.delivered':
      return { event: 'delivered', ...statusOf(data) };
    case 'email.deferred':
      return { event: 'failed', severity: 'temporary', reason: 'generic', ...statusOf(data) };
    case 'email.bounced':
      return {
        event: 'failed',
        severity: 'permanent',
        reason: isHard(data) ? 'bounce' : 'generic',
        ...statusOf(data, { 'bounce-type': isHard(data) ? 'hard' : 'soft' }),
      };
    case 'email.failed':
      // Given up without an answer that blames the address.
      return {
        event: 'failed',
        severity: 'permanent',
        reason: 'old',
        ...statusOf(data, { 'bounce-type': 'soft' }),
      };
    case 'email.rejected':
      return {
        event: 'rejected',
        reject: { reason: data.reject?.reason ?? 'other', description: '' },
      };
    case 'email.opened':
      return { event: 'opened', ...readerOf(data) };
    case 'email.clicked':
      return { event: 'clicked', url: data.engagement?.url ?? null, ...readerOf(data) };
    case 'email.complained':
      return { event: 'complained' };
    case 'email.unsubscribed':
      return { event: 'unsubscribed', ...readerOf(data) };
    default:
      throw notCarried(event, 'mailgun');
  }
}

function statusOf(data: EventData, more: object = {}): object {
  const { delivery } = data;
  return {
    'delivery-status': known({
      code: delivery?.smtp_code,
      'enhanced-code': delivery?.enhanced_code,
      message: saidOf(data) ?? '',
      description: data.bounce?.description ?? '',
      'attempt-no': delivery?.attempt,
      'mx-host': delivery?.mx,
      tls: delivery?.tls,
      'session-seconds': delivery?.latency_ms == null ? null : delivery.latency_ms / 1_000,
      ...more,
    }),
  };
}

function readerOf({ engagement }: EventData): object {
  const { client } = engagement ?? {};
  return known({
    ip: engagement?.ip,
    'client-info': known({
      'user-agent': engagement?.user_agent,
      'client-name': client?.name,
      'client-os': client?.os,
      'device-type': client?.device,
      bot: engagement?.machine === true ? (engagement.machine_reason ?? 'generic') : null,
    }),
  });
}

const BASE = ['event_id', 'time', 'recipient', 'message.smtp_id', 'message.from'];
const LABELS = [...BASE, 'message.subject', 'tags', 'metadata'];
const REPLY = ['delivery.response', 'delivery.smtp_code', 'delivery.enhanced_code', 'delivery.mx'];
const ATTEMPT = ['delivery.attempt', 'delivery.tls'];
const READER = ['engagement.ip', 'engagement.user_agent', 'engagement.client.name'];

const TOKEN_CHARS = 50;

export const mailgunDialect: Dialect = {
  carries: {
    'email.accepted': { fields: LABELS },
    'email.delivered': { fields: [...LABELS, ...REPLY, ...ATTEMPT] },
    'email.deferred': { fields: [...LABELS, ...REPLY, ...ATTEMPT] },
    'email.bounced': { fields: [...LABELS, ...REPLY, ...ATTEMPT, 'bounce.hard'] },
    'email.failed': { as: 'email.bounced', fields: LABELS },
    'email.rejected': { fields: [...LABELS, 'reject.reason'] },
    'email.opened': { fields: [...LABELS, ...READER] },
    'email.clicked': { fields: [...LABELS, ...READER, 'engagement.url'] },
    'email.complained': { fields: LABELS },
    'email.unsubscribed': { fields: LABELS },
  },
  signs: ['hmac'],
  ladderMs: [5, 10, 15, 60, 120, 240].map((minutes) => minutes * 60_000),
  timeoutMs: null,
  lists: 'single',
  handshake: null,
  options: [],
  encode: (batch) => ({
    body: JSON.stringify({ 'event-data': write(onlyEvent(batch)) }),
    headers: JSON_TYPE,
  }),
  sign({ body, headers }, context) {
    const timestamp = String(Math.floor(context.nowMs / 1_000));
    const token = createHash('sha256').update(`${context.id}.${context.nowMs}`).digest('hex');
    const short = token.slice(0, TOKEN_CHARS);
    const signature = { timestamp, token: short, signature: hmacHex(context, timestamp, short) };
    const signed = `{"signature":${JSON.stringify(signature)},${body.slice(1)}`;
    return withId({ body: signed, headers }, context);
  },
};
