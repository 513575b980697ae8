import { createHash } from 'node:crypto';
import type { CanonicalEvent, EventEngagement } from '@posthorn/sdk';
import type { Ids } from '../../core/ids.ts';
import type { EventLog } from '../../store/log/event-log.ts';
import type { Events } from '../../store/log/events.ts';
import type { Messages } from '../../store/mail/messages.ts';
import { createMailEvent } from '../mail-event.ts';
import { classifyEngagement, type EngagementHistory, type Verdict } from './classify-engagement.ts';
import type { CopyRef, TrackingRef } from './tracking-token.ts';

/** Who asked, as HTTP saw him. */
export interface Reader {
  ip: string | null;
  userAgent: string | null;
}

/**
 * The same asked again within this time is the same: mail programs load a picture twice, and people click
 * twice.
 */
const SAME_MS = 10_000;
/** Events of one recipient and message that are looked at, the newest ones: a burst is within them. */
const MAX_HISTORY = 100;
const MAX_USER_AGENT_CHARS = 500;

type EngagementRef = Extract<TrackingRef, { kind: 'open' | 'click' }>;

/** Writes opens and clicks into the log. */
export interface EngagementRecorder {
  /** Resolves when the event is on disk, or there is none: the message is gone, or it is the same again. */
  record(ref: EngagementRef, reader: Reader): Promise<CanonicalEvent | null>;
}

export function createEngagementRecorder(deps: {
  messages: Pick<Messages, 'get' | 'hasRecipient'>;
  events: Pick<Events, 'ofRecipient'>;
  log: EventLog;
  ids: Ids;
  now: () => number;
  /** Whether addresses and programs of readers are kept. */
  keepsReaders: (projectId: string) => boolean;
}): EngagementRecorder {
  const { log, ids } = deps;

  function readHistory({ projectId, messageId, recipient }: CopyRef): Promise<CanonicalEvent[]> {
    const types = ['email.delivered', 'email.opened', 'email.clicked'] as const;
    const query = { projectId, messageKey: messageId, recipient, types, limit: MAX_HISTORY };
    return deps.events.ofRecipient(query);
  }

  function engagementOf(
    ref: EngagementRef,
    reader: Reader,
    given: { verdict: Verdict; first: boolean },
  ): EventEngagement {
    const { machine, reason, client } = given.verdict;
    const keeps = deps.keepsReaders(ref.projectId);
    return {
      ...(ref.kind === 'click' ? { url: ref.url, link_id: ref.linkId } : {}),
      ip: keeps ? reader.ip : null,
      user_agent: keeps ? (reader.userAgent?.slice(0, MAX_USER_AGENT_CHARS) ?? null) : null,
      client: keeps && client !== null ? { name: client, os: null, device: null } : null,
      first: given.first,
      machine,
      machine_reason: reason,
    };
  }

  return {
    async record(ref, reader) {
      const { projectId, recipient } = ref;
      const message = await deps.messages.get(projectId, ref.messageId);
      if (message === null) return null;
      // Who was erased is not written down again because a mail of his is opened.
      const isKnown = await deps.messages.hasRecipient(projectId, ref.messageId, recipient);
      if (!isKnown) return null;
      const atMs = deps.now();
      const linkId = ref.kind === 'click' ? ref.linkId : null;
      const events = await readHistory(ref);
      const request = { kind: ref.kind, ...reader, atMs, linkId };
      const verdict = classifyEngagement(request, toHistory(events));
      const type = TYPES[ref.kind];
      // A machine that was first must not take it from the person who comes later.
      const alike = events.filter(
        ({ type: other, data: { engagement } }) =>
          other === type &&
          (engagement?.link_id ?? null) === linkId &&
          (engagement?.machine === true) === (verdict.machine === true),
      );
      if (alike.some((event) => atMs - timeOf(event) < SAME_MS)) return null;
      const first = alike.length === 0 && events.length < MAX_HISTORY;
      const engagement = engagementOf(ref, reader, { verdict, first });
      const id = ids.next('event');
      const event = createMailEvent({ id, type, atMs, message, recipient, engagement });
      // Of two at the same moment one is stored: the key says what they have in common.
      const slot = first ? 'first' : String(Math.floor(atMs / SAME_MS));
      const dedupKey = keyOf(ref, [linkId, verdict.machine === true, slot]);
      const [appended] = await log.append([{ projectId, event, dedupKey }]);
      return appended?.duplicateOf === null ? event : null;
    },
  };
}

const TYPES = { open: 'email.opened', click: 'email.clicked' } as const;

/** `events`: the newest first, and not all of them when there are MAX_HISTORY. */
function toHistory(events: readonly CanonicalEvent[]): EngagementHistory {
  // Whatever came before proves that the message had been delivered.
  const proving =
    events.length < MAX_HISTORY ? events.filter(({ type }) => type === 'email.delivered') : events;
  return {
    deliveredAtMs: proving.length === 0 ? null : Math.min(...proving.map(timeOf)),
    clicks: events
      .filter(({ type }) => type === 'email.clicked')
      .map((event) => ({ linkId: event.data.engagement?.link_id ?? null, atMs: timeOf(event) })),
  };
}

function keyOf(ref: EngagementRef, parts: readonly unknown[]): string {
  const text = JSON.stringify([ref.kind, ref.messageId, ref.recipient, ...parts]);
  return `tracking:${createHash('sha256').update(text).digest('base64url')}`;
}

function timeOf({ timestamp }: CanonicalEvent): number {
  return Date.parse(timestamp);
}
