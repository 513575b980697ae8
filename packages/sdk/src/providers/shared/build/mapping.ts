import { BOUNCE_CATEGORIES, type BounceType, type EventType } from '../../../event.ts';
import type { DecodedEvent } from '../../provider.ts';
import { isFields, lookUp, text } from '../read/fields.ts';
import { type PathStep, parsePath, valuesAt } from '../read/json-path.ts';
import { timeOf } from '../read/timestamps.ts';
import { buildEvent, type EventDraft } from './build-event.ts';
import { classifyBounce } from './classify-bounce.ts';
import { buildInbound } from './inbound-mail.ts';
import { rejectReasonOf } from './reject-reason.ts';
import { typeOfName } from './type-names.ts';

/**
 * A format as data: which path of the payload is which field of the event. Several paths for one field
 * are tried in turn. It serves the senders whose events are flat, and `generic`.
 */

export const MAPPED_FIELDS = [
  'type',
  'event_id',
  'timestamp',
  'recipient',
  'message_id',
  'smtp_id',
  'from',
  'subject',
  'stream',
  'sent_at',
  'attempt',
  'smtp_code',
  'enhanced_code',
  'response',
  'mx',
  'remote_ip',
  'tls',
  'latency_ms',
  'bounce_type',
  'bounce_category',
  'bounce_description',
  'complaint_type',
  'feedback_id',
  'reject_reason',
  'url',
  'link_id',
  'ip',
  'user_agent',
  'client_name',
  'client_os',
  'client_device',
  'first',
  'machine',
  'unsubscribe_method',
  'unsubscribe_group',
  'tags',
  'metadata',
] as const;
export type MappedField = (typeof MAPPED_FIELDS)[number];

export interface EventMapping {
  /** Where the events are, such as `$.events[*]`; the body itself, or each entry of it, by default. */
  entries?: string;
  fields: Partial<Record<MappedField, string | readonly string[]>>;
  /** The sender's types that their name does not tell. */
  types?: Readonly<Record<string, EventType>>;
}

/** The first value that one of the paths has; `null` where none has any. */
export function readField(entry: unknown, mapping: EventMapping, field: MappedField): unknown {
  return readAll(entry, mapping, field)[0] ?? null;
}

function readAll(entry: unknown, mapping: EventMapping, field: MappedField): readonly unknown[] {
  for (const steps of compile(mapping)[field] ?? []) {
    const found = valuesAt(entry, steps);
    const useful = found.filter((value) => value !== null && value !== undefined && value !== '');
    if (useful.length > 0) return useful;
  }
  return [];
}

type CompiledFields = Partial<Record<MappedField, readonly (readonly PathStep[])[]>>;

/** Reading the paths anew for each event took three quarters of the time. A mapping does not change. */
const COMPILED = new WeakMap<EventMapping, CompiledFields>();

function compile(mapping: EventMapping): CompiledFields {
  const known = COMPILED.get(mapping);
  if (known !== undefined) return known;
  const entries = Object.entries(mapping.fields).map(([field, paths]) => [
    field,
    (typeof paths === 'string' ? [paths] : paths).flatMap((path) => {
      const steps = parsePath(path);
      return steps === null ? [] : [steps];
    }),
  ]);
  const compiled: CompiledFields = Object.fromEntries(entries);
  COMPILED.set(mapping, compiled);
  return compiled;
}

/** The events of one entry: one for each recipient that it names. */
export function decodeMapped(
  provider: string,
  mapping: EventMapping,
  entry: unknown,
): DecodedEvent[] {
  const read = (field: MappedField) => readField(entry, mapping, field);
  const name = text(read('type'));
  const type = lookUp(mapping.types ?? {}, name) ?? typeOfName(name) ?? 'email.unknown';
  const recipients = readAll(entry, mapping, 'recipient').flat();
  const identity = {
    providerType: name,
    providerEventId: read('event_id'),
    timestamp: timeOf(read('timestamp')),
    tags: read('tags'),
    raw: entry,
  };
  const message = {
    smtpId: read('smtp_id'),
    providerId: read('message_id'),
    from: read('from'),
    subject: read('subject'),
    stream: read('stream'),
    sentAt: timeOf(read('sent_at')),
  };
  if (type === 'email.received') {
    return buildInbound(provider, { ...identity, ...message, recipients });
  }
  return (recipients.length === 0 ? [null] : recipients).map((recipient) =>
    buildEvent(provider, {
      ...identity,
      type,
      message,
      recipient,
      ...blocks(type, name ?? '', read),
      metadata: isFields(read('metadata')) ? read('metadata') : {},
    }),
  );
}

function blocks(
  type: EventType,
  name: string,
  read: (field: MappedField) => unknown,
): Partial<EventDraft> {
  const delivery = {
    attempt: read('attempt'),
    smtpCode: read('smtp_code'),
    enhancedCode: read('enhanced_code'),
    response: read('response'),
    mx: read('mx'),
    remoteIp: read('remote_ip'),
    tls: read('tls'),
    latencyMs: read('latency_ms'),
  };
  switch (type) {
    case 'email.sent':
    case 'email.delivered':
    case 'email.deferred':
    case 'email.failed':
    case 'email.held':
      return { delivery };
    case 'email.bounced':
      return { delivery, bounce: bounceOf(name, delivery, read) };
    case 'email.rejected': {
      const said = text(read('reject_reason')) ?? text(read('response'));
      return { reject: rejectReasonOf(said), delivery: { response: said } };
    }
    case 'email.opened':
    case 'email.clicked':
      return { engagement: engagementOf(read) };
    case 'email.complained':
      return {
        complaint: {
          type: read('complaint_type') ?? 'abuse',
          feedbackId: read('feedback_id'),
          userAgent: read('user_agent'),
        },
      };
    case 'email.unsubscribed':
    case 'email.resubscribed':
      return {
        unsubscribe: { method: read('unsubscribe_method'), group: read('unsubscribe_group') },
      };
    default:
      return {};
  }
}

function bounceOf(
  name: string,
  delivery: NonNullable<EventDraft['delivery']>,
  read: (field: MappedField) => unknown,
): EventDraft['bounce'] {
  const word = text(read('bounce_category'));
  return classifyBounce({
    ...delivery,
    type: bounceTypeOf(text(read('bounce_type'))) ?? bounceTypeOf(name),
    category: BOUNCE_CATEGORIES.find((category) => category === word) ?? null,
    words: [word, read('bounce_type')],
    description: read('bounce_description') ?? word,
  });
}

function bounceTypeOf(said: string | null): BounceType | null {
  if (/hard|permanent/i.test(said ?? '')) return 'hard';
  return /soft|transient|temporary/i.test(said ?? '') ? 'soft' : null;
}

function engagementOf(
  read: (field: MappedField) => unknown,
): NonNullable<EventDraft['engagement']> {
  return {
    url: read('url'),
    linkId: read('link_id'),
    ip: read('ip'),
    userAgent: read('user_agent'),
    client: { name: read('client_name'), os: read('client_os'), device: read('client_device') },
    first: read('first'),
    machine: read('machine'),
  };
}
