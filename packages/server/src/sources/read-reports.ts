import type { CanonicalEvent, DecodedEvent, EventData, Provider } from '@posthorn/sdk';
import { dedupKeyOfReport } from '../core/events/dedup-key.ts';
import { isId } from '../core/ids.ts';
import { MAX_EVENT_CHARS } from '../core/mail/message-limits.ts';
import type { SourceRecord } from '../core/source.ts';
import { toTimestamp } from '../lib/clock.ts';

/** An event of a source on its way into the log. */
export interface Report {
  dedupKey: string;
  /** Null where the log gives it. */
  id: string | null;
  event: Omit<CanonicalEvent, 'id'>;
}

/** More than any provider puts into a post, and still one commit. */
export const MAX_REPORTS = 5_000;
const MAX_TAGS = 50;

/** What a provider's file has read, as events of this source. */
export function toReports(
  source: Pick<SourceRecord, 'id' | 'settings'>,
  provider: Pick<Provider, 'dedupParts'>,
  decoded: readonly DecodedEvent[],
  receivedAtMs: number,
): Report[] {
  const receivedAt = toTimestamp(receivedAtMs);
  return decoded.map((one) => {
    const id = one.id !== undefined && isId('event', one.id) ? one.id : null;
    const parts = provider.dedupParts(id === null ? withoutId(one) : one);
    const { provider: name, ...given } = stamp(withoutPlace(one.data), source.settings);
    const data: EventData = fit({
      provider: name ?? '',
      source: source.id,
      received_at: receivedAt,
      ...given,
    });
    return {
      dedupKey: dedupKeyOfReport({ sourceId: source.id, id, parts }),
      id,
      event: { type: one.type, timestamp: one.timestamp ?? receivedAt, data },
    };
  });
}

/** Whoever speaks of them, each once. */
export function recipientsOf(reports: readonly Report[]): string[] {
  const found = reports.flatMap(({ event }) => event.data.recipient ?? []);
  return [...new Set(found)];
}

function withoutId({ id: _id, ...event }: DecodedEvent): DecodedEvent {
  return event;
}

/** What another Posthorn's log said of it is not so here: its place, its source, when it came. */
function withoutPlace(data: EventData): EventData {
  const { sequence: _n, state: _s, previous_state: _p, coalesced: _c, ...here } = data;
  const { source: _source, received_at: _received, ...rest } = here;
  return rest;
}

function stamp(data: EventData, { stream, tags }: SourceRecord['settings']): EventData {
  const { message } = data;
  const stamped: EventData = { ...data };
  if (stream !== null && message !== undefined) {
    stamped.message = { ...message, stream: message.stream ?? stream };
  }
  if (tags.length > 0 && message !== undefined) {
    stamped.tags = [...new Set([...tags, ...(data.tags ?? [])])].slice(0, MAX_TAGS);
  }
  return stamped;
}

/** The largest labels go first; `raw` has all of them. */
function fit(data: EventData): EventData {
  const size = ({ raw: _raw, ...rest }: EventData): number => JSON.stringify(rest).length;
  if (size(data) <= MAX_EVENT_CHARS) return data;
  const plain = { ...data, metadata: {} };
  return size(plain) <= MAX_EVENT_CHARS ? plain : { ...plain, tags: [] };
}
