import { createHash } from 'node:crypto';
import type { CanonicalEvent, EventData } from '@posthorn/sdk';
import type { Ids } from '../../core/ids.ts';
import { toTimestamp } from '../../lib/clock.ts';
import type { EventLog } from '../../store/log/event-log.ts';
import type { Messages } from '../../store/mail/messages.ts';
import type { Suppressions } from '../../store/mail/suppressions.ts';
import { createMailEvent } from '../mail-event.ts';
import type { Reader } from './record-engagement.ts';
import type { TrackingRef } from './tracking-token.ts';

export type UnsubscribeRef = Extract<TrackingRef, { kind: 'unsubscribe' }>;

/**
 * `one-click`: the mail program asked (RFC 8058); `link`: the person did, on the page; `mailto`: by a mail to
 * the address in List-Unsubscribe.
 */
export type UnsubscribeMethod = 'one-click' | 'link' | 'mailto';

/** A double click is one (see the recorder of engagement). */
const SAME_MS = 10_000;

/**
 * What a recipient does who wants out, or back in. The events are `email.unsubscribed` and
 * `email.resubscribed`; the suppression list follows from them (mail/suppression). Works when the message
 * itself has outlived its retention: nobody has to stay because his mail is old.
 */
export interface Unsubscriber {
  hasLeft(ref: UnsubscribeRef): Promise<boolean>;
  /** Resolves when it is on disk. Doing it again changes nothing. */
  leave(ref: UnsubscribeRef, method: UnsubscribeMethod, reader: Reader): Promise<void>;
  comeBack(ref: UnsubscribeRef, reader: Reader): Promise<void>;
}

export function createUnsubscriber(deps: {
  messages: Pick<Messages, 'get'>;
  suppressions: Pick<Suppressions, 'at'>;
  log: EventLog;
  ids: Ids;
  now: () => number;
  keepsReaders: (projectId: string) => boolean;
}): Unsubscriber {
  const { ids, now } = deps;

  async function entryOf({ projectId, recipient, stream }: UnsubscribeRef) {
    const at = await deps.suppressions.at({ projectId, address: recipient, stream }, now());
    return at?.reason === 'unsubscribe' ? at : null;
  }

  async function append(
    ref: UnsubscribeRef,
    type: 'email.unsubscribed' | 'email.resubscribed',
    given: { method: UnsubscribeMethod; reader: Reader },
  ): Promise<void> {
    const { projectId, messageId, recipient } = ref;
    const message = await deps.messages.get(projectId, messageId);
    const atMs = now();
    const about: Pick<EventData, 'unsubscribe' | 'engagement'> = {
      unsubscribe: { method: given.method, group: null },
      ...(deps.keepsReaders(projectId) && given.method !== 'mailto'
        ? { engagement: { ip: given.reader.ip, user_agent: given.reader.userAgent } }
        : {}),
    };
    const id = ids.next('event');
    const event =
      message === null
        ? eventWithoutMessage(ref, { id, type, atMs })
        : createMailEvent({ id, type, atMs, message, recipient });
    const text = JSON.stringify([type, messageId, recipient, Math.floor(atMs / SAME_MS)]);
    const dedupKey = `tracking:${createHash('sha256').update(text).digest('base64url')}`;
    const full = { ...event, data: { ...event.data, ...about } };
    await deps.log.append([{ projectId, event: full, dedupKey }]);
  }

  return {
    hasLeft: async (ref) => (await entryOf(ref)) !== null,
    async leave(ref, method, reader) {
      if ((await entryOf(ref)) !== null) return;
      await append(ref, 'email.unsubscribed', { method, reader });
    },
    async comeBack(ref, reader) {
      if ((await entryOf(ref)) === null) return;
      await append(ref, 'email.resubscribed', { method: 'link', reader });
    },
  };
}

/** What the token knows of a message that is not kept any more. */
function eventWithoutMessage(
  { messageId, from, stream, recipient }: UnsubscribeRef,
  event: { id: string; type: CanonicalEvent['type']; atMs: number },
): CanonicalEvent {
  const timestamp = toTimestamp(event.atMs);
  return {
    id: event.id,
    type: event.type,
    timestamp,
    data: {
      provider: 'posthorn',
      source: null,
      received_at: timestamp,
      message: { id: messageId, from, stream },
      recipient,
      recipient_inferred: false,
      tags: [],
      metadata: {},
    },
  };
}
