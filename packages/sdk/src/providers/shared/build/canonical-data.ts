// A table: which fields an event of ours has, and what each holds (../../event.ts).
import {
  BOUNCE_CATEGORIES,
  BOUNCE_SCOPES,
  BOUNCE_TYPES,
  type EventBounce,
  type EventData,
} from '../../../event.ts';
import { isFields } from '../read/fields.ts';
import { metadataOf, tagsOf } from './build-event.ts';

/**
 * Reads `data` of an event of ours that another Posthorn sent: known fields of the right kind stay,
 * everything else is left out (it stays in `raw`).
 */

type Kind =
  | 'text'
  | 'number'
  | 'flag'
  | 'texts'
  | 'any'
  | 'object'
  | { readonly [field: string]: Kind }
  | readonly [Kind];

const EVENT_DATA = {
  test: 'flag',
  erased: 'flag',
  provider: 'text',
  source: 'text',
  received_at: 'text',
  provider_type: 'text',
  provider_event_id: 'text',
  message: {
    id: 'text',
    smtp_id: 'text',
    provider_id: 'text',
    from: 'text',
    subject: 'text',
    stream: 'text',
    sent_at: 'text',
  },
  recipient: 'text',
  recipient_domain: 'text',
  recipient_inferred: 'flag',
  delivery: {
    attempt: 'number',
    smtp_code: 'number',
    enhanced_code: 'text',
    response: 'text',
    mx: 'text',
    remote_ip: 'text',
    tls: 'flag',
    latency_ms: 'number',
    error_code: 'text',
    next_attempt_at: 'text',
  },
  bounce: {
    type: 'text',
    category: 'text',
    scope: 'text',
    description: 'text',
    async: 'flag',
    from_dsn: 'flag',
    suppressed: 'flag',
  },
  complaint: { type: 'text', feedback_id: 'text', user_agent: 'text' },
  reject: { reason: 'text' },
  hold: { reason: 'text', rule: 'text', expires_at: 'text' },
  engagement: {
    url: 'text',
    link_id: 'text',
    ip: 'text',
    user_agent: 'text',
    client: { name: 'text', os: 'text', device: 'text' },
    first: 'flag',
    machine: 'flag',
    machine_reason: 'text',
  },
  unsubscribe: { method: 'text', group: 'text' },
  inbound: {
    id: 'text',
    route_id: 'text',
    plus_tag: 'text',
    envelope_from: 'text',
    from: { address: 'text', name: 'text' },
    to: [{ address: 'text', name: 'text' }],
    cc: [{ address: 'text', name: 'text' }],
    reply_to: [{ address: 'text', name: 'text' }],
    in_reply_to: 'text',
    references: 'texts',
    text: 'text',
    html: 'text',
    reply_text: 'text',
    truncated: 'texts',
    headers: [{ name: 'text', value: 'text' }],
    attachments: [
      {
        number: 'number',
        filename: 'text',
        content_type: 'text',
        size_bytes: 'number',
        content_id: 'text',
        inline: 'flag',
        url: 'text',
      },
    ],
    authentication: {
      spf: { result: 'text', domain: 'text' },
      dkim: {
        result: 'text',
        signatures: [{ result: 'text', domain: 'text', selector: 'text', aligned: 'flag' }],
      },
      dmarc: { result: 'text', domain: 'text', policy: 'text' },
      arc: { result: 'text', domain: 'text' },
    },
    spam: { suspected: 'flag', reasons: 'texts' },
    automatic: 'text',
    size_bytes: 'number',
    url: 'text',
    urls_expire_at: 'text',
  },
  account: { status: 'text', reason: 'text' },
  send_limit: {
    period: 'text',
    limit: 'number',
    used: 'number',
    used_percent: 'number',
    resets_at: 'text',
  },
  domain: {
    name: 'text',
    failing_since: 'text',
    records: [
      {
        purpose: 'text',
        name: 'text',
        type: 'text',
        status: 'text',
        expected: 'text',
        found: 'text',
        detail: 'text',
      },
    ],
  },
  suppression: {
    reason: 'text',
    by: 'text',
    stream: 'text',
    event_id: 'text',
    expires_at: 'text',
    note: 'text',
  },
  endpoint: {
    id: 'text',
    uid: 'text',
    url: 'text',
    description: 'text',
    failing_since: 'text',
    patience_used_percent: 'number',
    reason: 'text',
  },
  backlog: {
    depth: 'number',
    at_least: 'flag',
    oldest_age_seconds: 'number',
    lag_seconds: 'number',
    threshold: { depth: 'number', lag_seconds: 'number' },
  },
  exhausted: {
    event_id: 'text',
    event_type: 'text',
    endpoint_id: 'text',
    delivery_id: 'text',
    attempts: 'number',
    first_attempt_at: 'text',
    last_error: { code: 'text', detail: 'text', status: 'number' },
  },
  stalled: {
    source_id: 'text',
    name: 'text',
    last_event_at: 'text',
    silent_seconds: 'number',
    expected_within_seconds: 'number',
  },
  alert: {
    id: 'text',
    rule_id: 'text',
    rule_name: 'text',
    type: 'text',
    about: { kind: 'text', id: 'text', name: 'text' },
    sentence: 'text',
    value: 'number',
    worst_value: 'number',
    threshold: 'number',
    fired_at: 'text',
    resolved_at: 'text',
    resolved_because: 'text',
  },
  coalesced: { count: 'number', last_at: 'text', event_ids: 'texts' },
  tags: 'texts',
  metadata: 'object',
  raw: 'any',
  sequence: 'number',
  state: 'text',
  previous_state: 'text',
} as const satisfies Record<keyof EventData, Kind>;

export function readEventData(value: unknown, provider: string): EventData {
  // What is added where it does not say which provider it is of.
  const room: Room = { chars: MAX_EVENT_CHARS - JSON.stringify({ provider }).length };
  const { bounce, metadata, tags, ...data } = (pick(value, EVENT_DATA, room) ?? {}) as EventData;
  return {
    ...data,
    provider: data.provider ?? provider,
    ...(isBounce(bounce) ? { bounce } : {}),
    ...(tags ? { tags: tagsOf(tags) } : {}),
    ...(metadata ? { metadata: metadataOf(metadata) } : {}),
  };
}

function isBounce(bounce: EventData['bounce']): bounce is EventBounce {
  return (
    isFields(bounce) &&
    BOUNCE_TYPES.includes(bounce.type) &&
    BOUNCE_CATEGORIES.includes(bounce.category) &&
    BOUNCE_SCOPES.includes(bounce.scope)
  );
}

/** As JSON and without `raw`: an event of ours has no more. What is beyond is cut off, and stays in `raw`. */
const MAX_EVENT_CHARS = 20_000;

/** What may still be taken over. */
interface Room {
  chars: number;
}

/** `undefined` for what is of another kind or has no room. `null` means unknown, and stays. */
function pick(value: unknown, kind: Kind, room: Room): unknown {
  if (value === null) return null;
  if (typeof kind === 'object' && !Array.isArray(kind))
    return pickFields(value, kind as Record<string, Kind>, room);
  if (Array.isArray(kind)) {
    const [inner] = kind as readonly [Kind];
    if (!Array.isArray(value)) return undefined;
    return value.map((one) => pick(one, inner, room)).filter(isFields);
  }
  switch (kind) {
    case 'text':
      return typeof value === 'string' ? takeText(value, room) : undefined;
    case 'number':
      return typeof value === 'number' ? value : undefined;
    case 'flag':
      return typeof value === 'boolean' ? value : undefined;
    case 'texts':
      if (!Array.isArray(value)) return undefined;
      return value.filter((one) => typeof one === 'string' && take(one.length + 3, room));
    case 'object':
      return isFields(value) && take(JSON.stringify(value).length, room) ? value : undefined;
    default:
      return value;
  }
}

function take(chars: number, room: Room): boolean {
  if (chars > room.chars) return false;
  room.chars -= chars;
  return true;
}

/** As much of the beginning as there is room for: what escapes add to all of it, they add at most to a part. */
function takeText(value: string, room: Room): string | undefined {
  const added =
    JSON.stringify(value.slice(0, room.chars)).length - Math.min(value.length, room.chars);
  const kept = value.slice(0, Math.max(0, room.chars - added));
  return take(JSON.stringify(kept).length, room) ? kept : undefined;
}

function pickFields(value: unknown, kinds: Readonly<Record<string, Kind>>, room: Room): unknown {
  // The braces and a comma, and for each field its quotes, colon, comma and name.
  if (!isFields(value) || !take(3, room)) return undefined;
  return Object.fromEntries(
    Object.entries(kinds).flatMap(([name, kind]) => {
      if (!Object.hasOwn(value, name)) return [];
      const one = value[name];
      const scalar = typeof one === 'object' || typeof one === 'string' ? 'null' : String(one);
      if (!take(name.length + 4 + scalar.length, room)) return [];
      const found = pick(one, kind, room);
      return found === undefined ? [] : [[name, found]];
    }),
  );
}
